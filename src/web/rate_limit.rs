//! How often one address may ask for what costs us a row: a sign-in begun, a code asked for, a log-out. Tokens, keys and
//! documents are not counted here: a fleet behind one address lives on them, and they cost no row.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use serde_json::json;

use super::brand::Brand;
use super::client_addr::ClientAddr;
use super::error_page::ErrorPage;
use super::trace;
use crate::clock::{Clock, SystemClock};
use crate::ids::TraceId;
use crate::urls::Urls;

/// Below the issuer's path.
const UNCOUNTED: [&str; 7] =
    ["/.well-known/", "/static/", "/branding/", "/oauth/token", "/oauth/introspect", "/oauth/revoke", "/userinfo"];
/// A burst is what an address may ask for at once: so many seconds' worth.
const BURST_SECONDS: u32 = 10;

/// One count for every address; an IPv6 network of 64 bits, which is one household's, counts as one.
pub struct RateLimit(Option<DefaultKeyedRateLimiter<IpAddr>>);

impl RateLimit {
    /// Requests a second, ten seconds' worth at once. Zero: no limit.
    pub fn per_second(rate: u32) -> Self {
        let quota = NonZeroU32::new(rate).map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
            Quota::per_second(rate).allow_burst(burst)
        });
        Self(quota.map(DefaultKeyedRateLimiter::keyed))
    }

    /// How long to wait, when it was too often.
    fn count(&self, address: IpAddr) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        let refused = limiter.check_key(&network(address));
        refused.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }

    /// Addresses that have been quiet since are forgotten.
    pub fn forget_quiet(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// Whom an address counts as.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// The answer to an address that asks too often. Inside the trace.
pub fn refusal(limit: &RateLimit, urls: &Urls, req: &HttpRequest) -> Option<HttpResponse> {
    let path = req.path().strip_prefix(urls.path()).unwrap_or(req.path());
    if UNCOUNTED.iter().any(|free| path.starts_with(free)) {
        return None;
    }
    let address = ClientAddr::of(req).0;
    let wait = limit.count(address).err()?;
    let seconds = wait.as_secs() + 1;
    tracing::warn!(%address, "too many requests from one address");
    Some(if path.starts_with("/oauth/") { machine(seconds) } else { page(Brand::of(req, urls), seconds) })
}

/// The word is RFC 6749's for "not now"; the status says why.
fn machine(seconds: u64) -> HttpResponse {
    HttpResponse::TooManyRequests()
        .insert_header((RETRY_AFTER, seconds))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({
            "error": "temporarily_unavailable",
            "error_description": format!("too many requests from your address; try again in {seconds} s"),
            "trace_id": trace::current().map(|id| id.to_string()),
        }))
}

fn page(brand: Brand, seconds: u64) -> HttpResponse {
    let page = ErrorPage {
        brand,
        verdict: "Not now".into(),
        heading: "That was too often".into(),
        explanation: "Too many requests came from your network address in a short time.".into(),
        remedies: vec![format!("Wait {seconds} s, then go back to the application and sign in again.")],
        actions: Vec::new(),
        trace_id: trace::current().unwrap_or_else(|| TraceId::from_stored(String::new())),
        at: SystemClock.now(),
        code: "too_many_requests".into(),
    };
    let mut answer = page.render(StatusCode::TOO_MANY_REQUESTS);
    answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_and_zero_is_no_limit() {
        let limit = RateLimit::per_second(1);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for n in 0..10 {
            assert!(limit.count(address(&format!("2001:db8:1:2::{n}"))).is_ok());
        }
        let wait = limit.count(address("2001:db8:1:2:ffff::1")).unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert!(limit.count(address("2001:db8:1:3::1")).is_ok() && limit.count(address("192.0.2.1")).is_ok());
        let none = RateLimit::per_second(0);
        assert!((0..10_000).all(|_| none.count(address("192.0.2.1")).is_ok()));
    }
}
