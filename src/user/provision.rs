//! Users created ahead: somebody gets the stable `sub` before the first login, so that permissions can be written down
//! for a person who has never been here. The first login finds the identity and fills in the profile.

use serde_json::json;

use super::{IdentityKey, record, store};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{ConnectionId, IdentityId, UserId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedAhead {
    pub email: Option<String>,
    pub name: Option<String>,
    pub connection: ConnectionId,
    pub key: IdentityKey,
    /// The resource file, or who did it.
    pub managed_by: String,
}

/// What [`create`] found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    New(UserId),
    /// Somebody is known by that identity already; nothing was changed.
    Known(UserId),
}

impl Created {
    pub fn sub(&self) -> &UserId {
        match self {
            Self::New(id) | Self::Known(id) => id,
        }
    }
}

/// # Errors
/// the database's.
pub async fn create(ctx: &Ctx, conn: &mut Conn, ahead: &CreatedAhead) -> Result<Created, sqlx::Error> {
    if let Some(id) = store::sub_of_identity(conn, &ahead.connection, &ahead.key.issuer, &ahead.key.subject).await? {
        return Ok(Created::Known(id));
    }
    let now = ctx.now();
    let id = UserId::new(now, &ctx.rng);
    store::create_ahead(conn, &id, &IdentityId::new(now, &ctx.rng), ahead, now).await?;
    Ok(Created::New(id))
}

/// The same by somebody at the desk.
///
/// # Errors
/// the database's.
pub async fn create_by(ctx: &Ctx, author: &Author, ahead: &CreatedAhead) -> Result<Created, sqlx::Error> {
    let attempt = || {
        db::in_tx(&ctx.db, async |conn: &mut Conn| {
            let created = create(ctx, conn, ahead).await?;
            if let Created::New(id) = &created {
                audit::record(ctx, conn, author.did("user.created").about(id)).await?;
            }
            Ok(created)
        })
    };
    match attempt().await {
        // the same person came, or was created, a moment ago
        Err(error) if db::on_constraint(&error, "identities_key") => attempt().await,
        done => done,
    }
}

/// What came of [`edit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    Done,
    Unknown,
    /// `expected` is not its version any more.
    Changed,
    /// The file that names the person.
    OwnedByFile(String),
    /// From then on the profile is what the identity provider says.
    SignedIn,
}

/// Name and e-mail address of somebody who was created ahead and has not come yet.
///
/// # Errors
/// the database's.
pub async fn edit(
    ctx: &Ctx,
    author: &Author,
    sub: &UserId,
    expected: Option<&str>,
    email: Option<&str>,
    name: Option<&str>,
) -> Result<Edited, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        record::store::lock(conn, sub).await?;
        let Some(known) = record::store::of(conn, sub).await? else { return Ok(Edited::Unknown) };
        if expected.is_some_and(|expected| expected != known.version()) {
            return Ok(Edited::Changed);
        }
        if let Some(file) = known.file() {
            return Ok(Edited::OwnedByFile(file.into()));
        }
        if known.managed_by.is_none() || known.last_login_at.is_some() {
            return Ok(Edited::SignedIn);
        }
        // which fields and not what was in them: the audit log outlives a person who asks to be forgotten
        let profile = &known.user.profile;
        let fields = [("email", profile.email.as_deref() != email), ("name", profile.name.as_deref() != name)];
        let changed: Vec<&str> = fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect();
        if !changed.is_empty() {
            record::store::rename(conn, sub, email, name, ctx.now()).await?;
            let detail = json!({ "fields": changed });
            audit::record(ctx, conn, author.did("user.changed").about(sub).detail(detail)).await?;
        }
        Ok(Edited::Done)
    })
    .await
}
