//! Who a JWT stands for that was shown in place of a secret: the rules are `client::assertion`'s; here they meet the
//! clients that there are, the keys that have to be fetched, and the memory of what was shown before.

use std::sync::Arc;

use super::{Broker, Catalog};
use crate::client::assertion::{
    Candidate, FederatedAssertion, OwnAssertion, Refusal, Unproven, VerifiedAssertion, store,
};
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

/// What the JWT was sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownAs {
    ClientAssertion,
    /// `assertion` (RFC 7523 §2.1) or `subject_token` (RFC 8693): the grant itself.
    Grant,
}

/// The client that the JWT stands for, which must be `named` if the request names one: the client's own key signed it, or
/// an issuer that the client trusts. A JWT that counts once is used up by this.
///
/// # Errors
/// [`NotVouched`].
pub async fn vouched(
    broker: &Broker,
    catalog: &Catalog,
    text: &str,
    shown_as: ShownAs,
    named: Option<&ClientId>,
) -> Result<AuthenticatedClient, NotVouched> {
    let jwt = Jwt::parse(text).map_err(Refusal::from)?;
    // a client id has no colon, an issuer is a URL
    let foreign = jwt.text("iss").is_some_and(|iss| iss.contains("://"));
    let (client, verified) = if foreign {
        federated(broker, catalog, &jwt, named).await?
    } else {
        own_key(broker, catalog, &jwt, named).await?
    };
    let authenticated = match shown_as {
        ShownAs::ClientAssertion => AuthenticatedClient::by_assertion(&client, &verified)?,
        ShownAs::Grant => AuthenticatedClient::by_grant(&client, &verified)?,
    };
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
        let text = "the client that authenticated or that client_id names is another than the assertion's (sub)";
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

async fn federated(
    broker: &Broker,
    catalog: &Catalog,
    jwt: &Jwt,
    named: Option<&ClientId>,
) -> Result<(Arc<Client>, VerifiedAssertion), NotVouched> {
    let issuer = jwt.text("iss").unwrap_or_default();
    let trusting =
        catalog.trusting(issuer).iter().filter(|client| named.is_none_or(|named| client.client_id == *named));
    let candidates = trusting.flat_map(|client| {
        let here = client.settings.federated_identities.iter().filter(|identity| identity.issuer == issuer);
        here.map(move |identity| Candidate { client, identity })
    });
    let now = broker.ctx.now().unix_timestamp();
    let mut found: Option<(Arc<Client>, VerifiedAssertion)> = None;
    let mut refusal = None;
    for assertion in FederatedAssertion::read(jwt, candidates.collect(), now)? {
        let Candidate { client, identity } = assertion.candidate;
        let verified = match (&identity.jwks, &identity.jwks_uri) {
            (Some(jwks), _) => assertion.verify(jwks.keys().iter()),
            (None, uri) => {
                let at = uri.as_ref().map_or(KeysAt::Issuer(issuer), |uri| KeysAt::JwksUri(uri));
                by_published(broker, at, |keys| assertion.verify(keys.iter())).await?
            }
        };
        match verified {
            Ok(_) if found.as_ref().is_some_and(|(other, _)| other.client_id != client.client_id) => {
                let text = "this token stands for several clients; say which one by the parameter client_id";
                return Err(Refusal::new("assertion_ambiguous", text).into());
            }
            Ok(verified) => found = Some((client.clone(), verified)),
            Err(Unproven::Refused(why)) => refusal = Some(why),
            Err(Unproven::Unsigned | Unproven::PerhapsNewer) => {}
        }
    }
    let unsigned = || Refusal::new("assertion_signature", "no key of the token's issuer made its signature (kid)");
    found.ok_or_else(|| refusal.unwrap_or_else(unsigned).into())
}

/// Tries the published keys, and newer ones if those may help.
async fn by_published<T>(
    broker: &Broker,
    at: KeysAt<'_>,
    verify: impl Fn(&[VerificationKey]) -> Result<T, Unproven>,
) -> Result<Result<T, Unproven>, NotVouched> {
    let undecided = |error: crate::upstream::UpstreamError| {
        tracing::warn!(?at, %error, "the keys that verify an assertion cannot be had");
        let text = "the keys that verify this assertion cannot be fetched from where they are published; try again";
        NotVouched::Undecided(OAuthError::new(ErrorCode::TemporarilyUnavailable, text))
    };
    let ctx = &broker.ctx;
    let keys: Arc<JwkSet> = broker.upstreams.published_keys(ctx, at).await.map_err(undecided)?;
    match verify(keys.keys()) {
        Err(Unproven::PerhapsNewer) => {}
        decided => return Ok(decided),
    }
    match broker.upstreams.newer_published_keys(ctx, at, &keys).await.map_err(undecided)? {
        Some(newer) => Ok(verify(newer.keys())),
        None => Ok(Err(Unproven::Unsigned)),
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
