//! Tables of people, in and out.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ahead, page, sub_of};
use crate::admin::{Api, Operator};
use crate::harness::app::{answer, http};
use crate::harness::{Answer, World};

const TABLE: &str =
    "email,name,connection,subject\nada@x.example,Ada,contoso,1\nbob@x.example,=cmd|' /C calc'!A0,contoso,2\n";

async fn import(world: &World, api: &Api, query: &str, table: &str) -> Answer {
    let url = world.broker.url(&format!("/api/v1/users/import{query}"));
    let request = http().request(Method::POST, url).header("authorization", &api.authorization);
    answer(request.header("content-type", "text/csv").body(table.to_owned())).await
}

async fn export(world: &World, api: &Api, query: &str) -> (String, String) {
    let url = world.broker.url(&format!("/api/v1/users/export?{query}"));
    let answer = http().get(url).header("authorization", &api.authorization).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, answer.text().await.unwrap())
}

#[tokio::test]
async fn a_table_comes_in_as_a_whole_or_not_at_all_and_twice_is_once() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let wrong = format!("{TABLE}not-an-address,,contoso,3\nc@x.example,,nowhere,\n");
    let refused = import(&world, &api, "", &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    let errors = refused.json["errors"].as_array().unwrap();
    let paths: Vec<_> = errors.iter().map(|error| error["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["line 4, email", "line 5, subject", "line 5, connection"]);
    assert!(page(&api, "").await.0.is_empty(), "nobody came in");

    let dry = import(&world, &api, "?dry_run=true", TABLE).await;
    assert_eq!(dry.json, json!({ "dry_run": true, "created": 2, "known": 0 }));
    assert!(page(&api, "").await.0.is_empty());
    let made = import(&world, &api, "", TABLE).await;
    assert_eq!((made.status, &made.json["created"], &made.json["users"][0]["line"]), (200, &json!(2), &json!(2)));
    let again = import(&world, &api, "", TABLE).await;
    assert_eq!((&again.json["created"], &again.json["known"]), (&json!(0), &json!(2)), "{}", again.json);
    assert_eq!(again.json["users"][1]["sub"], made.json["users"][1]["sub"]);
    assert_eq!(world.count("user.created", "success").await, 2);

    world.idp.tell(|script| script.subject = "1".into());
    let (_, tokens) = world.signed_in().await;
    assert_eq!(sub_of(&tokens), made.json["users"][0]["sub"].as_str().unwrap());
}

#[tokio::test]
async fn a_large_table_comes_in_at_once_and_a_larger_one_is_refused() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let rows: String = (0..10_000).map(|n| format!("p{n}@x.example,Person {n},contoso,s{n}\n")).collect();
    let table = format!("email,name,connection,subject\n{rows}");
    let made = import(&world, &api, "", &table).await;
    assert_eq!((made.status, &made.json["created"]), (200, &json!(10_000)), "{}", made.text("detail"));
    let over = import(&world, &api, "?dry_run=true", &format!("{table}a@x.example,A,contoso,a\n")).await;
    assert_eq!(over.status, 422, "{}", over.json);
    let huge = import(&world, &api, "", &"x".repeat(5 << 20)).await;
    assert_eq!(huge.status, 413, "{}", huge.json);
    assert_eq!(export(&world, &api, "format=csv").await.1.lines().count(), 10_001);
}

#[tokio::test]
async fn the_page_shows_what_a_table_does_before_it_does_it() {
    let world = World::new().await;
    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let form = ada.open("/admin/users/import").await;
    let shown = ada.submit(&form, "import", &[("table", "")]).await;
    assert!(shown.status == 422 && shown.has("table-error"), "{shown}");
    let wrong = "email,connection,subject\n\"<script id=hostile>\",contoso,1\n";
    let shown = ada.submit(&shown, "import", &[("table", wrong)]).await;
    assert!(shown.status == 422 && shown.has("faults") && !shown.body.contains("<script id=hostile>"), "{shown}");
    assert!(
        shown.form("import").fields.iter().any(|(name, kept)| name == "table" && kept.contains("hostile")),
        "{shown}"
    );
    let shown = ada.submit(&shown, "import", &[("table", TABLE)]).await;
    assert_eq!(shown.text_of("preview").as_deref(), Some("2 to create, 0 known already"), "{shown}");
    assert!(ada.open("/admin/users").await.has("nobody"), "nothing was done yet");
    let listed = ada.press(&shown, "go").await;
    assert!(listed.status == 200 && listed.body.contains("Ada") && listed.body.contains("=cmd|"), "{listed}");
    let event = world.last_event("users.imported").await;
    assert_eq!((event.detail, event.actor), (json!({ "created": 2, "known": 0 }), format!("operator:{}", ada.email)));

    let stale = ada.browser.clone().submit(&form, "import", &[("csrf", "x"), ("table", TABLE)]).await;
    assert_eq!(stale.status, 403, "{stale}");
}

#[tokio::test]
async fn chosen_people_or_a_list_go_out_for_influxdb_and_for_spreadsheets() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let marty = ahead(&world, &api, "mcfly@x.example", "Marty McFly", "1").await;
    let formula = ahead(&world, &api, "doc@x.example", "=HYPERLINK(\"http://evil.example\")", "2").await;
    let (kind, yaml) = export(&world, &api, "format=influxdb&q=marty").await;
    assert_eq!(kind, "application/yaml");
    let expected = format!("users:\n- id: {marty}\n  firstName: Marty\n  lastName: McFly\n  email: mcfly@x.example\n");
    assert_eq!(yaml, expected);
    let (_, yaml) = export(&world, &api, &format!("format=influxdb&sub={formula}&sub={marty}")).await;
    let read: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(read["users"][0]["id"], formula.as_str(), "{yaml}");
    assert_eq!(read["users"].as_array().unwrap().len(), 2);
    let (kind, table) = export(&world, &api, "format=csv&status=never_signed_in").await;
    assert_eq!(kind, "text/csv; charset=utf-8");
    assert!(table.contains(",\"'=HYPERLINK(\"\"http://evil.example\"\")\","), "{table}");
    assert_eq!(api.get("/users/export?format=xml").await.status, 400);
    let mut ada = Operator::signed_in(&world.broker, "auditor").await;
    let file = ada.open("/admin/users/export?format=influxdb&connection=contoso").await;
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"influxdb-users-"), "{file}");
    assert_eq!(file.body.matches("- id: usr_").count(), 2, "{file}");
}
