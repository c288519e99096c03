//! Whether a provider takes a credential of ours, found out without a person. RFC 6749 prescribes no order of a token
//! endpoint's checks, so whatever is asked is asked beforehand with a credential that cannot be right: only where the two
//! answers differ is anything proven.
//!
//! Asked is, where nothing else is known, with a code that the provider never gave: a client that is not known is refused
//! for that (`invalid_client`), one that is known for the code (`invalid_grant`). Entra ID is asked for a token of our own
//! instead, since it may look at the code first. Where the first question proves nothing, introspection (RFC 7662) and
//! revocation (RFC 7009) of a token that never was may: they can prove a credential, never refuse one, because not every
//! client may ask there.

use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

use super::answer::Answer;
use super::discovery::Provider;
use super::proof::Proof;
use super::token_request::{ask, kind};
use super::{UpstreamError, Upstreams, client_assertion};
use crate::connection::credential::rehearsal::{Method, Rehearsal, Verdict};
use crate::connection::{Connection, Credential, CredentialKind, OidcSettings, Preset, Protocol};
use crate::ctx::Ctx;
use crate::secret::Secret;

/// What came of it; the texts are for an operator or the provider's administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretTrial {
    Proven,
    /// What the provider answered.
    Refused(String),
    /// The answers do not tell a right secret from a wrong one.
    Unclear(String),
    Unreachable(String),
}

/// The same with how it was found out.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    pub trial: SecretTrial,
    pub method: Method,
    /// Of each question `{method, control, candidate}`, and of both answers `{status, error}`. Never a value.
    pub evidence: Value,
}

impl Rehearsed {
    /// As it is kept. `by` as in audit.
    pub fn kept(&self, at: OffsetDateTime, by: &str) -> Rehearsal {
        let verdict = match &self.trial {
            SecretTrial::Proven => Verdict::Proven,
            SecretTrial::Refused(_) => Verdict::Refused,
            SecretTrial::Unclear(_) => Verdict::Unclear,
            SecretTrial::Unreachable(_) => Verdict::Unreachable,
        };
        Rehearsal { verdict, method: self.method, at, by: by.into(), evidence: self.evidence.clone() }
    }
}

/// What is tried.
pub(super) enum Candidate<'a> {
    /// It need not be stored.
    Secret(&'a Secret<String>),
    Stored(&'a Credential),
}

struct Question {
    method: Method,
    endpoint: String,
    fields: Vec<(&'static str, String)>,
}

enum Standing {
    Known,
    Refused(String),
    Other(String),
}

pub(super) async fn of(
    upstreams: &Upstreams,
    ctx: &Ctx,
    connection: &Connection,
    candidate: Candidate<'_>,
) -> Rehearsed {
    let mut evidence = Vec::new();
    let (mut method, mut first) = (Method::AuthorizationCode, None);
    let trial = match questions(upstreams, ctx, connection, &candidate).await {
        Err(trial) => trial,
        Ok((settings, provider, questions)) => {
            let mut last = None;
            for question in questions {
                method = question.method;
                let trial = match put(ctx, settings, &provider, &question, &candidate, &mut evidence).await {
                    Ok(trial) => trial,
                    Err(error) => failed(&error),
                };
                if !matches!(trial, SecretTrial::Unclear(_)) {
                    last = Some(trial);
                    break;
                }
                first.get_or_insert((method, trial));
            }
            match (last, first) {
                (Some(SecretTrial::Unreachable(_)), Some((asked, unclear))) | (None, Some((asked, unclear))) => {
                    method = asked;
                    unclear
                }
                (Some(trial), _) => trial,
                (None, None) => SecretTrial::Unclear("there is nothing to ask".into()),
            }
        }
    };
    Rehearsed { trial, method, evidence: evidence.into() }
}

/// The likeliest first.
async fn questions<'c>(
    upstreams: &Upstreams,
    ctx: &Ctx,
    connection: &'c Connection,
    candidate: &Candidate<'_>,
) -> Result<(&'c OidcSettings, std::sync::Arc<Provider>, Vec<Question>), SecretTrial> {
    let Protocol::Oidc(settings) = &connection.protocol else {
        return Err(SecretTrial::Unclear("the connection speaks SAML, which knows no client secret".into()));
    };
    if kind(settings) != CredentialKind::ClientSecret && matches!(candidate, Candidate::Secret(_)) {
        return Err(SecretTrial::Unclear("the connection proves itself with keys of ours, not with a secret".into()));
    }
    let provider = upstreams.discovery.get(ctx, connection, settings).await;
    let provider = provider.map_err(|error| SecretTrial::Unreachable(error.to_string()))?;
    if connection.preset == Some(Preset::Entra) || is_entra(&settings.issuer) {
        let question = of_entra(settings, &provider)?;
        return Ok((settings, provider, vec![question]));
    }
    let mut all = vec![Question {
        method: Method::AuthorizationCode,
        endpoint: provider.token_endpoint.clone(),
        fields: vec![
            ("grant_type", "authorization_code".into()),
            ("code", ctx.rng.token()),
            ("redirect_uri", ctx.urls.callback(connection.slug.as_str())),
            ("code_verifier", ctx.rng.token()),
        ],
    }];
    let more = [
        (Method::Introspection, &provider.introspection_endpoint),
        (Method::Revocation, &provider.revocation_endpoint),
    ];
    for (method, endpoint) in more {
        if let Some(endpoint) = endpoint {
            let fields = vec![("token", ctx.rng.token()), ("token_type_hint", "access_token".into())];
            all.push(Question { method, endpoint: endpoint.clone(), fields });
        }
    }
    Ok((settings, provider, all))
}

fn is_entra(issuer: &str) -> bool {
    host(issuer).is_some_and(|host| host.starts_with("login.microsoftonline."))
}

fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(Into::into)
}

/// A token of our own for Graph, which is thrown away. It comes from one tenant, also where people of several may come in.
fn of_entra(settings: &OidcSettings, provider: &Provider) -> Result<Question, SecretTrial> {
    let graph = match host(&provider.token_endpoint).as_deref() {
        Some("login.microsoftonline.us") => "graph.microsoft.us",
        Some("login.partner.microsoftonline.cn" | "login.chinacloudapi.cn") => "microsoftgraph.chinacloudapi.cn",
        _ => "graph.microsoft.com",
    };
    let mut endpoint = provider.token_endpoint.clone();
    if settings.is_multi_tenant() {
        let tenant =
            settings.tenants.first().ok_or_else(|| SecretTrial::Unclear("it names no tenant to ask".into()))?;
        for several in ["organizations", "common", "consumers"] {
            endpoint = endpoint.replacen(&format!("/{several}/"), &format!("/{tenant}/"), 1);
        }
    }
    let fields = vec![("grant_type", "client_credentials".into()), ("scope", format!("https://{graph}/.default"))];
    Ok(Question { method: Method::ClientCredentials, endpoint, fields })
}

async fn put(
    ctx: &Ctx,
    settings: &OidcSettings,
    provider: &Provider,
    question: &Question,
    candidate: &Candidate<'_>,
    evidence: &mut Vec<Value>,
) -> Result<SecretTrial, UpstreamError> {
    let control = match candidate {
        Candidate::Stored(key) if key.kind() == CredentialKind::PrivateKey => {
            Proof::Assertion(client_assertion::forge(ctx, settings, provider, key).await?)
        }
        _ => Proof::Secret(Secret::new(ctx.rng.token())),
    };
    let (control, shown) = answered(ctx, settings, question, &control).await?;
    let mut told = json!({ "method": question.method, "control": shown });
    let proof = match candidate {
        Candidate::Secret(secret) => Proof::Secret((*secret).clone()),
        Candidate::Stored(credential) => Proof::by(ctx, settings, provider, credential)?,
    };
    let answer = answered(ctx, settings, question, &proof).await;
    if let Ok((_, shown)) = &answer {
        told["candidate"] = shown.clone();
    }
    evidence.push(told);
    let beside_the_token_endpoint = matches!(question.method, Method::Introspection | Method::Revocation);
    Ok(match (control, answer?.0) {
        (Standing::Refused(_), Standing::Known) => SecretTrial::Proven,
        (_, Standing::Refused(said)) if beside_the_token_endpoint => SecretTrial::Unclear(said),
        (_, Standing::Refused(said)) => SecretTrial::Refused(said),
        (_, Standing::Known) => SecretTrial::Unclear("it answers a wrong secret in the same way".into()),
        (_, Standing::Other(said)) => SecretTrial::Unclear(said),
    })
}

async fn answered(
    ctx: &Ctx,
    settings: &OidcSettings,
    question: &Question,
    proof: &Proof,
) -> Result<(Standing, Value), UpstreamError> {
    let fields: Vec<(&str, &str)> = question.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (status, body) = ask(ctx, settings, &question.endpoint, proof, &fields).await?;
    let answer = Answer::read(status, &body);
    let error = match &answer {
        Answer::ClientRefused(words) | Answer::GrantRefused(words) | Answer::Refused(words) => {
            Some(words.error.clone())
        }
        Answer::Given | Answer::Nothing(_) => None,
    };
    let shown = json!({ "status": status.as_u16(), "error": error });
    let aside = matches!(question.method, Method::Introspection | Method::Revocation);
    let standing = match answer {
        Answer::ClientRefused(words) => Standing::Refused(words.to_string()),
        Answer::GrantRefused(_) if question.method == Method::AuthorizationCode => Standing::Known,
        Answer::Given if question.method != Method::AuthorizationCode => Standing::Known,
        Answer::Given => Standing::Other("it answers a code that it never gave as if it were one".into()),
        // they need not say more than that (RFC 7662 §2.3)
        Answer::Nothing(what) if aside && status == http::StatusCode::UNAUTHORIZED => Standing::Refused(what),
        Answer::Nothing(what) if status.is_client_error() && status != http::StatusCode::TOO_MANY_REQUESTS => {
            Standing::Other(what)
        }
        Answer::Nothing(what) => return Err(UpstreamError::unavailable("the provider's token endpoint", what)),
        Answer::GrantRefused(words) | Answer::Refused(words) => Standing::Other(words.to_string()),
    };
    Ok((standing, shown))
}

fn failed(error: &UpstreamError) -> SecretTrial {
    match error {
        UpstreamError::Unavailable { .. } => SecretTrial::Unreachable(error.to_string()),
        _ => SecretTrial::Unclear(error.to_string()),
    }
}
