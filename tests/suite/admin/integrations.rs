//! A system is set up by its name: asked, planned, made, and what to paste is there, on pages and by the API.

use serde_json::{Value, json};

use super::{Api, Operator};
use crate::harness::World;
use crate::harness::app::claims;

const CLUSTER: &str = "https://influx.example";

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_operator_chooses_a_system_and_copies_what_belongs_there() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let sub = claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/clients/new").await;
    assert!(page.has("system-influxdb") && page.has("system-influxctl"), "{page}");

    let page = editor.open("/admin/integrations/influxdb").await;
    assert!(page.has("cluster"), "{page}");
    let page = editor.open("/admin/integrations/influxdb?cluster=no%20identifier&step=plan").await;
    assert_eq!((page.status, page.has("cluster-error")), (422, true), "{page}");
    let page = editor.open("/admin/integrations/influxdb?cluster=https%3A%2F%2Finflux.example&step=plan").await;
    assert!(page.body.contains("Nothing was made yet") && page.has("apply"), "{page}");
    assert_eq!(editor.open("/admin/clients/influxctl").await.status, 404, "a plan makes nothing");

    let page = editor.submit(&page, "make", &[]).await;
    assert!(page.url.path().ends_with("/admin/clients/influxctl/snippets/influxdb"), "{page}");
    assert!(page.body.contains("users is empty"), "{page}");
    let page = editor.open("/admin/clients/influxctl/snippets/influxdb?q=marty").await;
    assert!(page.has(&format!("user-{sub}")), "{page}");
    let page = editor.open(&format!("/admin/clients/influxctl/snippets/influxdb?user={sub}")).await;
    let block: Value = serde_saphyr::from_str(&page.text_of("text-1").unwrap()).unwrap();
    assert_eq!(block["spec"]["package"]["spec"]["admin"]["users"][0]["id"], sub);

    let page = editor.open("/admin/clients/influxctl").await;
    assert!(page.body.contains("/admin/clients/influxctl/snippets/influxctl"), "{page}");
    let page = editor.open("/admin/clients/shop/snippets").await;
    assert!(page.body.contains("may not use the grant device_code"), "what is in the way is said: {page}");
    // the second time there is nothing to make, and the way on is there
    let page = editor.open("/admin/integrations/influxdb?cluster=https%3A%2F%2Finflux.example&step=plan").await;
    assert!(!page.has("apply") && page.has("to-snippets-1"), "{page}");
}

#[tokio::test]
async fn a_program_does_the_same_and_a_plan_that_changed_is_not_carried_out() {
    let world = World::new().await;
    let (api, auditor) = (Api::of(&world.broker, "editor").await, Api::of(&world.broker, "auditor").await);
    let known = auditor.get("/integrations").await.json;
    let influxdb = known["items"].as_array().unwrap().iter().find(|one| one["system"] == "influxdb").unwrap().clone();
    assert_eq!(influxdb["questions"][0]["key"], "cluster");

    let answers = json!({ "answers": { "cluster": CLUSTER } });
    assert_eq!(auditor.post("/integrations/influxdb/plan", &answers).await.status, 403);
    let missing = api.post("/integrations/influxdb/plan", &json!({})).await;
    assert_eq!((missing.status, missing.text("code")), (422, "invalid"), "{}", missing.json);
    assert!(missing.json.to_string().contains("answers.cluster"), "{}", missing.json);
    let unknown = json!({ "answers": { "cluster": CLUSTER, "cloud": "x" } });
    assert_eq!(api.post("/integrations/influxdb/plan", &unknown).await.status, 422);
    assert_eq!(api.post("/integrations/mysql/plan", &answers).await.status, 404);

    let plan = api.post("/integrations/influxdb/plan", &answers).await;
    assert_eq!(plan.status, 200, "{}", plan.json);
    let made: Vec<_> = plan.json["changes"].as_array().unwrap().iter().map(|one| text(&one["item"])).collect();
    assert_eq!(made, [&format!("resource {CLUSTER}"), "client influxctl"]);
    assert!(plan.text("file").contains("complete_verification_uri: true"), "{}", plan.json);

    // somebody else makes a part of it meanwhile
    let resource = json!({ "identifier": CLUSTER, "name": "Ours" });
    assert_eq!(api.post("/resources", &resource).await.status, 201);
    let with = |version: &str| json!({ "answers": { "cluster": CLUSTER }, "version": version });
    let late = api.post("/integrations/influxdb/apply", &with(plan.text("version"))).await;
    assert_eq!((late.status, late.text("code")), (412, "changed_meanwhile"), "{}", late.json);
    assert_eq!(api.get("/clients/influxctl").await.status, 404);
    let plan = api.post("/integrations/influxdb/plan", &answers).await;
    assert_eq!(plan.json["changes"][0]["action"], "update");
    let done = api.post("/integrations/influxdb/apply", &with(plan.text("version"))).await;
    assert_eq!((done.status, &done.json["clients"]), (200, &json!(["influxctl"])), "{}", done.json);
    assert_eq!(api.post("/integrations/influxdb/plan", &answers).await.json["changes"], json!([]));

    let blocks = auditor.get("/clients/influxctl/snippets/influxctl").await.json["items"].clone();
    let profile: Value = toml::from_str(text(&blocks[0]["text"])).unwrap();
    assert_eq!(profile["profile"][0]["auth"]["oauth2"]["client_id"], "influxctl");
    let misfit = auditor.get("/clients/shop/snippets/influxctl").await;
    assert_eq!((misfit.status, misfit.text("code")), (409, "client_does_not_fit"), "{}", misfit.json);
    for (path, status) in [
        ("/clients/nobody/snippets/influxctl", 404),
        ("/clients/influxctl/snippets/mysql", 404),
        ("/clients/influxctl/snippets/influxdb?user=marty", 400),
        ("/clients/influxctl/snippets/influxdb?user=usr_01jd00000000000000000000zz", 404),
    ] {
        assert_eq!(auditor.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn what_a_file_owns_is_not_taken_from_it() {
    let world = World::new().await;
    world.apply(&format!("resources: [{{ identifier: '{CLUSTER}', name: Ours }}]")).await;
    let api = Api::of(&world.broker, "editor").await;
    let refused = api.post("/integrations/influxdb/apply", &json!({ "answers": { "cluster": CLUSTER } })).await;
    assert_eq!((refused.status, refused.text("code")), (409, "owned_by_file"), "{}", refused.json);
    assert_eq!(api.get("/clients/influxctl").await.status, 404, "all or nothing");
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/integrations/influxdb?cluster=https%3A%2F%2Finflux.example&step=plan").await;
    assert!(page.has("cluster-error") && page.body.contains("resources.yaml owns the resource"), "{page}");
}

#[tokio::test]
async fn a_system_of_many_parts_leads_on_to_each_of_them() {
    let world = World::new().await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let plan = "/admin/integrations/camunda?url=https%3A%2F%2Fcamunda.example&step=plan";
    let page = editor.open(plan).await;
    let page = editor.submit(&page, "make", &[]).await;
    assert!(page.status == 200 && page.body.contains("Nothing to change") && !page.has("apply"), "{page}");
    let parts = (1..).take_while(|n| page.has(&format!("to-snippets-{n}"))).count();
    assert!(parts >= 6, "{parts} parts: {page}");
}
