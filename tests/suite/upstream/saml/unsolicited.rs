//! Sign-ins that begin at the provider: nobody is signed in by what a stranger may have put into the browser.

use super::*;

const STARTS: &str = "https://shop.example/start?tile=1";

/// As the provider sends it by itself: it answers no request.
fn unsolicited(idp: &forge::World, id: &str) -> String {
    unsolicited_for(USER, idp, id)
}

fn unsolicited_for(user: &str, idp: &forge::World, id: &str) -> String {
    let answers = format!("InResponseTo=\"{}\" ", idp.request_id);
    let assertion = idp.assertion().replace(&answers, "").replace("_assertion", id).replace(USER, user);
    idp.response(&Sign::by(&idp.idp).apply(&assertion, id)).replace(&answers, "")
}

impl Saml {
    /// A browser that stops at the provider and at the application's beginning.
    fn visitor(&self) -> Browser {
        let mut browser = self.world.shop.browser();
        browser.stop_at("http://localhost:9/").stop_at("https://shop.example/start");
        browser
    }

    /// The browser stands before the provider with a request of ours; returns its relay state.
    fn sent_to_the_provider(&mut self, page: &Page) -> String {
        assert!(page.stopped && page.url.as_str().starts_with(SSO), "{page}");
        let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
        let mut xml = String::new();
        flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
        self.know(&xml);
        page.param("RelayState")
    }

    fn session(&self, browser: &Browser) -> Option<String> {
        browser.session(&self.world.broker.issuer)
    }
}

#[tokio::test]
async fn where_it_is_off_the_page_says_where_to_begin() {
    let saml = Saml::by_hand("").await;
    let mut browser = saml.visitor();
    let page = saml.post(&mut browser, "", &unsolicited(&saml.idp, "_a")).await;
    assert_refusal(&saml.world, &browser, &page, 400, "unsolicited").await;
    assert!(page.body.contains("Open the application itself and sign in from there."), "{page}");
    assert_eq!(saml.world.count("login.unsolicited", "success").await, 0);
}

#[tokio::test]
async fn it_ends_at_the_fixed_place_after_the_provider_answered_this_browser() {
    let mut saml = Saml::by_hand(&format!("allow_idp_initiated: true\ninitiate_login_uri: {STARTS}")).await;
    let mut browser = saml.visitor();
    let page = saml.post(&mut browser, "https://evil.example/", &unsolicited(&saml.idp, "_a")).await;
    let relay_state = saml.sent_to_the_provider(&page);
    assert_eq!(saml.session(&browser), None, "nobody is signed in by it");
    assert_eq!(saml.world.count("login", "success").await, 0);

    let page = saml.post(&mut browser, &relay_state, &saml.idp.signed_assertion()).await;
    let issuer = saml.world.broker.issuer.clone();
    assert!(page.stopped && page.url.as_str().starts_with(STARTS), "{page}");
    assert_eq!(page.param("iss"), issuer);
    assert!(saml.session(&browser).is_some());
    assert!(browser.history.iter().all(|url| url.host_str() != Some("evil.example")), "{:?}", browser.history);
    // the application begins its own request, and the session answers it
    let (_, page) = saml.world.shop.sign_in(&mut browser, &[]).await;
    assert!(page.stopped && page.params().contains_key("code"), "{page}");
    assert_eq!(
        (saml.world.count("login.unsolicited", "success").await, saml.world.count("login", "success").await),
        (1, 1)
    );
}

#[tokio::test]
async fn without_an_application_it_ends_on_our_own_page() {
    let mut saml = Saml::by_hand("allow_idp_initiated: true\nmapping: { name: claims.name_id }").await;
    let mut browser = saml.visitor();
    let page = saml.post(&mut browser, "", &unsolicited(&saml.idp, "_a")).await;
    let relay_state = saml.sent_to_the_provider(&page);
    let page = saml.post(&mut browser, &relay_state, &saml.idp.signed_assertion()).await;
    assert_eq!((page.status, page.url.path()), (200, "/"), "{page}");
    assert!(page.has("signed-in") && page.body.contains(USER), "{page}");
}

#[tokio::test]
async fn it_counts_once() {
    let mut saml = Saml::by_hand("allow_idp_initiated: true").await;
    let mut browser = saml.visitor();
    let once = unsolicited(&saml.idp, "_a");
    let page = saml.post(&mut browser, "", &once).await;
    saml.sent_to_the_provider(&page);
    for mut browser in [browser, saml.visitor()] {
        let page = saml.post(&mut browser, "", &once).await;
        assert_refusal(&saml.world, &browser, &page, 400, "assertion_replayed").await;
    }
    let at_once = unsolicited(&saml.idp, "_c");
    let (mut one, mut other) = (saml.visitor(), saml.visitor());
    let pages = tokio::join!(saml.post(&mut one, "", &at_once), saml.post(&mut other, "", &at_once));
    assert!(pages.0.stopped != pages.1.stopped, "one of two at once: {} {}", pages.0, pages.1);
    // nor does it answer the request that it began
    let mut browser = saml.visitor();
    let other = unsolicited(&saml.idp, "_b");
    let page = saml.post(&mut browser, "", &other).await;
    let relay_state = saml.sent_to_the_provider(&page);
    let page = saml.post(&mut browser, &relay_state, &other).await;
    assert_refusal(&saml.world, &browser, &page, 403, "in_response_to").await;
}

#[tokio::test]
async fn an_attacker_signs_nobody_in_as_the_attacker() {
    let mut saml = Saml::by_hand("allow_idp_initiated: true\nmapping: { name: claims.name_id }").await;
    let mut victim = saml.visitor();
    // the attacker's own good assertion, posted in the victim's browser
    let page = saml.post(&mut victim, "", &unsolicited_for(forge::ADMIN, &saml.idp, "_a")).await;
    let relay_state = saml.sent_to_the_provider(&page);
    assert_eq!(saml.session(&victim), None);
    // the provider knows the victim, and that is who is signed in
    let page = saml.post(&mut victim, &relay_state, &saml.idp.signed_assertion()).await;
    assert!(page.body.contains(USER) && !page.body.contains(forge::ADMIN), "{page}");

    // the attacker goes halfway, and lets the victim bring the answer
    let mut attacker = saml.visitor();
    let page = saml.post(&mut attacker, "", &unsolicited(&saml.idp, "_b")).await;
    let relay_state = saml.sent_to_the_provider(&page);
    let mut victim = saml.visitor();
    let page = saml.post(&mut victim, &relay_state, &saml.idp.signed_response()).await;
    assert_refusal(&saml.world, &victim, &page, 400, "state_of_another_browser").await;
}

#[tokio::test]
async fn what_does_not_hold_begins_nothing() {
    let saml = Saml::by_hand("allow_idp_initiated: true").await;
    let around = format!(" InResponseTo=\"{}\"", saml.idp.request_id);
    let mut stranger = forge::World::new(saml.idp.now);
    (stranger.acs_url, stranger.sp_entity_id) = (saml.idp.acs_url.clone(), saml.idp.sp_entity_id.clone());
    let good = unsolicited(&saml.idp, "_a");
    let cases = [
        (400, "state_unknown", saml.idp.signed_assertion()),
        (403, "in_response_to", saml.idp.signed_assertion().replacen(&around, "", 1)),
        (403, "unknown_certificate", unsolicited(&stranger, "_a")),
        (403, "signature_invalid", good.replace(USER, forge::ADMIN)),
    ];
    for (status, reason, answer) in cases {
        let mut browser = saml.visitor();
        let page = saml.post(&mut browser, "", &answer).await;
        assert_refusal(&saml.world, &browser, &page, status, reason).await;
    }
    assert_eq!(saml.world.count("login.unsolicited", "success").await, 0);
}

#[tokio::test]
async fn a_connection_that_is_switched_off_takes_nothing() {
    let mut saml = Saml::by_hand("allow_idp_initiated: true").await;
    let mut browser = saml.visitor();
    let page = saml.post(&mut browser, "", &unsolicited(&saml.idp, "_a")).await;
    let relay_state = saml.sent_to_the_provider(&page);
    let certificate = pem(&saml.idp.idp.certificate);
    let same = format!("entity_id: {}\nsso_url: {SSO}\ncertificates: [{certificate}]", saml.idp.idp_entity_id);
    saml.connect(&format!("{same}\nallow_idp_initiated: true\nenabled: false")).await;
    let page = saml.post(&mut browser, "", &unsolicited(&saml.idp, "_b")).await;
    assert_refusal(&saml.world, &browser, &page, 404, "connection_unknown").await;
    let page = saml.post(&mut browser, &relay_state, &saml.idp.signed_assertion()).await;
    assert_refusal(&saml.world, &browser, &page, 404, "connection_unknown").await;
}

#[tokio::test]
async fn a_provider_that_never_answers_us_does_not_send_a_browser_round_in_circles() {
    let mut saml = Saml::by_hand("allow_idp_initiated: true").await;
    let mut browser = saml.visitor();
    for id in ["_a", "_b", "_c"] {
        let page = saml.post(&mut browser, "", &unsolicited(&saml.idp, id)).await;
        saml.sent_to_the_provider(&page);
        saml.idp.request_id = "_request".into();
    }
    let page = saml.post(&mut browser, "", &unsolicited(&saml.idp, "_d")).await;
    assert_refusal(&saml.world, &browser, &page, 400, "unsolicited_again").await;
}

#[tokio::test]
async fn the_rule_of_the_connection_holds_here_as_well() {
    let mut saml = Saml::by_hand("allow_idp_initiated: true\nallow: \"'boss' in claims.groups\"").await;
    let mut browser = saml.visitor();
    let page = saml.post(&mut browser, "", &unsolicited(&saml.idp, "_a")).await;
    let relay_state = saml.sent_to_the_provider(&page);
    let page = saml.post(&mut browser, &relay_state, &saml.idp.signed_assertion()).await;
    assert_refusal(&saml.world, &browser, &page, 403, "not_allowed").await;
}
