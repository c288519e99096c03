//! An operator: who may administer Avouch, with a password for the admin pages, and operator keys for machines. Owns roles,
//! passwords and keys. It does not know the people who sign in through Avouch: this is the way in when no upstream works.

pub mod api_key;
pub mod password;
pub mod session;
pub mod store;

use time::OffsetDateTime;

use session::OperatorSession;

use crate::audit::{self, Author, Outcome};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::OperatorId;
use crate::secret::Secret;

#[derive(Clone, Debug)]
pub struct Operator {
    pub id: OperatorId,
    pub email: String,
    pub role: OperatorRole,
    /// The password was generated; it is good for choosing one's own and nothing else.
    pub must_change: bool,
    pub created_at: OffsetDateTime,
}

/// Ordered by power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRole {
    /// Reads everything but secrets.
    Auditor,
    /// Changes connections, clients, resources, roles and users.
    Editor,
    /// Operators, operator keys and signing keys too.
    Owner,
}

impl OperatorRole {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Editor, Self::Auditor];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Auditor => "auditor",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether it has at least the rights of `needed`.
    pub fn covers(self, needed: Self) -> bool {
        self >= needed
    }
}

impl std::fmt::Display for OperatorRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("{0:?} is not an e-mail address")]
    NotAnEmail(String),
    #[error("there is an operator {0} already; `avouch operator reset-password {0}` gives a new password")]
    Exists(String),
    #[error("there is no operator {0}; `avouch operator create {0}` makes one")]
    Unknown(String),
    #[error("there is an operator key named {0:?} already; choose another name")]
    KeyExists(String),
    #[error("a key's name is 1 to 100 characters on one line")]
    KeyName,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A new operator with a one-time password, which is nowhere else.
///
/// # Errors
/// [`OperatorError::NotAnEmail`], [`OperatorError::Exists`], and the database's.
pub async fn create(ctx: &Ctx, email: &str, role: OperatorRole) -> Result<(Operator, Secret<String>), OperatorError> {
    let email = email.trim();
    let shaped = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !shaped || email.contains(char::is_whitespace) || email.len() > 254 {
        return Err(OperatorError::NotAnEmail(email.into()));
    }
    let password = password::one_time(&ctx.rng);
    let hash = password::hash(&password, &ctx.rng).await;
    let now = ctx.now();
    let operator =
        Operator { id: OperatorId::new(now, &ctx.rng), email: email.into(), role, must_change: true, created_at: now };
    let stored = db::in_tx(&ctx.db, async |conn: &mut Conn| store::insert(conn, &operator, &hash).await).await;
    match stored {
        Ok(()) => Ok((operator, password)),
        Err(error) if db::on_constraint(&error, "operators_email_key") => Err(OperatorError::Exists(email.into())),
        Err(error) => Err(error.into()),
    }
}

/// A new one-time password in place of the old one.
///
/// # Errors
/// [`OperatorError::Unknown`] and the database's.
pub async fn reset_password(ctx: &Ctx, email: &str) -> Result<Secret<String>, OperatorError> {
    let password = password::one_time(&ctx.rng);
    let hash = password::hash(&password, &ctx.rng).await;
    let now = ctx.now();
    let found =
        db::in_tx(&ctx.db, async |conn: &mut Conn| store::set_password(conn, email.trim(), &hash, true, now).await)
            .await?;
    if found { Ok(password) } else { Err(OperatorError::Unknown(email.trim().into())) }
}

/// The secret of a new session, when address and password belong together. An unknown address costs what a wrong password does.
///
/// # Errors
/// the database's.
pub async fn sign_in(
    ctx: &Ctx,
    author: &Author,
    email: &str,
    password: &Secret<String>,
) -> Result<Option<Secret<String>>, sqlx::Error> {
    let found = store::by_email(&mut *ctx.db.acquire().await?, email.trim()).await?;
    let stored = found.as_ref().map_or(password::NOBODYS, |(_, hash)| hash.as_str());
    let right = password::verify(password, stored).await;
    let operator = found.map(|(operator, _)| operator).filter(|_| right);
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(operator) = operator else {
            let mut event = author.did("operator.signed_in");
            event.outcome = Outcome::Refused;
            event.reason = Some("password_wrong".into());
            audit::record(ctx, conn, event).await?;
            return Ok(None);
        };
        audit::record(ctx, conn, author.did("operator.signed_in")).await?;
        session::open(ctx, conn, &operator).await.map(Some)
    })
    .await
}

/// # Errors
/// the database's.
pub async fn sign_out(ctx: &Ctx, author: &Author, session: &OperatorSession) -> Result<(), sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        session::close(conn, session).await?;
        audit::record(ctx, conn, author.did("operator.signed_out")).await
    })
    .await
}

/// A password of one's own. Ends every session of this operator and opens a new one, whose secret it answers; `None` when
/// `current` is not the present password.
///
/// # Errors
/// the database's.
pub async fn change_password(
    ctx: &Ctx,
    author: &Author,
    session: &OperatorSession,
    current: &Secret<String>,
    new: &Secret<String>,
) -> Result<Option<Secret<String>>, sqlx::Error> {
    let email = &session.operator.email;
    let known = store::by_email(&mut *ctx.db.acquire().await?, email).await?;
    let Some((operator, stored)) = known else { return Ok(None) };
    if !password::verify(current, &stored).await {
        return Ok(None);
    }
    let (hash, now) = (password::hash(new, &ctx.rng).await, ctx.now());
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::set_password(conn, email, &hash, false, now).await?;
        store::delete_other_sessions(conn, &operator.id, None).await?;
        audit::record(ctx, conn, author.did("operator.password_changed")).await?;
        session::open(ctx, conn, &operator).await.map(Some)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_covers_itself_and_the_weaker_ones() {
        assert!(OperatorRole::Owner.covers(OperatorRole::Editor));
        assert!(OperatorRole::Editor.covers(OperatorRole::Editor));
        assert!(!OperatorRole::Auditor.covers(OperatorRole::Editor));
    }
}
