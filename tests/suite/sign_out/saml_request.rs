//! Signing out here goes on to a SAML identity provider where the connection says so: our request, and what comes back.

use time::Duration;

use super::single_logout::{BYE, PERSISTENT, SLO, Stage, attribute, redirect_query, texts};
use crate::harness::{Browser, Page};
use crate::upstream::saml::forge::{Sign, USER};

/// Somebody signed in, and the shop sends them to sign out. Ends at the provider.
async fn left(stage: &mut Stage) -> (Browser, Page) {
    let (mut browser, tokens) = stage.sign_in(USER, "_s1").await;
    let hint = tokens["id_token"].as_str().unwrap().to_owned();
    let params = [("id_token_hint", &*hint), ("post_logout_redirect_uri", BYE), ("state", "s/1 ü")];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let page = browser.open(&stage.saml.world.broker.url(&format!("/oidc/logout?{query}"))).await;
    (browser, page)
}

#[tokio::test]
async fn the_request_names_the_session_as_the_provider_did_and_the_answer_leads_back() {
    let mut stage = Stage::set("single_logout: true").await;
    let (mut browser, page) = left(&mut stage).await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    assert!(page.url.as_str().starts_with(SLO), "its own query stays: {page}");
    let idp = &stage.saml.idp;
    assert_eq!((attribute(&xml, "Destination").as_str(), attribute(&xml, "NotOnOrAfter").len() > 10), (SLO, true));
    assert_eq!((texts(&xml, "Issuer"), texts(&xml, "NameID")), (vec![idp.sp_entity_id.clone()], vec![USER.to_owned()]));
    assert_eq!(texts(&xml, "SessionIndex"), ["_s1"]);
    assert!(xml.contains(&format!("Format=\"{PERSISTENT}\"")) && !xml.contains("NameQualifier"), "as received: {xml}");
    let relay_state = page.param("RelayState");
    assert!(relay_state.len() <= 80 && !relay_state.contains("shop"), "a handle, not an address");
    assert!(!stage.is_signed_in(&mut browser).await, "here it is over, whatever the provider will say");

    let answer = stage.response(&attribute(&xml, "ID"), true);
    let page = stage.redirect(&mut browser, "SAMLResponse", &answer, &relay_state).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE) && page.param("state") == "s/1 ü", "{page}");
    let event = stage.saml.world.last_event("logout.upstream").await;
    assert_eq!((event.outcome.as_str(), event.client_id.as_deref()), ("success", Some("shop")));
}

#[tokio::test]
async fn a_name_id_goes_back_with_its_qualifiers_and_every_index() {
    let mut stage = Stage::set("single_logout: true").await;
    let mut browser = stage.saml.world.shop.browser();
    browser.stop_at("http://localhost:9/");
    let (_, page) = stage.saml.world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
    stage.saml.idp.request_id = attribute(&super::single_logout::inflated(&page.param("SAMLRequest")), "ID");
    let name_id = format!("<saml:NameID Format=\"{PERSISTENT}\"");
    let qualified = format!("{name_id} NameQualifier=\"idp &amp; co\" SPNameQualifier=\"sp\"");
    let assertion = stage.saml.idp.assertion();
    let (from, to) =
        (assertion.find("<saml:AuthnStatement").unwrap(), assertion.find("<saml:AttributeStatement").unwrap());
    let second = assertion[from..to].replace("_session", "_second");
    let assertion = format!("{}{second}{}", &assertion[..to], &assertion[to..]).replace(&name_id, &qualified);
    let answer = stage.saml.idp.response(&stage.saml.idp.sign_assertion(&assertion));
    let page = stage.saml.post(&mut browser, &page.param("RelayState"), &answer).await;
    assert!(page.stopped, "{page}");
    let page = browser.open(&stage.saml.world.broker.url("/oidc/logout")).await;
    let page = browser.press(&page, "sign-out").await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    assert!(xml.contains("NameQualifier=\"idp &amp; co\" SPNameQualifier=\"sp\""), "{xml}");
    assert_eq!(texts(&xml, "SessionIndex"), ["_session", "_second"]);

    let answer = stage.response(&attribute(&xml, "ID"), true);
    let page = stage.redirect(&mut browser, "SAMLResponse", &answer, &page.param("RelayState")).await;
    assert!(page.has("signed-out") && page.has("also-at") && page.body.contains("<bdi>fabrikam</bdi>"), "{page}");
}

#[tokio::test]
async fn by_form_it_works_without_script() {
    let mut stage = Stage::set("single_logout: true\nslo_binding: post").await;
    let (mut browser, page) = left(&mut stage).await;
    let (action, xml, relay_state) = stage.carried_by_form(&page, "SAMLRequest");
    assert_eq!(action, SLO);
    assert!(!stage.is_signed_in(&mut browser).await);
    assert_eq!(browser.session(&stage.saml.world.broker.issuer), None);
    let answer = stage.response(&attribute(&xml, "ID"), true);
    let page = stage.post(&mut browser, "SAMLResponse", &answer, &relay_state.unwrap()).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE), "{page}");
}

#[tokio::test]
async fn a_posted_answer_from_another_site_is_sent_again_from_ours() {
    let mut stage = Stage::set("single_logout: true").await;
    let (mut browser, page) = left(&mut stage).await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    let id = attribute(&xml, "ID");
    let signed = Sign::by(&stage.saml.idp.idp).apply(&stage.response(&id, true), "_answer");
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(signed);
    let fields = [("SAMLResponse", &*encoded), ("RelayState", &page.param("RelayState"))];
    let page = browser.post_from(Some("https://idp.test"), &stage.slo(), &fields).await;
    assert!(page.has("form-post"), "{page}");
    let page = browser.submit(&page, "form-post", &[]).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE), "{page}");
}

#[tokio::test]
async fn metadata_says_where_and_how() {
    let redirect = (
        "HTTP-Redirect",
        "Location=\"http://localhost:9/slo?tenant=1\" ResponseLocation=\"http://localhost:9/slo/done\"",
    );
    let post = ("HTTP-POST", "Location=\"http://localhost:9/slo/post\"");
    let mut stage =
        Stage::by_metadata(&[("SOAP", "Location=\"http://localhost:9/soap\""), post, redirect], "single_logout: true")
            .await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let page = browser.open(&stage.saml.world.broker.url("/oidc/logout")).await;
    let page = browser.press(&page, "sign-out").await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    assert_eq!(attribute(&xml, "Destination"), SLO);
    let page = stage.post(&mut browser, "SAMLRequest", &stage.request("_1", USER, &[]), "").await;
    assert!(page.stopped && page.url.as_str().starts_with("http://localhost:9/slo/done?SAMLResponse="), "{page}");

    let mut stage = Stage::by_metadata(&[post], "single_logout: true").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let page = browser.open(&stage.saml.world.broker.url("/oidc/logout")).await;
    let page = browser.press(&page, "sign-out").await;
    assert_eq!(stage.carried_by_form(&page, "SAMLRequest").0, "http://localhost:9/slo/post");

    let mut stage = Stage::by_metadata(&[], "single_logout: true").await;
    let (mut browser, _) = stage.sign_in(USER, "_s1").await;
    let page = browser.open(&stage.saml.world.broker.url("/oidc/logout")).await;
    assert!(browser.press(&page, "sign-out").await.has("signed-out"), "the provider has none");
}

#[tokio::test]
async fn it_stays_with_our_own_session_unless_the_connection_says_more() {
    for settings in ["", "single_logout: false"] {
        let mut stage = Stage::set(settings).await;
        let (mut browser, page) = left(&mut stage).await;
        assert!(page.stopped && page.url.as_str().starts_with(BYE), "{settings}: {page}");
        assert!(!stage.is_signed_in(&mut browser).await);
    }
}

#[tokio::test]
async fn a_partial_logout_is_noted_and_keeps_nobody() {
    let mut stage = Stage::set("single_logout: true").await;
    let (mut browser, page) = left(&mut stage).await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    let answer = stage.response(&attribute(&xml, "ID"), false);
    let page = stage.redirect(&mut browser, "SAMLResponse", &answer, &page.param("RelayState")).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE), "{page}");
    let event = stage.saml.world.last_event("logout.upstream").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("failed", Some("partial_logout")));
    assert!(!stage.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn an_answer_that_does_not_hold_leads_nowhere_and_does_not_spoil_the_right_one() {
    let mut stage = Stage::set("single_logout: true").await;
    let (mut browser, page) = left(&mut stage).await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    let (id, relay_state) = (attribute(&xml, "ID"), page.param("RelayState"));
    let idp = &stage.saml.idp;
    let good = stage.response(&id, true);
    let signed = |xml: &str| Sign::by(&idp.idp).apply(xml, "_answer");
    for (what, xml, reason) in
        [
            ("unsigned", good.clone(), "not_signed"),
            ("a stranger's", Sign::by(&idp.attacker).apply(&good, "_answer"), "unknown_certificate"),
            ("to another request", signed(&stage.response("_other", true)), "in_response_to"),
            ("by another issuer", signed(&good.replace(&idp.idp_entity_id, "https://evil.test")), "issuer"),
            ("for another place", signed(&good.replace("/fabrikam/slo", "/contoso/slo")), "destination"),
            ("without a status", signed(&good.replace("samlp:Status>", "samlp:Nothing>")), "status"),
            (
                "old",
                signed(&good.replace(
                    &format!("IssueInstant=\"{}\"", idp.at(0)),
                    &format!("IssueInstant=\"{}\"", idp.at(-3600)),
                )),
                "issue_instant",
            ),
        ]
    {
        let page = stage.post_raw(&mut browser, "SAMLResponse", &xml, &relay_state).await;
        assert_refused(&stage, &page, reason).await;
        assert!(!stage.is_signed_in(&mut browser).await, "{what}");
    }
    let forged = redirect_query(&stage.saml.idp.attacker, "SAMLResponse", &good, &relay_state);
    let page = browser.open(&format!("{}?{forged}", stage.slo())).await;
    assert_refused(&stage, &page, "signature_invalid").await;

    let page = stage.post(&mut browser, "SAMLResponse", &good, &relay_state).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE), "{page}");
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_left_and_at_its_own_address() {
    let mut stage = Stage::set("single_logout: true").await;
    let (mut browser, page) = left(&mut stage).await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    let (id, relay_state) = (attribute(&xml, "ID"), page.param("RelayState"));
    let good = stage.response(&id, true);
    for handle in ["", "https://evil.test/", "avo_us_x"] {
        let page = stage.redirect(&mut browser, "SAMLResponse", &good, handle).await;
        assert_refused(&stage, &page, "state_unknown").await;
    }
    // an answer without a message is OIDC's door
    let done = stage.saml.world.broker.url(&format!("/oidc/logout/done?state={relay_state}"));
    assert_refused(&stage, &browser.open(&done).await, "state_unknown").await;
    let mut stranger = stage.saml.world.shop.browser();
    let page = stage.redirect(&mut stranger, "SAMLResponse", &good, &relay_state).await;
    assert_refused(&stage, &page, "state_of_another_browser").await;
    let query = redirect_query(&stage.saml.idp.idp, "SAMLResponse", &good, &relay_state);
    let page = browser.open(&format!("{}?{query}", stage.slo().replace("fabrikam", "contoso"))).await;
    assert_refused(&stage, &page, "state_of_another_connection").await;
    let page = stage.redirect(&mut browser, "SAMLResponse", &good, &relay_state).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE), "{page}");
    let page = stage.redirect(&mut browser, "SAMLResponse", &good, &relay_state).await;
    assert_refused(&stage, &page, "state_replayed").await;
}

#[tokio::test]
async fn after_half_an_hour_nobody_is_waited_for() {
    let mut stage = Stage::set("single_logout: true").await;
    let (mut browser, page) = left(&mut stage).await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    stage.saml.world.broker.clock.advance(Duration::minutes(31));
    stage.saml.idp.now += Duration::minutes(31);
    let answer = stage.response(&attribute(&xml, "ID"), true);
    let page = stage.redirect(&mut browser, "SAMLResponse", &answer, &page.param("RelayState")).await;
    assert_refused(&stage, &page, "authorization_stale").await;
}

#[tokio::test]
async fn an_address_that_was_taken_back_meanwhile_is_not_gone_to() {
    let mut stage = Stage::set("single_logout: true").await;
    let (mut browser, page) = left(&mut stage).await;
    let xml = stage.carried_by_redirect(&page, "SAMLRequest").await;
    stage.saml.world.apply("clients:\n  - client_id: shop\n    kind: web\n    redirect_uris: [https://shop.example/callback]\n    client_secret: { file: shop }\n").await;
    let answer = stage.response(&attribute(&xml, "ID"), true);
    let page = stage.redirect(&mut browser, "SAMLResponse", &answer, &page.param("RelayState")).await;
    assert!(page.status == 200 && page.has("signed-out"), "{page}");
}

async fn assert_refused(stage: &Stage, page: &Page, reason: &str) {
    page.assert_problem(400, reason);
    assert!(page.body.contains("You are signed out here"), "{page}");
    let event = stage.saml.world.last_event("logout.upstream").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("refused", Some(reason)));
}
