//! What stands in front of a broker, as a proxy that keeps copies and drops headers.

use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};

use crate::harness::app::http;
use crate::harness::broker::listen;
use crate::harness::{Broker, Options};

#[derive(Default)]
pub struct Habits {
    target: String,
    /// A copy of the JWKS, served in its place.
    pub keys: Option<Bytes>,
    /// In place of the Cache-Control of the JWKS.
    pub cache_control: Option<&'static str>,
    /// Access-Control-* do not come through.
    pub drops_cors: bool,
    /// Answered with a page of its own instead of being passed on.
    pub keeps: Option<&'static str>,
}

pub struct Front {
    /// Its issuer is where the proxy listens.
    pub broker: Broker,
    habits: Arc<Mutex<Habits>>,
}

impl Front {
    pub async fn start() -> Self {
        let listener = listen(0);
        let issuer = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let broker = Broker::start_as(&issuer, Options::default()).await;
        let habits = Arc::new(Mutex::new(Habits { target: broker.address(), ..Habits::default() }));
        let data = Data::new(habits.clone());
        let app = move || App::new().app_data(data.clone()).default_service(web::to(pass));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { broker, habits }
    }

    pub fn habits(&self) -> MutexGuard<'_, Habits> {
        self.habits.lock().unwrap()
    }
}

async fn pass(habits: Data<Arc<Mutex<Habits>>>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let (target, keys, cache_control, drops_cors, keeps) = {
        let habits = habits.lock().unwrap();
        (habits.target.clone(), habits.keys.clone(), habits.cache_control, habits.drops_cors, habits.keeps)
    };
    if keeps.is_some_and(|path| req.path() == path) {
        return HttpResponse::Ok().content_type("text/html").body("<h1>Please sign in to the VPN</h1>");
    }
    let method = reqwest::Method::from_bytes(req.method().as_str().as_bytes()).unwrap();
    let mut request = http().request(method, format!("{target}{}", req.uri())).body(body.to_vec());
    for (name, value) in req.headers().iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
        request = request.header(name.as_str(), value.as_bytes());
    }
    let answer = request.send().await.unwrap();
    let mut response = HttpResponse::build(answer.status().as_u16().try_into().unwrap());
    let is_keys = req.path() == "/.well-known/jwks.json";
    for (name, value) in answer.headers() {
        let dropped = drops_cors && name.as_str().starts_with("access-control-");
        let replaced = is_keys && cache_control.is_some() && name == "cache-control";
        if !dropped && !replaced && name != "content-length" && name != "transfer-encoding" {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    if let Some(value) = cache_control.filter(|_| is_keys) {
        response.insert_header(("cache-control", value));
    }
    response.body(keys.filter(|_| is_keys).unwrap_or(answer.bytes().await.unwrap()))
}
