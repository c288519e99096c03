//! The person types the code. A wrong one is counted, by address and by browser: eight letters could be guessed
//! otherwise (RFC 8628 §5.1).

pub mod pages;

use std::net::IpAddr;
use std::sync::Arc;

use time::Duration;

use super::{DeviceAuthorization, UserCode, store};
use crate::audit::Event;
use crate::authorization::AuthorizeRequest;
use crate::broker::Broker;
use crate::client::Client;
use crate::login::authorize::{require_live, take_up};
use crate::login::{Next, Refusal, Visitor};
use crate::oauth::grant_type::GrantType;

/// Wrong codes in ten minutes: many people may sit behind one address, few before one browser.
const MOST_BY_ADDRESS: u32 = 30;
const MOST_BY_BROWSER: u32 = 10;

/// Why a code leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongCode {
    /// No code looks like that.
    Malformed,
    Unknown,
    Expired,
    /// Somebody allowed or refused it already.
    Decided,
    /// Too many wrong ones came before; it was not looked at.
    TooMany(Duration),
}

/// Takes the code: the person signs in and decides next.
///
/// # Errors
/// a [`Refusal`] for what has nothing to do with the code.
pub async fn enter(broker: &Broker, visitor: &Visitor, typed: &str) -> Result<Result<Next, WrongCode>, Refusal> {
    let (device, client) = match look_up(broker, visitor, typed).await? {
        Ok(found) => found,
        Err(wrong) => {
            let reason = match wrong {
                WrongCode::Malformed => "user_code_malformed",
                WrongCode::Unknown => "user_code_unknown",
                WrongCode::Expired => "user_code_expired",
                WrongCode::Decided => "user_code_decided",
                WrongCode::TooMany(_) => "user_code_guesses",
            };
            let event = Event::refused("device.code", reason, "anonymous");
            broker.audit.record(event.trace(&visitor.trace_id).from_addr(visitor.addr));
            return Ok(Err(wrong));
        }
    };
    let catalog = broker.catalog.load_full();
    let request = AuthorizeRequest::for_device(&broker.ctx.urls, device.id, device.scopes, device.audiences);
    take_up(broker, visitor, &catalog, &client, request).await.map(Ok)
}

/// The code of a complete address, where the client lets devices show such addresses. Others are typed.
///
/// # Errors
/// as [`enter`].
pub async fn prefilled(broker: &Broker, visitor: &Visitor, asked: &str) -> Result<Option<UserCode>, Refusal> {
    let found = look_up(broker, visitor, asked).await?.ok();
    let complete = found.is_some_and(|(_, client)| client.settings.complete_verification_uri);
    Ok(UserCode::parse(asked).filter(|_| complete))
}

async fn look_up(
    broker: &Broker,
    visitor: &Visitor,
    typed: &str,
) -> Result<Result<(DeviceAuthorization, Arc<Client>), WrongCode>, Refusal> {
    require_live(broker)?;
    let ctx = &broker.ctx;
    let now = ctx.now();
    let Some(code) = UserCode::parse(typed) else { return Ok(Err(WrongCode::Malformed)) };
    let keys = [(by_address(visitor.addr), MOST_BY_ADDRESS), (by_browser(visitor), MOST_BY_BROWSER)];
    if let Some(wait) = keys.iter().filter_map(|(key, most)| broker.code_guesses.wait(key, *most, now)).max() {
        return Ok(Err(WrongCode::TooMany(wait)));
    }
    let mut conn = ctx.db.acquire().await?;
    let found = store::by_user_code(&mut conn, &ctx.vault.digest(code.letters())).await?;
    let found = found.and_then(|device| {
        let client = broker.catalog.load().client(&device.client_id);
        Some((device, client.filter(|client| client.enabled && client.may_use(GrantType::DeviceCode))?))
    });
    Ok(match found {
        None => {
            keys.into_iter().for_each(|(key, _)| broker.code_guesses.note(key, now));
            Err(WrongCode::Unknown)
        }
        Some((device, _)) if device.is_over(now) => Err(WrongCode::Expired),
        Some((device, _)) if !device.is_open(now) => Err(WrongCode::Decided),
        Some(found) => Ok(found),
    })
}

/// Whoever has one IPv6 address has its whole /64.
fn by_address(addr: Option<IpAddr>) -> String {
    match addr {
        Some(IpAddr::V6(addr)) => {
            let [a, b, c, d, ..] = addr.segments();
            format!("address {a:x}:{b:x}:{c:x}:{d:x}")
        }
        Some(addr) => format!("address {addr}"),
        None => "address".into(),
    }
}

fn by_browser(visitor: &Visitor) -> String {
    format!("browser {:02x?}", visitor.browser_hash())
}
