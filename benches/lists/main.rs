//! How long the desk's lists and searches take the server when a broker has grown: 100,000 users, 10,000 clients, 1,000
//! connections. One line a measure, `bench NAME VALUE ms`: the 95th percentile over many different questions.
//!
//! A new list is one line in [`measures`].

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../token/broker.rs"]
#[allow(dead_code)]
mod broker;
mod people;

use std::time::{Duration, Instant};

use avouch::audit::Author;
use avouch::operator::{OperatorRole, api_key, manage};
use avouch::secret::Secret;
use broker::Broker;
use sqlx::{ConnectOptions as _, Connection as _};

/// Questions of one measure; the first few are not counted.
const ASKED: usize = 220;
const WARM: usize = 20;
/// The promise, in milliseconds.
const PROMISED: f64 = 100.0;

/// A page or an answer: its name, and the path for the nth question.
type Measure = (&'static str, Box<dyn Fn(usize) -> String>);

fn measures(deep: String) -> Vec<Measure> {
    fn of(name: &'static str, path: impl Fn(usize) -> String + 'static) -> Measure {
        (name, Box::new(path))
    }
    let rare = |n: usize| format!("person{}", 1 + n * 449 % people::USERS);
    vec![
        of("users", |_| "/admin/users".into()),
        of("users_deep", move |_| format!("/admin/users?after={deep}")),
        of("users_search_common", |n| format!("/admin/users?q={}", people::FIRST[n % people::FIRST.len()])),
        of("users_search_letter", |n| format!("/admin/users?q={}", char::from(b'a' + (n % 26) as u8))),
        of("users_search_rare", move |n| format!("/admin/users?q={}", rare(n))),
        of("users_search_two_words", |n| {
            format!(
                "/admin/users?q={}+{}",
                people::FIRST[n % people::FIRST.len()],
                people::LAST[n % people::LAST.len()]
            )
        }),
        of("users_search_nobody", |n| format!("/admin/users?q=nobodyhasthis{n}")),
        of("users_search_subject", |n| format!("/admin/users?q=subject-{}", 1 + n * 449)),
        of("users_search_address", |n| format!("/admin/users?q=person{}%40tenant{}.example", 1 + n, 1 + n)),
        of("users_of_connection", |n| format!("/admin/users?connection=grown-{}", 1 + n)),
        of("users_of_large_connection", |_| "/admin/users?connection=idp-1".into()),
        of("users_search_in_connection", move |n| format!("/admin/users?connection=idp-1&q={}", rare(n))),
        of("users_blocked", |_| "/admin/users?status=blocked".into()),
        of("users_blocked_search", |n| {
            format!("/admin/users?status=blocked&q={}", people::LAST[n % people::LAST.len()])
        }),
        of("users_never_signed_in", |_| "/admin/users?status=never_signed_in".into()),
        of("user", |n| format!("/admin/users/{}", people::sub(1 + n * 449))),
        of("api_users", |_| "/api/v1/users?limit=200".into()),
        of("api_users_search", |n| format!("/api/v1/users?q={}", people::LAST[n % people::LAST.len()])),
        of("api_user", |n| format!("/api/v1/users/{}", people::sub(1 + n * 449))),
        of("api_clients", |_| "/api/v1/clients".into()),
        of("api_clients_search", |n| format!("/api/v1/clients?q=grown-{}", 1 + n * 45)),
        of("api_connections", |_| "/api/v1/connections".into()),
        of("api_connections_search", |n| format!("/api/v1/connections?q=grown-{}", 1 + n)),
        of("api_roles", |_| "/api/v1/roles".into()),
        of("resources", |_| "/admin/resources".into()),
        of("overview", |_| "/admin".into()),
        of("find", |n| format!("/admin/find?q=rown-{}", 1 + n * 4)),
        of("clients", |_| "/admin/clients".into()),
        of("clients_search", |n| format!("/admin/clients?q=grown-{}", 1 + n * 45)),
        of("client", |n| format!("/admin/clients/grown-{}", 1 + n * 45)),
        of("connections", |_| "/admin/connections".into()),
        of("connections_search", |n| format!("/admin/connections?q=grown-{}", 1 + n)),
        of("connection", |n| format!("/admin/connections/grown-{}", 1 + n)),
        of("roles", |_| "/admin/roles".into()),
        of("audit", |_| "/admin/audit".into()),
        of("audit_of_person", |n| format!("/admin/audit?q={}", people::sub(1 + n * 449))),
        of("audit_of_action", |_| "/admin/audit?action=client.created".into()),
        of("api_audit", |_| "/api/v1/audit-events?limit=200".into()),
        of("traces", |_| "/admin/traces".into()),
        of("operators", |_| "/admin/operators".into()),
        of("signing_keys", |_| "/admin/signing-keys".into()),
    ]
}

#[actix_web::main]
async fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let broker = Broker::start().await;
    let mut conn = broker.database().connect().await.unwrap();
    broker::grow(&mut conn, 1_000, 10_000).await;
    people::seed(&mut conn).await;
    conn.close().await.unwrap();
    broker.reload().await;
    let visitor = Visitor::of(&broker).await;

    let half = people::USERS / 2;
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut late = Vec::new();
    for (name, path) in measures(Visitor::cursor(half)) {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        let mut spent: Vec<f64> = Vec::with_capacity(ASKED);
        for n in 0..ASKED {
            spent.push(visitor.ask(&path(n)).await.as_secs_f64() * 1e3);
        }
        let mut spent = spent.split_off(WARM);
        spent.sort_by(f64::total_cmp);
        let p95 = spent[spent.len() * 95 / 100];
        println!("bench list_{name}_p95 {p95:.1} ms");
        if p95 > PROMISED {
            late.push(name);
        }
    }
    broker.stop().await;
    assert!(late.is_empty(), "over {PROMISED} ms: {}", late.join(", "));
}

/// An operator's browser and a program, one question after the other over one connection.
struct Visitor {
    http: reqwest::Client,
    issuer: String,
    cookie: String,
    key: String,
}

impl Visitor {
    async fn of(broker: &Broker) -> Self {
        let ctx = broker.ctx();
        let (email, by, owner) = ("bench@example.com", Author::system(), OperatorRole::Owner);
        let (_, one_time) = manage::create(ctx, &by, owner, email, OperatorRole::Editor).await.unwrap();
        let (_, key) = api_key::create(ctx, &by, owner, "bench", OperatorRole::Editor, None).await.unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let mut visitor = Self {
            http: http.resolve("localhost", broker.address).build().unwrap(),
            issuer: format!("http://localhost:{}", broker.address.port()),
            cookie: String::new(),
            key: key.expose().clone(),
        };
        let password = Secret::new("four words in a row".to_owned());
        let first = visitor.sign_in(email, &one_time).await;
        visitor.cookie = first;
        let fields = [("current", one_time.expose().as_str()), ("new", password.expose().as_str())];
        visitor.cookie = visitor.submit("/admin/password", &fields).await;
        visitor
    }

    /// Answers the cookie of the session.
    async fn sign_in(&self, email: &str, password: &Secret<String>) -> String {
        self.submit("/admin/sign-in", &[("email", email), ("password", password.expose())]).await
    }

    async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let url = format!("{}{path}", self.issuer);
        let page = self.http.get(&url).header("cookie", &self.cookie).send().await.unwrap();
        let cookies: Vec<String> = set(&page).into_iter().chain(Some(self.cookie.clone())).collect();
        let body = page.text().await.unwrap();
        let csrf = body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = [&[("csrf", csrf)], fields].concat();
        let request = self.http.post(&url).header("cookie", cookies.join("; ")).header("origin", &self.issuer);
        let answer = request.form(&fields).send().await.unwrap();
        let cookie = set(&answer).into_iter().find(|cookie| cookie.starts_with("avouch-operator="));
        cookie.unwrap_or_else(|| panic!("{path}: {}", answer.status()))
    }

    /// Where the list goes on after that person.
    fn cursor(person: usize) -> String {
        use base64::Engine as _;
        let key = serde_json::to_vec(&[people::sub(person)]).unwrap();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key)
    }

    async fn ask(&self, path: &str) -> Duration {
        let request = self.http.get(format!("{}{path}", self.issuer));
        let request = if path.starts_with("/api") {
            request.header("authorization", format!("Bearer {}", self.key))
        } else {
            request.header("cookie", &self.cookie)
        };
        let at = Instant::now();
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        let spent = at.elapsed();
        // a fast refusal would look like a record
        assert_eq!(status, 200, "{path}: {body}");
        spent
    }
}

fn set(answer: &reqwest::Response) -> Vec<String> {
    let values = answer.headers().get_all("set-cookie").iter();
    values.map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
}
