//! Metadata as products write it, all the way from the resource file to a sign-in.

use super::*;

#[tokio::test]
async fn whatever_shape_it_has_people_sign_in() {
    let mut play = Play::unconnected(Options::default()).await;
    let (one, other) = (play.identity(0), play.identity(1));
    let entity_id = play.saml.idp.idp_entity_id.clone();
    let signing = |identity| key(" use=\"signing\"", identity);
    let fed = format!(
        r#"<md:RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706">{}</md:RoleDescriptor>"#,
        signing(other)
    );
    let sp = r#"<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>"#;
    let aggregate = format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"><md:EntitiesDescriptor>{}{}</md:EntitiesDescriptor>{}</md:EntitiesDescriptor>"#,
        entity("https://sp.test", "", sp),
        entity(&entity_id, "", &role("", &signing(one))),
        entity("https://c.test", "", &role("", &signing(other)).replace("_metadata", "_c")),
    );
    let shapes = [
        ("a KeyDescriptor without use", entity(&entity_id, "", &role("", &key("", one)))),
        (
            "encryption keys beside",
            entity(&entity_id, "", &role("", &(key(" use=\"encryption\"", other) + &signing(one)))),
        ),
        ("Entra: WS-Federation roles first", entity(&entity_id, "", &(fed.clone() + &role("", &signing(one))))),
        (
            "ADFS: a byte order mark, a service provider as well",
            format!(
                "\u{feff}<?xml version=\"1.0\"?>\n{}",
                entity(&entity_id, "", &(fed + sp + &role("", &signing(one))))
            ),
        ),
        ("a role's cacheDuration", entity(&entity_id, "", &role(" cacheDuration=\"PT1H\"", &signing(one)))),
        ("a federation", aggregate),
        ("two certificates", entity(&entity_id, "", &role("", &(key("", one) + &key("", play.identity(3)))))),
    ];
    for (what, body) in shapes {
        let fetches = play.publisher.fetches();
        play.publisher.serve(body);
        // another connection each time, as far as the broker knows
        play.saml.connect(&format!("metadata_url: {}?{fetches}\nentity_id: {entity_id}", play.publisher.url)).await;
        play.accepted(0).await;
        assert_eq!(play.states(&[0, 1]).await, ["active metadata", "absent"], "{what}");
    }
    play.accepted(3).await;
}

#[tokio::test]
async fn a_wish_to_be_asked_hourly_is_granted() {
    let mut play = Play::unconnected(Options::default()).await;
    let body = entity(&play.saml.idp.idp_entity_id, "", &role(" cacheDuration=\"PT1H\"", &key("", play.identity(0))));
    play.publisher.serve(body);
    play.connect("").await;
    play.until_fetched(1).await;
    play.saml.world.broker.clock.advance(Turn::minutes(50));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(play.publisher.fetches(), 1);
    play.saml.world.broker.clock.advance(Turn::minutes(17));
    play.until_fetched(2).await;
    play.accepted(0).await;
}
