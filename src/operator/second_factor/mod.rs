//! An operator's second factor: codes of an authenticator app, and ten recovery codes for the day on which the phone is
//! lost. Each code counts once. Once enrolled, nobody signs in to that account without one.

pub mod store;
mod totp;

use super::{Operator, password};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::OperatorId;
use crate::rng::Rng;
use crate::secret::Secret;
use crate::vault::{Place, Sealed};

const RECOVERY_CODES: usize = 10;

fn place(operator: &OperatorId) -> Place<'_> {
    Place { table: "operators", column: "totp", row: operator.as_str() }
}

/// A secret that is shown and not yet stored: whoever shows a code of it is believed to have it.
pub struct Enrolment {
    /// To be handed back with the first code. Nobody but us can read it, and it fits this operator only.
    pub sealed: Sealed,
    /// For typing.
    pub base32: String,
    /// For the QR code.
    pub uri: String,
}

/// `issuer` is the name under which the app lists it.
pub fn enrolment(ctx: &Ctx, operator: &Operator, issuer: &str) -> Enrolment {
    shown(ctx, operator, issuer, &totp::secret(&ctx.rng))
}

/// The same one again, after a wrong code.
pub fn enrolment_again(ctx: &Ctx, operator: &Operator, issuer: &str, sealed: &Sealed) -> Option<Enrolment> {
    let secret = ctx.vault.open(place(&operator.id), sealed).ok()?;
    Some(shown(ctx, operator, issuer, &secret))
}

fn shown(ctx: &Ctx, operator: &Operator, issuer: &str, secret: &Secret<Vec<u8>>) -> Enrolment {
    Enrolment {
        sealed: ctx.vault.seal(place(&operator.id), secret.expose(), &ctx.rng),
        base32: totp::base32(secret),
        uri: totp::uri(secret, issuer, &operator.email),
    }
}

/// Takes the enrolment up; the recovery codes are nowhere else. `None`: the code is not of that secret, or the operator
/// has a second factor already.
///
/// # Errors
/// the database's.
pub async fn enrol(
    ctx: &Ctx,
    author: &Author,
    operator: &Operator,
    sealed: &Sealed,
    code: &str,
) -> Result<Option<Vec<Secret<String>>>, sqlx::Error> {
    let Ok(secret) = ctx.vault.open(place(&operator.id), sealed) else { return Ok(None) };
    let Some(step) = totp::step_of(&secret, &plain(code), ctx.now()) else { return Ok(None) };
    let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| recovery_code(&ctx.rng)).collect();
    let digests: Vec<_> = codes.iter().map(|code| digest(ctx, code.expose()).to_vec()).collect();
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if !store::enrol(conn, &operator.id, sealed, step, ctx.now()).await? {
            return Ok(None);
        }
        store::set_recovery_codes(conn, &operator.id, &digests).await?;
        audit::record(ctx, conn, author.did("operator.second_factor_enrolled")).await?;
        Ok(Some(codes))
    })
    .await
}

/// What a code proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    App,
    /// One of the recovery codes, which is used up now.
    Recovery,
}

/// Uses a code up, of the app or of those for recovery. `None`: it is neither, or it was used before.
///
/// # Errors
/// the database's.
pub async fn prove(
    ctx: &Ctx,
    conn: &mut Conn,
    operator: &OperatorId,
    code: &str,
) -> Result<Option<Proof>, sqlx::Error> {
    let code = plain(code);
    let Some(sealed) = store::secret(conn, operator).await? else { return Ok(None) };
    let secret = match ctx.vault.open(place(operator), &sealed) {
        Ok(secret) => secret,
        Err(error) => {
            tracing::error!(%operator, %error, "a second factor cannot be opened");
            return Ok(None);
        }
    };
    if let Some(step) = totp::step_of(&secret, &code, ctx.now()) {
        return Ok(store::use_step(conn, operator, step).await?.then_some(Proof::App));
    }
    Ok(store::use_recovery_code(conn, operator, &digest(ctx, &code)).await?.then_some(Proof::Recovery))
}

/// What came of [`remove`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    Done,
    WrongPassword,
    WrongCode,
}

/// Takes one's own second factor away. Who sits at a desk that was left open cannot: it needs password and code.
///
/// # Errors
/// the database's.
pub async fn remove(
    ctx: &Ctx,
    author: &Author,
    operator: &Operator,
    own_password: &Secret<String>,
    code: &str,
) -> Result<Removed, sqlx::Error> {
    let stored = super::store::password(&mut *ctx.db.acquire().await?, &operator.id).await?;
    if !password::verify(own_password, stored.as_deref().unwrap_or(password::NOBODYS)).await {
        return Ok(Removed::WrongPassword);
    }
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if prove(ctx, conn, &operator.id, code).await?.is_none() {
            return Ok(Removed::WrongCode);
        }
        store::remove(conn, &operator.id, ctx.now()).await?;
        audit::record(ctx, conn, author.did("operator.second_factor_removed")).await?;
        Ok(Removed::Done)
    })
    .await
}

/// As people type codes: with blanks or hyphens between the groups, in capitals.
fn plain(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64).collect::<String>().to_lowercase()
}

/// 50 random bits in two groups of five. Ten guesses at them are slowed down as those at a password.
fn recovery_code(rng: &Rng) -> Secret<String> {
    const ALPHABET: &[u8; 32] = b"23456789abcdefghjkmnpqrstuvwxyz0";
    let mut text = String::with_capacity(11);
    for (place, byte) in rng.bytes::<10>().into_iter().enumerate() {
        if place == 5 {
            text.push('-');
        }
        text.push(ALPHABET[usize::from(byte & 31)] as char);
    }
    Secret::new(text)
}

fn digest(ctx: &Ctx, code: &str) -> [u8; 32] {
    ctx.vault.digest(&format!("recovery {}", plain(code)))
}
