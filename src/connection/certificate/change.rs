//! What may be done to an identity provider's certificates: each with its rules, in the caller's transaction, audited.

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{Certificate, CertificateState, Facts, Following, Source, fingerprint, store};
use crate::audit::{self, Author, Event};
use crate::connection::{Connection, Protocol, metadata};
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::CertificateId;

/// How exact "last seen" is: a login writes no row that another has just written.
const SEEN_EVERY: Duration = Duration::minutes(10);

/// Of those that a list has retired; a provider that publishes new ones all the time must not fill the table.
const MOST_RETIRED: i64 = 100;

/// On whose word something changes.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub source: Source,
    pub author: &'a Author,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("the connection has no certificate {0}; `avouch connection certificates list` shows them")]
    Unknown(String),
    #[error("{0} names several certificates of the connection; write more of the fingerprint")]
    Ambiguous(String),
    #[error("the certificate is retired and verifies nothing; add it again if it is to be trusted")]
    Retired,
    #[error(
        "it is the last certificate that could verify anything: without it nobody could sign in. Add the new one first, \
         or disable the connection"
    )]
    Last,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What adding has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    pub certificate: Certificate,
    /// It was there and usable before.
    pub was_known: bool,
}

/// Trusts a certificate from now on: as `next` beside an active one, else as `active`. A retired one is trusted again.
///
/// # Errors
/// the database's.
pub async fn add(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    facts: Facts,
    origin: Origin<'_>,
) -> Result<Added, ChangeError> {
    store::lock(conn, &connection.id).await?;
    let known = store::of(conn, &connection.id).await?;
    let mut certificate = match known.iter().find(|one| one.sha256 == facts.sha256) {
        Some(one) if one.is_usable() => {
            // from now on it is here on this word: a list that drops it does not take it away from a person
            store::adopt(conn, &one.id, origin.source, &origin.author.actor).await?;
            return Ok(Added { certificate: Certificate { source: origin.source, ..one.clone() }, was_known: true });
        }
        Some(one) => one.clone(),
        None => unborn(ctx, facts),
    };
    bring_in(ctx, conn, connection, &mut certificate, &known, origin).await?;
    metadata::store::read_anew(conn, &connection.id, ctx.now()).await?;
    Ok(Added { certificate, was_known: false })
}

/// Says that the provider signs with it by now; usually the first login signed with it does.
///
/// # Errors
/// [`ChangeError::Retired`], [`ChangeError::Unknown`]; the database's.
pub async fn promote(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    named: &str,
    origin: Origin<'_>,
) -> Result<Certificate, ChangeError> {
    store::lock(conn, &connection.id).await?;
    let known = store::of(conn, &connection.id).await?;
    let mut certificate = find(&known, named)?.clone();
    if !certificate.is_usable() {
        return Err(ChangeError::Retired);
    }
    if store::activate(conn, &certificate.id).await? {
        certificate.state = CertificateState::Active;
        audit::record(ctx, conn, event("saml.certificate.activated", connection, &certificate, origin)).await?;
    }
    Ok(certificate)
}

/// Trusts it no more. What a person retires, no metadata and no file brings back.
///
/// # Errors
/// [`ChangeError::Last`], [`ChangeError::Unknown`]; the database's.
pub async fn retire(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    named: &str,
    origin: Origin<'_>,
) -> Result<Certificate, ChangeError> {
    store::lock(conn, &connection.id).await?;
    let known = store::of(conn, &connection.id).await?;
    let certificate = find(&known, named)?.clone();
    let counts = counts(connection, ctx.now());
    if certificate.is_usable() && !known.iter().any(|one| one.is_usable() && one.id != certificate.id && counts(one)) {
        return Err(ChangeError::Last);
    }
    put_to_rest(ctx, conn, connection, &certificate, origin).await?;
    metadata::store::read_anew(conn, &connection.id, ctx.now()).await?;
    Ok(certificate)
}

/// Makes the certificates those that the connection's configuration lists: see [`Following`].
///
/// # Errors
/// the database's.
pub async fn follow(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    listed: &[Facts],
    trusts_new: bool,
    origin: Origin<'_>,
) -> Result<Following, sqlx::Error> {
    store::lock(conn, &connection.id).await?;
    let mut known = store::of(conn, &connection.id).await?;
    let following = Following::of(&known, listed, trusts_new, counts(connection, ctx.now()));
    for certificate in &following.retire {
        put_to_rest(ctx, conn, connection, certificate, origin).await?;
        known.retain(|one| one.id != certificate.id);
    }
    let added = following.add.iter().map(|facts| unborn(ctx, facts.clone()));
    for mut certificate in added.chain(following.revive.iter().cloned()) {
        bring_in(ctx, conn, connection, &mut certificate, &known, origin).await?;
        known.push(certificate);
    }
    store::forget_old(conn, &connection.id, MOST_RETIRED).await?;
    Ok(following)
}

/// The provider published one that nobody trusts: a person decides.
///
/// # Errors
/// the database's.
pub async fn distrusted(ctx: &Ctx, conn: &mut Conn, connection: &Connection, facts: &Facts) -> Result<(), sqlx::Error> {
    tracing::warn!(connection = %connection.slug, sha256 = facts.sha256, "a new certificate was published and is not trusted");
    let sentence = format!(
        "the provider published certificate SHA-256 {}; compare that with its administrator, then run `avouch \
         connection certificates add {} FILE`",
        fingerprint(&facts.sha256),
        connection.slug
    );
    let refused = Event::refused("saml.certificate.refused", "metadata_not_trusted", "system");
    let detail =
        json!({ "certificate_sha256": facts.sha256, "not_after": facts.not_after.to_string(), "detail": sentence });
    audit::record(ctx, conn, refused.connection(&connection.slug).detail(detail)).await
}

/// An answer signed with it was just taken. The first one makes a `next` certificate active.
///
/// # Errors
/// the database's.
pub async fn seen_signing(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    sha256: &str,
) -> Result<(), sqlx::Error> {
    let now = ctx.now();
    let Some(certificate) = connection.certificates.iter().find(|one| one.sha256 == sha256) else { return Ok(()) };
    let is_due = certificate.last_seen_at.is_none_or(|at| at <= now - SEEN_EVERY);
    if certificate.state == CertificateState::Next && store::activate(conn, &certificate.id).await? {
        let origin = Origin { source: certificate.source, author: &Author::system() };
        let active = Certificate { state: CertificateState::Active, ..certificate.clone() };
        audit::record(ctx, conn, event("saml.certificate.activated", connection, &active, origin)).await?;
    } else if !is_due {
        return Ok(());
    }
    if !certificate.is_in_time(now) {
        tracing::warn!(connection = %connection.slug, sha256, not_after = %certificate.not_after, "the identity provider signs with a certificate outside its dates");
    }
    store::seen(conn, &certificate.id, now - SEEN_EVERY, now).await
}

fn unborn(ctx: &Ctx, facts: Facts) -> Certificate {
    let now = ctx.now();
    Certificate {
        id: CertificateId::new(now, &ctx.rng),
        facts,
        state: CertificateState::Next,
        source: Source::Manual,
        added_by: String::new(),
        added_at: now,
        first_seen_at: None,
        last_seen_at: None,
        retired: None,
    }
}

/// Stores a new certificate, or trusts a retired one again.
async fn bring_in(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    certificate: &mut Certificate,
    known: &[Certificate],
    origin: Origin<'_>,
) -> Result<(), sqlx::Error> {
    let has_active = known.iter().any(|one| one.state == CertificateState::Active);
    certificate.state = if has_active { CertificateState::Next } else { CertificateState::Active };
    certificate.source = origin.source;
    certificate.added_by.clone_from(&origin.author.actor);
    match certificate.retired.take() {
        None => store::insert(conn, &connection.id, certificate).await?,
        Some(_) => {
            let by = &origin.author.actor;
            store::revive(conn, &certificate.id, certificate.state, origin.source, by, ctx.now()).await?;
        }
    }
    audit::record(ctx, conn, event("saml.certificate.added", connection, certificate, origin)).await
}

async fn put_to_rest(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    certificate: &Certificate,
    origin: Origin<'_>,
) -> Result<(), sqlx::Error> {
    store::retire(conn, &certificate.id, origin.source, ctx.now()).await?;
    let retired = Certificate { state: CertificateState::Retired, ..certificate.clone() };
    audit::record(ctx, conn, event("saml.certificate.retired", connection, &retired, origin)).await
}

/// Whether it could verify an answer now, its state aside.
pub fn counts(connection: &Connection, now: OffsetDateTime) -> impl Fn(&Facts) -> bool {
    let enforced = matches!(&connection.protocol, Protocol::Saml(settings) if settings.enforce_certificate_dates);
    move |facts| !enforced || facts.is_in_time(now)
}

/// By id, or by the beginning of its SHA-256, with or without colons.
fn find<'a>(known: &'a [Certificate], named: &str) -> Result<&'a Certificate, ChangeError> {
    let wanted = named.replace(':', "").to_ascii_lowercase();
    let is_meant =
        |one: &&Certificate| one.id.as_str() == named || (wanted.len() >= 8 && one.sha256.starts_with(&wanted));
    let mut found = known.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(ChangeError::Ambiguous(named.into())),
        (None, _) => Err(ChangeError::Unknown(named.into())),
    }
}

fn event(action: &'static str, connection: &Connection, certificate: &Certificate, origin: Origin<'_>) -> Event {
    origin.author.did(action).connection(&connection.slug).detail(json!({
        "certificate": certificate.id,
        "certificate_sha256": certificate.sha256,
        "not_after": certificate.not_after.to_string(),
        "state": certificate.state,
        "source": origin.source.as_str(),
    }))
}
