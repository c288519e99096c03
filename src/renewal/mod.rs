//! Somebody who administers an identity provider, and has no account here, gives its connection a new secret, certificate or
//! metadata by a renewal link. Owns what is checked of what they give, and what becomes of it; the link's own life is
//! `connection::renewal_link`'s. Nothing they give takes the place of what is in use, unless whoever made the link said so
//! and the provider has taken it.

mod extract;
mod given;
pub mod pages;
mod saml;

use serde_json::json;

use crate::audit::{self, Author};
use crate::broker::Broker;
use crate::connection::certificate::{self, ChangeError, Facts, Origin, Source};
use crate::connection::credential::client_secret::{self, Ground, UpstreamSecretError};
use crate::connection::credential::rehearsal;
use crate::connection::renewal_link::{self, Attempt, RenewalLink, Turn};
use crate::connection::{Connection, Slug};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::upstream::SecretTrial;
use given::{Given, NewSecret};

/// What came of an attempt.
#[derive(Debug)]
enum Outcome {
    /// Beside the fields, and nothing was asked of anybody.
    Wrong(Vec<(&'static str, String)>),
    /// It was asked, and the answer was no: what was said, and how many attempts are left.
    Refused {
        field: &'static str,
        said: String,
        left: i32,
    },
    /// Somebody else is at it just now.
    Busy,
    /// The link has ended meanwhile.
    Over,
    Taken(Taken),
}

/// What was stored.
#[derive(Clone, Copy, Debug)]
enum Taken {
    Secret { proven: bool, in_use: bool },
    Certificates(usize),
}

async fn give(
    broker: &Broker,
    author: &Author,
    link: &RenewalLink,
    connection: &Connection,
    given: Given,
) -> Result<Outcome, sqlx::Error> {
    let ctx = &broker.ctx;
    match given {
        Given::Wrong(errors) => Ok(Outcome::Wrong(errors)),
        Given::Secret(new) => {
            let addable = client_secret::addable(ctx, &mut *ctx.db.acquire().await?, connection, &new.value).await;
            if let Err(error) = addable {
                return said(error).map(|sentence| Outcome::Wrong(vec![("secret", sentence)]));
            }
            match renewal_link::attempt(ctx, link).await? {
                Turn::Busy => Ok(Outcome::Busy),
                Turn::Over => Ok(Outcome::Over),
                Turn::Yours(attempt) => give_secret(broker, author, link, connection, attempt, new).await,
            }
        }
        Given::Certificates(listed) => match saml::wanted(connection, listed, ctx.now()) {
            Err(sentence) => Ok(Outcome::Wrong(vec![("document", sentence)])),
            Ok(wanted) => match renewal_link::attempt(ctx, link).await? {
                Turn::Busy => Ok(Outcome::Busy),
                Turn::Over => Ok(Outcome::Over),
                Turn::Yours(attempt) => trust(ctx, author, link, connection, attempt, wanted).await,
            },
        },
        Given::Url(url) => {
            let attempt = match renewal_link::attempt(ctx, link).await? {
                Turn::Busy => return Ok(Outcome::Busy),
                Turn::Over => return Ok(Outcome::Over),
                Turn::Yours(attempt) => attempt,
            };
            let listed = saml::fetched(ctx, connection, &url).await;
            match listed.and_then(|listed| saml::wanted(connection, listed, ctx.now())) {
                Ok(wanted) => trust(ctx, author, link, connection, attempt, wanted).await,
                Err(said) => {
                    let reason = ("metadata_not_usable", said.as_str());
                    let left = renewal_link::refused(ctx, author, (link, connection), attempt, reason).await?;
                    Ok(Outcome::Refused { field: "url", said, left })
                }
            }
        }
    }
}

async fn give_secret(
    broker: &Broker,
    author: &Author,
    link: &RenewalLink,
    connection: &Connection,
    attempt: Attempt,
    new: NewSecret,
) -> Result<Outcome, sqlx::Error> {
    let ctx = &broker.ctx;
    let tried = broker.upstreams.rehearse_value(ctx, connection, &new.value).await;
    let rehearsal = tried.kept(ctx.now(), &author.actor);
    let proven = match tried.trial {
        SecretTrial::Proven => true,
        SecretTrial::Unclear(why) => {
            tracing::info!(connection = %connection.slug, why, "a secret could not be rehearsed; it waits for an operator");
            false
        }
        SecretTrial::Refused(said) => {
            let reason = ("invalid_client", said.as_str());
            let left = renewal_link::refused(ctx, author, (link, connection), attempt, reason).await?;
            let said = format!("Your sign-in service does not take this secret; it answered {said}.");
            return Ok(Outcome::Refused { field: "secret", said, left });
        }
        SecretTrial::Unreachable(why) => {
            renewal_link::forgive(ctx, link, attempt).await?;
            tracing::warn!(connection = %connection.slug, why, "the provider could not be asked about a new secret");
            let sentence =
                "Your sign-in service could not be reached just now, so nothing was stored. Try again in a minute.";
            return Ok(Outcome::Wrong(vec![("secret", sentence.into())]));
        }
    };
    let slug = &connection.slug;
    let stored = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if !renewal_link::use_up(ctx, conn, link, slug, attempt).await? {
            return Ok(None);
        }
        let known = client_secret::add_within(ctx, conn, author, slug, &new.value, new.expires_at).await?;
        rehearsal::store::keep(conn, &known.id, &rehearsal).await?;
        let detail = json!({ "renewal_link": link.id, "secret": known.id, "proven": proven });
        audit::record(ctx, conn, author.did("renewal_link.used").connection(slug).detail(detail)).await?;
        Ok::<_, UpstreamSecretError>(Some(known))
    });
    let known = match stored.await {
        Ok(Some(known)) => known,
        Ok(None) => return Ok(Outcome::Over),
        // somebody else stored one meanwhile
        Err(error) => {
            renewal_link::forgive(ctx, link, attempt).await?;
            return said(error).map(|sentence| Outcome::Wrong(vec![("secret", sentence)]));
        }
    };
    let is_first = known.state == crate::connection::CredentialState::Active;
    let promoted = proven && link.takes_over && !is_first && promote(ctx, author, slug, known.id.as_str()).await;
    Ok(Outcome::Taken(Taken::Secret { proven, in_use: is_first || promoted }))
}

/// What was stored stays stored, whatever becomes of this: an operator can do it by hand.
async fn promote(ctx: &Ctx, author: &Author, slug: &Slug, id: &str) -> bool {
    let done = client_secret::promote(ctx, author, slug, id, &Ground::Rehearsed).await;
    if let Err(error) = &done {
        tracing::warn!(connection = %slug, %error, "a proven secret was not taken into use; an operator has to");
    }
    done.is_ok()
}

/// Trusts them beside those that are trusted.
async fn trust(
    ctx: &Ctx,
    author: &Author,
    link: &RenewalLink,
    connection: &Connection,
    attempt: Attempt,
    wanted: Vec<Facts>,
) -> Result<Outcome, sqlx::Error> {
    let slug = &connection.slug;
    let stored = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if !renewal_link::use_up(ctx, conn, link, slug, attempt).await? {
            return Ok(false);
        }
        let mut names = Vec::with_capacity(wanted.len());
        for facts in &wanted {
            names.push(certificate::fingerprint(&facts.sha256));
            let origin = Origin { source: Source::Manual, author };
            certificate::add(ctx, conn, connection, facts.clone(), origin).await?;
        }
        let detail = json!({ "renewal_link": link.id, "certificates_sha256": names });
        audit::record(ctx, conn, author.did("renewal_link.used").connection(slug).detail(detail)).await?;
        Ok::<_, ChangeError>(true)
    });
    match stored.await {
        Ok(true) => Ok(Outcome::Taken(Taken::Certificates(wanted.len()))),
        Ok(false) => Ok(Outcome::Over),
        Err(ChangeError::Database(error)) => Err(error),
        Err(error) => {
            renewal_link::forgive(ctx, link, attempt).await?;
            Ok(Outcome::Wrong(vec![("document", format!("This could not be stored: {error}."))]))
        }
    }
}

/// For somebody who knows nothing of us: what is wrong, and what to do.
fn said(error: UpstreamSecretError) -> Result<String, sqlx::Error> {
    Ok(match error {
        UpstreamSecretError::Database(error) => return Err(error),
        UpstreamSecretError::Known => {
            "This secret was given here before. Make a new one at your sign-in service, and paste that.".into()
        }
        UpstreamSecretError::NextExists(_) => {
            "Another new secret waits here already. Tell the people who sent you this link; it keeps working.".into()
        }
        _ => "This cannot be stored just now. Tell the people who sent you this link; it keeps working.".into(),
    })
}
