//! Leaving for an upstream: the trip is made first (discovery may be fetched), then remembered in one row.

use serde_json::json;
use time::Duration;
use url::Url;

use super::account;
use super::store::{self, NewAttempt};
use super::trial::Trial;
use super::{Next, Problem, Refusal, Visitor};
use crate::authorization::Authorization;
use crate::broker::Broker;
use crate::connection::{Connection, Protocol};
use crate::ids::{LoginAttemptId, TraceId};
use crate::metadata;
use crate::secret::fingerprint;
use crate::trace::Word;
use crate::upstream::StartHints;

/// Second factors and forgotten passwords included.
const LIFETIME: Duration = Duration::minutes(30);

/// # Errors
/// [`Problem::Upstream`] when the trip cannot be made; the database's.
pub async fn depart(
    broker: &Broker,
    visitor: &Visitor,
    authorization: &Authorization,
    connection: &Connection,
) -> Result<Next, Refusal> {
    let request = &authorization.request;
    let hints = StartHints {
        login_hint: request.login_hint.clone(),
        domain_hint: request.domain_hint.clone(),
        prompt: prompt(request.prompt),
        max_age: request.max_age,
        acr_values: request.acr_values.clone(),
        ui_locales: request.ui_locales.clone(),
    };
    leave(broker, visitor, Why::Asked(authorization), connection, &hints)
        .await
        .map_err(|refusal| refusal.at(authorization))
}

/// What a trip is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why<'a> {
    Asked(&'a Authorization),
    /// Nobody asked for this sign-in but the provider.
    Unsolicited,
    /// Somebody wants to the operator's desk, and then to this page of it.
    Desk {
        then: &'a str,
    },
    /// It began at the account page.
    Account(&'a account::Trip),
    /// An operator tests the connection, which need not be enabled.
    Trial {
        trial: &'a Trial,
        trace_id: &'a TraceId,
    },
}

pub(super) async fn leave(
    broker: &Broker,
    visitor: &Visitor,
    why: Why<'_>,
    connection: &Connection,
    hints: &StartHints,
) -> Result<Next, Refusal> {
    let ctx = &broker.ctx;
    visitor.trace.begin(Word::UpstreamSent);
    visitor.trace.connection(&connection.slug);
    if !matches!(why, Why::Trial { .. }) && !connection.may_login() {
        return Err(Problem::UnknownConnection.into());
    }
    let failed = |error| {
        Refusal::from(Problem::Upstream { connection: connection.display_name.clone(), error })
            .by(connection.slug.as_str())
    };
    let fetched = metadata::needed(broker, connection).await.map_err(failed)?;
    let connection = fetched.as_deref().unwrap_or(connection);
    let trip = broker.upstreams.start(ctx, connection, hints).await.map_err(failed)?;
    let now = ctx.now();
    let id = LoginAttemptId::new(now, &ctx.rng);
    let verifier = ctx.vault.seal(store::verifier_place(&id), trip.pkce_verifier.expose().as_bytes(), &ctx.rng);
    let (authorization, trace_id, trial) = match &why {
        Why::Asked(authorization) => (Some(&authorization.id), &authorization.trace_id, None),
        Why::Unsolicited | Why::Desk { .. } | Why::Account(_) => (None, &visitor.trace_id, None),
        Why::Trial { trial, trace_id } => (None, *trace_id, Some(*trial)),
    };
    let attempt = NewAttempt {
        id: &id,
        state_hash: fingerprint(trip.state.expose()),
        browser_hash: visitor.browser_hash(),
        authorization,
        trace_id,
        trial,
        desk_then: match why {
            Why::Desk { then } => Some(then),
            _ => None,
        },
        account: match why {
            Why::Account(trip) => Some(trip),
            _ => None,
        },
        connection: &connection.id,
        issuer: &trip.issuer,
        nonce: &trip.nonce,
        pkce_verifier: &verifier,
        max_age: trip.max_age,
        expires_at: now + LIFETIME,
    };
    let mut conn = ctx.db.acquire().await?;
    store::insert(&mut conn, attempt, now).await?;
    drop(conn);
    let address = Url::parse(&trip.url).ok();
    visitor.trace.passed(
        Word::UpstreamSent,
        json!({
            "connection": connection.slug,
            "protocol": match connection.protocol { Protocol::Oidc(_) => "oidc", Protocol::Saml(_) => "saml" },
            "to": address.as_ref().map(|url| format!("{}{}", url.origin().ascii_serialization(), url.path())),
            "issuer": trip.issuer,
            "max_age": trip.max_age,
            "login_hint": hints.login_hint,
            "prompt": hints.prompt,
        }),
    );
    let target = trip.form.as_ref().and(address);
    Ok(match (trip.form, target) {
        (Some(fields), Some(target)) => Next::UpstreamForm {
            target,
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        },
        _ => Next::Upstream { url: trip.url },
    })
}

/// What of the client's `prompt` concerns the upstream; consent is between us and the person.
fn prompt(prompt: crate::oauth::prompt::Prompt) -> Option<String> {
    let words: Vec<_> = [(prompt.login, "login"), (prompt.select_account, "select_account")]
        .into_iter()
        .filter_map(|(set, word)| set.then_some(word))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}
