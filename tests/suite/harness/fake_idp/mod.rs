//! An OpenID provider that lies on request. Honest until [`FakeIdp::tell`] says otherwise; signs everybody in at once and
//! remembers what it was sent.

mod endpoint;
mod id_token;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use avouch::clock::ShiftedClock;
use avouch::jose::{Alg, KeyPair};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::broker::listen;

pub use id_token::Signature;

pub struct FakeIdp {
    /// `http://localhost:PORT`.
    pub issuer: String,
    port: u16,
    shared: Arc<Shared>,
    server: Option<ServerHandle>,
}

pub struct Shared {
    pub base: String,
    pub clock: Arc<ShiftedClock>,
    state: Mutex<State>,
}

pub struct State {
    pub script: Script,
    pub received: Received,
    pub published: Vec<Arc<KeyPair>>,
    pub signing: Arc<KeyPair>,
    pub codes: HashMap<String, Code>,
    /// Refresh tokens that it takes.
    pub refresh_tokens: HashMap<String, Code>,
}

/// What stands behind a code.
#[derive(Clone)]
pub struct Code {
    pub nonce: Option<String>,
    pub client_id: String,
    pub challenge: Option<String>,
}

/// Parameters in order of arrival, the last of a name.
pub type Params = BTreeMap<String, String>;

#[derive(Clone, Default)]
pub struct Received {
    pub authorize: Vec<Params>,
    pub token: Vec<TokenCall>,
    pub discovery: usize,
    pub jwks: usize,
    pub userinfo: usize,
}

#[derive(Clone)]
pub struct TokenCall {
    pub authorization: Option<String>,
    pub params: Params,
}

type Takes = Box<dyn Fn(&str) -> bool + Send>;
type Alter<T> = Option<Box<dyn Fn(&mut T) + Send>>;

/// How to answer. The default is the truth about somebody called Marty.
pub struct Script {
    pub subject: String,
    /// More claims of the ID token, and of UserInfo.
    pub claims: Value,
    pub userinfo: Value,
    pub id_token: Alter<Value>,
    pub signature: Signature,
    /// Of the authorization response.
    pub response: Alter<Vec<(String, String)>>,
    pub token_answer: Alter<Value>,
    pub discovery: Alter<Value>,
    pub misbehaviour: BTreeMap<Place, Misbehaviour>,
    pub refresh_tokens: RefreshTokens,
    /// The only client secrets that it takes. Absent: whatever comes.
    pub client_secrets: Option<Vec<String>>,
    /// Those that it takes at its introspection endpoint, which it names when there are some.
    pub introspecting_secrets: Vec<String>,
    /// How it refuses a client: the status and the word.
    pub refuses_clients: (u16, &'static str),
    /// It uses a code up before it looks at the client.
    pub spends_codes_first: bool,
    /// The same, asked each time.
    pub takes_secrets: Option<Box<dyn Fn() -> Vec<String> + Send>>,
    /// The client assertions that it takes. Absent: whatever comes.
    pub takes_assertions: Option<Takes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokens {
    /// It gives none.
    None,
    /// One that stays.
    Lasting,
    /// Another one at every use; the old one is dead.
    Rotating,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Discovery,
    Jwks,
    Token,
    UserInfo,
}

#[derive(Clone, Debug)]
pub enum Misbehaviour {
    Slow(Duration),
    /// As slow as it is not told to go on.
    Held(Arc<Notify>),
    /// 20 MB of blanks before the brace.
    Huge,
    RedirectTo(String),
    Say(u16, String),
}

impl Default for Script {
    fn default() -> Self {
        Self {
            subject: "marty".into(),
            claims: json!({}),
            userinfo: json!({ "name": "Marty McFly", "email": "marty@contoso.example", "email_verified": true, "groups": ["staff"] }),
            id_token: None,
            signature: Signature::Honest,
            response: None,
            token_answer: None,
            discovery: None,
            misbehaviour: BTreeMap::new(),
            refresh_tokens: RefreshTokens::None,
            client_secrets: None,
            introspecting_secrets: Vec::new(),
            refuses_clients: (401, "invalid_client"),
            spends_codes_first: false,
            takes_secrets: None,
            takes_assertions: None,
        }
    }
}

impl FakeIdp {
    pub async fn start(clock: &Arc<ShiftedClock>) -> Self {
        let mut idp = Self::asleep(clock);
        idp.wake().await;
        idp
    }

    /// It has an address, and nobody answers there.
    pub fn asleep(clock: &Arc<ShiftedClock>) -> Self {
        let port = listen(0).local_addr().unwrap().port();
        let issuer = format!("http://localhost:{port}");
        let state = State {
            script: Script::default(),
            received: Received::default(),
            published: vec![key(0)],
            signing: key(0),
            codes: HashMap::new(),
            refresh_tokens: HashMap::new(),
        };
        let shared = Shared { base: issuer.clone(), clock: clock.clone(), state: Mutex::new(state) };
        Self { issuer, port, shared: Arc::new(shared), server: None }
    }

    pub async fn wake(&mut self) {
        let shared = self.shared.clone();
        let app = move || App::new().app_data(Data::from(shared.clone())).default_service(web::to(endpoint::answer));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listen(self.port)).unwrap().run();
        self.server = Some(server.handle());
        tokio::spawn(server);
    }

    pub async fn sleep(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop(false).await;
        }
    }

    /// Changes what it says from now on.
    pub fn tell(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.shared.state().script);
    }

    pub fn tell_the_truth(&self) {
        self.shared.state().script = Script::default();
    }

    /// Changes the claims of its ID tokens.
    pub fn lie(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.tell(|script| script.id_token = Some(Box::new(change)));
    }

    /// Changes the parameters of its authorization responses.
    pub fn respond(&self, change: impl Fn(&mut Vec<(String, String)>) + Send + 'static) {
        self.tell(|script| script.response = Some(Box::new(change)));
    }

    pub fn misbehave(&self, place: Place, how: Misbehaviour) {
        self.tell(|script| drop(script.misbehaviour.insert(place, how)));
    }

    /// A logout token for this client; `change` adds and replaces claims, null takes one away.
    pub fn logout_token(&self, client_id: &str, change: Value) -> String {
        use avouch::clock::Clock as _;
        let now = self.shared.clock.now().unix_timestamp();
        id_token::logout_token(&self.shared.state(), &self.issuer, client_id, now, &change)
    }

    /// It takes none of its refresh tokens any more.
    pub fn forget_refresh_tokens(&self) {
        self.shared.state().refresh_tokens.clear();
    }

    /// Those that it would take.
    pub fn refresh_tokens(&self) -> Vec<String> {
        self.shared.state().refresh_tokens.keys().cloned().collect()
    }

    /// It offers RP-initiated logout at `/logout`.
    pub fn offers_logout(&self) {
        let url = format!("{}/logout", self.issuer);
        self.tell(|script| {
            script.discovery = Some(Box::new(move |document| document["end_session_endpoint"] = url.as_str().into()));
        });
    }

    pub fn received(&self) -> Received {
        self.shared.state().received.clone()
    }

    /// Signs with a new key from now on, and publishes it alone.
    pub fn rotate(&self) {
        let mut state = self.shared.state();
        state.signing = key(1);
        state.published = vec![key(1)];
    }
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The first two are its own, the third a stranger's. Made once, since RSA keys take their time.
pub fn key(index: usize) -> Arc<KeyPair> {
    static KEYS: OnceLock<[Arc<KeyPair>; 3]> = OnceLock::new();
    let keys = KEYS.get_or_init(|| [Alg::RS256, Alg::ES256, Alg::RS256].map(|alg| Arc::new(KeyPair::generate(alg).0)));
    keys[index].clone()
}
