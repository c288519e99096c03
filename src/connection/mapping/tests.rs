//! What becomes of claims, preset by preset.

use serde_json::json;

use super::*;
use crate::connection::{ClientAuthentication, OidcSettings, Preset, Slug};
use crate::ids::ConnectionId;

fn connection(preset: Preset, issuer: &str) -> Connection {
    Connection {
        id: ConnectionId::from_stored("con_1".into()),
        slug: Slug::parse("contoso").unwrap(),
        display_name: "Contoso".into(),
        preset: Some(preset),
        enabled: true,
        listed: true,
        linking: false,
        protocol: Protocol::Oidc(OidcSettings {
            issuer: issuer.into(),
            client_id: "avouch".into(),
            client_authentication: ClientAuthentication::ClientSecretBasic,
            key_rotation: None,
            graph: None,
            scopes: vec!["openid".into()],
            tenants: Vec::new(),
            endpoints: None,
            assertion_audience: Default::default(),
            prompt: None,
            max_age: None,
            acr_values: None,
            domain_hint: None,
            upstream_logout: false,
            refresh: Default::default(),
        }),
        email_domains: vec!["contoso.com".into(), "gmail.com".into()],
        allow: None,
        mapping: Mapping::default(),
        managed_by: None,
        credentials: Vec::new(),
        certificates: Vec::new(),
        refreshing: None,
        approved: Vec::new(),
    }
}

fn profile(preset: Preset, claims: Value) -> (Profile, Vec<Warning>) {
    let connection = connection(preset, "https://idp.contoso.com");
    connection.effective_mapping().profile(&claims, &connection)
}

#[test]
fn every_preset_maps_full_claims_and_none_without_a_warning() {
    for preset in Preset::ALL {
        assert_eq!(profile(preset, json!({})), (Profile::default(), vec![]), "{preset:?}");
        let (full, warnings) = profile(
            preset,
            json!({"email": " a@contoso.com ", "email_verified": "true", "hd": "contoso.com", "name": "A B", "given_name": "A", "family_name": "B",
                "preferred_username": "ab", "groups": ["staff", "staff", "ops"]}),
        );
        let expected = Profile {
            email: Some("a@contoso.com".into()),
            email_verified: true,
            name: Some("A B".into()),
            given_name: Some("A".into()),
            family_name: Some("B".into()),
            preferred_username: Some("ab".into()),
            groups: vec!["staff".into(), "ops".into()],
            attributes: serde_json::Map::new(),
        };
        assert_eq!((full, warnings), (expected, vec![]), "{preset:?}");
    }
}

#[test]
fn presets_know_their_providers_claims() {
    let groups = |preset, claims| profile(preset, claims).0.groups;
    assert_eq!(groups(Preset::Keycloak, json!({"realm_access": {"roles": ["admin"]}})), ["admin"]);
    assert_eq!(groups(Preset::Keycloak, json!({"realm_access": {}})), [""; 0]);
    assert_eq!(groups(Preset::Adfs, json!({"group": "CONTOSO\\Domain Users"})), ["CONTOSO\\Domain Users"]);
    assert_eq!(groups(Preset::Adfs, json!({"role": ["r1", "r2"]})), ["r1", "r2"]);
    let username = |preset, claims| profile(preset, claims).0.preferred_username;
    assert_eq!(
        username(Preset::Adfs, json!({"upn": "ab@contoso.com", "unique_name": "CONTOSO\\ab"})).as_deref(),
        Some("ab@contoso.com")
    );
    assert_eq!(username(Preset::Auth0, json!({"nickname": "ab"})).as_deref(), Some("ab"));
    let email = |edov: Value| profile(Preset::Entra, json!({"email": "a@contoso.com", "xms_edov": edov})).0;
    for yes in [json!(true), json!(1), json!("1"), json!("true")] {
        assert!(email(yes).email_verified);
    }
    for no in [json!(false), json!(0), json!("0"), json!("false")] {
        assert_eq!(email(no).email, None);
    }
}

#[test]
fn an_address_is_verified_only_with_evidence() {
    let table = [
        (Preset::Generic, json!({"email": "a@contoso.com"}), true), // the operator's word
        (Preset::Generic, json!({"email": "a@CONTOSO.com", "email_verified": true}), true),
        (Preset::Generic, json!({"email": "a@contoso.com", "email_verified": false}), false),
        (Preset::Generic, json!({"email": "a@contoso.com", "email_verified": "false"}), false),
        (Preset::Generic, json!({"email": "a@contoso.com", "email_verified": "yes"}), false),
        (Preset::Generic, json!({"email": "a@evil.example", "email_verified": true}), false),
        (Preset::Generic, json!({"email": "a@evil.contoso.com", "email_verified": true}), false),
        (Preset::Google, json!({"email": "a@contoso.com", "email_verified": true}), false), // a consumer account
        (Preset::Google, json!({"email": "a@gmail.com", "email_verified": true}), true),
        (Preset::Google, json!({"email": "a@contoso.com", "email_verified": true, "hd": "contoso.com"}), true),
    ];
    for (preset, claims, expected) in table {
        assert_eq!(profile(preset, claims.clone()).0.email_verified, expected, "{preset:?} {claims}");
    }
}

#[test]
fn among_several_tenants_silence_is_no_evidence() {
    let connection = connection(Preset::Entra, "https://login.microsoftonline.com/organizations/v2.0");
    let verified = |claims: Value| connection.effective_mapping().profile(&claims, &connection).0.email_verified;
    assert!(!verified(json!({"email": "a@contoso.com"})));
    assert!(verified(json!({"email": "a@contoso.com", "xms_edov": true})));
}

#[test]
fn what_an_upstream_sends_is_bounded() {
    let long = "x".repeat(1025);
    let many: Vec<String> = (0..3000).map(|n| format!("g{n}")).collect();
    let (profile, warnings) = profile(
        Preset::Generic,
        json!({"email": "two@at@contoso.com", "name": long, "given_name": 7, "family_name": "  ", "preferred_username": "a\u{0}b", "groups": many}),
    );
    assert_eq!(Profile { groups: Vec::new(), ..profile.clone() }, Profile::default());
    assert_eq!(profile.groups.len(), 2000);
    let attributes: Vec<_> = warnings.iter().map(|w| w.attribute).collect();
    assert_eq!(attributes, ["email", "name", "given_name", "preferred_username", "groups"]);
    assert!(!format!("{warnings:?}").contains("two@at"));
}

#[test]
fn groups_keep_strings_only() {
    let (got, warnings) = profile(Preset::Generic, json!({"groups": ["a", 1, null, {"b": 1}, ""]}));
    assert_eq!((got.groups, warnings.len()), (vec!["a".to_owned()], 3));
    assert_eq!(profile(Preset::Generic, json!({"groups": "one"})).0.groups, ["one"]);
    assert_eq!(profile(Preset::Generic, json!({"groups": {"a": 1}})).1.len(), 1);
}

#[test]
fn an_operators_expression_that_fails_leaves_the_attribute_out_and_verifies_nothing() {
    let mut connection = connection(Preset::Generic, "https://idp.contoso.com");
    connection.mapping.name = Some(Expression::parse("claims.display").unwrap());
    connection.mapping.email_verified = Some(Expression::parse("claims.hd == 'contoso.com'").unwrap());
    let (profile, warnings) =
        connection.effective_mapping().profile(&json!({"email": "a@contoso.com", "name": "A"}), &connection);
    assert_eq!((profile.name, profile.email_verified), (None, false));
    assert_eq!(warnings.len(), 2);
}

#[test]
fn who_is_admitted() {
    let mut connection = connection(Preset::Generic, "https://idp.contoso.com");
    assert!(connection.admits(&json!({})).unwrap());
    connection.allow = Some(Expression::parse("'staff' in claims.groups").unwrap());
    assert!(connection.admits(&json!({"groups": ["staff"]})).unwrap());
    assert!(!connection.admits(&json!({"groups": ["guest"]})).unwrap());
    assert!(connection.admits(&json!({})).is_err());
}
