//! A desk with everything on it that its pages can show, words that want to be markup among them, and who sits at it.

use std::collections::BTreeMap;

use avouch::audit::Author;
use avouch::client::ClientId;
use avouch::client::key::KeyName;
use avouch::connection::{Slug, renewal_link};
use avouch::moving::{self, Group, Pair, Step};
use avouch::operator::{OperatorRole, api_key};
use avouch::user::IdentityKey;
use avouch::webhook::{self, Wanted};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::handover;
use crate::harness::app::{claims, get};
use crate::harness::fake_idp::key;
use crate::harness::world::connection;
use crate::harness::{Broker, Chromium, Options, World};

/// Who looks at a page. Each but the stranger has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Stranger,
    /// Has only a one-time password so far.
    Newcomer,
    /// The owner of a broker in which there is nothing yet.
    First,
    Owner,
    Auditor,
}

/// Where words are stored, these are: markup that must stay words, right-to-left text, and a long German compound.
pub const HOSTILE: &str = r#""><img data-hostile src=x onerror=hostile=1><script>hostile=1</script>"#;
pub const RTL: &str = "شركة كونتوسو للحلول المتكاملة";
pub const GERMAN: &str = "Rechtsschutzversicherungsgesellschaften-Donaudampfschifffahrtsgesellschaft";
const PASSWORD: &str = "four words in a row";

pub struct Desk {
    pub browser: Chromium,
    world: World,
    empty: Broker,
    /// Whoever is signed in now.
    here: Who,
    /// What stands in braces in a path.
    names: BTreeMap<&'static str, String>,
}

impl Desk {
    pub async fn furnish() -> Self {
        let world = World::with(Options::default()).await;
        let (mut names, empty, browser) =
            tokio::join!(furnish(&world), Broker::start(Options::default()), Chromium::start());
        let jwks = get(&world.broker.url("/.well-known/jwks.json")).await.json;
        names.insert("kid", jwks["keys"][0]["kid"].as_str().expect("a key").to_owned());
        drifted(&world).await;
        let (former, next) = handover::under_way(&world.broker, "broken").await;
        names.extend([("former", former), ("next", next)]);
        names.insert("webhook", webhook(&world.broker).await);
        names.insert("move", planned(&world).await);
        names.insert("directory", crowded(&world).await);
        for (name, slug) in [("renew", "refusing"), ("renew-hostile", "hostile"), ("renew-saml", "fabrikam")] {
            let slug = Slug::parse(slug).expect("a slug");
            let made = renewal_link::create(world.broker.ctx(), &Author::cli(), &slug, 7, true).await.expect("a link");
            names.insert(name, made.1.expose().clone());
            if name == "renew" {
                names.insert("renewal-link", made.0.id.to_string());
            }
        }
        Self { browser, world, empty, here: Who::Stranger, names }
    }

    /// A desk in that world, as it is.
    pub async fn of(world: World) -> Self {
        let (empty, browser) = tokio::join!(Broker::start(Options::default()), Chromium::start());
        Self { browser, world, empty, here: Who::Stranger, names: BTreeMap::new() }
    }

    /// Opens the page as `who`, and says the origin that it came from.
    pub async fn open(&mut self, who: Who, path: &str) -> String {
        if who != self.here || matches!(who, Who::Newcomer | Who::Stranger) {
            self.become_(who).await;
        }
        let path =
            self.names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        let broker = self.broker(who);
        self.browser.goto(&broker.url(&path)).await;
        self.browser.wait_for("main").await;
        broker.issuer.clone()
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    /// [`Desk::open`] by somebody whose session is over, or who gave the browser away.
    pub async fn anew(&mut self, who: Who, path: &str) -> String {
        self.here = Who::Stranger;
        self.open(who, path).await
    }

    fn broker(&self, who: Who) -> &Broker {
        if who == Who::First { &self.empty } else { &self.world.broker }
    }

    async fn become_(&mut self, who: Who) {
        self.browser.forget_cookies().await;
        self.here = who;
        let (email, role) = match who {
            Who::Stranger => return,
            Who::Newcomer => ("new@example.com", "editor"),
            Who::First | Who::Owner => ("ada@example.com", "owner"),
            Who::Auditor => ("grace@example.com", "auditor"),
        };
        let broker = self.broker(who);
        let (made, mut printed) = broker.cli(&["operator", "create", email, "--role", role]).await;
        if !made {
            printed = broker.cli(&["operator", "reset-password", email]).await.1;
        }
        let one_time = printed.lines().next().expect("a password").to_owned();
        let browser = &self.browser;
        browser.goto(&broker.url("/admin/sign-in")).await;
        browser.fill("#email", email).await;
        browser.fill("#password", &one_time).await;
        browser.click("#sign-in").await;
        browser.wait_for("#current").await;
        if who == Who::Newcomer {
            return;
        }
        browser.fill("#current", &one_time).await;
        browser.fill("#new", PASSWORD).await;
        browser.click("#save").await;
        browser.wait_for("#sign-out").await;
    }
}

/// As the years leave a broker: connections of every kind, one of them in trouble, applications, roles, people.
async fn furnish(world: &World) -> BTreeMap<&'static str, String> {
    world.broker.secret("robot", "robot-secret-0123456789");
    let keys = serde_json::json!({ "keys": [key(0).public_jwk(), key(1).public_jwk()] });
    let idp = &world.idp.issuer;
    let hostile = serde_json::to_string(HOSTILE).expect("a string is JSON");
    let certificate = certificate(9);
    let yaml = format!(
        "connections:
  - {{ slug: hostile, display_name: {hostile}, issuer: {idp}, client_id: avouch-at-hostile, client_secret: {{ file: contoso }} }}
  - {{ slug: refusing, display_name: {GERMAN}, issuer: {idp}, client_id: avouch-at-refusing, client_secret: {{ file: contoso }}, allow: 'false' }}
  - {{ slug: broken, display_name: Adventure Works, issuer: 'http://localhost:9', client_id: avouch-at-broken, client_secret: {{ file: contoso }} }}
  - slug: fabrikam
    display_name: {RTL}
    protocol: saml
    entity_id: https://idp.fabrikam.example
    sso_url: https://idp.fabrikam.example/sso
    certificates: [{certificate}]
resources:
  - {{ identifier: https://influx.example, scopes: [read, write] }}
  - {{ identifier: https://a-name-as-long-as-those-that-clouds-make.eastus2.azurecontainerapps.example/api/v2, scopes: [read] }}
clients:
  - {{ client_id: robot, name: {hostile}, kind: machine, client_secret: {{ file: robot }}, jwks: {keys}, audiences: [https://influx.example] }}
  - {{ client_id: influxctl, name: influxctl, kind: native, grants: [device_code, refresh_token], audiences: [https://influx.example] }}
  - {{ client_id: german, name: {GERMAN}, kind: web, redirect_uris: [https://german.example/callback] }}
  - {{ client_id: arabic, name: {RTL}, kind: spa, redirect_uris: [https://arabic.example/callback] }}
roles:
  - {{ name: cluster-admin, when: \"'platform' in user.groups\", resource: https://influx.example }}
users:
  - {{ email: mcfly@example.com, name: {hostile}, connection: contoso, subject: mcfly }}
  - {{ email: lange@example.com, name: {GERMAN}, connection: contoso, subject: lange }}
"
    );
    world.apply(&yaml).await;
    let name =
        KeyName { client: ClientId::parse("robot").expect("an id"), thumbprint: key(0).public_jwk().kid, kid: None };
    let addr = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".parse().ok();
    for name in ["ci", HOSTILE, GERMAN] {
        let (author, owner) = (Author::cli(), OperatorRole::Owner);
        let made = api_key::create(world.broker.ctx(), &author, owner, name, OperatorRole::Auditor, None).await;
        let (key, _) = made.expect("a key");
        if name != GERMAN {
            world.broker.live().used_operator_keys.note(&key.id, world.broker.ctx().now(), addr);
        }
    }
    world.broker.live().used_client_keys.note(&name, world.broker.ctx().now(), addr);
    world.broker.live().write_used_secrets().await.expect("a write");
    let tokens = world.shop.tokens(&mut world.shop.browser(), &[("connection", "contoso")]).await;
    let id_token = claims(tokens["id_token"].as_str().expect("an ID token"));
    let mut browser = world.shop.browser();
    let mut names = BTreeMap::from([("sub", id_token["sub"].as_str().expect("a sub").to_owned())]);
    let coming = ["refusing", "refusing", "refusing", "refusing", "refusing", "hostile", "broken"];
    for connection in coming {
        let (_, page) = world.shop.sign_in(&mut browser, &[("connection", connection), ("prompt", "login")]).await;
        names.extend(page.text_of("trace-id").map(|id| ("refused", id)));
    }
    // a sign-in of somebody who is called like that
    world.idp.tell(|script| {
        script.userinfo["name"] = HOSTILE.into();
        script.userinfo["groups"] = serde_json::json!([HOSTILE, RTL, GERMAN]);
    });
    let (request, page) = world.shop.sign_in(&mut world.shop.browser(), &[("connection", "hostile")]).await;
    let answer = world.shop.redeem(&page.param("code"), &request.verifier).await;
    names.insert("signed-in", answer.header("x-trace-id").to_owned());
    world.idp.tell_the_truth();
    names
}

/// Somebody in more groups than Entra's token holds.
async fn crowded(world: &World) -> String {
    let idp = world.connect("crowded", "preset: entra").await;
    let graph = format!("preset: entra\ngraph: {{ url: '{}/v1.0' }}", idp.issuer);
    world.apply(&connection("crowded", &idp, &graph)).await;
    idp.lie(|claims| {
        claims["tid"] = "tenant-1".into();
        claims["oid"] = "object-1".into();
        claims["hasgroups"] = true.into();
    });
    let ids: Vec<String> = (0..350).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
    idp.tell(|script| script.groups = Some(Box::new(move |_, _| (200, serde_json::json!({ "value": ids })))));
    let tokens = world.shop.tokens(&mut world.shop.browser(), &[("connection", "crowded")]).await;
    claims(tokens["id_token"].as_str().expect("an ID token"))["sub"].as_str().expect("a sub").to_owned()
}

/// A move from Contoso to the hostile provider: of whoever is known, of nobody, and of words that want to be markup.
async fn planned(world: &World) -> String {
    let catalog = world.broker.live().catalog.load_full();
    let [from, to] = ["contoso", "hostile"].map(|slug| catalog.connection(slug).expect("a connection"));
    let key = |issuer: &str, subject: &str| IdentityKey { issuer: issuer.into(), subject: subject.into() };
    let subjects = [("mcfly", "new-1"), (HOSTILE, RTL), (GERMAN, HOSTILE)].into_iter().zip(2..);
    let pairs: Vec<_> = subjects
        .map(|((old, new), line)| Pair { line, old: key(&world.idp.issuer, old), new: key("https://new.example", new) })
        .collect();
    let (from, to) = ((&from.id, from.slug.as_str()), (&to.id, to.slug.as_str()));
    let id = moving::plan(world.broker.ctx(), &Author::cli(), from, to, &pairs).await.expect("a move");
    let group = Group::default();
    moving::step(world.broker.ctx(), &Author::cli(), &id, Step::Forward, &group).await.expect("a step");
    id.to_string()
}

/// A webhook that nothing arrives at.
async fn webhook(broker: &Broker) -> String {
    let url = format!("http://localhost:9/{HOSTILE}?to={GERMAN}");
    let wanted = Wanted { url, events: vec!["client.changed".into(), "operator.signed_in".into()], enabled: true };
    let chosen = wanted.check(broker.ctx()).expect("an address");
    let (made, _) = webhook::create(broker.ctx(), &Author::system(), chosen).await.expect("a webhook");
    webhook::test(broker.ctx(), &Author::system(), made.id.as_str()).await.expect("a message");
    made.id.to_string()
}

/// A certificate that ends in `days`, as base64 of its DER.
fn certificate(days: i64) -> String {
    let mut params = rcgen::CertificateParams::new(vec!["idp.fabrikam.example".into()]).expect("a name");
    // as the test's clock has it, which begins at the machine's
    let now = avouch::clock::Clock::now(&avouch::clock::SystemClock);
    params.not_before = now - time::Duration::days(300);
    params.not_after = now + time::Duration::days(days);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("an RSA key");
    STANDARD.encode(params.self_signed(&key).expect("a certificate").der())
}

/// Contoso's provider says that its endpoints moved.
async fn drifted(world: &World) {
    let look = async || avouch::drift::look(world.broker.live()).await.expect("a look");
    look().await;
    // an hour later would be too late for what is too early elsewhere
    let mut conn = world.broker.ctx().db.acquire().await.expect("a connection");
    sqlx::query("DELETE FROM upstream_looks").execute(&mut *conn).await.expect("another look");
    world.idp.tell(|script| {
        script.discovery = Some(Box::new(|document| {
            document["token_endpoint"] = "https://login.contoso.example/oauth2/token".into();
            document["userinfo_endpoint"] = HOSTILE.into();
        }));
    });
    look().await;
    world.idp.tell(|script| script.discovery = None);
    world.broker.catch_up().await;
}
