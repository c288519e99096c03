//! A SAML provider's services move. Until an operator has approved it people are sent where they were.

use serde_json::json;

use super::*;
use crate::admin::{Api, Operator};

const ELSEWHERE: &str = "http://localhost:9/elsewhere";

async fn versions(api: &Api) -> Value {
    let all = api.get("/connections/fabrikam/versions").await;
    assert_eq!(all.status, 200, "{}", all.json);
    all.json
}

async fn states(api: &Api) -> Vec<String> {
    let all = versions(api).await;
    all["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}

/// Metadata whose sign-on service is elsewhere, with these certificates.
fn moved(play: &Play, numbers: &[usize]) -> String {
    let identities: Vec<_> = numbers.iter().map(|number| play.identity(*number)).collect();
    document(&play.saml.idp.idp_entity_id, "", &identities).replace(SSO, ELSEWHERE)
}

/// Where somebody who signs in is sent.
async fn sent_to(play: &Play) -> String {
    let mut browser = play.saml.world.shop.browser();
    browser.stop_at("http://localhost:9/");
    let (_, page) = play.saml.world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
    assert!(page.stopped, "{page}");
    let url = page.url.as_str();
    url.split_once("SAMLRequest").map_or(url, |(place, _)| place.trim_end_matches(['?', '&'])).to_owned()
}

#[tokio::test]
async fn a_sign_on_service_that_moves_waits_and_new_certificates_do_not() {
    let mut play = Play::new("").await;
    let api = Api::of(&play.saml.world.broker, "editor").await;
    assert_eq!(states(&api).await, ["approved"], "the first is approved as the connection was");
    play.publisher.serve(moved(&play, &[0, 1]));
    play.a_day_later().await;
    assert_eq!(states(&api).await, ["pending", "approved"]);
    assert_eq!(sent_to(&play).await, SSO);
    play.accepted(1).await;
    play.saml.world.broker.restart().await;
    assert_eq!(sent_to(&play).await, SSO, "nor does a restart forget");
    play.a_day_later().await;
    assert_eq!(play.saml.world.count("connection.drift_seen", "failed").await, 1, "said once");

    let api = Api::of(&play.saml.world.broker, "editor").await;
    let open = versions(&api).await["items"][0].clone();
    let (before, after) = (&open["changes"]["single_sign_on"][0], &open["changes"]["single_sign_on"][1]);
    assert_eq!((&before[0]["location"], &after[0]["location"]), (&json!(SSO), &json!(ELSEWHERE)), "{open}");
    let path = format!("/connections/fabrikam/versions/{}", open["id"].as_str().unwrap());
    assert_eq!(api.post(&format!("{path}/reject"), &json!({})).await.status, 204);
    play.a_day_later().await;
    assert_eq!(states(&api).await, ["rejected", "approved"], "not asked again");
    assert_eq!(sent_to(&play).await, SSO);
    assert_eq!(api.post(&format!("{path}/approve"), &json!({})).await.status, 204);
    play.saml.world.broker.catch_up().await;
    assert_eq!(sent_to(&play).await, ELSEWHERE);
    play.a_day_later().await;
    assert_eq!(
        (sent_to(&play).await.as_str(), states(&api).await),
        (ELSEWHERE, vec!["approved".into(), "superseded".into()])
    );
}

#[tokio::test]
async fn it_is_decided_on_the_page_and_every_page_of_the_connection_says_so() {
    let play = Play::new("").await;
    play.publisher.serve(moved(&play, &[0]));
    play.a_day_later().await;
    let mut editor = Operator::signed_in(&play.saml.world.broker, "editor").await;
    let page = editor.open("/admin/connections/fabrikam").await;
    assert!(page.has("drift"), "{page}");
    assert!(editor.open("/admin").await.body.contains("says something else than was approved"));
    let page = editor.open("/admin/connections/fabrikam/versions").await;
    assert!(page.body.contains(SSO) && page.body.contains(ELSEWHERE) && !page.has("drift"), "{page}");
    let page = editor.press(&page, "approve").await;
    assert!(!page.has("approve") && page.body.contains(ELSEWHERE), "{page}");
    assert!(!editor.open("/admin/connections/fabrikam").await.has("drift"));
    play.saml.world.broker.catch_up().await;
    assert_eq!(sent_to(&play).await, ELSEWHERE);
}

#[tokio::test]
async fn a_provider_that_goes_back_and_forth_is_told_of_once_a_day() {
    let mut play = Play::new("").await;
    let api = Api::of(&play.saml.world.broker, "editor").await;
    let hourly =
        |document: String| document.replace("<md:EntityDescriptor ", "<md:EntityDescriptor cacheDuration=\"PT1H\" ");
    let [home, away] = [moved(&play, &[0]).replace(ELSEWHERE, SSO), moved(&play, &[0])].map(hourly);
    play.publisher.serve(home.clone());
    play.a_day_later().await;
    for _ in 0..3 {
        for (document, expected) in [(&away, "pending"), (&home, "superseded")] {
            play.publisher.serve(document.clone());
            let before = play.publisher.fetches();
            play.saml.world.broker.clock.advance(Turn::minutes(70));
            play.until_fetched(before + 1).await;
            assert_eq!(states(&api).await, [expected, "approved"], "one row, however often");
        }
    }
    assert_eq!(play.saml.world.count("connection.drift_seen", "failed").await, 1);
    play.publisher.serve(away);
    play.a_day_later().await;
    assert_eq!(play.saml.world.count("connection.drift_seen", "failed").await, 2, "a day later it is news");
    play.accepted(0).await;
}

#[tokio::test]
async fn a_provider_that_calls_itself_another_is_shown_and_never_approved() {
    let mut play = Play::new("").await;
    play.publisher.serve(document("https://other.test/metadata", "", &[play.identity(1)]));
    play.a_day_later().await;
    let api = Api::of(&play.saml.world.broker, "auditor").await;
    let seen = versions(&api).await;
    assert!(seen["blocked"]["detail"].as_str().unwrap().contains("no longer describes"), "{seen}");
    assert_eq!(states(&api).await, ["approved"]);
    let mut auditor = Operator::signed_in(&play.saml.world.broker, "auditor").await;
    let page = auditor.open("/admin/connections/fabrikam/versions").await;
    assert!(page.has("blocked"), "{page}");
    assert!(auditor.open("/admin").await.body.contains("says that it is another provider"));
    play.accepted(0).await;
    play.a_day_later().await;
    assert_eq!(play.audited("connection.drift_seen", Some("another_provider")).await.len(), 1, "said once");
    play.publish(&[0]).await;
    play.a_day_later().await;
    assert!(versions(&api).await["blocked"].is_null());
    assert!(!auditor.open("/admin/connections/fabrikam").await.has("drift"));
}

#[tokio::test]
async fn another_url_is_the_operators_decision_and_its_first_document_counts() {
    let play = Play::new("").await;
    let api = Api::of(&play.saml.world.broker, "editor").await;
    let other = Publisher::start().await;
    other.serve(moved(&play, &[0]));
    play.saml.connect(&format!("metadata_url: {}\n", other.url)).await;
    wait("the other is read", async || other.fetches() >= 1 && states(&api).await == ["approved"]).await;
    play.saml.world.broker.catch_up().await;
    assert_eq!(sent_to(&play).await, ELSEWHERE);
    // back at the first, which has moved meanwhile: what it says now is the first again
    play.publisher.serve(moved(&play, &[0]).replace("elsewhere", "third"));
    let before = play.publisher.fetches();
    play.connect("").await;
    play.until_fetched(before + 1).await;
    assert_eq!(states(&api).await, ["approved", "superseded"]);
    assert!(sent_to(&play).await.ends_with("/third"));
}
