//! SAML single logout that the identity provider begins: which sessions end, what it is answered, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::Duration;

use super::single_logout::{
    ANSWERS, PERSISTENT, RESPONDER, SLO, SUCCESS, Stage, attribute, deflated, redirect_query, status, texts,
};
use crate::harness::Page;
use crate::upstream::saml::forge::{Sign, USER};

#[tokio::test]
async fn a_request_by_either_binding_ends_the_session_and_is_answered_signed() {
    let mut stage = Stage::set("").await;
    for (round, by_post) in [true, false].into_iter().enumerate() {
        let (mut browser, _) = stage.sign_in(USER, "_s1").await;
        assert!(stage.is_signed_in(&mut browser).await);
        let id = format!("_logout{round}");
        let request = stage.request(&id, USER, &["_s1"]);
        let relay_state = "r s&<1>";
        let page = match by_post {
            true => stage.post(&mut browser, "SAMLRequest", &request, relay_state).await,
            false => stage.redirect(&mut browser, "SAMLRequest", &request, relay_state).await,
        };
        let answer = stage.carried_by_redirect(&page, "SAMLResponse").await;
        assert!(page.url.as_str().starts_with(ANSWERS) && page.param("RelayState") == relay_state, "{page}");
        assert_eq!((status(&answer).as_str(), attribute(&answer, "InResponseTo")), (SUCCESS, id));
        assert_eq!(attribute(&answer, "Destination"), ANSWERS);
        assert_eq!(texts(&answer, "Issuer"), [stage.saml.idp.sp_entity_id.as_str()]);
        assert_eq!(browser.session(&stage.saml.world.broker.issuer), None, "the cookie is of no use any more");
        assert!(!stage.is_signed_in(&mut browser).await);
        let event = stage.saml.world.last_event("logout.upstream").await;
        assert_eq!((event.outcome.as_str(), event.connection.as_deref()), ("success", Some("fabrikam")));
        assert!(event.sub.is_some());
    }
}

#[tokio::test]
async fn an_index_means_one_session_none_means_all_and_nobody_else_is_touched() {
    let mut stage = Stage::set("").await;
    let (mut office, _) = stage.sign_in(USER, "_office").await;
    let (mut home, _) = stage.sign_in(USER, "_home").await;
    let (mut phone, _) = stage.sign_in(USER, "_phone").await;
    let (mut other, _) = stage.sign_in("other@example.test", "_other").await;
    // any browser may carry it: what counts is whom it names
    let mut carrier = stage.saml.world.shop.browser();
    carrier.stop_at("http://localhost:9/");
    let request = stage.request("_1", USER, &["_nobody", "_office"]);
    assert!(stage.post(&mut carrier, "SAMLRequest", &request, "").await.stopped);
    assert!(!stage.is_signed_in(&mut office).await);
    assert!(stage.is_signed_in(&mut home).await && stage.is_signed_in(&mut phone).await);

    for (id, from, to) in [
        ("_2", "_unknown", "_unknown"),
        ("_3", PERSISTENT, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
        ("_4", USER, "nobody@example.test"),
    ] {
        let request = stage.request(id, USER, if id == "_2" { &["_unknown"] } else { &[] }).replace(from, to);
        let page = stage.post(&mut carrier, "SAMLRequest", &request, "").await;
        let answer = stage.carried_by_redirect(&page, "SAMLResponse").await;
        assert_eq!(status(&answer), SUCCESS, "there is nothing left to end");
        assert!(stage.is_signed_in(&mut home).await, "{id}");
    }
    let page = stage.post(&mut carrier, "SAMLRequest", &stage.request("_5", USER, &[]), "").await;
    assert!(page.stopped);
    assert!(!stage.is_signed_in(&mut home).await && !stage.is_signed_in(&mut phone).await);
    assert!(stage.is_signed_in(&mut other).await);
}

#[tokio::test]
async fn what_cannot_be_believed_signs_nobody_out() {
    let mut stage = Stage::set("").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let idp = &stage.saml.idp;
    let request = stage.request("_logout", USER, &["_s1"]);
    let signed = |xml: &str| Sign::by(&idp.idp).apply(xml, "_logout");
    let said = |from: &str, to: &str| {
        assert!(request.contains(from), "{from}");
        signed(&request.replace(from, to))
    };
    let until = format!(" NotOnOrAfter=\"{}\"", idp.at(300));
    for (what, xml, reason) in [
        ("unsigned", request.clone(), "not_signed"),
        ("a stranger's", Sign::by(&idp.attacker).apply(&request, "_logout"), "unknown_certificate"),
        ("changed", signed(&request).replace("_s1", "_s2"), "signature_invalid"),
        ("another issuer", said(&idp.idp_entity_id, "https://evil.test"), "issuer"),
        ("for somebody else", said("/connections/fabrikam/slo", "/connections/contoso/slo"), "destination"),
        ("expired", said(&until, &format!(" NotOnOrAfter=\"{}\"", idp.at(-121))), "expired"),
        (
            "old",
            said(&format!("IssueInstant=\"{}\"", idp.at(0)), &format!("IssueInstant=\"{}\"", idp.at(-3600))),
            "issue_instant",
        ),
        ("of nobody", said("saml:NameID", "saml:Nobody"), "name_id_count"),
        ("an answer", signed(&stage.response("_x", true).replace("_answer", "_logout")), "root"),
        ("no XML", "hello".into(), "not_well_formed"),
    ] {
        let page = stage.post_raw(&mut browser, "SAMLRequest", &xml, "").await;
        assert_refused(&stage, &page, 400, reason).await;
        assert!(stage.is_signed_in(&mut browser).await, "{what}");
    }

    let slo = stage.slo();
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let good = redirect_query(&stage.saml.idp.idp, "SAMLRequest", &request, "r");
    for (what, query, reason) in [
        ("unsigned", format!("SAMLRequest={}", encode(&deflated(&request))), "not_signed"),
        ("a stranger's", redirect_query(&stage.saml.idp.attacker, "SAMLRequest", &request, "r"), "signature_invalid"),
        ("another relay state", good.replace("RelayState=r", "RelayState=x"), "signature_invalid"),
        ("SHA-1", good.replace("rsa-sha256", "rsa-sha1"), "signature_algorithm"),
        ("twice", format!("{good}&RelayState=x"), "parameter_repeated"),
        ("nothing", String::new(), "parameter_missing"),
        ("both", format!("{good}&SAMLResponse=x"), "parameter_missing"),
        (
            "signed inside, not outside",
            format!("SAMLRequest={}", encode(&deflated(&Sign::by(&stage.saml.idp.idp).apply(&request, "_logout")))),
            "not_signed",
        ),
    ] {
        let page = browser.open(&format!("{slo}?{query}")).await;
        assert_refused(&stage, &page, 400, reason).await;
        assert!(stage.is_signed_in(&mut browser).await, "{what}");
    }
    let elsewhere = slo.replace("fabrikam", "contoso");
    let page = browser.open(&format!("{elsewhere}?{good}")).await;
    assert_refused(&stage, &page, 400, "protocol_mismatch").await;
    let page = browser.open(&format!("{}?{good}", slo.replace("fabrikam", "nowhere"))).await;
    page.assert_problem(404, "connection_unknown");
    assert!(stage.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn where_dates_count_they_count_for_logout_messages_as_well() {
    let mut stage = Stage::set("enforce_certificate_dates: true").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    // the certificates end in March 2030; the session does sooner, so only the message is looked at
    stage.saml.world.broker.clock.advance(time::Duration::days(4 * 365));
    stage.saml.idp.now = avouch::clock::Clock::now(stage.saml.world.broker.clock.as_ref());
    for (by_post, id) in [(true, "_1"), (false, "_2")] {
        let request = stage.request(id, USER, &["_s1"]);
        let page = if by_post {
            stage.post_raw(&mut browser, "SAMLRequest", &Sign::by(&stage.saml.idp.idp).apply(&request, id), "").await
        } else {
            let query = redirect_query(&stage.saml.idp.idp, "SAMLRequest", &request, "r");
            browser.open(&format!("{}?{query}", stage.slo())).await
        };
        assert_refused(&stage, &page, 400, "no_certificate").await;
    }
}

#[tokio::test]
async fn the_certificate_of_one_connection_ends_nothing_at_another() {
    let mut stage = Stage::set("").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let certificate = STANDARD.encode(&stage.saml.idp.attacker.certificate);
    let entity_id = &stage.saml.idp.idp_entity_id;
    stage.saml.world.apply(&format!("connections:\n  - slug: mallory\n    protocol: saml\n    entity_id: {entity_id}\n    sso_url: http://localhost:9/sso\n    slo_url: {SLO}\n    certificates: [{certificate}]\n")).await;
    let request = stage.request("_1", USER, &["_s1"]);
    let by_mallory = |xml: &str| Sign::by(&stage.saml.idp.attacker).apply(xml, "_1");
    let page = stage.post_raw(&mut browser, "SAMLRequest", &by_mallory(&request), "").await;
    assert_refused(&stage, &page, 400, "unknown_certificate").await;
    // at its own door it is believed, even under the other's name; but no session came in there
    let own = STANDARD.encode(by_mallory(&request.replace("/fabrikam/", "/mallory/")));
    let page = browser.post(&stage.slo().replace("fabrikam", "mallory"), &[("SAMLRequest", &own)]).await;
    assert!(page.stopped, "{page}");
    assert!(stage.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_request_counts_once() {
    let mut stage = Stage::set("").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let request = stage.request("_1", USER, &[]);
    assert!(stage.post(&mut browser, "SAMLRequest", &request, "").await.stopped);
    let (mut again, _) = stage.sign_in(USER, "_s2").await;
    let page = stage.post(&mut again, "SAMLRequest", &request, "").await;
    assert_refused(&stage, &page, 400, "logout_replayed").await;
    assert!(stage.is_signed_in(&mut again).await);
    stage.saml.world.broker.clock.advance(Duration::minutes(16));
    let page = stage.post(&mut again, "SAMLRequest", &request, "").await;
    assert_refused(&stage, &page, 400, "issue_instant").await;
}

#[tokio::test]
async fn answers_go_by_form_where_the_provider_wants_that_and_nowhere_where_it_has_no_address() {
    let mut stage = Stage::set("slo_binding: post").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let page = stage.post(&mut browser, "SAMLRequest", &stage.request("_1", USER, &["_s1"]), "<r>").await;
    let (action, answer, relay_state) = stage.carried_by_form(&page, "SAMLResponse");
    assert_eq!((action.as_str(), status(&answer).as_str(), relay_state.as_deref()), (ANSWERS, SUCCESS, Some("<r>")));
    assert!(!stage.is_signed_in(&mut browser).await);

    let mut stage = Stage::with("").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let page = stage.post(&mut browser, "SAMLRequest", &stage.request("_1", USER, &["_s1"]), "").await;
    assert!(page.status == 200 && page.has("signed-out"), "{page}");
    assert!(!stage.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_form_from_another_site_needs_no_cookie_of_ours() {
    let mut stage = Stage::set("").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let signed = Sign::by(&stage.saml.idp.idp).apply(&stage.request("_1", USER, &["_s1"]), "_1");
    let encoded = STANDARD.encode(signed);
    let mut other_site = stage.saml.world.shop.browser();
    other_site.stop_at("http://localhost:9/");
    let page = other_site.post_from(Some("https://idp.test"), &stage.slo(), &[("SAMLRequest", &encoded)]).await;
    assert!(page.stopped && page.params().contains_key("SAMLResponse"), "{page}");
    assert!(!stage.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn when_sessions_cannot_be_ended_the_provider_learns_that_the_logout_is_partial() {
    let mut stage = Stage::set("").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    // the memory of messages is gone, so nothing may be ended
    use sqlx::ConnectOptions as _;
    let mut conn = stage.saml.world.broker.database().connect().await.unwrap();
    sqlx::query("ALTER TABLE logout_messages_seen RENAME TO away").execute(&mut conn).await.unwrap();
    let request = stage.request("_1", USER, &["_s1"]);
    let page = stage.post(&mut browser, "SAMLRequest", &request, "").await;
    let answer = stage.carried_by_redirect(&page, "SAMLResponse").await;
    assert_eq!(status(&answer), RESPONDER);
    assert!(stage.is_signed_in(&mut browser).await);
    sqlx::query("ALTER TABLE away RENAME TO logout_messages_seen").execute(&mut conn).await.unwrap();
    let page = stage.post(&mut browser, "SAMLRequest", &request, "").await;
    assert_eq!(status(&stage.carried_by_redirect(&page, "SAMLResponse").await), SUCCESS, "it counts now");
    assert!(!stage.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn our_metadata_names_the_service_for_both_bindings() {
    let stage = Stage::set("").await;
    let text = reqwest::get(&stage.saml.idp.sp_entity_id).await.unwrap().text().await.unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let services = document.descendants().filter(|node| node.tag_name().name() == "SingleLogoutService");
    let found: Vec<_> =
        services.map(|node| (node.attribute("Binding").unwrap(), node.attribute("Location").unwrap())).collect();
    let slo = stage.slo();
    assert_eq!(
        found,
        [
            ("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", slo.as_str()),
            ("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", slo.as_str())
        ]
    );
}

/// A neutral page, and the word in the audit log.
async fn assert_refused(stage: &Stage, page: &Page, status: u16, reason: &str) {
    page.assert_problem(status, reason);
    let heading = match reason {
        "logout_replayed" => "This sign-out was done already",
        "parameter_missing" | "parameter_repeated" => "We cannot read the sign-out message",
        _ => "We could not verify the sign-out message",
    };
    assert!(page.body.contains(heading), "{page}");
    let event = stage.saml.world.last_event("logout.upstream").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("refused", Some(reason)));
    assert_eq!(event.trace_id, page.text_of("trace-id"));
}
