//! Another rule or mapping, tried on the sign-ins that were.

use serde_json::json;

use crate::admin::{Api, Operator};
use crate::harness::World;

#[tokio::test]
async fn an_edited_rule_and_mapping_are_tried_on_the_last_sign_ins_and_nothing_is_stored() {
    let world = World::new().await;
    world.set_contoso("allow: \"'Staff' in claims.groups\"\nmapping: { groups: claims.groups }").await;
    for (subject, groups) in [("marty", json!(["staff"])), ("doc", json!(["Staff", "science"]))] {
        world.idp.tell(|script| {
            script.subject = subject.into();
            script.userinfo =
                json!({ "name": subject, "email": format!("{subject}@contoso.example"), "groups": groups });
        });
        world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    }
    let api = Api::of(&world.broker, "editor").await;
    let replay = async |body| api.post("/connections/contoso/replay", &body).await;

    let same = replay(json!({})).await;
    assert_eq!((same.status, &same.json["changed"]), (200, &json!(0)), "{}", same.json);
    assert_eq!(same.json["items"].as_array().unwrap().len(), 2);

    let rule = "claims.groups.exists(g, g == 'staff')";
    let mapping = json!({ "groups": "claims.groups.filter(g, g != 'science')", "attributes": { "n": "claims.nope" } });
    let edited = replay(json!({ "allow": rule, "mapping": mapping })).await.json;
    let of = |name: &str| {
        let items = edited["items"].as_array().unwrap();
        items.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {edited}")).clone()
    };
    assert_eq!(of("marty")["changes"], json!([{ "field": "allowed", "before": false, "after": true }]));
    assert_eq!(
        of("doc")["changes"],
        json!([
            { "field": "allowed", "before": true, "after": false },
            { "field": "groups", "before": ["Staff", "science"], "after": ["Staff"] },
        ])
    );
    assert!(of("doc")["warnings"][0].as_str().unwrap().starts_with("attributes: "), "{edited}");
    assert_eq!(replay(json!({ "allow": "(" })).await.status, 400);
    assert_eq!(replay(json!({ "allow": null })).await.json["changed"], 1);

    let mut operator = Operator::signed_in(&world.broker, "editor").await;
    let page = operator.open("/admin/connections/contoso/replay").await;
    assert!(page.body.contains("&#39;Staff&#39; in claims.groups") && !page.has("differences"), "{page}");
    let page = operator.submit(&page, "replay", &[("allow", rule), ("groups", "claims.groups")]).await;
    assert_eq!(
        (page.text_of("let-in").as_deref(), page.text_of("kept-out").as_deref()),
        (Some("1"), Some("1")),
        "{page}"
    );
    assert!(page.has("differences") && page.body.contains("doc@contoso.example"));
    let page = operator.submit(&page, "replay", &[("allow", "("), ("name", "claims.name")]).await;
    assert_eq!((page.status, page.has("allow-error")), (422, true), "{page}");
    assert!(page.form("replay").fields.contains(&("name".into(), "claims.name".into())), "what was typed stays");

    // the rule is what it was
    world.idp.tell(|script| script.userinfo["groups"] = json!(["staff"]));
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    page.assert_problem(403, "not_allowed");
}
