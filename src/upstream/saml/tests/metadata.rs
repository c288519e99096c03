//! Metadata of identity providers in the shapes that products write.

use super::forge::Sign;
use super::*;

const HEAD: &str = r#"xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#""#;

fn key(usage: &str, identity: &Identity) -> String {
    let certificate = STANDARD.encode(&identity.certificate);
    let wrapped: String =
        certificate.as_bytes().chunks(64).flat_map(|line| [std::str::from_utf8(line).unwrap(), "\n"]).collect();
    format!(
        "<md:KeyDescriptor{usage}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{wrapped}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn signing(identity: &Identity) -> String {
    key(" use=\"signing\"", identity)
}

fn role(attributes: &str, keys: &str) -> String {
    format!(
        r#"<md:IDPSSODescriptor{attributes} protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol">{keys}<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.test/slo" ResponseLocation="https://idp.test/slo/response"/><md:NameIDFormat> {} </md:NameIDFormat><md:SingleSignOnService Binding="urn:mace:shibboleth:1.0:profiles:AuthnRequest" Location="https://idp.test/shib"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.test/sso?x=1&amp;y=2"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="https://idp.test/soap"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.test/sso"/></md:IDPSSODescriptor>"#,
        name_id::PERSISTENT
    )
}

fn entity(id: &str, attributes: &str, roles: &str) -> String {
    format!("<md:EntityDescriptor {HEAD} entityID=\"{id}\"{attributes}>{roles}</md:EntityDescriptor>")
}

fn reason(result: Result<IdpMetadata, Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.reason, |_| "ok")
}

#[test]
fn endpoints_certificates_and_times_are_read() {
    let roles = role(
        " WantAuthnRequestsSigned=\"1\" cacheDuration=\"PT1H\"",
        &(key(" use=\"encryption\"", &WORLD.sp)
            + &signing(&WORLD.idp)
            + &key("", &WORLD.idp_ec)
            + &signing(&WORLD.idp)),
    );
    let xml = entity("https://idp.test/m", " validUntil=\"2026-07-01T00:00:00Z\" cacheDuration=\"P1D\"", &roles);
    let text = format!("\u{feff}<?xml version=\"1.0\"?>\n<!-- made by hand -->\n{xml}");
    let metadata = read_idp_metadata(text.as_bytes(), None, None).unwrap();
    assert_eq!(metadata.entity_id, "https://idp.test/m");
    let endpoint = |binding, location: &str| Endpoint { binding, location: location.into(), response_location: None };
    assert_eq!(
        metadata.single_sign_on,
        [endpoint(Binding::Post, "https://idp.test/sso?x=1&y=2"), endpoint(Binding::Redirect, "https://idp.test/sso")]
    );
    assert_eq!(metadata.single_logout[0].response_location.as_deref(), Some("https://idp.test/slo/response"));
    assert_eq!(metadata.signing_certificates, trusted(&[&WORLD.idp, &WORLD.idp_ec]));
    assert_eq!(metadata.name_id_formats, [name_id::PERSISTENT]);
    assert!(metadata.want_authn_requests_signed);
    assert_eq!(metadata.valid_until, Some(datetime!(2026-07-01 0:00 UTC)));
    assert_eq!(metadata.cache_duration, Some(Duration::hours(1)));
    assert_eq!(metadata.signed_by_sha256, None);
}

/// Roles of WS-Federation first, with keys that are not the provider's for SAML.
#[test]
fn adfs_and_entra_shapes_are_read() {
    let fed = format!(
        r#"<md:RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706">{}<fed:ClaimTypesOffered><auth:ClaimType xmlns:auth="http://docs.oasis-open.org/wsfed/authorization/200706" Uri="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"/></fed:ClaimTypesOffered></md:RoleDescriptor><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{}</md:SPSSODescriptor>"#,
        signing(&WORLD.attacker),
        signing(&WORLD.sp)
    );
    let xml = entity("https://sts.windows.net/t/", " ID=\"_m\"", &(fed + &role("", &signing(&WORLD.idp))));
    let metadata = read_idp_metadata(xml.as_bytes(), None, None).unwrap();
    assert_eq!(metadata.signing_certificates, trusted(&[&WORLD.idp]));
}

#[test]
fn an_aggregate_is_searched_by_entity_id() {
    let sp = "<md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";
    let idps = |extra: &str| {
        let one = entity("https://a.test", "", &role("", &signing(&WORLD.idp)));
        format!(
            "<md:EntitiesDescriptor {HEAD} validUntil=\"2026-06-02T00:00:00Z\">{}<md:EntitiesDescriptor>{one}{extra}</md:EntitiesDescriptor></md:EntitiesDescriptor>",
            entity("https://sp.test", "", sp)
        )
    };
    let two =
        idps(&entity("https://b.test", " validUntil=\"2026-06-03T00:00:00Z\"", &role("", &signing(&WORLD.idp_ec))));
    let read = |xml: &str, id| read_idp_metadata(xml.as_bytes(), id, None);
    let found = read(&two, Some("https://b.test")).unwrap();
    assert_eq!((found.entity_id.as_str(), found.valid_until), ("https://b.test", Some(datetime!(2026-06-02 0:00 UTC))));
    assert_eq!(read(&idps(""), None).unwrap().entity_id, "https://a.test");
    let refusal = read(&two, None).unwrap_err();
    assert!(refusal.reason == "entity_missing" && refusal.detail.contains("https://b.test"), "{refusal}");
    assert_eq!(reason(read(&two, Some("https://c.test"))), "entity_missing");
    assert_eq!(reason(read(&two, Some("https://sp.test"))), "idp_role_missing");
    // an entity of the aggregate speaks for itself alone
    let guest = entity("https://d.test", "", &role("", &signing(&WORLD.attacker)));
    let carrier = entity(
        "https://e.test",
        "",
        &format!("<md:Extensions>{guest}</md:Extensions>{}", role("", &signing(&WORLD.idp_ec))),
    );
    assert_eq!(reason(read(&idps(&carrier), Some("https://d.test"))), "entity_missing");
    assert_eq!(reason(read(&idps(&carrier), Some("https://e.test"))), "ok");
}

#[test]
fn metadata_that_could_verify_nothing_is_an_error() {
    let name_only = "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509SubjectName>CN=x</ds:X509SubjectName></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>";
    let broken = "<md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>";
    let weak = signing(&Identity::rsa(1024));
    let read = |keys: &str| read_idp_metadata(entity("https://a.test", "", &role("", keys)).as_bytes(), None, None);
    for keys in ["", name_only, broken, &weak, &key(" use=\"encryption\"", &WORLD.idp)] {
        assert_eq!(reason(read(keys)), "no_usable_certificate", "{keys}");
    }
    // one bad certificate costs only itself
    let metadata = read(&format!("{broken}{name_only}{}", signing(&WORLD.idp))).unwrap();
    assert_eq!((metadata.signing_certificates.len(), metadata.unusable_certificates.len()), (1, 1));

    let read = |xml: &str| reason(read_idp_metadata(xml.as_bytes(), None, None));
    let good = entity("https://a.test", "", &role("", &signing(&WORLD.idp)));
    assert_eq!(read(&good), "ok");
    assert_eq!(read(&good.replace("https://idp.test/sso", "javascript:alert(1)//")), "endpoint_missing");
    assert_eq!(read("<html/>"), "entity_missing");
    assert_eq!(read("<!DOCTYPE html><html></html>"), "dtd");
    assert_eq!(read("not xml"), "not_well_formed");
}

#[test]
fn signed_metadata_is_read_from_what_was_verified() {
    let body = role("", &signing(&WORLD.idp));
    let xml = roxmltree_canonical(&entity("https://a.test", " ID=\"_m\"", &body));
    let sign = Sign::by(&WORLD.attacker);
    let signed = xml.replacen('>', &format!(">{}", sign.signature(&xml, "_m")), 1);
    let engine = XmlSec::new();
    let pinned = trusted(&[&WORLD.attacker]);
    let read = |xml: &str, certificates: &[TrustedCertificate]| {
        read_idp_metadata(xml.as_bytes(), None, Some(MetadataSigner { engine: &engine, certificates }))
    };
    let metadata = read(&signed, &pinned).unwrap();
    assert_eq!(metadata.signed_by_sha256.as_deref(), Some(pinned[0].sha256()));
    assert_eq!(metadata.signing_certificates, trusted(&[&WORLD.idp]));
    assert_eq!(
        reason(read(&signed.replace("https://idp.test/sso", "https://evil.test/sso"), &pinned)),
        "signature_invalid"
    );
    assert_eq!(reason(read(&signed, &trusted(&[&WORLD.sp]))), "unknown_certificate");
    assert_eq!(reason(read(&xml, &pinned)), "not_signed");
    assert_eq!(reason(read(&signed, &[])), "no_certificate");
}

/// Canonical form of what this file writes: no empty-element tags, `ds` declared where it is used.
fn roxmltree_canonical(xml: &str) -> String {
    let mut out = xml.replace(" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", "");
    out = out.replace("<ds:KeyInfo>", "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">");
    out = out.replace(" entityID=\"https://a.test\" ID=\"_m\"", " ID=\"_m\" entityID=\"https://a.test\"");
    let mut from = 0;
    while let Some(at) = out[from..].find("/>").map(|at| at + from) {
        let start = out[..at].rfind('<').unwrap();
        let name = out[start + 1..].split(' ').next().unwrap().to_owned();
        out.replace_range(at..at + 2, &format!("></{name}>"));
        from = at;
    }
    out
}
