//! What happens to keys by the clock. Replicas may look at the same time: who comes second finds, under the connection's
//! lock, that nothing is left to do.

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::change::{add_next, oidc, take_over, told};
use super::{Delivery, KeyError, KnownKey, store};
use crate::audit::{self, Author};
use crate::connection::own_key::OwnKey;
use crate::connection::{self, ClientAuthentication, Connection, CredentialState, KeyUse, Protocol, Slug};
use crate::connection::{credential, sp_key};
use crate::ctx::Ctx;
use crate::db::{self, Conn};

/// Does what is due at every connection; says how many keys came, took over or went.
///
/// # Errors
/// the database's, of the first look. What fails at one connection does not stop the others.
pub async fn keep_schedule(ctx: &Ctx) -> Result<usize, sqlx::Error> {
    let due = store::due(&mut *ctx.db.acquire().await?, ctx.now()).await?;
    let mut done = 0;
    for slug in due.iter().filter_map(|slug| Slug::parse(slug).ok()) {
        match settle(ctx, &slug).await {
            Ok(some) => done += some,
            Err(error) => {
                tracing::warn!(connection = %slug, %error, "a connection's keys could not be kept to their schedule")
            }
        }
    }
    Ok(done)
}

async fn settle(ctx: &Ctx, slug: &Slug) -> Result<usize, KeyError> {
    // RSA takes a good part of a second: before the transaction opens
    let made = {
        let mut conn = ctx.db.acquire().await?;
        let connection = connection::store::by_slug(&mut conn, slug).await?;
        let connection = connection.ok_or_else(|| KeyError::Unknown(slug.clone()))?;
        let known = store::known(&mut conn, &connection.id).await?;
        drop(conn);
        match wants_next(&connection, &known, ctx.now()) {
            Some(_) => Some(OwnKey::generate(ctx, slug, None)?),
            None => None,
        }
    };
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = connection::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| KeyError::Unknown(slug.clone()))?;
        let (known, now) = (store::known(conn, &connection.id).await?, ctx.now());
        let mut done = retire(ctx, conn, &connection, &known, now).await?;
        if let (Some(at), Some(key)) = (wants_next(&connection, &known, now), &made) {
            add_next(ctx, conn, &Author::system(), &connection, key, Some(at)).await?;
            done += 1;
        }
        done += take_over_due(ctx, conn, &connection, &known, now).await?;
        Ok(done)
    })
    .await
}

/// When a next key would take over that is to be made now.
fn wants_next(connection: &Connection, known: &[KnownKey], now: OffsetDateTime) -> Option<OffsetDateTime> {
    let Protocol::Oidc(settings) = &connection.protocol else { return None };
    let rotation = settings.key_rotation.unwrap_or_default();
    if settings.client_authentication != ClientAuthentication::PrivateKeyJwt
        || known.iter().any(|key| key.state == CredentialState::Next)
    {
        return None;
    }
    let active = known.iter().find(|key| key.state == CredentialState::Active)?;
    let ends = active.signs_since() + rotation.every()?;
    // a key that is overdue has to be published first all the same
    (ends - rotation.publish_ahead() <= now).then(|| ends.max(now + rotation.publish_ahead()))
}

async fn retire(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    known: &[KnownKey],
    now: OffsetDateTime,
) -> Result<usize, KeyError> {
    let over = |key: &&KnownKey| key.state == CredentialState::Retiring && key.retire_at.is_some_and(|at| at <= now);
    let over: Vec<&KnownKey> = known.iter().filter(over).collect();
    for key in &over {
        credential::store::set_state(conn, &key.id, CredentialState::Retired).await?;
    }
    if !over.is_empty() {
        let keys: Vec<_> = over.iter().map(|key| json!({ "retired": key.id })).collect();
        let event = Author::system().did("connection.key_retired").connection(&connection.slug);
        audit::record(ctx, conn, event.detail(json!({ "keys": keys, "scheduled": true }))).await?;
    }
    Ok(over.len())
}

async fn take_over_due(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    known: &[KnownKey],
    now: OffsetDateTime,
) -> Result<usize, KeyError> {
    // the date of a key that is to be uploaded counts no more
    let by_date = match &connection.protocol {
        Protocol::Oidc(settings) => settings.key_rotation.unwrap_or_default().delivery == Delivery::JwksUri,
        Protocol::Saml(_) => true,
    };
    let due = |id: &_| {
        let mut known = known.iter();
        known.any(|key| {
            key.id == *id && key.state == CredentialState::Next && key.promote_at.is_some_and(|at| at <= now)
        })
    };
    let mut keys = Vec::new();
    for next in connection.keys(CredentialState::Next).filter(|key| by_date && due(&key.id)) {
        let (active, retiring) = match (&connection.protocol, next.key_use()) {
            (Protocol::Saml(_), Some(usage)) => {
                let done = sp_key::promote(conn, &connection.slug, usage, now).await.map_err(of_saml)?;
                (done.active, done.retiring)
            }
            _ => {
                let done = take_over(ctx, conn, connection, next).await?;
                (done.active, done.before)
            }
        };
        let usage = next.key_use().unwrap_or(KeyUse::Signing).as_str();
        keys.push(json!({ "use": usage, "active": active, "retiring": retiring }));
    }
    let done = keys.len();
    if done > 0 {
        let event = Author::system().did("connection.key_promoted").connection(&connection.slug);
        audit::record(ctx, conn, event.detail(json!({ "keys": keys, "scheduled": true }))).await?;
    }
    Ok(done)
}

fn of_saml(error: sp_key::SpKeyError) -> KeyError {
    match error {
        sp_key::SpKeyError::Database(error) => error.into(),
        _ => KeyError::NoNext,
    }
}

/// When next keys are to take over by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    At(OffsetDateTime),
    /// So long before the certificate of the key in use ends.
    BeforeEnd(Duration),
    /// When somebody says so.
    ByHand,
}

/// Gives the next keys their date, or takes it away; answers the date.
///
/// # Errors
/// [`KeyError::NoNext`]; [`KeyError::Date`] of one that has passed, or would come after the certificate's end;
/// [`KeyError::NotProven`] where the provider is given each key by hand.
pub async fn plan_takeover(
    ctx: &Ctx,
    author: &Author,
    slug: &Slug,
    wanted: Takeover,
) -> Result<Option<OffsetDateTime>, KeyError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = connection::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| KeyError::Unknown(slug.clone()))?;
        let next: Vec<_> = connection.keys(CredentialState::Next).collect();
        if next.is_empty() {
            return Err(KeyError::NoNext);
        }
        let end = connection.keys(CredentialState::Active).filter_map(|key| key.expires_at).min();
        let at = match wanted {
            Takeover::ByHand => None,
            Takeover::At(at) => Some(at),
            Takeover::BeforeEnd(early) => Some(end.ok_or(KeyError::Date)? - early),
        };
        if at.is_some_and(|at| at <= ctx.now() || end.is_some_and(|end| at >= end)) {
            return Err(KeyError::Date);
        }
        if at.is_some() && matches!(connection.protocol, Protocol::Oidc(_)) {
            let (_, rotation) = oidc(Some(connection.clone()), slug)?;
            let ready_at = next[0].created_at + rotation.publish_ahead();
            match rotation.delivery {
                Delivery::Upload => return Err(KeyError::NotProven),
                Delivery::JwksUri if at.is_some_and(|at| at < ready_at) => {
                    return Err(KeyError::TooEarly { published_at: next[0].created_at, ready_at });
                }
                Delivery::JwksUri => {}
            }
        }
        for key in &next {
            store::promote_at(conn, &key.id, at).await?;
        }
        let keys: Vec<_> = next.iter().map(|key| json!({ "next": key.id })).collect();
        let event = author.did("connection.key_takeover_planned").connection(slug);
        audit::record(ctx, conn, event.detail(json!({ "keys": keys, "promote_at": told(at) }))).await?;
        Ok(at)
    })
    .await
}
