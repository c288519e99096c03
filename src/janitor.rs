//! Background work: rows that ended, keys that change or retire, secrets that were used. Everything here may be done by several
//! replicas at once without harm.

use std::sync::Arc;
use std::time::Duration;

use crate::admin::idempotency;
use crate::broker::Broker;
use crate::{
    alert, audit, authorization, client, connection, device, login, logout, mail, operator, session, signing_key,
    token, trace, webhook,
};

const EVERY: Duration = Duration::from_secs(60);

/// Runs until the pool is closed. Each piece may fail without stopping the others.
pub async fn run(broker: Arc<Broker>) {
    while broker.pause(EVERY).await {
        match broker.ctx.agree_on_the_time().await {
            Ok(ahead) => broker.metrics.clock_is_ahead(ahead),
            Err(error) => tracing::warn!(%error, "the database was not asked for the time"),
        }
        for rows in Rows::ALL {
            match sweep(&broker, rows).await {
                Ok(0) => {}
                Ok(removed) => tracing::debug!(?rows, removed, "removed ended rows"),
                Err(error) => tracing::warn!(?rows, %error, "ended rows could not be removed"),
            }
        }
        if let Err(error) = alert::look(&broker).await {
            tracing::warn!(%error, "it could not be seen whether operators should be told of something");
        }
        if let Err(error) = keep_keys(&broker).await {
            tracing::warn!(%error, "signing keys could not be kept to their schedule");
        }
        if let Err(error) = signing_key::retire_expired(&broker.ctx).await {
            tracing::warn!(%error, "signing keys could not be retired");
        }
        if let Err(error) = connection::key_rotation::keep_schedule(&broker.ctx).await {
            tracing::warn!(%error, "the keys of connections could not be kept to their schedule");
        }
        if let Err(error) = broker.write_used_secrets().await {
            tracing::warn!(%error, "the last use of client secrets could not be written");
        }
    }
}

/// Whoever fetched the JWKS is written first: a next key waits for them.
async fn keep_keys(broker: &Broker) -> Result<(), signing_key::RotationError> {
    broker.write_fetches().await?;
    for alg in signing_key::keep_schedule(&broker.ctx).await? {
        tracing::info!(%alg, "rotated on schedule");
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Rows {
    LoginAttempts,
    Assertions,
    ClientAssertions,
    Authorizations,
    PushedRequests,
    DeviceAuthorizations,
    Tokens,
    DpopProofs,
    Sessions,
    UpstreamGrants,
    Logouts,
    LoginTraces,
    TrialInvitations,
    LinkProofs,
    WebhookDeliveries,
    Mails,
    ExpiryReminders,
    IdempotencyKeys,
    OperatorSessions,
    OperatorAttempts,
    JwksConsumers,
    RenewalLinks,
    AuditEvents,
}

impl Rows {
    const ALL: [Self; 23] = [
        Self::LoginAttempts,
        Self::Assertions,
        Self::ClientAssertions,
        Self::Authorizations,
        Self::PushedRequests,
        Self::DeviceAuthorizations,
        Self::Tokens,
        Self::DpopProofs,
        Self::Sessions,
        Self::UpstreamGrants,
        Self::Logouts,
        Self::LoginTraces,
        Self::TrialInvitations,
        Self::LinkProofs,
        Self::WebhookDeliveries,
        Self::Mails,
        Self::ExpiryReminders,
        Self::IdempotencyKeys,
        Self::OperatorSessions,
        Self::OperatorAttempts,
        Self::JwksConsumers,
        Self::RenewalLinks,
        Self::AuditEvents,
    ];
}

/// In small pieces, so that no statement runs long and no lock is held long.
async fn sweep(broker: &Broker, rows: Rows) -> Result<u64, sqlx::Error> {
    let now = broker.ctx.now();
    let mut conn = broker.ctx.db.acquire().await?;
    let mut removed = 0;
    loop {
        let some = match rows {
            Rows::LoginAttempts => login::store::delete_ended(&mut conn, now).await?,
            Rows::Assertions => login::store::delete_ended_assertions(&mut conn, now).await?,
            Rows::ClientAssertions => client::assertion::store::delete_ended(&mut conn, now).await?,
            Rows::Authorizations => authorization::store::delete_ended(&mut conn, now).await?,
            Rows::PushedRequests => authorization::pushed::store::delete_ended(&mut conn, now).await?,
            Rows::DeviceAuthorizations => device::store::delete_ended(&mut conn, now).await?,
            Rows::Tokens => token::store::delete_ended(&mut conn, now).await?,
            Rows::DpopProofs => token::dpop::store::delete_ended(&mut conn, now).await?,
            Rows::Sessions => session::store::delete_ended(&mut conn, now).await?,
            Rows::UpstreamGrants => session::upstream_grant::store::delete_ended(&mut conn, now).await?,
            Rows::Logouts => logout::store::delete_ended(&mut conn, now).await?,
            Rows::LoginTraces => trace::store::delete_ended(&mut conn, now - broker.trace_retention()).await?,
            Rows::TrialInvitations => login::trial::store::delete_ended(&mut conn, now).await?,
            Rows::LinkProofs => login::account::link::store::delete_ended(&mut conn, now).await?,
            Rows::WebhookDeliveries => webhook::store::delete_ended(&mut conn, now).await?,
            Rows::Mails => mail::store::delete_ended(&mut conn, now).await?,
            Rows::ExpiryReminders => alert::store::delete_ended(&mut conn, now).await?,
            Rows::IdempotencyKeys => idempotency::store::delete_ended(&mut conn, now).await?,
            Rows::OperatorSessions => operator::session::store::delete_ended(&mut conn, now).await?,
            Rows::OperatorAttempts => {
                operator::throttle::store::delete_ended(&mut conn, now - operator::throttle::FORGOTTEN).await?
            }
            Rows::JwksConsumers => {
                signing_key::consumer::store::delete_ended(&mut conn, now - signing_key::consumer::FORGOTTEN).await?
            }
            Rows::RenewalLinks => connection::renewal_link::delete_ended(&mut conn, now).await?,
            Rows::AuditEvents => audit::end_retention(&broker.ctx, &mut conn).await?,
        };
        if some == 0 {
            return Ok(removed);
        }
        removed += some;
    }
}
