//! The administration of a provider, as far as drivers speak to it: the shapes of Microsoft Graph, Okta, Auth0, Keycloak and
//! RFC 7592, over one set of secrets. It takes its time until a secret counts, throttles, loses answers and hangs on request.

mod entra;
mod keycloak;
mod others;

pub use entra::TENANT;

use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use avouch::clock::{Clock as _, ShiftedClock};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use crate::harness::broker::listen;
use crate::harness::world::CONTOSO_SECRET;

/// Of the driver.
pub const CREDENTIAL: &str = "the-drivers-own-credential-0123";
pub const CLIENT: &str = "avouch-at-contoso";

pub struct Provider {
    pub url: String,
    pub shared: Arc<Shared>,
}

pub struct Shared {
    pub url: String,
    clock: Arc<ShiftedClock>,
    state: Mutex<State>,
    /// Rung when a call hangs.
    pub hangs: Notify,
    /// Lets the one that is held go on.
    pub go: Notify,
}

pub struct State {
    pub secrets: Vec<Held>,
    /// Until a new secret counts, and for how long a removed one goes on to.
    pub delay: Duration,
    /// So many of the next calls are answered with 429 and Retry-After.
    pub throttle: u32,
    /// So many of the next additions are done, and their answers lost.
    pub lose: u32,
    /// The call with this number is done, and never answered.
    pub hang_at: Option<usize>,
    /// The call with this number is done, and answered when [`Shared::go`] is rung.
    pub hold_at: Option<usize>,
    /// The call with this number is done, and its answer lost.
    pub lose_at: Option<usize>,
    /// Days; a policy refuses more.
    pub longest: i64,
    /// A policy refuses every addition with this error.
    pub forbids: Option<&'static str>,
    /// The registration token, or the driver's secret, that counts.
    pub credential: String,
    /// RFC 7592: whether an update makes a new secret.
    pub renews: bool,
    /// RFC 7592: whether the registration token stays the same.
    pub keeps_token: bool,
    /// Okta: the public key of the service app `the-rotator`; where there is one, no API token counts.
    pub service_key: Option<Value>,
    /// Okta: statements that were shown.
    pub shown: std::collections::HashSet<String>,
    pub calls: Vec<String>,
    pub made: usize,
}

#[derive(Clone, Debug)]
pub struct Held {
    pub id: String,
    pub name: String,
    pub value: String,
    pub active: bool,
    pub from: OffsetDateTime,
    pub until: Option<OffsetDateTime>,
}

impl Provider {
    pub async fn start(clock: &Arc<ShiftedClock>) -> Self {
        let listener = listen(0);
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let state = State {
            secrets: vec![Held {
                id: "by-hand".into(),
                name: "made by hand".into(),
                value: CONTOSO_SECRET.into(),
                active: true,
                from: OffsetDateTime::UNIX_EPOCH,
                until: None,
            }],
            delay: Duration::ZERO,
            throttle: 0,
            lose: 0,
            hang_at: None,
            hold_at: None,
            lose_at: None,
            longest: 730,
            forbids: None,
            credential: CREDENTIAL.into(),
            renews: true,
            keeps_token: false,
            service_key: None,
            shown: std::collections::HashSet::new(),
            calls: Vec::new(),
            made: 0,
        };
        let shared = Arc::new(Shared {
            url: url.clone(),
            clock: clock.clone(),
            state: Mutex::new(state),
            hangs: Notify::new(),
            go: Notify::new(),
        });
        let data = shared.clone();
        let app = move || App::new().app_data(Data::from(data.clone())).default_service(web::to(answer));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { url, shared }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// `name` of those that are there, the oldest first.
    pub fn names(&self) -> Vec<String> {
        self.state().listed().map(|one| one.name.clone()).collect()
    }

    pub fn ids(&self) -> Vec<String> {
        self.state().listed().map(|one| one.id.clone()).collect()
    }

    /// Calls whose text contains this.
    pub fn count(&self, part: &str) -> usize {
        self.state().calls.iter().filter(|call| call.contains(part)).count()
    }

    /// Somebody adds one by hand.
    pub fn add_by_hand(&self, value: &str) {
        let now = self.shared.clock.now();
        self.state().add("by somebody else", value, now);
    }
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// What the token endpoint takes now.
    pub fn taken(&self) -> Vec<String> {
        let now = self.now();
        let state = self.state();
        let counts = |one: &&Held| one.active && one.from <= now && one.until.is_none_or(|until| now < until);
        state.secrets.iter().filter(counts).map(|one| one.value.clone()).collect()
    }
}

impl State {
    pub fn listed(&self) -> impl Iterator<Item = &Held> {
        self.secrets.iter().filter(|one| one.until.is_none())
    }

    pub fn held(&mut self, id: &str) -> Option<&mut Held> {
        self.secrets.iter_mut().find(|one| one.id == id && one.until.is_none())
    }

    pub fn add(&mut self, name: &str, value: &str, now: OffsetDateTime) -> Held {
        self.made += 1;
        let held = Held {
            id: format!("key-{}", self.made),
            name: name.into(),
            value: value.into(),
            active: true,
            from: now + self.delay,
            until: None,
        };
        self.secrets.push(held.clone());
        held
    }

    pub fn remove(&mut self, id: &str, now: OffsetDateTime) -> bool {
        let delay = self.delay;
        self.held(id).map(|one| one.until = Some(now + delay)).is_some()
    }

    /// All others end.
    pub fn replace(&mut self, value: &str, now: OffsetDateTime) {
        if self.listed().any(|one| one.value == value) {
            return;
        }
        let ids: Vec<String> = self.listed().map(|one| one.id.clone()).collect();
        for id in ids {
            self.remove(&id, now);
        }
        self.add("set", value, now);
    }
}

/// One call.
pub struct Call {
    pub method: String,
    pub path: String,
    pub query: String,
    pub authorization: String,
    pub json: Value,
    pub form: std::collections::BTreeMap<String, String>,
}

pub fn said(status: u16, body: Value) -> HttpResponse {
    HttpResponse::build(status.try_into().unwrap()).json(body)
}

async fn answer(shared: Data<Shared>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let header = req.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let call = Call {
        method: req.method().to_string(),
        path: req.path().to_owned(),
        query: req.query_string().to_owned(),
        authorization: header.unwrap_or_default(),
        json: serde_json::from_slice(&body).unwrap_or_default(),
        form: url::form_urlencoded::parse(&body).into_owned().collect(),
    };
    // whether a secret of the application itself counts is asked by probes, which nothing holds up
    let is_probe = call.form.get("client_id").is_some_and(|id| id == CLIENT);
    let number = {
        let mut state = shared.state();
        if !is_probe {
            state.calls.push(format!("{} {}", call.method, call.path));
            if state.throttle > 0 {
                state.throttle -= 1;
                return HttpResponse::TooManyRequests().insert_header(("retry-after", "7")).finish();
            }
        }
        state.calls.len()
    };
    let (before, answer) = {
        let before = shared.state().made;
        (before, route(&shared, &call))
    };
    let (lost, hangs) = {
        let mut state = shared.state();
        let changed = state.made > before || call.method == "PATCH" || call.method == "PUT";
        let lost = !is_probe && state.lose > 0 && changed;
        if lost {
            state.lose -= 1;
        }
        let lost = lost || !is_probe && state.lose_at.take_if(|at| *at == number).is_some();
        (lost, !is_probe && state.hang_at.take_if(|at| *at == number).is_some())
    };
    let held = !is_probe && shared.state().hold_at.take_if(|at| *at == number).is_some();
    if held {
        shared.hangs.notify_one();
        shared.go.notified().await;
    }
    if hangs {
        shared.hangs.notify_one();
        return std::future::pending().await;
    }
    if lost { HttpResponse::BadGateway().finish() } else { answer }
}

fn route(shared: &Shared, call: &Call) -> HttpResponse {
    let path = call.path.as_str();
    if path.starts_with("/graph/") || path.ends_with("/oauth2/v2.0/token") {
        entra::answer(shared, call)
    } else if path.starts_with("/api/v1/")
        || path.starts_with("/api/v2/")
        || ["/oauth/token", "/oauth2/v1/token", "/reg"].contains(&path)
    {
        others::answer(shared, call)
    } else if path.starts_with("/realms/") || path.starts_with("/admin/") {
        keycloak::answer(shared, call)
    } else {
        said(404, json!({}))
    }
}

/// Client credentials: a token for who shows the right secret.
pub fn token(shared: &Shared, call: &Call, driver: &str, refusal: Value) -> HttpResponse {
    let client = call.form.get("client_id").map(String::as_str).unwrap_or_default();
    let secret = call.form.get("client_secret").cloned().unwrap_or_default();
    let right = match client {
        CLIENT => shared.taken().contains(&secret),
        other => other == driver && secret == shared.state().credential,
    };
    if right { said(200, json!({ "access_token": "an-admin-token", "expires_in": 300 })) } else { said(401, refusal) }
}
