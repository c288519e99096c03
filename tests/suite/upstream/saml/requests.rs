//! What our requests ask of the provider, and that its answer must keep to it.

use time::Duration;

use super::*;

const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const SMARTCARD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI";

const SESSION: &str = "SessionIndex=\"_session\"";

fn ends_at(instant: &str) -> String {
    format!("{SESSION} SessionNotOnOrAfter=\"{instant}\"")
}

impl Saml {
    /// The page before the provider, and the request that goes there.
    async fn asked(&self, more: &[(&str, &str)]) -> (Page, String) {
        let mut browser = self.world.shop.browser();
        browser.stop_at("http://localhost:9/");
        let parameters = [&[("connection", "fabrikam")], more].concat();
        let (_, page) = self.world.shop.sign_in(&mut browser, &parameters).await;
        assert!(page.stopped, "{page}");
        let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
        let mut xml = String::new();
        flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
        (page, xml)
    }
}

#[tokio::test]
async fn a_person_is_asked_anew_when_anybody_wants_that() {
    let saml = Saml::by_hand("").await;
    for (more, anew) in [
        (("prompt", ""), false),
        (("prompt", "login"), true),
        (("prompt", "select_account"), false),
        (("max_age", "60"), true),
    ] {
        let (_, xml) = saml.asked(&[more]).await;
        assert_eq!(xml.contains("ForceAuthn=\"true\""), anew, "{more:?}: {xml}");
        assert!(!xml.contains("IsPassive"), "{xml}");
    }
    let always = Saml::by_hand("force_authn: true").await;
    assert!(always.asked(&[]).await.1.contains("ForceAuthn=\"true\""));
}

#[tokio::test]
async fn the_name_id_and_one_of_the_contexts_are_asked_for_and_the_context_must_be_met() {
    let format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    let settings = format!("name_id_format: {format}\nrequested_authn_context: [{SMARTCARD}, {PASSWORD}]");
    let mut saml = Saml::by_hand(&settings).await;
    let (_, xml) = saml.asked(&[]).await;
    assert!(xml.contains(&format!("<samlp:NameIDPolicy AllowCreate=\"true\" Format=\"{format}\">")), "{xml}");
    assert!(xml.contains("<samlp:RequestedAuthnContext Comparison=\"exact\">"), "{xml}");
    assert!(xml.find(SMARTCARD) < xml.find(PASSWORD) && xml.contains(PASSWORD), "{xml}");
    saml.refused(403, "authn_context", |idp| idp.said(PASSWORD, "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"))
        .await;
    saml.accepted(|idp| idp.signed_assertion()).await;
}

#[tokio::test]
async fn who_is_expected_is_told_beside_the_message_and_only_where_the_provider_may_know() {
    let hint = ("login_hint", "m&m@x.example");
    let silent = Saml::by_hand("").await;
    let (page, xml) = silent.asked(&[hint]).await;
    assert!(!page.params().contains_key("login_hint") && !xml.contains("x.example"), "{page}");

    let telling = Saml::by_hand("send_login_hint: true").await;
    let (page, xml) = telling.asked(&[hint]).await;
    assert_eq!((page.param("login_hint").as_str(), page.param("tenant").as_str()), ("m&m@x.example", "1"));
    assert!(xml.contains(&format!("Destination=\"{SSO}\"")) && !xml.contains("Subject"), "{xml}");
    assert!(!telling.asked(&[]).await.0.params().contains_key("login_hint"));

    let posting = Saml::by_hand("send_login_hint: true\nsso_binding: post").await;
    let mut browser = posting.world.shop.browser();
    let (_, page) = posting.world.shop.sign_in(&mut browser, &[("connection", "fabrikam"), hint]).await;
    assert_eq!(page.forms()[0].action, format!("{SSO}&login_hint=m%26m%40x.example"));
}

#[tokio::test]
async fn our_session_ends_with_the_providers() {
    for (settings, outlives) in [("", false), ("end_with_idp_session: false", true)] {
        let mut saml = Saml::by_hand(settings).await;
        let (mut browser, relay_state) = saml.at_the_provider().await;
        let end = saml.idp.at(600);
        let answer = saml.idp.said(SESSION, &ends_at(&end));
        assert!(saml.post(&mut browser, &relay_state, &answer).await.stopped);
        let shop = saml.world.shop.clone();
        let silently = async |browser: &mut Browser| shop.sign_in(browser, &[("prompt", "none")]).await.1;

        saml.world.broker.clock.advance(Duration::minutes(9));
        assert!(silently(&mut browser).await.params().contains_key("code"));
        saml.world.broker.clock.advance(Duration::minutes(4));
        let page = silently(&mut browser).await;
        assert_eq!(page.params().contains_key("code"), outlives, "{settings}: {page}");
        if !outlives {
            page.assert_error("login_required");
        }
    }
}

#[tokio::test]
async fn a_session_that_ended_by_a_hair_still_signs_in_within_the_skew() {
    let mut saml = Saml::by_hand("").await;
    let just_over = saml.idp.at(-30);
    saml.accepted(|idp| idp.said(SESSION, &ends_at(&just_over))).await;
    let long_over = saml.idp.at(-180);
    saml.refused(403, "session_expired", |idp| idp.said(SESSION, &ends_at(&long_over))).await;
}
