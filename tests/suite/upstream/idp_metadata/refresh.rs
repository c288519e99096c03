//! Metadata is asked for again and again, and what is stored goes on being used whatever comes back.

use super::*;

#[tokio::test]
async fn it_is_asked_daily_and_only_for_what_is_new() {
    let mut play = Play::new("").await;
    play.publisher.headers(&["ETag: \"v1\"", "Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT"]);
    play.a_day_later().await;
    assert!(!play.publisher.last_request().contains("if-none-match"));
    let before = play.row().await;
    play.a_day_later().await;
    let request = play.publisher.last_request();
    assert!(
        request.contains("if-none-match: \"v1\"") && request.contains("if-modified-since: sun, 22 nov"),
        "{request}"
    );
    let after = play.row().await;
    assert_ne!(before["fetched_at"], after["fetched_at"], "not modified is as good as fetched");
    assert_eq!(after["failures"], 0);
    play.accepted(0).await;
    play.publish(&[0, 1]).await;
    play.a_day_later().await;
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "next metadata"]);
    assert_eq!(play.publisher.fetches(), 4);
}

#[tokio::test]
async fn a_broker_that_starts_needs_no_metadata_to_be_up() {
    let mut play = Play::new("").await;
    play.publisher.answer_with(500);
    play.saml.world.broker.restart().await;
    play.accepted(0).await;
    assert_eq!(play.publisher.fetches(), 1);
}

#[tokio::test]
async fn two_replicas_ask_once() {
    let mut play = Play::new("").await;
    let database = Some(play.saml.world.broker.database().clone());
    let options = Options { clock: play.saml.world.broker.clock.clone(), database, ..Options::default() };
    let _second = crate::harness::Broker::start(options).await;
    for _ in 0..3 {
        play.a_day_later().await;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(play.publisher.fetches(), 4);
    play.accepted(0).await;
}

#[tokio::test]
async fn failures_are_waited_out_and_told_once_they_last() {
    let mut play = Play::new("").await;
    play.publisher.answer_with(500);
    play.a_day_later().await;
    let row = play.row().await;
    assert_eq!((&row["failures"], &row["last_error"]), (&1.into(), &"the provider answered with status 500".into()));
    play.accepted(0).await;
    play.saml.world.broker.clock.advance(Turn::seconds(30));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(play.publisher.fetches(), 2, "a minute must pass");
    play.saml.world.broker.clock.advance(Turn::seconds(60));
    play.until_fetched(3).await;
    assert_eq!(play.audited("saml.metadata.stale", Some("unreachable")).await.len(), 0);
    play.a_day_later().await;
    assert_eq!(play.audited("saml.metadata.stale", Some("unreachable")).await.len(), 1);
    play.accepted(0).await;
    play.publisher.answer_with(200);
    play.a_day_later().await;
    assert_eq!(play.row().await["failures"], 0);
}

#[tokio::test]
async fn the_first_document_is_fetched_when_somebody_signs_in_at_last() {
    let mut play = Play::unconnected(Options::default()).await;
    play.publisher.answer_with(500);
    play.connect("").await;
    play.until_fetched(1).await;
    let mut browser = play.saml.world.shop.browser();
    let (_, page) = play.saml.world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
    super::super::assert_refusal(&play.saml.world, &browser, &page, 502, "upstream_unavailable").await;
    assert_eq!(play.publisher.fetches(), 1, "the failure is remembered for five seconds");
    play.publish(&[0]).await;
    play.saml.world.broker.clock.advance(Turn::seconds(6));
    play.accepted(0).await;
    assert_eq!(play.publisher.fetches(), 2);
}

#[tokio::test]
async fn so_it_is_when_the_provider_sends_somebody_first() {
    let mut play = Play::unconnected(Options::default()).await;
    play.publisher.answer_with(500);
    play.connect("allow_idp_initiated: true").await;
    play.until_fetched(1).await;
    play.publish(&[0]).await;
    play.saml.world.broker.clock.advance(Turn::seconds(6));
    let idp = &play.saml.idp;
    let answers = format!("InResponseTo=\"{}\" ", idp.request_id);
    let unsolicited = Sign::by(&idp.idp).apply(&idp.response(&idp.assertion()).replace(&answers, ""), "_response");
    let mut browser = play.saml.world.shop.browser();
    browser.stop_at("http://localhost:9/");
    let page = play.saml.post(&mut browser, "", &unsolicited).await;
    assert!(page.stopped && page.url.as_str().starts_with(SSO), "{page}");
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_once_in_the_log_and_the_old_stays_in_use() {
    let mut play = Play::new("").await;
    let entity_id = play.saml.idp.idp_entity_id.clone();
    let crowd: Vec<_> = (0..33).map(|_| Identity::ec()).collect();
    let weak = Identity::rsa(1024);
    let lies = [
        ("entity_id_changed", document("https://other.test/metadata", "", &[play.identity(1)])),
        ("no_usable_certificate", document(&entity_id, "", &[])),
        ("no_usable_certificate", document(&entity_id, "", &[&weak])),
        ("endpoint_missing", document(&entity_id, "", &[play.identity(0)]).replace(SSO, "javascript:alert(1)")),
        ("not_well_formed", "sorry".into()),
        ("dtd", "<!DOCTYPE html><html></html>".into()),
        ("idp_role_missing", entity(&entity_id, "", "")),
        ("too_many_certificates", document(&entity_id, "", &crowd.iter().collect::<Vec<_>>())),
    ];
    for (reason, body) in lies {
        let before = play.audited("saml.metadata.refused", Some(reason)).await.len();
        play.publisher.serve(body);
        play.a_day_later().await;
        play.a_day_later().await;
        let told = play.audited("saml.metadata.refused", Some(reason)).await;
        assert_eq!(told.len(), before + 1, "{reason}: {told:?}");
        assert_eq!(play.states(&[0, 1]).await, ["active metadata", "absent"], "{reason}");
    }
    play.accepted(0).await;
    let text = reqwest::get(play.saml.world.broker.ops_url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(
        text.contains(r#"avouch_saml_metadata_refreshes_total{connection="fabrikam",outcome="refused"} 16"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_configured_entity_id_and_another_url_are_the_operators_decision() {
    let mut play = Play::new("").await;
    play.accepted(0).await;
    let other = Publisher::start().await;
    other.serve(document("https://other.test/metadata", "", &[play.identity(1)]));
    play.saml.connect(&format!("metadata_url: {}", other.url)).await;
    play.saml.idp.idp_entity_id = "https://other.test/metadata".into();
    play.accepted(1).await;
    assert_eq!(play.states(&[0, 1]).await, ["retired metadata", "active metadata"]);
    play.refused(0, "unknown_certificate").await;
}

#[tokio::test]
async fn size_time_and_place_have_limits() {
    let options = Options { upstream_timeout: Duration::from_secs(6), ..Options::default() };
    let mut play = Play::unconnected(options).await;
    let padded = |play: &Play, bytes: usize, numbers: &[usize]| {
        let identities: Vec<_> = numbers.iter().map(|number| play.identity(*number)).collect();
        let document = document(&play.saml.idp.idp_entity_id, "", &identities);
        format!("{document}<!-- {} -->", "x".repeat(bytes))
    };
    play.publisher.serve(padded(&play, 4 << 20, &[0]));
    play.connect("").await;
    play.until_fetched(1).await;
    play.accepted(0).await;
    play.publisher.serve(padded(&play, 5 << 20, &[0, 1]));
    play.a_day_later().await;
    let error = play.row().await["last_error"].to_string();
    assert!(error.contains("is larger than 5242880 bytes"), "{error}");
    play.publish(&[0, 1]).await;
    play.publisher.take_time(Duration::from_secs(600));
    play.a_day_later().await;
    let error = play.row().await["last_error"].to_string();
    assert!(error.contains("did not finish its answer"), "{error}");
    play.publisher.take_time(Duration::ZERO);
    play.publisher.answer_with(302);
    play.publisher.headers(&["Location: http://localhost:1/"]);
    play.a_day_later().await;
    let error = play.row().await["last_error"].to_string();
    assert!(error.contains("redirects to localhost"), "{error}");
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "absent"]);
    play.accepted(0).await;
}

#[tokio::test]
async fn private_addresses_and_plain_http_are_not_asked() {
    let options = Options { allow_private_upstreams: false, ..Options::default() };
    let mut play = Play::unconnected(options).await;
    play.publish(&[0]).await;
    play.connect("").await;
    wait("it was tried", async || {
        rows(&play.saml, "SELECT to_jsonb(m) FROM saml_metadata m WHERE failures > 0").await.len() == 1
    })
    .await;
    assert!(play.row().await["last_error"].to_string().contains("plain http"));
    assert_eq!(play.publisher.fetches(), 0);
}

#[tokio::test]
async fn metadata_past_its_date_is_told_and_goes_on_being_used() {
    let mut play = Play::unconnected(Options::default()).await;
    let until = play.saml.idp.at(8 * 3600);
    let attributes = format!(" validUntil=\"{until}\"");
    play.publisher.serve(
        document(&play.saml.idp.idp_entity_id, "", &[play.identity(0)])
            .replace(" entityID", &format!("{attributes} entityID")),
    );
    play.connect("").await;
    play.until_fetched(1).await;
    play.accepted(0).await;
    // in the first half of the eight hours that are left
    play.saml.world.broker.clock.advance(Turn::minutes(5 * 60 / 2));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(play.publisher.fetches(), 1);
    play.saml.world.broker.clock.advance(Turn::minutes(5 * 60 / 2));
    play.until_fetched(2).await;
    assert_eq!(play.audited("saml.metadata.stale", Some("expired")).await.len(), 0);
    play.a_day_later().await;
    assert_eq!(play.audited("saml.metadata.stale", Some("expired")).await.len(), 1);
    play.accepted(0).await;
    let text = reqwest::get(play.saml.world.broker.ops_url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"kind="saml_metadata",owner="fabrikam""#), "{text}");
}
