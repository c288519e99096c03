//! What we send: requests by both bindings, with the signatures that identity providers check.

use super::forge::DS;
use super::*;

const SSO: &str = "https://idp.test/sso?idpid=C1&x=a%2fb";

fn request() -> AuthnRequest<'static> {
    AuthnRequest {
        id: "_abc",
        issue_instant: WORLD.now,
        issuer: "https://avouch.test/\"<&>'",
        destination: SSO,
        acs_url: &WORLD.acs_url,
        force_authn: true,
        is_passive: false,
        name_id_format: Some(name_id::PERSISTENT),
        requested_authn_context: &[],
    }
}

#[test]
fn ids_are_names_that_nobody_guesses() {
    let rng = crate::rng::Rng::default();
    let (one, two) = (new_id(&rng), new_id(&rng));
    assert_eq!((one.len(), one.starts_with('_')), (41, true));
    assert_ne!(one, two);
}

#[test]
fn a_redirect_is_signed_over_its_exact_bytes_and_keeps_the_endpoints_query() {
    let key = sp_key(&WORLD.sp);
    let url = request().redirect_url(Some("handle/+ é"), Some(&key));
    let query = url.strip_prefix(&format!("{SSO}&")).unwrap();
    assert!(query.starts_with("SAMLRequest="));
    let received = redirect::RedirectMessage::parse(query, redirect::MessageKind::Request).unwrap();
    assert_eq!(received.relay_state().unwrap().as_deref(), Some("handle/+ é"));
    assert_eq!(received.verify(&trusted(&[&WORLD.idp, &WORLD.sp])).unwrap(), trusted(&[&WORLD.sp])[0].sha256());
    assert_eq!(received.verify(&trusted(&[&WORLD.idp])).unwrap_err().reason, "signature_invalid");
    let xml = String::from_utf8(received.xml().unwrap()).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("ForceAuthn"), Some("true"));
    assert_eq!(root.attribute("Destination"), Some(SSO));
    assert_eq!(xml::text(root), "https://avouch.test/\"<&>'");

    for changed in [query.replace("handle", "other"), query.replace("SAMLRequest=", "SAMLRequest=A")] {
        let received = redirect::RedirectMessage::parse(&changed, redirect::MessageKind::Request).unwrap();
        assert_eq!(received.verify(&trusted(&[&WORLD.sp])).unwrap_err().reason, "signature_invalid");
    }
    assert!(!request().redirect_url(None, None).contains("Signature="));
}

#[test]
fn a_posted_request_carries_a_signature_that_the_engine_verifies() {
    let contexts = ["urn:oasis:names:tc:SAML:2.0:ac:classes:X509".to_owned()];
    let request = AuthnRequest { requested_authn_context: &contexts, ..request() };
    let form = request.post_form(Some("\"><script>"), Some(&sp_key(&WORLD.sp)));
    assert_eq!(form.action, SSO);
    assert_eq!(form.fields[1], ("RelayState", "\"><script>".to_owned()));
    let xml = String::from_utf8(STANDARD.decode(&form.fields[0].1).unwrap()).unwrap();
    let document = prescan::parse(&xml, &prescan::LOGOUT).unwrap();
    let root = document.root_element();
    let names: Vec<_> = xml::elements(root).map(xml::name).collect();
    assert_eq!(names, ["Issuer", "Signature", "NameIDPolicy", "RequestedAuthnContext"]);
    signature_rules::check(xml::child(root, DS, "Signature").unwrap(), "_abc").unwrap();
    let engine = XmlSec::new();
    let verified = engine.verified_bytes(&xml, &[&WORLD.sp.certificate]).unwrap();
    assert_eq!(verified, request.element().write());
    assert!(engine.verified_bytes(&xml, &[&WORLD.idp.certificate]).is_err());
    assert!(engine.verified_bytes(&xml.replace("ForceAuthn=\"true\"", ""), &[&WORLD.sp.certificate]).is_err());
    assert!(engine.verified_bytes(&xml, &[]).is_err());
}
