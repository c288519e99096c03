//! The same at the desk and by the API.

use serde_json::{Value, json};

use super::Report;
use crate::admin::{Api, Operator};
use crate::harness::World;
use crate::harness::app::claims;
use crate::integrations::preset;

#[tokio::test]
async fn a_program_asks_and_is_told_what_is_not_known() {
    let world = World::new().await;
    world.apply(&preset("argocd", &[("url", "http://localhost:9")])).await;
    let (api, auditor) = (Api::of(&world.broker, "editor").await, Api::of(&world.broker, "auditor").await);
    assert_eq!(auditor.post("/clients/argocd/doctor", &json!({})).await.status, 403);

    let well = api.post("/clients/argocd/doctor", &json!({})).await;
    assert_eq!((well.status, &well.json["system"], &well.json["state"]), (200, &json!("argocd"), &json!("ok")));
    let issuer = format!("{}/", world.broker.issuer);
    let asked = json!({ "system": "argocd", "issuer": issuer, "audience": "argo", "groups_claim": "teams" });
    let told = api.post("/clients/argocd/doctor", &asked).await;
    assert_eq!((told.status, &told.json["state"]), (200, &json!("failure")));
    assert_eq!(Report(told.json).checks("failure"), ["issuer", "audience", "groups"]);

    assert_eq!(api.post("/clients/nobody/doctor", &json!({})).await.status, 404);
    let unknown = "usr_00000000000000000000000000";
    for (body, path, words) in [
        (json!({ "system": "influx" }), "system", "there are influxdb, influxctl"),
        (json!({ "user": "marty" }), "user", "they begin with usr_"),
        (json!({ "user": unknown }), "user", "there is no user usr_0"),
    ] {
        let refused = api.post("/clients/argocd/doctor", &body).await;
        assert_eq!((refused.status, &refused.json["errors"][0]["path"]), (422, &json!(path)), "{}", refused.json);
        assert!(refused.json.to_string().contains(words), "{}", refused.json);
    }
    assert_eq!(api.post("/clients/argocd/doctor", &json!({ "sytem": "argocd" })).await.status, 400);
}

#[tokio::test]
async fn an_operator_reads_what_will_break_before_the_rest() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let sub = claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    world.apply(&preset("kubernetes", &[])).await;
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    assert!(!auditor.open("/admin/clients/kubernetes").await.has("doctor"));
    assert_eq!(auditor.open("/admin/clients/kubernetes/doctor").await.status, 403);

    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    assert!(editor.open("/admin/clients/kubernetes").await.has("doctor"));
    assert!(editor.open("/admin/clients/kubernetes/snippets/kubernetes").await.has("doctor"));
    let page = editor.open("/admin/clients/kubernetes/doctor").await;
    assert!(page.body.contains("<option value=\"kubernetes\" selected>"), "the system is guessed: {page}");
    let page = editor.open("/admin/clients/kubernetes/doctor?system=argocd").await;
    assert!(page.body.contains("<option value=\"argocd\" selected>"), "or known: {page}");
    assert_eq!(world.count("client.examined", "success").await, 0, "a page that is opened asks nothing");

    let page = editor.open("/admin/clients/kubernetes/doctor").await;
    let found = editor.submit(&page, "doctor", &[]).await;
    assert!(found.body.contains("It will work at Kubernetes") && found.has("well"), "{found}");
    assert!(!found.has("broken") && !found.has("doubtful"), "{found}");

    // his address is not verified, and what is set there is wrong
    let issuer = format!("{}/", world.broker.issuer);
    let wrong = [("person", "marty@contoso.example"), ("issuer", &issuer)];
    let found = editor.submit(&page, "doctor", &wrong).await;
    assert_eq!(found.status, 200, "{found}");
    let at = |words: &str| found.body.find(words).unwrap_or_else(|| panic!("no {words}: {found}"));
    assert!(at("One thing will break at Kubernetes") < at("id=\"broken\""));
    assert!(
        at("a trailing slash too many") < at("id=\"doubtful\"") && at("oidc: email not verified") < at("id=\"well\"")
    );
    assert!(found.body.contains(&format!("value=\"{issuer}\"")), "what was typed is kept");
    let event = world.last_event("client.examined").await;
    assert_eq!((&event.detail["failures"], event.actor.starts_with("operator:")), (&Value::from(1), true), "{event:?}");
    let same = editor.submit(&page, "doctor", &[("person", &sub)]).await;
    assert!(same.body.contains("oidc: email not verified"), "{same}");

    let wrong = editor.submit(&page, "doctor", &[("person", "nobody@contoso.example"), ("audience", "kept")]).await;
    assert!(wrong.status == 422 && wrong.has("person-error") && wrong.body.contains("value=\"kept\""), "{wrong}");
    assert_eq!(editor.open("/admin/clients/nobody/doctor").await.status, 404);
}
