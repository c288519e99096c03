//! The whole way from "New connection" to a person who signs in through it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{field, says_nothing_of};
use crate::admin::Operator;
use crate::harness::{FakeIdp, World};
use crate::upstream::idp_metadata::publisher::Publisher;
use crate::upstream::saml::{SSO, Saml};

const SECRET: &str = "northwind-secret-0123456789";

#[tokio::test]
async fn an_openid_provider_is_set_up_step_by_step() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/new").await;

    // wrongly first: the slug is contoso's, and the second domain is none
    let typed = [
        ("provider", "keycloak"),
        ("display_name", "Northwind Traders"),
        ("slug", "contoso"),
        ("email_domains", "nwtraders.example\nnorthwind"),
    ];
    let page = editor.submit(&page, "connection", &typed).await;
    assert_eq!(page.status, 422, "{page}");
    assert!(page.has("slug-error") && page.has("email_domains-error"), "{page}");
    assert!(page.body.contains("Another connection already uses contoso. Try northwind-traders."), "{page}");
    assert!(page.body.contains("Line 2: northwind is not a complete domain"), "{page}");
    assert_eq!(field(&page, "connection", "display_name"), "Northwind Traders");
    assert_eq!(field(&page, "connection", "provider"), "keycloak");

    let typed = [("slug", ""), ("email_domains", "nwtraders.example")];
    let page = editor.submit(&page, "connection", &typed).await;
    assert_eq!(page.url.path(), "/admin/connections/northwind-traders/setup/register", "{page}");
    let callback = world.broker.url("/connections/northwind-traders/callback");
    assert!(page.body.contains(&format!("<code>{callback}</code>")), "{page}");
    assert!(page.body.contains("Valid redirect URIs"), "in the provider's own words: {page}");

    // it is stored, switched off and unfinished, and nobody can come through it
    let page = editor.open("/admin/connections/northwind-traders").await;
    assert!(page.has("missing") && page.has("finish") && !page.has("enable"), "{page}");
    let mut person = world.shop.browser();
    world.shop.sign_in(&mut person, &[("connection", "northwind-traders")]).await;
    assert!(idp.received().authorize.is_empty());
    let mut person = world.shop.browser();
    let page = editor.post("/admin/connections/northwind-traders/enable", &[]).await;
    assert_eq!(page.status, 422, "an unfinished one cannot be switched on: {page}");

    let page = editor.open("/admin/connections/northwind-traders/setup/credentials").await;
    let typed = [("issuer", "northwind"), ("client_id", "avouch-at-northwind"), ("secret", SECRET)];
    let page = editor.submit(&page, "credentials", &typed).await;
    assert_eq!((page.status, page.has("issuer-error")), (422, true), "{page}");
    assert_eq!(field(&page, "credentials", "client_id"), "avouch-at-northwind");
    says_nothing_of(&page, SECRET);
    let page = editor.submit(&page, "credentials", &[("issuer", idp.issuer.as_str()), ("secret", SECRET)]).await;
    assert_eq!(page.url.path(), "/admin/connections/northwind-traders/setup/claims", "{page}");
    says_nothing_of(&page, SECRET);

    // expressions stand there as the preset has them, and what does not parse is said beside the field
    assert!(field(&page, "claims", "mapping.groups").contains("realm_access"), "{page}");
    let page = editor.submit(&page, "claims", &[("allow", "'staff' in (")]).await;
    assert_eq!((page.status, page.has("allow-error")), (422, true), "{page}");
    assert_eq!(field(&page, "claims", "allow"), "'staff' in (");
    let typed = [("allow", "'staff' in claims.groups"), ("mapping.attributes", "desk = 'desk of ' + claims.name")];
    let page = editor.submit(&page, "claims", &typed).await;
    assert_eq!(page.url.path(), "/admin/connections/northwind-traders/setup/test", "{page}");
    assert!(!page.has("missing") && page.has("test"), "{page}");
    let page = editor.press(&page, "enable").await;
    assert_eq!(page.url.path(), "/admin/connections/northwind-traders", "{page}");
    assert!(page.has("disable"), "{page}");

    // and somebody signs in
    world.broker.catch_up().await;
    let tokens = world.shop.tokens(&mut person, &[("connection", "northwind-traders")]).await;
    assert!(tokens["access_token"].is_string());
    let sent = idp.received().token.pop().unwrap();
    assert_eq!(sent.authorization, Some(crate::harness::app::basic("avouch-at-northwind", SECRET)));
    let page = editor.open("/admin/connections/northwind-traders").await;
    assert!(page.body.contains("Signed in") && page.body.contains("1 person"), "{page}");
    for path in ["", "/credentials", "/claims", "/settings", "/setup/credentials"] {
        let page = editor.open(&format!("/admin/connections/northwind-traders{path}")).await;
        assert_eq!(page.status, 200, "{page}");
        says_nothing_of(&page, SECRET);
    }
    // what the preset says was not copied
    let page = editor.open("/admin/connections/northwind-traders/claims").await;
    assert_eq!(field(&page, "settings", "mapping.attributes"), "desk = 'desk of ' + claims.name");
    let event = world.last_event("connection.updated").await;
    assert!(
        event.actor.starts_with("operator:editor-") && event.detail["changes"]["enabled"][1].is_null(),
        "{event:?}"
    );
    let events = world.broker.audit_events().await;
    assert!(events.iter().all(|event| !event.detail.to_string().contains(SECRET)));
}

fn document(saml: &Saml) -> String {
    let certificate = STANDARD.encode(&saml.idp.idp.certificate);
    let id = &saml.idp.idp_entity_id;
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{id}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO}"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

/// Somebody has begun a connection to AD FS, which has the slug that the forged answers are for.
async fn begun(saml: &Saml) -> Operator {
    let mut editor = Operator::signed_in(&saml.world.broker, "editor").await;
    let page = editor.open("/admin/connections/new").await;
    let typed = [("provider", "adfs"), ("display_name", "Fabrikam"), ("slug", "fabrikam")];
    let page = editor.submit(&page, "connection", &typed).await;
    assert_eq!(page.url.path(), "/admin/connections/fabrikam/setup/register", "{page}");
    assert!(page.body.contains("Federation metadata address"), "{page}");
    editor
}

async fn switched_on(editor: &mut Operator, mut saml: Saml) {
    let page = editor.open("/admin/connections/fabrikam/setup/claims").await;
    let page = editor.submit(&page, "claims", &[]).await;
    assert!(!page.has("missing"), "{page}");
    let page = editor.press(&page, "enable").await;
    assert!(page.has("disable"), "{page}");
    saml.world.broker.catch_up().await;
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let page = saml.post(&mut browser, &relay_state, &saml.idp.signed_both()).await;
    assert!(page.stopped && page.params().contains_key("code"), "{page}");
}

#[tokio::test]
async fn a_saml_provider_is_set_up_by_the_url_of_its_metadata() {
    let saml = Saml::without_connection().await;
    let publisher = Publisher::start().await;
    let mut editor = begun(&saml).await;
    // ours can be read before anything of theirs is known
    saml.world.broker.catch_up().await;
    let ours = reqwest::get(saml.world.broker.url("/connections/fabrikam/metadata")).await.unwrap();
    assert!(ours.text().await.unwrap().contains(&saml.idp.acs_url));

    let page = editor.open("/admin/connections/fabrikam/setup/credentials").await;
    let page = editor.submit(&page, "credentials", &[("metadata_url", "fabrikam.example")]).await;
    assert_eq!((page.status, page.has("metadata_url-error")), (422, true), "{page}");
    publisher.serve("<html>not this one</html>".into());
    let page = editor.submit(&page, "credentials", &[("metadata_url", publisher.url.as_str())]).await;
    assert_eq!((page.status, page.has("unread")), (422, true), "it is fetched at once: {page}");
    publisher.serve(document(&saml));
    let page = editor.submit(&page, "credentials", &[]).await;
    assert_eq!(page.url.path(), "/admin/connections/fabrikam/setup/claims", "{page}");
    switched_on(&mut editor, saml).await;
}

#[tokio::test]
async fn a_saml_provider_is_set_up_by_pasted_metadata_or_by_hand() {
    let saml = Saml::without_connection().await;
    let mut editor = begun(&saml).await;
    let page = editor.open("/admin/connections/fabrikam/setup/credentials").await;
    let page = editor.submit(&page, "credentials", &[("metadata", "<xml>")]).await;
    assert_eq!((page.status, page.has("metadata-error")), (422, true), "{page}");
    assert_eq!(field(&page, "credentials", "metadata"), "<xml>");
    let page = editor.submit(&page, "credentials", &[("metadata", &document(&saml))]).await;
    assert_eq!(page.url.path(), "/admin/connections/fabrikam/setup/claims", "{page}");
    // by hand instead, with a certificate that is none first
    let page = editor.open("/admin/connections/fabrikam/setup/credentials").await;
    let hand = [("metadata", ""), ("entity_id", &saml.idp.idp_entity_id), ("sso_url", SSO), ("certificates", "none")];
    let page = editor.submit(&page, "credentials", &hand).await;
    assert_eq!((page.status, page.has("certificates-error")), (422, true), "{page}");
    let pem = openssl::x509::X509::from_der(&saml.idp.idp.certificate).unwrap().to_pem().unwrap();
    let pem = String::from_utf8(pem).unwrap();
    let page = editor.submit(&page, "credentials", &[("certificates", &pem)]).await;
    assert_eq!(page.url.path(), "/admin/connections/fabrikam/setup/claims", "{page}");
    switched_on(&mut editor, saml).await;
}
