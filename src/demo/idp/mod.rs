//! Demo company's OpenID provider: three people, one client (the broker), no passwords. Small, and strict where a real
//! one is: exact redirect URI, PKCE S256, codes that work once, client_secret_basic, RFC 9207 `iss`. It remembers codes and
//! access tokens only, in memory; it has no session, so every visit asks who one is.

mod authorization;
mod endpoint;
mod pages;
pub(super) mod people;
mod token;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::web::Data;
use time::{Duration, OffsetDateTime};

use super::company::Company;
use super::part::Part;
use super::person::Person;
use super::places::Places;
use super::secrets::Secrets;
use crate::clock::{Clock, SystemClock};
use crate::jose::{Alg, KeyPair};
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::scope::Scope;
use crate::rng::Rng;
use crate::secret::Secret;

const CLIENT_ID: &str = "avouch";
const CODE_LIFE: Duration = Duration::minutes(1);
const TOKEN_LIFE: Duration = Duration::hours(1);

struct Idp {
    company: Company,
    key: KeyPair,
    client_secret: Secret<String>,
    redirect_uri: String,
    rng: Rng,
    codes: Mutex<HashMap<String, Code>>,
    access_tokens: Mutex<HashMap<String, AccessToken>>,
}

/// What a code stands for.
struct Code {
    person: &'static Person,
    scope: Scope,
    nonce: Option<String>,
    challenge: CodeChallenge,
    signed_in_at: OffsetDateTime,
}

struct AccessToken {
    person: &'static Person,
    scope: Scope,
    ends: OffsetDateTime,
}

impl Idp {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now()
    }
}

/// A handler that panicked left a map as good as before.
fn locked<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn start(places: &Places, secrets: &Secrets) -> anyhow::Result<Part> {
    let (key, _) = KeyPair::generate(Alg::RS256);
    let idp = Data::new(Idp {
        company: Company {
            name: "Demo company",
            party: "company",
            mark: "M3 26V9l9-6v23zM14 26V11l11 5v10z",
            protocol: "OpenID Connect",
            urls: places.idp.clone(),
        },
        key,
        client_secret: secrets.idp_client.clone(),
        redirect_uri: places.broker.callback("demo-idp"),
        rng: Rng::default(),
        codes: Mutex::default(),
        access_tokens: Mutex::default(),
    });
    let routes = move |app: &mut actix_web::web::ServiceConfig| {
        app.app_data(idp.clone()).configure(endpoint::routes).configure(pages::routes);
    };
    Part::start("the demo identity provider", "--idp-port", places.idp_address(), places.idp.clone(), routes)
}
