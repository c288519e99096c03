//! Leaving for an upstream: the trip is made first (discovery may be fetched), then remembered in one row.

use time::Duration;
use url::Url;

use super::store::{self, NewAttempt};
use super::{Next, Problem, Refusal, Visitor};
use crate::authorization::Authorization;
use crate::broker::Broker;
use crate::connection::Connection;
use crate::ids::{AuthorizationId, LoginAttemptId};
use crate::secret::fingerprint;
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
    leave(broker, visitor, Some(&authorization.id), connection, &hints)
        .await
        .map_err(|refusal| refusal.at(authorization))
}

/// Without an authorization nobody asked for this sign-in but the provider.
pub(super) async fn leave(
    broker: &Broker,
    visitor: &Visitor,
    authorization: Option<&AuthorizationId>,
    connection: &Connection,
    hints: &StartHints,
) -> Result<Next, Refusal> {
    let ctx = &broker.ctx;
    if !connection.may_login() {
        return Err(Problem::UnknownConnection.into());
    }
    let trip = broker.upstreams.start(ctx, connection, hints).await.map_err(|error| {
        Refusal::from(Problem::Upstream { connection: connection.display_name.clone(), error })
            .by(connection.slug.as_str())
    })?;
    let now = ctx.now();
    let id = LoginAttemptId::new(now, &ctx.rng);
    let verifier = ctx.vault.seal(store::verifier_place(&id), trip.pkce_verifier.expose().as_bytes(), &ctx.rng);
    let attempt = NewAttempt {
        id: &id,
        state_hash: fingerprint(trip.state.expose()),
        browser_hash: visitor.browser_hash(),
        authorization,
        connection: &connection.id,
        issuer: &trip.issuer,
        nonce: &trip.nonce,
        pkce_verifier: &verifier,
        max_age: trip.max_age,
        expires_at: now + LIFETIME,
    };
    let mut conn = ctx.db.acquire().await?;
    store::insert(&mut conn, attempt, now).await?;
    let target = trip.form.as_ref().and_then(|_| Url::parse(&trip.url).ok());
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
