//! Who may sit at the desk by what an upstream says of them: a CEL rule over the claims of a verified sign-in, and the role
//! that it gives. Judged at every sign-in, at the desk and at any application, and changed whenever an owner likes: who
//! came by a rule that is gone has no session from that moment, and no role at the next sign-in.

pub mod store;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::manage::may_grant;
use super::{Operator, OperatorError, OperatorRole, session};
use crate::audit::{self, Author};
use crate::cel::Expression;
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{ConnectionId, OperatorId, OperatorRuleId, UserId};

#[derive(Clone, Debug)]
pub struct OperatorRule {
    pub id: OperatorRuleId,
    pub connection: ConnectionId,
    /// Over `claims`, as the upstream says them, and `user`: `'avouch-admins' in claims.groups`.
    pub when: Expression,
    pub role: OperatorRole,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl OperatorRule {
    /// For `If-Match`.
    pub fn version(&self) -> String {
        self.updated_at.unix_timestamp_nanos().to_string()
    }
}

/// What an owner says of a rule.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub connection: ConnectionId,
    /// For audit.
    pub slug: String,
    pub when: Expression,
    pub role: OperatorRole,
}

/// The best role that these rules give. What cannot be evaluated gives none.
pub fn judge(rules: &[OperatorRule], claims: &Value, user: &Value) -> Option<OperatorRole> {
    let gives = |rule: &&OperatorRule| match rule.when.is_true(&[("claims", claims), ("user", user)]) {
        Ok(holds) => holds,
        Err(error) => {
            tracing::info!(rule = %rule.id, %error, "an operator rule does not hold");
            false
        }
    };
    rules.iter().filter(gives).map(|rule| rule.role).max()
}

/// A new rule, or another form of the one named `id`.
///
/// # Errors
/// [`OperatorError::Grant`], [`OperatorError::Gone`], [`OperatorError::Changed`] when `expected` is not the version any
/// more, and the database's.
pub async fn put(
    ctx: &Ctx,
    author: &Author,
    by: OperatorRole,
    id: Option<&OperatorRuleId>,
    expected: Option<&str>,
    wanted: &Wanted,
) -> Result<OperatorRule, OperatorError> {
    may_grant(by, wanted.role)?;
    let now = ctx.now();
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let before = match id {
            Some(id) => Some(store::lock(conn, id).await?.ok_or(OperatorError::Gone)?),
            None => None,
        };
        if let Some(before) = &before {
            may_grant(by, before.role)?;
            if expected.is_some_and(|expected| expected != before.version()) {
                return Err(OperatorError::Changed);
            }
        }
        let rule = OperatorRule {
            id: id.cloned().unwrap_or_else(|| OperatorRuleId::new(now, &ctx.rng)),
            connection: wanted.connection.clone(),
            when: wanted.when.clone(),
            role: wanted.role,
            created_at: before.as_ref().map_or(now, |before| before.created_at),
            updated_at: now,
        };
        store::put(conn, &rule).await?;
        let mut changes = json!({});
        if let Some(before) = &before {
            session::store::delete_through(conn, &before.connection).await?;
            if before.when != rule.when {
                changes["when"] = json!([before.when, rule.when]);
            }
            if before.role != rule.role {
                changes["role"] = json!([before.role, rule.role]);
            }
        }
        let action = if before.is_some() { "operator_rule.changed" } else { "operator_rule.created" };
        let detail = json!({ "rule": rule.id, "when": rule.when, "role": rule.role, "changes": changes });
        audit::record(ctx, conn, author.did(action).connection(&wanted.slug).detail(detail)).await?;
        Ok(rule)
    })
    .await
}

/// # Errors
/// [`OperatorError::Gone`], [`OperatorError::Changed`], and the database's.
pub async fn delete(
    ctx: &Ctx,
    author: &Author,
    id: &OperatorRuleId,
    expected: Option<&str>,
) -> Result<(), OperatorError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let before = store::lock(conn, id).await?.ok_or(OperatorError::Gone)?;
        if expected.is_some_and(|expected| expected != before.version()) {
            return Err(OperatorError::Changed);
        }
        store::delete(conn, id).await?;
        session::store::delete_through(conn, &before.connection).await?;
        let detail = json!({ "rule": id, "when": before.when, "role": before.role });
        audit::record(ctx, conn, author.did("operator_rule.deleted").detail(detail)).await?;
        Ok(())
    })
    .await
}

/// A person whom an upstream has just vouched for, through a connection.
#[derive(Clone, Copy, Debug)]
pub struct Vouched<'a> {
    pub user: &'a UserId,
    pub connection: &'a ConnectionId,
    /// To be read by other operators. Means nothing.
    pub name: &'a str,
    pub claims: &'a Value,
    /// What rules see as `user`.
    pub for_rules: &'a Value,
}

/// The operator that this person is by the rules of today. `None`: no rule lets them in, or an owner switched them off.
///
/// # Errors
/// the database's.
pub async fn admit(ctx: &Ctx, conn: &mut Conn, person: Vouched<'_>) -> Result<Option<Operator>, sqlx::Error> {
    let rules = store::of(conn, person.connection).await?;
    let Some(role) = judge(&rules, person.claims, person.for_rules) else {
        end(conn, person).await?;
        return Ok(None);
    };
    let now = ctx.now();
    let fresh = Operator {
        id: OperatorId::new(now, &ctx.rng),
        email: person.name.into(),
        role,
        must_change: false,
        disabled: false,
        user: Some(person.user.clone()),
        second_factor: false,
        created_at: now,
        updated_at: now,
        last_sign_in_at: None,
    };
    super::store::of_person(conn, &fresh, person.user, person.connection).await
}

/// They signed in to an application by the connection that they came to the desk through: the rules are asked again, and
/// a role that they do not have any more ends at once.
///
/// # Errors
/// the database's.
pub async fn judge_again(ctx: &Ctx, conn: &mut Conn, person: Vouched<'_>) -> Result<(), sqlx::Error> {
    let Some(known) = super::store::through(conn, person.user, person.connection).await? else { return Ok(()) };
    let rules = store::of(conn, person.connection).await?;
    match judge(&rules, person.claims, person.for_rules) {
        None => end(conn, person).await,
        Some(role) if role != known.role => {
            super::store::change(conn, &known.id, role, known.disabled, ctx.now()).await
        }
        Some(_) => Ok(()),
    }
}

async fn end(conn: &mut Conn, person: Vouched<'_>) -> Result<(), sqlx::Error> {
    match super::store::through(conn, person.user, person.connection).await? {
        Some(known) => session::store::delete_others(conn, &known.id, None).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_rule_that_holds_counts_and_a_broken_one_gives_nothing() {
        let rule = |when: &str, role| OperatorRule {
            id: OperatorRuleId::from_stored("oru_1".into()),
            connection: ConnectionId::from_stored("con_1".into()),
            when: Expression::parse(when).unwrap(),
            role,
            created_at: OffsetDateTime::UNIX_EPOCH,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        };
        let rules = [
            rule("'staff' in claims.groups", OperatorRole::Auditor),
            rule("'admins' in claims.groups", OperatorRole::Editor),
            rule("claims.is_root", OperatorRole::Owner),
            rule("'yes'", OperatorRole::Owner),
        ];
        let of = |groups: Value| judge(&rules, &json!({ "groups": groups }), &json!({}));
        assert_eq!(of(json!(["admins", "staff"])), Some(OperatorRole::Editor));
        assert_eq!(of(json!(["staff"])), Some(OperatorRole::Auditor));
        assert_eq!(of(json!([])), None);
        assert_eq!(judge(&[], &json!({}), &json!({})), None);
    }
}
