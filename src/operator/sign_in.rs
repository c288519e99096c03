//! Coming in with a password, and then with a code where there is a second factor. A wrong name, a wrong password and an
//! operator who is switched off look and cost the same.

use time::Duration;

use super::session::{self, Browser, OperatorSession, Stage};
use super::throttle::{self, Counts};
use super::{Operator, password, second_factor, store};
use crate::audit::{self, Author, Outcome};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::secret::Secret;

/// What came of a step.
#[derive(Debug)]
pub enum SignIn {
    /// The secret of a new session.
    Seated(Secret<String>, Box<Operator>),
    /// The password was right; the secret leads to the page that asks for a code and nowhere else.
    Code(Secret<String>),
    Wrong,
    /// Too many were wrong.
    Wait(Duration),
}

/// # Errors
/// the database's.
pub async fn by_password(
    ctx: &Ctx,
    author: &Author,
    browser: &Browser,
    counts: &Counts,
    email: &str,
    own_password: &Secret<String>,
) -> Result<SignIn, sqlx::Error> {
    if let Err(wait) = throttle::begin(ctx, counts).await? {
        refused(ctx, author, "too_many_attempts").await?;
        return Ok(SignIn::Wait(wait));
    }
    let found = store::by_email(&mut *ctx.db.acquire().await?, email.trim()).await?;
    let stored = found.as_ref().map_or(password::NOBODYS, |(_, hash)| hash.as_str());
    let right = password::verify(own_password, stored).await;
    let Some(operator) = found.map(|(operator, _)| operator).filter(|operator| right && !operator.disabled) else {
        refused(ctx, author, "password_wrong").await?;
        return Ok(SignIn::Wrong);
    };
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if operator.second_factor {
            // what was counted stays until the code is right too
            return session::open(ctx, conn, &operator, Stage::Code, browser).await.map(SignIn::Code);
        }
        throttle::succeeded(conn, counts).await?;
        seat(ctx, conn, author, browser, operator, "password").await
    })
    .await
}

/// The second step, in the session that the first one opened; a new one takes its place.
///
/// # Errors
/// the database's.
pub async fn by_code(
    ctx: &Ctx,
    author: &Author,
    browser: &Browser,
    counts: &Counts,
    half: &OperatorSession,
    code: &str,
) -> Result<SignIn, sqlx::Error> {
    if let Err(wait) = throttle::begin(ctx, counts).await? {
        refused(ctx, author, "too_many_attempts").await?;
        return Ok(SignIn::Wait(wait));
    }
    let proven = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(proof) = second_factor::prove(ctx, conn, &half.operator.id, code).await? else {
            return Ok(None);
        };
        session::close(conn, half).await?;
        throttle::succeeded(conn, counts).await?;
        let by = match proof {
            second_factor::Proof::App => "password_and_code",
            second_factor::Proof::Recovery => "password_and_recovery_code",
        };
        seat(ctx, conn, author, browser, half.operator.clone(), by).await.map(Some)
    });
    match proven.await? {
        Some(seated) => Ok(seated),
        None => {
            refused(ctx, author, "code_wrong").await?;
            Ok(SignIn::Wrong)
        }
    }
}

/// A new session, always under a new secret, and the event of it.
///
/// # Errors
/// the database's.
pub async fn seat(
    ctx: &Ctx,
    conn: &mut Conn,
    author: &Author,
    browser: &Browser,
    operator: Operator,
    by: &str,
) -> Result<SignIn, sqlx::Error> {
    store::signed_in(conn, &operator.id, ctx.now()).await?;
    let detail = serde_json::json!({ "by": by, "operator": operator.email });
    audit::record(ctx, conn, author.did("operator.signed_in").detail(detail)).await?;
    let secret = session::open(ctx, conn, &operator, Stage::Seated, browser).await?;
    Ok(SignIn::Seated(secret, Box::new(operator)))
}

/// # Errors
/// the database's.
pub async fn refused(ctx: &Ctx, author: &Author, reason: &str) -> Result<(), sqlx::Error> {
    let mut event = author.did("operator.signed_in");
    event.outcome = Outcome::Refused;
    event.reason = Some(reason.into());
    audit::record(ctx, &mut *ctx.db.acquire().await?, event).await
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

/// Ends the operator's other sessions.
///
/// # Errors
/// the database's.
pub async fn sign_out_elsewhere(ctx: &Ctx, author: &Author, session: &OperatorSession) -> Result<(), sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        session::store::delete_others(conn, &session.operator.id, Some(&session.id)).await?;
        audit::record(ctx, conn, author.did("operator.signed_out_elsewhere")).await
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
    browser: &Browser,
    session: &OperatorSession,
    current: &Secret<String>,
    new: &Secret<String>,
) -> Result<Option<Secret<String>>, sqlx::Error> {
    let operator = &session.operator;
    let stored = store::password(&mut *ctx.db.acquire().await?, &operator.id).await?;
    if !password::verify(current, stored.as_deref().unwrap_or(password::NOBODYS)).await {
        return Ok(None);
    }
    let (hash, now) = (password::hash(new, &ctx.rng).await, ctx.now());
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::set_password(conn, &operator.id, &hash, false, now).await?;
        session::store::delete_others(conn, &operator.id, None).await?;
        audit::record(ctx, conn, author.did("operator.password_changed")).await?;
        session::open(ctx, conn, operator, Stage::Seated, browser).await.map(Some)
    })
    .await
}
