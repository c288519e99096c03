//! Every route of the desk and of its API, with everybody who should not get through it. Routes and the role that each
//! needs are read from the source: from where it is mounted, and from the first argument of its handler. A new route needs
//! nothing here, unless its handler says in no such way who may come in; then it is named below, with the reason.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Method;

use super::{Api, Operator};
use crate::harness::app::{answer, http};
use crate::harness::{Answer, App, Broker, Browser, Options, World};

/// Who may come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    /// Signed in, whatever the role and even with a one-time password.
    Session,
    Auditor,
    Editor,
    Owner,
}

#[derive(Clone, Debug)]
struct Route {
    method: String,
    /// Below the issuer, with `{id}` and the like.
    path: String,
    needs: Needs,
    /// A form of ours, whose token is looked at by the extractor.
    is_form: bool,
}

/// Before anybody is signed in, so there is no role to ask for; `sign_in` tests what they let through.
const FOR_STRANGERS: &[&str] = &[
    "GET /admin/sign-in",
    "POST /admin/sign-in",
    "POST /admin/sign-in/connection",
    "GET /admin/sign-in/code",
    "POST /admin/sign-in/code",
];

fn routes() -> Vec<Route> {
    let mut found = Vec::new();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin");
    read(&src, &mut found);
    let known = ["GET /admin/resources", "POST /admin/operators/{id}/delete", "DELETE /api/v1/operator-keys/{id}"];
    for known in known {
        let holds = found.iter().any(|route| format!("{} {}", route.method, route.path) == known);
        assert!(holds, "the source is not understood any more: no {known} in {found:#?}");
    }
    found
}

fn read(folder: &Path, found: &mut Vec<Route>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, found);
        } else if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            let prefix = match name {
                "pages.rs" => "/admin",
                "api.rs" => "/api/v1",
                _ => continue,
            };
            let source = std::fs::read_to_string(&path).unwrap();
            mounted(source.split("#[cfg(test)]").next().unwrap(), prefix, &path.display().to_string(), found);
        }
    }
}

/// Each `web::METHOD().to(HANDLER)` belongs to the path that was named last before it.
fn mounted(source: &str, prefix: &str, file: &str, found: &mut Vec<Route>) {
    let Some(body) = source.split("fn routes(app").nth(1).and_then(|rest| rest.split("\n}\n").next()) else { return };
    let body = spelled_out(body);
    let mut path = String::new();
    let mut rest = body.as_str();
    while let Some(at) = rest.find(['"', 'w']) {
        rest = &rest[at..];
        if let Some(literal) = rest.strip_prefix('"') {
            let (text, after) = literal.split_once('"').unwrap();
            if text.is_empty() || text.starts_with('/') {
                path = text.into();
            }
            rest = after;
        } else if let Some((method, handler, after)) = handled(rest) {
            if let Some((needs, is_form)) = needs_of(source, handler) {
                let path = format!("{prefix}{path}");
                found.push(Route { method: method.to_uppercase(), path, needs, is_form });
            } else {
                let name = format!("{} {prefix}{path}", method.to_uppercase());
                assert!(FOR_STRANGERS.contains(&name.as_str()), "{file}: {handler} says not who may call {name}");
            }
            rest = after;
        } else {
            rest = &rest[1..];
        }
    }
}

/// `let at = |tail: &str| format!("/connections/{{slug}}{tail}");` and then `at("/secrets")`: what that makes, in its place.
fn spelled_out(body: &str) -> String {
    let mut out = body.to_owned();
    while let Some((before, rest)) = out.split_once("let ")
        && let Some((closure, after)) = rest.split_once(");")
        && let Some((name, made)) = closure.split_once(" = |")
        && let Some((argument, made)) = made.split_once(':')
        && let Some(template) = made.split('"').nth(1)
    {
        let template = template.replace(&format!("{{{argument}}}"), "\0").replace("{{", "{").replace("}}", "}");
        let call = format!("{name}(\"");
        let mut calls = after.split(call.as_str());
        let mut spelled = format!("{before}{}", calls.next().unwrap_or_default());
        for said in calls {
            let (literal, after) = said.split_once("\")").expect("a literal");
            spelled.push_str(&format!("\"{}\"{after}", template.replace('\0', literal)));
        }
        out = spelled;
    }
    out
}

/// `web::get().to(all)`.
fn handled(text: &str) -> Option<(&str, &str, &str)> {
    let (method, rest) = text.strip_prefix("web::")?.split_once("().to(")?;
    if !["get", "post", "put", "patch", "delete"].contains(&method) {
        return None;
    }
    let (handler, after) = rest.split_once(')')?;
    Some((method, handler, after))
}

/// From the handler's arguments: `desk: Desk<Read>`, `api: Api<Own>`, `posted: Posted<Edit, _>`.
fn needs_of(source: &str, handler: &str) -> Option<(Needs, bool)> {
    let head = source.split(&format!("fn {handler}(")).nth(1)?.split('{').next()?;
    let right = |word: &str| match word.split([',', '>']).next()?.trim() {
        "Read" => Some(Needs::Auditor),
        "Edit" => Some(Needs::Editor),
        "Own" => Some(Needs::Owner),
        _ => None,
    };
    for (kind, is_form) in [("Desk<", false), ("Api<", false), ("Posted<", true), ("Uploaded<", false)] {
        if let Some(right) = head.split(kind).nth(1).and_then(right) {
            return Some((right, is_form));
        }
    }
    // a table of people that is sent has an extractor of its own
    if head.contains(": Tabled") {
        return Some((Needs::Editor, false));
    }
    let seated = head.contains("Seated") && !head.contains("HalfSeated");
    seated.then(|| (Needs::Session, head.contains("SeatedForm<")))
}

/// A path that names nothing.
fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "nothing" } else { part }).collect::<Vec<_>>().join("/")
}

async fn ask(http: &reqwest::Client, broker: &Broker, route: &Route, headers: &[(&str, &str)]) -> Answer {
    let method = Method::from_bytes(route.method.as_bytes()).unwrap();
    let mut request = http.request(method, broker.url(&filled(&route.path)));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if route.method != "GET" {
        request = match route.path.starts_with("/admin") {
            true => request.header("content-type", "application/x-www-form-urlencoded").body("version=1"),
            false => request.header("content-type", "application/json").body("{}"),
        };
    }
    answer(request).await
}

fn cookie(browser: &Browser, broker: &Broker, name: &str) -> String {
    let found = browser.cookie(&broker.issuer, name).unwrap_or_else(|| panic!("no {name}"));
    format!("{name}={}", found.value)
}

#[tokio::test]
async fn nobody_comes_through_a_route_whose_role_they_do_not_have() {
    // it asks quicker than anybody may
    let settings = vec![("AVOUCH_RATE_LIMIT", "0".into())];
    let world = World::with(Options { settings, ..Options::default() }).await;
    let broker = &world.broker;
    let (person, _) = world.signed_in().await;
    let person = cookie(&person, broker, "avouch-session");
    let elsewhere = machine_token(&world).await;
    let mut seats = BTreeMap::new();
    for (role, has) in [("auditor", Needs::Auditor), ("editor", Needs::Editor), ("owner", Needs::Owner)] {
        let seat = Operator::signed_in(broker, role).await;
        let api = Api::of(broker, role).await;
        seats.insert(has, (cookie(&seat.browser, broker, "avouch-operator"), api.authorization));
    }
    let other_kind = seats[&Needs::Owner].0.replace("avouch-operator=", "avouch-session=");
    let mut wrong = Vec::new();
    // one for all of them: each has certificates to read
    let http = http();
    for route in routes() {
        let name = format!("{} {}", route.method, route.path);
        let is_page = route.path.starts_with("/admin");
        let strangers: Vec<(&str, (&str, &str))> = match is_page {
            true => vec![
                ("nobody", ("x-nothing", "")),
                ("garbage", ("cookie", "avouch-operator=avo_os_garbage")),
                ("a person's session", ("cookie", &person)),
                ("a person's session as an operator's", ("cookie", &other_kind)),
                ("an operator key", ("authorization", &seats[&Needs::Owner].1)),
            ],
            false => vec![
                ("nobody", ("x-nothing", "")),
                ("garbage", ("authorization", "Bearer avo_ok_garbage")),
                ("a token for another audience", ("authorization", &elsewhere)),
                ("a person's session", ("cookie", &person)),
                ("an operator's cookie", ("cookie", &seats[&Needs::Owner].0)),
            ],
        };
        for (who, header) in strangers {
            let got = ask(&http, broker, &route, &[header]).await;
            let refused = match is_page {
                true => got.status == 303 && got.header("location").starts_with("/admin/sign-in"),
                false => got.status == 401 && got.header("www-authenticate").starts_with("Bearer"),
            };
            if !refused {
                wrong.push(format!("{name}: {who} gets {}", got.status));
            }
        }
        for (has, (seat, key)) in &seats {
            let header = if is_page { ("cookie", seat.as_str()) } else { ("authorization", key.as_str()) };
            let got = ask(&http, broker, &route, &[header]).await;
            // a form without its token is refused whoever sends it, and nothing of it is read
            let must_refuse = *has < route.needs || route.is_form;
            if must_refuse != (got.status == 403) {
                wrong.push(format!("{name}: {has:?} gets {} {}", got.status, got.json));
            }
            if is_page && got.header("x-frame-options") != "DENY" {
                wrong.push(format!("{name}: may be framed"));
            }
            let policy = got.header("content-security-policy");
            if is_page && !(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'")) {
                wrong.push(format!("{name}: has the policy {policy}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// For an audience that is not the admin API.
async fn machine_token(world: &World) -> String {
    world.broker.secret("robot", "robot-secret-0123456789");
    world
        .apply(
            "resources:\n  - { identifier: https://influx.example, scopes: [owner] }\nclients:\n  - client_id: robot\n    kind: machine\n    client_secret: { file: robot }\n    audiences: [https://influx.example]\n    scopes: [owner]\n",
        )
        .await;
    let robot = App::new(&world.broker, "robot", Some("robot-secret-0123456789"));
    let token = robot.token(&[("grant_type", "client_credentials")]).await;
    format!("Bearer {}", token.text("access_token"))
}

/// Forms with a token of another operator, from another site, and with a token of their own as the control.
#[tokio::test]
async fn a_form_counts_only_in_the_hands_of_the_operator_it_was_made_for() {
    let broker = Broker::start(Options::default()).await;
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let mut other = Operator::signed_in(&broker, "owner").await;
    let (own, foreign) = (owner.csrf().await, other.csrf().await);
    let url = broker.url("/admin/operators/new");
    let fields = |csrf| [("csrf", csrf), ("email", "new@example.com"), ("role", "auditor")];
    for (csrf, origin) in [(foreign.as_str(), None), ("", None), (own.as_str(), Some("https://evil.example"))] {
        let page = owner.browser.post_from(origin, &url, &fields(csrf)).await;
        page.assert_problem(403, "form_refused");
    }
    let api = Api::of(&broker, "auditor").await;
    let count = async || api.get("/operators?q=new@").await.json["items"].as_array().unwrap().len();
    assert_eq!(count().await, 0);
    assert_eq!(owner.browser.post(&url, &fields(&own)).await.status, 200);
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn the_sign_in_has_a_token_of_its_own_and_leads_to_the_desk_only() {
    let broker = Broker::start(Options::default()).await;
    let one_time = Operator::made(&broker, "ada@example.com", "owner").await;
    let url = broker.url("/admin/sign-in");
    let mut ada = Operator::at(&broker, "ada@example.com");
    let fields = |csrf| [("csrf", csrf), ("email", "ada@example.com"), ("password", one_time.as_str())];
    let page = ada.open("/admin/sign-in").await;
    let csrf = page.form("operator-sign-in").fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    ada.browser.post(&url, &fields("")).await.assert_problem(403, "form_refused");
    ada.browser.post_from(Some("https://evil.example"), &url, &fields(&csrf)).await.assert_problem(403, "form_refused");
    Operator::at(&broker, "").browser.post(&url, &fields(&csrf)).await.assert_problem(403, "form_refused");
    for then in
        ["https://evil.example/", "//evil.example/admin", "/admin\\@evil.example", "/admin/sign-out", "/authorize"]
    {
        let page = ada.open(&format!("/admin/sign-in?then={}", then.replace('\\', "%5C"))).await;
        let fields = [("email", "ada@example.com"), ("password", one_time.as_str())];
        let page = ada.submit(&page, "operator-sign-in", &fields).await;
        assert_eq!(page.url.path(), "/admin/password", "{then}: {page}");
    }
}
