//! The public keys of a connection, as an upstream fetches them to check our client assertions (RFC 7523). A key is
//! shown before it signs and until everybody has stopped using it, so that an upstream may cache.

use serde_json::{Value, json};

use super::credential::PublicPart;
use super::{Connection, Credential, KeyUse};
use crate::jose::PublicJwk;

/// RFC 7517 §5 JWK set of the next, active and retiring keys, each with `use`, `alg`, `kid`, its certificate (`x5c`) and
/// both thumbprints (`x5t`, `x5t#S256`).
pub fn jwks(connection: &Connection) -> Value {
    let signs = |credential: &&Credential| credential.key_use() != Some(KeyUse::Encryption);
    let shown = connection.credentials.iter().filter(|credential| credential.state.is_published()).filter(signs);
    let keys: Vec<PublicJwk> = shown.filter_map(|credential| credential.public.as_ref()).filter_map(jwk).collect();
    json!({ "keys": keys })
}

/// Through a type that has no private members: whatever stands in storage, they cannot get out.
fn jwk(public: &PublicPart) -> Option<PublicJwk> {
    let jwk: PublicJwk = serde_json::from_value(public.jwk.clone()).ok()?;
    Some(if public.certificate.is_empty() { jwk } else { jwk.with_certificate(&public.certificate) })
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::connection::CredentialState;
    use crate::connection::{Mapping, OidcSettings, Protocol, Slug};
    use crate::ids::{ConnectionId, CredentialId};
    use crate::jose::{Alg, KeyPair};
    use crate::vault::Sealed;

    fn credential(state: CredentialState, public: Option<PublicPart>) -> Credential {
        Credential {
            id: CredentialId::from_stored(format!("crd_{}", state.as_str())),
            state,
            sealed: Sealed::from_stored(Vec::new()),
            public,
            created_at: OffsetDateTime::UNIX_EPOCH,
            expires_at: None,
        }
    }

    #[test]
    fn living_keys_are_shown_and_nothing_private() {
        let public = || {
            let mut jwk = serde_json::to_value(KeyPair::generate(Alg::ES256).0.public_jwk()).unwrap();
            jwk["d"] = "private".into();
            Some(PublicPart { jwk, certificate: b"der".to_vec(), key_use: None })
        };
        let mut credentials: Vec<_> =
            CredentialState::ALL.into_iter().map(|state| credential(state, public())).collect();
        credentials.push(credential(CredentialState::Active, None));
        let settings = json!({"issuer": "https://idp.example", "client_id": "c", "client_authentication": "private_key_jwt", "scopes": []});
        let connection = Connection {
            id: ConnectionId::from_stored("con_1".into()),
            slug: Slug::parse("idp").unwrap(),
            display_name: "IdP".into(),
            preset: None,
            enabled: true,
            listed: true,
            linking: false,
            protocol: Protocol::Oidc(serde_json::from_value::<OidcSettings>(settings).unwrap()),
            email_domains: Vec::new(),
            allow: None,
            mapping: Mapping::default(),
            managed_by: None,
            credentials,
            certificates: Vec::new(),
            refreshing: None,
            approved: Vec::new(),
        };
        let set = jwks(&connection);
        assert_eq!(set["keys"].as_array().unwrap().len(), 3);
        for member in ["kty", "crv", "x", "y", "kid", "alg", "use", "x5c", "x5t", "x5t#S256"] {
            assert!(set["keys"][0].get(member).is_some(), "{member}");
        }
        assert!(!set.to_string().contains("private"));
    }
}
