//! The same where the further identity is a SAML provider's.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::format_description::well_known::Rfc3339;

use crate::upstream::saml::Saml;
use crate::upstream::saml::forge::Sign;

/// What stands between the quotes of the first attribute of this name.
fn attribute<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!(" {name}=\"")).unwrap();
    rest.split_once('"').unwrap().0
}

#[tokio::test]
async fn a_saml_identity_is_linked_by_an_answer_for_which_the_person_was_asked() {
    let mut saml = Saml::by_hand("display_name: Fabrikam\nlinking: true").await;
    let account = saml.world.broker.url("/account");
    for fresh in [false, true] {
        let mut browser = saml.world.shop.browser();
        let page = browser.open(&account).await;
        let page = browser.press(&page, "connection-contoso").await;
        assert_eq!((page.status, page.url.path()), (200, "/account"), "{page}");
        browser.stop_at("http://localhost:9/");
        let page = browser.press(&page, "link-fabrikam").await;
        let mut request = String::new();
        let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
        flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut request).unwrap();
        assert_eq!(attribute(&request, "ForceAuthn"), "true", "{request}");
        let relay_state = saml.take_up(&page);
        saml.idp.now = avouch::clock::Clock::now(saml.world.broker.clock.as_ref());
        let assertion = saml.idp.assertion();
        let at = if fresh { saml.idp.now } else { saml.idp.now - time::Duration::HOUR };
        let at = format!("AuthnInstant=\"{}\"", at.format(&Rfc3339).unwrap());
        let said = format!("AuthnInstant=\"{}\"", attribute(&assertion, "AuthnInstant"));
        let assertion = assertion.replace(&said, &at).replace("_assertion", if fresh { "_fresh" } else { "_stale" });
        let answer = Sign::by(&saml.idp.idp).apply(&saml.idp.response(&assertion), "_response");
        let page = saml.post(&mut browser, &relay_state, &answer).await;
        if !fresh {
            page.assert_problem(403, "auth_time_too_old");
            assert!(!browser.open(&account).await.body.contains("id=\"remove-"), "nothing is linked");
            continue;
        }
        assert!(page.has("link"), "{page}");
        let page = browser.press(&page, "link").await;
        assert!(page.has("said") && page.body.contains("Fabrikam</bdi>"), "{page}");
    }
    assert_eq!(saml.world.count("identity.linked", "success").await, 1);
}
