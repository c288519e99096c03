//! How guessing at the desk's door is slowed down. Every attempt is counted before it is looked at, so that a thousand at
//! once are no more than a thousand one after the other, and one that succeeds is forgotten with those before it.
//!
//! Who is slowed down, and why not more:
//! - a browser in which this operator has signed in before counts by itself (OWASP, "device cookies"): nobody elsewhere can
//!   keep an operator out by guessing at their name;
//! - everybody else counts by the name that they type, known or not, and by their network. The waits double up to a
//!   quarter of an hour and no further, so that an operator at a new machine is kept waiting and not locked out.

pub mod store;

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use time::{Duration, OffsetDateTime};

use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::rng::Rng;
use crate::vault::Vault;
use crate::web::rate_limit::network;

/// The first wait; each one after that is twice as long.
const FIRST: Duration = Duration::seconds(30);
const LONGEST: Duration = Duration::minutes(15);
/// Failures are forgotten when nothing was tried for so long.
pub const FORGOTTEN: Duration = Duration::hours(24);
/// Attempts that are free of a wait.
const FREE_BY_NAME: i32 = 5;
/// A network may be a whole office.
const FREE_BY_NETWORK: i32 = 20;

/// What a browser keeps once this operator has signed in there: worth a count of its own, and nothing else.
pub fn device(vault: &Vault, rng: &Rng, name: &str) -> String {
    let nonce = rng.token();
    let tag = tag(vault, name, &nonce);
    format!("{nonce}.{tag}")
}

/// The device that `kept` is, if it is one of this operator's.
pub fn known_device<'a>(vault: &Vault, name: &str, kept: &'a str) -> Option<&'a str> {
    let (nonce, shown) = kept.split_once('.')?;
    verify_slices_are_equal(tag(vault, name, nonce).as_bytes(), shown.as_bytes()).ok().map(|()| nonce)
}

fn tag(vault: &Vault, name: &str, nonce: &str) -> String {
    vault.tag(&["operator device", &name.trim().to_lowercase(), nonce])
}

/// What one attempt counts against.
#[derive(Clone, Debug)]
pub struct Counts(Vec<(Vec<u8>, i32)>);

impl Counts {
    /// `device` is what the browser has shown to be one of this operator's.
    pub fn of(vault: &Vault, name: &str, device: Option<&str>, from: Option<IpAddr>) -> Self {
        let name = name.trim().to_lowercase();
        let key = |kind: &str, value: &str| vault.digest(&format!("desk {kind} {value}")).to_vec();
        if let Some(device) = device {
            return Self(vec![(key("device", &format!("{device} {name}")), FREE_BY_NAME)]);
        }
        let mut counts = vec![(key("name", &name), FREE_BY_NAME)];
        counts.extend(from.map(|from| (key("network", &network(from).to_string()), FREE_BY_NETWORK)));
        Self(counts)
    }

    /// Only the name: what a new password by somebody else's hand forgives.
    pub fn of_name(vault: &Vault, name: &str) -> Self {
        Self::of(vault, name, None, None)
    }
}

/// Counts an attempt, or says how long to wait before the next one.
///
/// # Errors
/// the database's.
pub async fn begin(ctx: &Ctx, counts: &Counts) -> Result<Result<(), Duration>, sqlx::Error> {
    let now = ctx.now();
    let outcome = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        for (key, free) in &counts.0 {
            let known = store::count(conn, key, now, now - FORGOTTEN).await.map_err(Stopped::Database)?;
            if known.blocked_until > now {
                return Err(Stopped::Wait(known.blocked_until - now));
            }
            let until = now + wait(known.failures, *free);
            store::block(conn, key, until).await.map_err(Stopped::Database)?;
        }
        Ok(())
    });
    match outcome.await {
        Ok(()) => Ok(Ok(())),
        Err(Stopped::Wait(wait)) => Ok(Err(wait)),
        Err(Stopped::Database(error)) => Err(error),
    }
}

/// It was right: what was counted against the name or the device is forgotten. Of the network's only this attempt is taken
/// back, or an attacker with an account of their own could begin anew whenever they like.
///
/// # Errors
/// the database's.
pub async fn succeeded(conn: &mut Conn, counts: &Counts) -> Result<(), sqlx::Error> {
    for (nth, (key, _)) in counts.0.iter().enumerate() {
        match nth {
            0 => store::forget(conn, key).await?,
            _ => store::take_back(conn, key).await?,
        }
    }
    Ok(())
}

enum Stopped {
    /// Rolls the count back: waiting is no attempt.
    Wait(Duration),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Stopped {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// After so many failures.
fn wait(failures: i32, free: i32) -> Duration {
    if failures < free {
        return Duration::ZERO;
    }
    let doublings = u32::try_from(failures - free).unwrap_or_default().min(16);
    (FIRST * 2_i32.pow(doublings)).min(LONGEST)
}

/// What is known of a key, this attempt included.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub failures: i32,
    pub blocked_until: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end_at_a_quarter_of_an_hour() {
        let waits: Vec<i64> = (1..=12).map(|failures| wait(failures, 5).whole_seconds()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(wait(i32::MAX, 5), LONGEST);
    }
}
