//! The provider changes its certificate: announced, unannounced, in metadata that is not trusted, or for the worse.

use super::*;

#[tokio::test]
async fn a_roll_over_that_is_announced_is_noticed_by_nobody() {
    let mut play = Play::new("").await;
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "absent"]);
    play.accepted(0).await;
    play.publish(&[0, 1]).await;
    play.a_day_later().await;
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "next metadata"]);
    play.accepted(0).await;
    assert_eq!(play.states(&[1]).await, ["next metadata"]);
    play.accepted(1).await;
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "active metadata"]);
    let activated = play.audited("saml.certificate.activated", None).await;
    assert_eq!(activated.len(), 1);
    assert_eq!(activated[0]["certificate_sha256"], sha256(&play.identity(1).certificate));
    play.accepted(0).await;
    play.publish(&[1]).await;
    play.a_day_later().await;
    assert_eq!(play.states(&[0, 1]).await, ["retired metadata", "active metadata"]);
    play.accepted(1).await;
    play.refused(0, "unknown_certificate").await;
    assert_eq!(play.audited("saml.certificate.retired", None).await.len(), 1);
    // an answer that is signed with what was announced asks nobody: twice by the clock, once for the retired one
    assert_eq!(play.publisher.fetches(), 4);
}

#[tokio::test]
async fn a_roll_over_that_nobody_announced_costs_one_fetch_and_fails_nobody_however_many_come() {
    let mut play = Play::new("").await;
    play.publish(&[1]).await;
    play.publisher.take_time(Duration::from_millis(500));
    let mut arrivals = Vec::new();
    for _ in 0..3 {
        let (browser, relay_state) = play.saml.at_the_provider().await;
        arrivals.push((browser, relay_state, answer(&play.saml.idp, play.identity(1))));
    }
    let saml = &play.saml;
    let posts = arrivals.iter_mut().map(|(browser, relay_state, answer)| saml.post(browser, relay_state, answer));
    for page in futures_util::future::join_all(posts).await {
        assert!(page.stopped, "{page}");
    }
    assert_eq!(play.publisher.fetches(), 2);
    assert_eq!(play.states(&[0, 1]).await, ["retired metadata", "active metadata"]);
}

#[tokio::test]
async fn strangers_make_us_ask_once_a_minute_and_operators_are_told_what_to_do() {
    let mut play = Play::new("").await;
    for _ in 0..3 {
        play.refused(1, "unknown_certificate").await;
    }
    assert_eq!(play.publisher.fetches(), 2);
    play.saml.world.broker.clock.advance(Turn::seconds(61));
    play.refused(1, "unknown_certificate").await;
    assert_eq!(play.publisher.fetches(), 3);
    let told = play.audited("login", Some("unknown_certificate")).await;
    let fingerprint = sha256(&play.identity(1).certificate);
    assert_eq!(told.len(), 4);
    assert_eq!(told[0]["certificate_sha256"], fingerprint);
    let sentence = told[0]["detail"].as_str().unwrap();
    let expected = format!("your IdP signed with certificate SHA-256 {}, which is not trusted", colons(&fingerprint));
    for part in [
        expected.as_str(),
        "`avouch connection refresh fabrikam`",
        "`avouch connection certificates add fabrikam FILE`",
    ] {
        assert!(sentence.contains(part), "{part} in {sentence}");
    }
    assert_eq!(play.states(&[1]).await, ["absent"], "the message's own certificate is named, never trusted");
}

#[tokio::test]
async fn metadata_that_is_not_trusted_is_reported_and_a_person_decides() {
    let mut play = Play::new("trust_metadata: false").await;
    play.accepted(0).await;
    play.publish(&[0, 1]).await;
    play.a_day_later().await;
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "absent"]);
    let told = play.audited("saml.certificate.refused", Some("metadata_not_trusted")).await;
    assert_eq!(told.len(), 1);
    assert!(told[0]["detail"].as_str().unwrap().contains(&colons(&sha256(&play.identity(1).certificate))));
    play.refused(1, "unknown_certificate").await;
    play.a_day_later().await;
    let told = play.audited("saml.certificate.refused", Some("metadata_not_trusted")).await;
    assert_eq!(told.len(), 1, "once is enough for a document that stays as it is");

    // nobody added the new one, and the old one is gone: it stays, for it is the last
    play.publish(&[1]).await;
    play.a_day_later().await;
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "absent"]);
    play.a_day_later().await;
    assert_eq!(play.audited("saml.metadata.refused", Some("last_certificate")).await.len(), 1);
    play.accepted(0).await;

    let file = play.saml.world.broker.files().join("new.pem");
    std::fs::write(file, STANDARD.encode(&play.identity(1).certificate)).unwrap();
    let before = play.publisher.fetches();
    let (well, told) = play.cli(&["connection", "certificates", "add", "fabrikam", "new.pem"]).await;
    assert!(well, "{told}");
    play.accepted(1).await;
    play.until_fetched(before + 1).await;
    assert_eq!(play.states(&[0, 1]).await, ["retired metadata", "active manual"]);
}

#[tokio::test]
async fn another_provider_at_another_url_leaves_no_trust_in_the_old_one_behind() {
    let mut play = Play::new("trust_metadata: false").await;
    play.saml.idp.idp_entity_id = "https://other.test/metadata".into();
    play.publish(&[1]).await;
    play.saml.connect(&format!("metadata_url: {}?other\ntrust_metadata: false", play.publisher.url)).await;
    play.accepted(1).await;
    assert_eq!(play.states(&[0, 1]).await, ["retired metadata", "active metadata"]);
    play.refused(0, "unknown_certificate").await;
}

#[tokio::test]
async fn metadata_must_be_signed_by_whom_the_operator_named() {
    let mut play = Play::unconnected(Options::default()).await;
    let signer = Identity::rsa(2048);
    let pinned = format!("metadata_signing_certificate: {}", STANDARD.encode(&signer.certificate));
    play.publish(&[0]).await;
    play.connect(&pinned).await;
    play.until_fetched(1).await;
    assert_eq!(play.audited("saml.metadata.refused", Some("not_signed")).await.len(), 1);
    let signed = |play: &Play, by: &Identity, numbers: &[usize]| {
        let identities: Vec<_> = numbers.iter().map(|number| play.identity(*number)).collect();
        let xml = document(&play.saml.idp.idp_entity_id, "", &identities);
        xml.replacen('>', &format!(">{}", Sign::by(by).signature(&xml, "_metadata")), 1)
    };
    play.publisher.serve(signed(&play, &signer, &[0]));
    play.saml.world.broker.clock.advance(Turn::seconds(6));
    play.accepted(0).await;
    play.publisher.serve(signed(&play, play.identity(1), &[1]));
    play.a_day_later().await;
    assert_eq!(play.audited("saml.metadata.refused", Some("unknown_certificate")).await.len(), 1);
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "absent"]);
    play.accepted(0).await;
}

#[tokio::test]
async fn dates_count_only_where_they_are_enforced() {
    let mut play = Play::new("").await;
    // the certificates end in March 2030
    play.saml.world.broker.clock.advance(Turn::days(4 * 365));
    play.accepted(0).await;
    let (well, told) = play.cli(&["connection", "certificates", "list", "fabrikam"]).await;
    assert!(well && told.contains("active"), "{told}");
    play.connect("enforce_certificate_dates: true").await;
    play.refused(0, "no_certificate").await;
}

#[tokio::test]
async fn the_end_of_every_certificate_in_use_is_a_metric() {
    let mut play = Play::new("").await;
    let metrics = async |play: &Play| {
        reqwest::get(play.saml.world.broker.ops_url("/metrics")).await.unwrap().text().await.unwrap()
    };
    let text = metrics(&play).await;
    let ends = |text: &str, kind: &str| {
        let head = format!(r#"avouch_credential_expires_timestamp_seconds{{kind="{kind}",owner="fabrikam""#);
        let lines = text.lines().filter(|line| line.starts_with(&head));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ends(&text, "saml_idp_certificate"), [1_900_000_000], "{text}");
    let three_years =
        avouch::clock::Clock::now(play.saml.world.broker.clock.as_ref()).unix_timestamp() + 3 * 365 * 86_400;
    let own = ends(&text, "saml_sp_key");
    assert!(own.len() == 2 && own.iter().all(|at| (three_years - at).abs() < 600), "ours to sign and to open: {own:?}");
    assert!(
        text.contains(r#"avouch_saml_metadata_refreshes_total{connection="fabrikam",outcome="taken"} 1"#),
        "{text}"
    );
    play.publish(&[1]).await;
    play.a_day_later().await;
    let text = metrics(&play).await;
    assert_eq!(ends(&text, "saml_idp_certificate").len(), 1, "the retired one is none");
}

#[tokio::test]
async fn whether_one_may_go_is_said_where_it_is_listed() {
    let mut play = Play::new("").await;
    let api = crate::admin::Api::of(&play.saml.world.broker, "auditor").await;
    let verdicts = async || {
        let listed = api.get("/connections/fabrikam/certificates").await.json["items"].clone();
        let of = |certificate: &serde_json::Value| certificate["safe_to_retire"]["reason"].as_str().unwrap().to_owned();
        // the newest comes first
        listed.as_array().unwrap().iter().rev().map(of).collect::<Vec<_>>()
    };
    play.accepted(0).await;
    assert_eq!(verdicts().await, ["There is no other one by which answers are believed."]);
    play.publish(&[0, 1]).await;
    play.a_day_later().await;
    play.accepted(1).await;
    let today = "An answer was signed with it less than a day ago.";
    assert_eq!(verdicts().await, ["The provider signs with another one for less than a day.", today]);
    play.a_day_later().await;
    play.accepted(1).await;
    assert_eq!(verdicts().await, ["The provider signs with another one, and did not with this one for a day.", today]);
}
