//! Who a JWT stands for that was shown in place of a secret: the rules are `client::assertion`'s; here they meet the
//! clients that there are, the keys that have to be fetched, and the memory of what was shown before.

use std::sync::Arc;

use super::{Broker, Catalog};
use crate::client::assertion::{OwnAssertion, Refusal, Unsigned, VerifiedAssertion, store};
use crate::client::{AuthenticatedClient, Client, ClientId, authentication};
use crate::db::database_error;
use crate::jose::{JwkSet, Jwt, VerificationKey};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::upstream::KeysAt;

/// Why nobody was vouched for.
#[derive(Debug)]
pub enum NotVouched {
    Refused(Refusal),
    /// The keys or the database cannot be reached: 503, because clients latch on a no.
    Undecided(OAuthError),
}

impl From<Refusal> for NotVouched {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<authentication::Refusal> for NotVouched {
    fn from(refusal: authentication::Refusal) -> Self {
        Self::Refused(Refusal::new(refusal.reason(), refusal.description()))
    }
}

impl NotVouched {
    /// The audit word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason,
            Self::Undecided(error) => error.code.as_str(),
        }
    }

    /// As the client sees it; `code` is what a refusal is called where the JWT was sent.
    pub fn into_error(self, code: ErrorCode) -> OAuthError {
        match self {
            Self::Refused(refusal) => OAuthError::new(code, refusal.description),
            Self::Undecided(error) => error,
        }
    }
}

/// The client that the JWT stands for, which must be `named` if the request names one. An assertion with a `jti` is used
/// up by this.
///
/// # Errors
/// [`NotVouched`].
pub async fn vouched(
    broker: &Broker,
    catalog: &Catalog,
    text: &str,
    named: Option<&ClientId>,
) -> Result<AuthenticatedClient, NotVouched> {
    let jwt = Jwt::parse(text).map_err(Refusal::from)?;
    let (client, verified) = own_key(broker, catalog, &jwt, named).await?;
    let authenticated = AuthenticatedClient::by_assertion(&client, &verified)?;
    use_up(broker, &verified).await?;
    Ok(authenticated)
}

async fn own_key(
    broker: &Broker,
    catalog: &Catalog,
    jwt: &Jwt,
    named: Option<&ClientId>,
) -> Result<(Arc<Client>, VerifiedAssertion), NotVouched> {
    let ctx = &broker.ctx;
    let claimed = OwnAssertion::read(jwt, &ctx.urls, ctx.now().unix_timestamp())?;
    if named.is_some_and(|named| *named != claimed.client_id) {
        let text = "the parameter client_id names another client than the assertion (sub)";
        return Err(Refusal::new("assertion_of_another_client", text).into());
    }
    let unsigned = authentication::Refusal::AssertionUnsigned;
    let client = catalog.client(claimed.client_id.as_str()).ok_or(unsigned)?;
    let settings = &client.settings;
    let mut verified = claimed.verify(settings.registered_keys());
    if let (Err(_), Some(uri)) = (&verified, &settings.jwks_uri) {
        verified = by_published(broker, KeysAt::JwksUri(uri), |keys| claimed.verify(keys.iter())).await?;
    }
    let verified = verified.map_err(|_| unsigned)?;
    Ok((client, verified))
}

/// Tries the published keys, and newer ones if those may help.
async fn by_published<T>(
    broker: &Broker,
    at: KeysAt<'_>,
    verify: impl Fn(&[VerificationKey]) -> Result<T, Unsigned>,
) -> Result<Result<T, Unsigned>, NotVouched> {
    let undecided = |error: crate::upstream::UpstreamError| {
        tracing::warn!(?at, %error, "the keys that verify an assertion cannot be had");
        let text = "the keys that verify this assertion cannot be fetched from where they are published; try again";
        NotVouched::Undecided(OAuthError::new(ErrorCode::TemporarilyUnavailable, text))
    };
    let ctx = &broker.ctx;
    let keys: Arc<JwkSet> = broker.upstreams.published_keys(ctx, at).await.map_err(undecided)?;
    match verify(keys.keys()) {
        Err(Unsigned::PerhapsNewer) => {}
        decided => return Ok(decided),
    }
    match broker.upstreams.newer_published_keys(ctx, at, &keys).await.map_err(undecided)? {
        Some(newer) => Ok(verify(newer.keys())),
        None => Ok(Err(Unsigned::No)),
    }
}

async fn use_up(broker: &Broker, verified: &VerifiedAssertion) -> Result<(), NotVouched> {
    let Some(once) = verified.once() else { return Ok(()) };
    let remembered = async { store::remember(&mut *broker.ctx.db.acquire().await?, once).await };
    match remembered.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::replayed().into()),
        Err(error) => Err(NotVouched::Undecided(database_error(&error))),
    }
}
