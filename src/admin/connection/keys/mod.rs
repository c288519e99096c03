//! Our own keys towards a provider at the desk: made, tried, promoted, put back, given a date; and doing without any
//! credential by a federated credential of Entra ID. Owns what pages and API do alike; the rules are
//! [`key_rotation`]'s.

pub mod api;
pub mod pages;
mod register;
mod shown;

use super::credential::proof;
use super::{slug, stored};
use crate::admin::Trouble;
use crate::audit::Author;
use crate::broker::Broker;
use crate::connection::key_rotation::{self, Delivery, Ground, KeyError, Promoted};
use crate::connection::{ClientAuthentication, CredentialState, Protocol};
use crate::provisioning::one::{self, Entry, Expect};
use crate::provisioning::{ConnectionEntry, Problem};

/// The next key signs from now on: because it was published long enough, because the provider took it a moment ago, or
/// because somebody says why it may all the same.
///
/// # Errors
/// [`Trouble::Conflict`]: `too_early`; `key_refused` and `not_rehearsed` say what the provider answered. Nothing was
/// changed.
pub async fn promote(
    broker: &Broker,
    author: &Author,
    name: &str,
    id: &str,
    reason: Option<&str>,
) -> Result<Promoted, Trouble> {
    let (ctx, slug) = (&broker.ctx, slug(name)?);
    let ground = match reason {
        Some(reason) => Ground::Override(reason.into()),
        None => {
            let connection = stored(&mut *ctx.db.acquire().await?, &slug).await?;
            let by_url = matches!(&connection.protocol, Protocol::Oidc(settings)
                if settings.key_rotation.unwrap_or_default().delivery == Delivery::JwksUri);
            let next = connection.keys(CredentialState::Next).find(|key| key.id.as_str() == id);
            match next {
                Some(next) if !by_url => {
                    proof::may_try(broker, &slug)?;
                    let trial = broker.upstreams.try_key(ctx, &connection, next).await;
                    proof::proven(trial, "key_refused", "key", "register it there first")?;
                    Ground::Proven
                }
                // what is no next key is refused by the promotion, which knows what it is
                _ => Ground::Published,
            }
        }
    };
    Ok(key_rotation::promote(ctx, author, &slug, id, &ground).await?)
}

/// How the connection proves itself from now on, and how its keys reach the provider.
pub struct Way {
    pub authentication: ClientAuthentication,
    pub rotation: key_rotation::KeyRotation,
}

/// # Errors
/// [`Trouble::Invalid`] names a field; [`Trouble::Conflict`] `no_active_key`: a key is made, registered and promoted before
/// it proves anything, so that nobody is refused in between.
pub async fn choose(broker: &Broker, author: &Author, name: &str, way: Way) -> Result<(), Trouble> {
    let (ctx, slug) = (&broker.ctx, slug(name)?);
    let connection = stored(&mut *ctx.db.acquire().await?, &slug).await?;
    if way.authentication == ClientAuthentication::PrivateKeyJwt
        && connection.keys(CredentialState::Active).next().is_none()
    {
        let sentence = "there is no key in use yet: make one, let the provider know it, and promote it first";
        return Err(Trouble::Conflict("no_active_key", sentence.into()));
    }
    let known = crate::admin::configuration::read(ctx, &super::item(slug)).await?;
    let Entry::Connection(entry) = known.entry else { return Err(Trouble::Broken) };
    let wanted = ConnectionEntry {
        client_authentication: Some(way.authentication),
        key_rotation: Some(way.rotation).filter(|rotation| *rotation != key_rotation::KeyRotation::default()),
        ..entry
    };
    one::put(ctx, author, Entry::Connection(wanted), Expect::Version(known.version)).await?;
    Ok(())
}

impl From<KeyError> for Trouble {
    fn from(error: KeyError) -> Self {
        let conflict = |word| Self::Conflict(word, error.to_string());
        let invalid = |field: &str| Self::Invalid(vec![Problem { path: field.into(), reason: error.to_string() }]);
        match error {
            KeyError::Database(error) => error.into(),
            KeyError::Unknown(slug) => Self::Unknown(format!("connection {slug}")),
            KeyError::NoSuchKey(_) => Self::Unknown("such key of this connection".into()),
            KeyError::NotOidc(_) => conflict("protocol_mismatch"),
            KeyError::NextExists(_) => conflict("next_exists"),
            KeyError::NotNext(..) => conflict("not_next"),
            KeyError::TooEarly { .. } => conflict("too_early"),
            KeyError::NotProven => conflict("not_rehearsed"),
            KeyError::Active(_) => conflict("key_active"),
            KeyError::NothingToPutBack(_) => conflict("nothing_to_put_back"),
            KeyError::NoNext => conflict("no_next"),
            KeyError::NoReason => invalid("override"),
            KeyError::Date => invalid("promote_at"),
            KeyError::Certificate(_) => {
                tracing::error!(%error, "a key could not be made");
                Self::Broken
            }
        }
    }
}
