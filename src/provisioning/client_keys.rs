//! What is wrong with the keys of a client entry, and with who it says it is elsewhere.

use super::check::{Findings, Known};
use super::client_entry::ClientEntry;
use crate::client::{AuthMethod, ClientKind, FederatedIdentity};
use crate::oauth::grant_type::GrantType;

impl ClientEntry {
    pub(super) fn check_keys(&self, out: &mut Findings, known: &Known) {
        let own_keys = self.jwks.is_some() || self.jwks_uri.is_some() || !self.certificates.is_empty();
        let has_keys = own_keys || !self.federated_identities.is_empty();
        if matches!(self.kind, ClientKind::Spa | ClientKind::Native) {
            let proofs = [
                ("jwks", own_keys),
                ("federated_identities", !self.federated_identities.is_empty()),
                ("token_endpoint_auth_method", self.token_endpoint_auth_method.is_some()),
                ("serves", !self.serves.is_empty()),
            ];
            for (field, _) in proofs.into_iter().filter(|(_, present)| *present) {
                let kind = self.kind.as_str();
                out.add(field, format!("a {kind} client is public and proves nothing; use kind web or machine"));
            }
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            out.add("jwks_uri", "stands beside jwks: keys are written here or fetched there (RFC 7591 section 2)");
        }
        if self.jwks_uri.as_deref().is_some_and(|uri| !is_http_url(uri)) {
            out.add("jwks_uri", "must be an https URL");
        }
        if self.token_endpoint_auth_method == Some(AuthMethod::PrivateKeyJwt) && !has_keys {
            let text = "private_key_jwt needs jwks, jwks_uri, certificates or federated_identities";
            out.add("token_endpoint_auth_method", text);
        }
        if self.effective_grants().contains(&GrantType::JwtBearer) && !has_keys {
            out.add("grants", "jwt_bearer needs jwks, jwks_uri, certificates or federated_identities");
        }
        for identity in &self.federated_identities {
            check_identity(out, identity);
        }
        for audience in self.serves.iter().filter(|audience| !known.resources.contains_key(*audience)) {
            out.add("serves", format!("{audience:?} is no resource of this file or stored"));
        }
    }
}

fn check_identity(out: &mut Findings, identity: &FederatedIdentity) {
    const FIELD: &str = "federated_identities";
    let issuer = &identity.issuer;
    if !is_http_url(issuer) {
        out.add(FIELD, format!("issuer {issuer:?} must be an https URL, byte for byte as iss in its tokens"));
    }
    if identity.audience.trim().is_empty() {
        out.add(FIELD, format!("{issuer}: audience is empty: write what aud in its tokens for us is"));
    }
    if identity.subject.as_deref().unwrap_or_default().is_empty() && identity.subject_rule.is_none() {
        out.add(FIELD, format!("{issuer}: needs subject or subject_rule, or everybody there would be this client"));
    }
    if identity.jwks.is_some() && identity.jwks_uri.is_some() {
        out.add(FIELD, format!("{issuer}: jwks_uri stands beside jwks: keys are written here or fetched there"));
    }
    if identity.jwks_uri.as_deref().is_some_and(|uri| !is_http_url(uri)) {
        out.add(FIELD, format!("{issuer}: jwks_uri must be an https URL"));
    }
    if !(60..=86_400).contains(&identity.max_age) {
        out.add(FIELD, format!("{issuer}: max_age must be 60 to 86400 seconds"));
    }
}

/// Whether plain http will do is for `outbound` to say, by the addresses that the operator opened.
fn is_http_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}
