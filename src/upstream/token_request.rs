//! Redeeming the code (RFC 6749 §4.1.3), and later the refresh token (§6), with the connection's way of authenticating.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::discovery::{Provider, not_readable};
use super::quoted::{error_code, quoted};
use super::{UpstreamError, client_assertion};
use crate::connection::{ClientAuthentication, Connection, Credential, CredentialKind, OidcSettings};
use crate::ctx::Ctx;
use crate::secret::Secret;

const WHAT: &str = "the provider's token endpoint";

/// What we use of the token answer (OIDC Core §3.1.3.3).
#[derive(Debug, Deserialize)]
pub(super) struct Tokens {
    pub(super) id_token: Option<Secret<String>>,
    pub(super) access_token: Option<Secret<String>>,
    pub(super) refresh_token: Option<Secret<String>>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// # Errors
/// `Unavailable`, `Refused`, and `Misconfigured` for our own credential.
pub(super) async fn redeem(
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    provider: &Provider,
    code: &str,
    code_verifier: &Secret<String>,
) -> Result<Tokens, UpstreamError> {
    let redirect_uri = ctx.urls.callback(connection.slug.as_str());
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", code_verifier.expose()),
    ];
    send(ctx, connection, settings, provider, &fields).await
}

/// # Errors
/// as [`redeem`].
pub(super) async fn refresh(
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    provider: &Provider,
    refresh_token: &Secret<String>,
) -> Result<Tokens, UpstreamError> {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose().as_str())];
    send(ctx, connection, settings, provider, &fields).await
}

/// What the provider says of a code that it never gave, from a client with this secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// RFC 6749 §5.2 `invalid_grant`: so the client was known.
    CodeRefused,
    /// The error and its description, quoted.
    ClientRefused(String),
    Other(String),
}

/// # Errors
/// `Unavailable`; `Misconfigured` for an endpoint that is no URL.
pub(super) async fn ask_in_vain(
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    provider: &Provider,
    secret: &Secret<String>,
) -> Result<Said, UpstreamError> {
    let redirect_uri = ctx.urls.callback(connection.slug.as_str());
    let (code, verifier) = (ctx.rng.token(), ctx.rng.token());
    let request = {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code").append_pair("code", &code);
        form.append_pair("redirect_uri", &redirect_uri).append_pair("code_verifier", &verifier);
        let mut request = http::Request::post(&provider.token_endpoint)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match settings.client_authentication {
            ClientAuthentication::ClientSecretPost => {
                form.append_pair("client_id", &settings.client_id).append_pair("client_secret", secret.expose());
            }
            _ => request = request.header(AUTHORIZATION, basic(&settings.client_id, secret.expose()).as_str()),
        }
        request
            .body(form.finish().into_bytes())
            .map_err(|_| UpstreamError::misconfigured("endpoint_invalid", "token_endpoint: it is not a URL"))?
    };
    let response = ctx.http.send(request).await.map_err(|error| UpstreamError::unavailable(WHAT, error.to_string()))?;
    let status = response.status();
    if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
        return Err(UpstreamError::unavailable(WHAT, format!("the provider answered with status {}", status.as_u16())));
    }
    // some answer 200 with an error: the body counts
    let Ok(refusal) = serde_json::from_slice::<Refusal>(response.body()) else {
        return Ok(Said::Other(format!("status {}, and no error that could be read", status.as_u16())));
    };
    let error = error_code(&refusal.error);
    let quoted = match refusal.error_description.as_str() {
        "" => error.clone(),
        text => format!("{error}: {}", quoted(text, 300)),
    };
    Ok(match error.as_str() {
        "invalid_grant" => Said::CodeRefused,
        "invalid_client" | "unauthorized_client" => Said::ClientRefused(quoted),
        // Auth0's word for it
        "access_denied" if status == http::StatusCode::UNAUTHORIZED => Said::ClientRefused(quoted),
        _ => Said::Other(quoted),
    })
}

async fn send(
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    provider: &Provider,
    fields: &[(&str, &str)],
) -> Result<Tokens, UpstreamError> {
    let request = request(ctx, connection, settings, provider, fields)?;
    let response = ctx.http.send(request).await.map_err(|error| UpstreamError::unavailable(WHAT, error.to_string()))?;
    if response.status() == http::StatusCode::OK {
        return serde_json::from_slice(response.body())
            .map_err(|error| UpstreamError::unavailable(WHAT, not_readable(&error)));
    }
    Err(refusal(response.status(), response.body()))
}

fn request(
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    provider: &Provider,
    fields: &[(&str, &str)],
) -> Result<http::Request<Vec<u8>>, UpstreamError> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    let mut request = http::Request::post(&provider.token_endpoint)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    match settings.client_authentication {
        ClientAuthentication::ClientSecretBasic => {
            let secret = client_secret(ctx, connection)?;
            request = request.header(AUTHORIZATION, basic(&settings.client_id, secret.expose()).as_str());
        }
        ClientAuthentication::ClientSecretPost => {
            let secret = client_secret(ctx, connection)?;
            form.append_pair("client_id", &settings.client_id).append_pair("client_secret", secret.expose());
        }
        ClientAuthentication::PrivateKeyJwt => {
            let assertion = client_assertion::sign(ctx, connection, settings, provider)?;
            form.append_pair("client_id", &settings.client_id)
                .append_pair("client_assertion_type", client_assertion::TYPE)
                .append_pair("client_assertion", assertion.expose());
        }
    }
    request
        .body(form.finish().into_bytes())
        .map_err(|_| UpstreamError::misconfigured("endpoint_invalid", "token_endpoint: it is not a URL"))
}

/// RFC 6749 §5.2. A server error is no refusal, whatever its body says.
fn refusal(status: http::StatusCode, body: &[u8]) -> UpstreamError {
    let refusal = serde_json::from_slice::<Refusal>(body).ok().filter(|_| status.is_client_error());
    let Some(Refusal { error, error_description }) = refusal else {
        return UpstreamError::unavailable(WHAT, format!("the provider answered with status {}", status.as_u16()));
    };
    let (error, description) = (error_code(&error), quoted(&error_description, 300));
    match error.as_str() {
        "invalid_client" | "unauthorized_client" => UpstreamError::misconfigured(
            "invalid_client",
            format!(
                "the provider does not accept our credential ({error}: {description}); renew the connection's secret or key, and check its client id and way of authenticating"
            ),
        ),
        "temporarily_unavailable" | "server_error" => {
            UpstreamError::unavailable(WHAT, format!("{error}: {description}"))
        }
        _ => UpstreamError::Refused { error, description },
    }
}

fn client_secret(ctx: &Ctx, connection: &Connection) -> Result<Secret<String>, UpstreamError> {
    let credential = connection.active(CredentialKind::ClientSecret).ok_or_else(|| {
        UpstreamError::misconfigured("credential_missing", "the connection has no active client secret; enter one")
    })?;
    ctx.vault
        .open_text(Credential::place(&credential.id), &credential.sealed)
        .map_err(|error| UpstreamError::misconfigured("credential_unreadable", error.to_string()))
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

    #[test]
    fn a_refusal_is_told_from_a_failure_and_from_our_own_fault() {
        let reason =
            |status: u16, body: &str| refusal(http::StatusCode::from_u16(status).unwrap(), body.as_bytes()).reason();
        assert_eq!(reason(400, r#"{"error":"invalid_grant","error_description":"x"}"#), "refused");
        assert_eq!(reason(401, r#"{"error":"invalid_client"}"#), "invalid_client");
        assert_eq!(reason(500, r#"{"error":"invalid_grant"}"#), "unavailable");
        assert_eq!(reason(400, "<html>"), "unavailable");
    }
}
