//! Where applications take logout tokens. Says 200 until it is told otherwise, and remembers what came.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};

use super::broker::listen;
use super::patience::until;

pub struct LogoutEndpoint {
    port: u16,
    shared: Arc<Mutex<State>>,
    server: Option<ServerHandle>,
}

#[derive(Clone, Debug)]
pub enum Habit {
    Say(u16),
    RedirectTo(String),
    Hang,
}

struct State {
    habit: Habit,
    received: Vec<Received>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub method: String,
    pub content_type: String,
    pub fields: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn token(&self) -> &str {
        &self.fields.iter().find(|(name, _)| name == "logout_token").expect("a logout token").1
    }
}

impl LogoutEndpoint {
    pub async fn start() -> Self {
        let port = listen(0).local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(State { habit: Habit::Say(200), received: Vec::new() }));
        let mut endpoint = Self { port, shared, server: None };
        endpoint.wake();
        endpoint
    }

    pub fn wake(&mut self) {
        let shared = self.shared.clone();
        let app = move || App::new().app_data(Data::new(shared.clone())).default_service(web::to(answer));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listen(self.port)).unwrap().run();
        self.server = Some(server.handle());
        tokio::spawn(server);
    }

    /// Nobody listens there any more.
    pub async fn sleep(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop(false).await;
        }
    }

    /// The address of this application.
    pub fn url(&self, app: &str) -> String {
        format!("http://localhost:{}/{app}", self.port)
    }

    pub fn behave(&self, habit: Habit) {
        self.shared.lock().unwrap().habit = habit;
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().unwrap().received.clone()
    }

    /// Waits until so many requests have come.
    pub async fn wait(&self, count: usize) -> Vec<Received> {
        until("so many logout tokens", async || Some(self.received()).filter(|received| received.len() >= count)).await
    }
}

async fn answer(shared: Data<Arc<Mutex<State>>>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let content_type = req.headers().get("content-type").map_or("", |value| value.to_str().unwrap());
    let habit = {
        let mut state = shared.lock().unwrap();
        let text =
            |value: &actix_web::http::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        state.received.push(Received {
            headers: req.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: body.to_vec(),
            path: req.path().to_owned(),
            method: req.method().to_string(),
            content_type: content_type.to_owned(),
            fields: url::form_urlencoded::parse(&body).into_owned().collect(),
        });
        state.habit.clone()
    };
    match habit {
        Habit::Say(status) => HttpResponse::build(status.try_into().unwrap()).finish(),
        Habit::RedirectTo(to) => HttpResponse::Found().insert_header(("location", to)).finish(),
        Habit::Hang => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            HttpResponse::Ok().finish()
        }
    }
}
