//! Redeeming the code (RFC 6749 §4.1.3), and later the refresh token (§6), with the connection's way of authenticating.
//! Where the provider does not take the credential in use, another one of the connection's is shown once: see
//! [`super::standby`].

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Answer, Words};
use super::discovery::{Provider, not_readable};
use super::proof::Proof;
use super::{UpstreamError, Upstreams, federated_credential};
use crate::connection::{ClientAuthentication, Connection, Credential, CredentialKind, OidcSettings};
use crate::ctx::Ctx;
use crate::secret::Secret;
use crate::trace::Recording;

const WHAT: &str = "the provider's token endpoint";

/// What we use of the token answer (OIDC Core §3.1.3.3).
#[derive(Debug, Deserialize)]
pub(super) struct Tokens {
    pub(super) id_token: Option<Secret<String>>,
    pub(super) access_token: Option<Secret<String>>,
    pub(super) refresh_token: Option<Secret<String>>,
}

/// Who asks whom.
pub(super) struct Parties<'a> {
    pub(super) upstreams: &'a Upstreams,
    pub(super) connection: &'a Connection,
    pub(super) settings: &'a OidcSettings,
    pub(super) provider: &'a Provider,
}

/// # Errors
/// `Unavailable`, `Refused`, `code_spent`, and `Misconfigured` for our own credential.
pub(super) async fn redeem(
    ctx: &Ctx,
    parties: &Parties<'_>,
    code: &str,
    code_verifier: &Secret<String>,
    trace: &Recording,
) -> Result<Tokens, UpstreamError> {
    let redirect_uri = ctx.urls.callback(parties.connection.slug.as_str());
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", code_verifier.expose()),
    ];
    send(ctx, parties, &fields, Some(trace)).await
}

/// # Errors
/// as [`redeem`].
pub(super) async fn refresh(
    ctx: &Ctx,
    parties: &Parties<'_>,
    refresh_token: &Secret<String>,
) -> Result<Tokens, UpstreamError> {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose().as_str())];
    send(ctx, parties, &fields, None).await
}

/// A token that is about nobody but us.
///
/// # Errors
/// as [`redeem`].
pub(super) async fn for_ourselves(ctx: &Ctx, parties: &Parties<'_>, scope: &str) -> Result<Tokens, UpstreamError> {
    send(ctx, parties, &[("grant_type", "client_credentials"), ("scope", scope)], None).await
}

/// One form to an endpoint that authenticates clients, and what was answered.
///
/// # Errors
/// `Unavailable` where nobody answers; `endpoint_invalid`.
pub(super) async fn ask(
    ctx: &Ctx,
    settings: &OidcSettings,
    endpoint: &str,
    proof: &Proof,
    fields: &[(&str, &str)],
) -> Result<(StatusCode, Vec<u8>), UpstreamError> {
    let request = proof.sign(settings, endpoint, fields)?;
    let response = ctx.http.send(request).await.map_err(|error| UpstreamError::unavailable(WHAT, error.to_string()))?;
    Ok((response.status(), response.into_body()))
}

async fn send(
    ctx: &Ctx,
    parties: &Parties<'_>,
    fields: &[(&str, &str)],
    trace: Option<&Recording>,
) -> Result<Tokens, UpstreamError> {
    let Parties { upstreams, connection, settings, provider } = parties;
    let evidence = |more| {
        if let Some(trace) = trace {
            trace.evidence(more);
        }
    };
    let show = async |credential: &Credential| -> Result<(Answer, Vec<u8>), UpstreamError> {
        let proof = Proof::by(ctx, settings, provider, credential)?;
        let (status, body) = ask(ctx, settings, &provider.token_endpoint, &proof, fields).await?;
        Ok((Answer::read(status, &body), body))
    };
    if settings.client_authentication == ClientAuthentication::FederatedCredential {
        let keys = upstreams.own_keys.load_full();
        let proof = Proof::Assertion(federated_credential::sign(ctx, connection, keys.as_deref())?);
        let (status, body) = ask(ctx, settings, &provider.token_endpoint, &proof, fields).await?;
        return tokens(Answer::read(status, &body), &body);
    }
    let (first, second) = upstreams.standbys.order(connection, kind(settings), ctx.now());
    let first = first.ok_or_else(|| missing(settings))?;
    let (answer, body) = show(first).await?;
    let Answer::ClientRefused(said) = answer else {
        if answer == Answer::Given {
            upstreams.uses.note(&first.id, ctx.now());
            upstreams.standbys.worked(connection, first);
            evidence(json!({ "proved_by": first.id }));
        }
        return tokens(answer, &body);
    };
    evidence(json!({ "refused": { "id": first.id, "said": said.to_string() } }));
    let Some(second) = second else { return Err(refused(&said)) };
    let Ok((answer, body)) = show(second).await else { return Err(refused(&said)) };
    match answer {
        Answer::Given => {
            upstreams.uses.note(&second.id, ctx.now());
            upstreams.standbys.stood_in(ctx, connection, (first, &said.to_string()), second, false);
            evidence(json!({ "proved_by": second.id }));
            tokens(answer, &body)
        }
        // a code counts once, and some providers use it up before they look at who shows it
        Answer::GrantRefused(_) if fields.iter().any(|(name, _)| *name == "code") => {
            upstreams.standbys.stood_in(ctx, connection, (first, &said.to_string()), second, true);
            evidence(json!({ "proved_by": second.id }));
            Err(UpstreamError::misconfigured(
                "code_spent",
                format!(
                    "the provider refused our credential ({said}), and had used up the code when another one was shown; who begins again is signed in"
                ),
            ))
        }
        Answer::ClientRefused(also) => {
            evidence(json!({ "refused_too": { "id": second.id, "said": also.to_string() } }));
            Err(refused(&said))
        }
        other => tokens(other, &body),
    }
}

fn tokens(answer: Answer, body: &[u8]) -> Result<Tokens, UpstreamError> {
    match answer {
        Answer::Given => {
            serde_json::from_slice(body).map_err(|error| UpstreamError::unavailable(WHAT, not_readable(&error)))
        }
        Answer::ClientRefused(said) => Err(refused(&said)),
        Answer::GrantRefused(Words { error, description }) | Answer::Refused(Words { error, description }) => {
            Err(UpstreamError::Refused { error, description })
        }
        Answer::Nothing(what) => Err(UpstreamError::unavailable(WHAT, what)),
    }
}

fn refused(said: &Words) -> UpstreamError {
    UpstreamError::misconfigured(
        "invalid_client",
        format!(
            "the provider does not accept our credential ({said}); renew the connection's secret or key, and check its client id and way of authenticating"
        ),
    )
}

/// What the connection proves itself with.
pub(super) const fn kind(settings: &OidcSettings) -> CredentialKind {
    match settings.client_authentication {
        ClientAuthentication::ClientSecretBasic | ClientAuthentication::ClientSecretPost => {
            CredentialKind::ClientSecret
        }
        // a federated credential is no credential of the connection's: its keys would be the nearest
        ClientAuthentication::PrivateKeyJwt | ClientAuthentication::FederatedCredential => CredentialKind::PrivateKey,
    }
}

fn missing(settings: &OidcSettings) -> UpstreamError {
    let detail = match kind(settings) {
        CredentialKind::ClientSecret => "the connection has no active client secret; enter one",
        CredentialKind::PrivateKey => "the connection has no active private key; create one",
    };
    UpstreamError::misconfigured("credential_missing", detail)
}
