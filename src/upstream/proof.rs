//! What proves us to a provider in one request: a client secret, or a statement signed with a key of ours. Owns how either is
//! sent, and what a wrong one looks like; which one is chosen is the caller's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::discovery::Provider;
use super::{UpstreamError, client_assertion};
use crate::connection::{ClientAuthentication, Credential, CredentialKind, OidcSettings};
use crate::ctx::Ctx;
use crate::secret::Secret;

pub(super) enum Proof {
    Secret(Secret<String>),
    /// Good for some minutes and for one request.
    Assertion(Secret<String>),
}

impl Proof {
    /// # Errors
    /// `credential_missing`, `credential_unreadable`.
    pub(super) fn by(
        ctx: &Ctx,
        settings: &OidcSettings,
        provider: &Provider,
        credential: &Credential,
    ) -> Result<Self, UpstreamError> {
        match credential.kind() {
            CredentialKind::ClientSecret => ctx
                .vault
                .open_text(Credential::place(&credential.id), &credential.sealed)
                .map(Self::Secret)
                .map_err(|error| UpstreamError::misconfigured("credential_unreadable", error.to_string())),
            CredentialKind::PrivateKey => {
                client_assertion::sign(ctx, settings, provider, credential).map(Self::Assertion)
            }
        }
    }

    /// A form for `endpoint` that comes from us.
    ///
    /// # Errors
    /// `endpoint_invalid`.
    pub(super) fn sign(
        &self,
        settings: &OidcSettings,
        endpoint: &str,
        fields: &[(&str, &str)],
    ) -> Result<http::Request<Vec<u8>>, UpstreamError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut request = http::Request::post(endpoint)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match self {
            Self::Secret(secret) if settings.client_authentication == ClientAuthentication::ClientSecretPost => {
                form.append_pair("client_id", &settings.client_id).append_pair("client_secret", secret.expose());
            }
            Self::Secret(secret) => {
                request = request.header(AUTHORIZATION, basic(&settings.client_id, secret.expose()).as_str());
            }
            Self::Assertion(assertion) => {
                form.append_pair("client_id", &settings.client_id)
                    .append_pair("client_assertion_type", client_assertion::TYPE)
                    .append_pair("client_assertion", assertion.expose());
            }
        }
        request
            .body(form.finish().into_bytes())
            .map_err(|_| UpstreamError::misconfigured("endpoint_invalid", "an endpoint of the provider is not a URL"))
    }
}

/// RFC 6749 §2.3.1: both halves are form-urlencoded before they are joined, or a secret with `:` or `+` breaks.
fn basic(client_id: &str, secret: &str) -> Zeroizing<String> {
    let encoded = |text: &str| Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
    let pair = Zeroizing::new(format!("{}:{}", encoded(client_id).as_str(), encoded(secret).as_str()));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_survive_odd_characters() {
        let header = basic("a:b", "s+ %é");
        let decoded = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(decoded).unwrap(), "a%3Ab:s%2B+%25%C3%A9");
    }
}
