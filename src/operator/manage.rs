//! What an owner does to operators. Nobody gives a role that they do not have, and the last owner with a password stays.

use serde_json::json;

use super::throttle::{self, Counts};
use super::{Operator, OperatorError, OperatorRole, password, second_factor, session, store};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::OperatorId;
use crate::secret::Secret;

/// # Errors
/// [`OperatorError::Grant`].
pub fn may_grant(by: OperatorRole, wanted: OperatorRole) -> Result<(), OperatorError> {
    if by.covers(wanted) { Ok(()) } else { Err(OperatorError::Grant { by, wanted }) }
}

/// A new operator with a one-time password, which is nowhere else. `by` is the role of whoever makes them.
///
/// # Errors
/// [`OperatorError::NotAnEmail`], [`OperatorError::Exists`], [`OperatorError::Grant`], and the database's.
pub async fn create(
    ctx: &Ctx,
    author: &Author,
    by: OperatorRole,
    email: &str,
    role: OperatorRole,
) -> Result<(Operator, Secret<String>), OperatorError> {
    may_grant(by, role)?;
    let email = email.trim();
    let shaped = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !shaped || email.contains(|c: char| c.is_whitespace() || c.is_control()) || email.len() > 254 {
        return Err(OperatorError::NotAnEmail(email.into()));
    }
    let password = password::one_time(&ctx.rng);
    let hash = password::hash(&password, &ctx.rng).await;
    let now = ctx.now();
    let operator = Operator {
        id: OperatorId::new(now, &ctx.rng),
        email: email.into(),
        role,
        must_change: true,
        disabled: false,
        user: None,
        second_factor: false,
        created_at: now,
        updated_at: now,
        last_sign_in_at: None,
    };
    let stored = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::insert(conn, &operator, &hash).await?;
        let detail = json!({ "about": email, "role": role });
        audit::record(ctx, conn, author.did("operator.created").detail(detail)).await
    });
    match stored.await {
        Ok(()) => Ok((operator, password)),
        Err(error) if db::on_constraint(&error, "operators_email_key") => Err(OperatorError::Exists(email.into())),
        Err(error) => Err(error.into()),
    }
}

/// A new one-time password in place of the old one. Ends the operator's sessions, and forgives wrong guesses at the name.
///
/// # Errors
/// [`OperatorError::Gone`], [`OperatorError::ThroughConnection`], and the database's.
pub async fn reset_password(ctx: &Ctx, author: &Author, id: &OperatorId) -> Result<Secret<String>, OperatorError> {
    let password = password::one_time(&ctx.rng);
    let hash = password::hash(&password, &ctx.rng).await;
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let operator = with_password(conn, id).await?;
        store::set_password(conn, id, &hash, true, ctx.now()).await?;
        session::store::delete_others(conn, id, None).await?;
        throttle::succeeded(conn, &Counts::of_name(&ctx.vault, &operator.email)).await?;
        let detail = json!({ "about": operator.email });
        audit::record(ctx, conn, author.did("operator.password_reset").detail(detail)).await?;
        Ok(password)
    })
    .await
}

/// Takes the second factor of somebody else away, who has lost it. Ends their sessions.
///
/// # Errors
/// as [`reset_password`].
pub async fn reset_second_factor(ctx: &Ctx, author: &Author, id: &OperatorId) -> Result<(), OperatorError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let operator = with_password(conn, id).await?;
        if second_factor::store::remove(conn, id, ctx.now()).await? {
            session::store::delete_others(conn, id, None).await?;
            let detail = json!({ "about": operator.email });
            audit::record(ctx, conn, author.did("operator.second_factor_reset").detail(detail)).await?;
        }
        Ok(())
    })
    .await
}

/// What may be changed of an operator; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub role: Option<OperatorRole>,
    pub disabled: Option<bool>,
}

/// Whoever is switched off is out at once. The role of a person who comes through a connection is what its rules say.
///
/// # Errors
/// [`OperatorError::Gone`], [`OperatorError::Changed`] when `expected` is not the version any more,
/// [`OperatorError::Grant`], [`OperatorError::LastOwner`], [`OperatorError::ThroughConnection`], and the database's.
pub async fn change(
    ctx: &Ctx,
    author: &Author,
    by: OperatorRole,
    id: &OperatorId,
    expected: Option<&str>,
    change: Change,
) -> Result<Operator, OperatorError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let owners = store::lock_owners(conn).await?;
        let before = store::by_id(conn, id).await?.ok_or(OperatorError::Gone)?;
        if expected.is_some_and(|expected| expected != before.version()) {
            return Err(OperatorError::Changed);
        }
        let role = change.role.unwrap_or(before.role);
        let disabled = change.disabled.unwrap_or(before.disabled);
        if role != before.role {
            if before.user.is_some() {
                return Err(OperatorError::ThroughConnection);
            }
            may_grant(by, role)?;
            may_grant(by, before.role)?;
        }
        let stays = role == OperatorRole::Owner && !disabled;
        if owners == [id.clone()] && !stays {
            return Err(OperatorError::LastOwner);
        }
        let mut changes = json!({});
        if role != before.role {
            changes["role"] = json!([before.role, role]);
        }
        if disabled != before.disabled {
            changes["disabled"] = json!([before.disabled, disabled]);
        }
        if changes != json!({}) {
            store::change(conn, id, role, disabled, ctx.now()).await?;
            if disabled {
                session::store::delete_others(conn, id, None).await?;
            }
            let detail = json!({ "about": before.email, "changes": changes });
            audit::record(ctx, conn, author.did("operator.changed").detail(detail)).await?;
        }
        store::by_id(conn, id).await?.ok_or(OperatorError::Gone)
    })
    .await
}

/// # Errors
/// [`OperatorError::Gone`], [`OperatorError::Changed`], [`OperatorError::LastOwner`], and the database's.
pub async fn delete(ctx: &Ctx, author: &Author, id: &OperatorId, expected: Option<&str>) -> Result<(), OperatorError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let owners = store::lock_owners(conn).await?;
        let operator = store::by_id(conn, id).await?.ok_or(OperatorError::Gone)?;
        if expected.is_some_and(|expected| expected != operator.version()) {
            return Err(OperatorError::Changed);
        }
        if owners == [id.clone()] {
            return Err(OperatorError::LastOwner);
        }
        store::delete(conn, id).await?;
        let detail = json!({ "about": operator.email, "role": operator.role });
        audit::record(ctx, conn, author.did("operator.deleted").detail(detail)).await?;
        Ok(())
    })
    .await
}

async fn with_password(conn: &mut Conn, id: &OperatorId) -> Result<Operator, OperatorError> {
    let operator = store::by_id(conn, id).await?.ok_or(OperatorError::Gone)?;
    if operator.user.is_some() { Err(OperatorError::ThroughConnection) } else { Ok(operator) }
}
