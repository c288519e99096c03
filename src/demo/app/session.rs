//! Who is signed in to the sample application, and who is on the way: in memory, found by two cookies. Their names differ
//! from the broker's, because a cookie of localhost is sent to every port.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};
use serde_json::Value;

use super::verify::Verified;
use crate::rng::Rng;

const SESSION: &str = "demo-app-session";
const PENDING: &str = "demo-app-pending";
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);
const PENDING_LIFE: Duration = Duration::from_secs(15 * 60);

/// A sign-in that has begun.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

#[derive(Clone, Debug)]
pub(super) struct SignedIn {
    pub id_token: Verified,
    pub access_token: Verified,
    pub refresh_token: Option<String>,
    pub userinfo: Option<Value>,
    /// Said once: what just happened, and whether it went well.
    pub news: Option<(bool, String)>,
}

impl SignedIn {
    pub fn new(id_token: Verified, access_token: Verified, refresh_token: Option<String>) -> Self {
        Self { id_token, access_token, refresh_token, userinfo: None, news: None }
    }
}

#[derive(Default)]
pub(super) struct Sessions {
    signed_in: Jar<SignedIn>,
    pending: Jar<Pending>,
    rng: Rng,
}

impl Sessions {
    /// Remembers a sign-in that begins in this browser.
    pub fn begin(&self, pending: Pending) -> Cookie<'static> {
        cookie(PENDING, self.pending.put(self.rng.token(), pending), PENDING_LIFE)
    }

    /// Once: the sign-in that this browser began with `state`.
    pub fn resume(&self, req: &HttpRequest, state: &str) -> Option<Pending> {
        let pending = self.pending.take(req.cookie(PENDING)?.value(), PENDING_LIFE)?;
        (pending.state == state).then_some(pending)
    }

    pub fn sign_in(&self, signed_in: SignedIn) -> Cookie<'static> {
        cookie(SESSION, self.signed_in.put(self.rng.token(), signed_in), SESSION_LIFE)
    }

    /// Looks, and forgets what is said once.
    pub fn visit(&self, req: &HttpRequest) -> Option<SignedIn> {
        let id = req.cookie(SESSION)?.value().to_owned();
        let mut signed_in = self.signed_in.take(&id, SESSION_LIFE)?;
        let seen = signed_in.clone();
        signed_in.news = None;
        self.signed_in.put(id, signed_in);
        Some(seen)
    }

    pub fn update(&self, req: &HttpRequest, signed_in: SignedIn) {
        if let Some(id) = req.cookie(SESSION) {
            self.signed_in.put(id.value().to_owned(), signed_in);
        }
    }

    pub fn sign_out(&self, req: &HttpRequest) -> (Option<SignedIn>, Cookie<'static>) {
        let id = req.cookie(SESSION);
        (
            id.and_then(|id| self.signed_in.take(id.value(), SESSION_LIFE)),
            cookie(SESSION, String::new(), Duration::ZERO),
        )
    }
}

struct Jar<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Jar<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Jar<T> {
    fn put(&self, id: String, value: T) -> String {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.retain(|_, (since, _)| since.elapsed() < SESSION_LIFE);
        map.insert(id.clone(), (Instant::now(), value));
        id
    }

    fn take(&self, id: &str, life: Duration) -> Option<T> {
        let (since, value) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)?;
        (since.elapsed() < life).then_some(value)
    }
}

/// Not `Secure`: this is plain http on localhost, where Safari would drop it.
fn cookie(name: &'static str, value: String, life: Duration) -> Cookie<'static> {
    let life = time::Duration::seconds(i64::try_from(life.as_secs()).unwrap_or(0));
    Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Lax).max_age(life).finish()
}
