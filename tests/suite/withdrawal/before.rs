//! What was begun while all was well: each kind of thing that a person or an application can hold in hand, alive.

use avouch::connection::renewal_link;
use std::io::Read as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sqlx::ConnectOptions as _;

use super::Withdrawn;
use crate::device::Device;
use crate::harness::app::Request;
use crate::harness::{App, Browser, Page, World};
use crate::upstream::saml::forge;

const SSO: &str = "http://localhost:9/sso";

pub struct Before {
    pub world: World,
    /// The resource server, which introspects. It is never disabled.
    pub api: App,
    saml: forge::World,
    /// Somebody is signed in.
    pub session: Browser,
    /// Of one sign-in each.
    pub tokens: Vec<Value>,
    pub code: (Request, String),
    pub at_callback: (Browser, Page),
    /// Browser, relay state and the provider's answer.
    pub at_acs: (Browser, String, String),
    /// Signed in for a request that goes on at this page.
    pub at_authorize: (Browser, Page),
    pub at_chooser: Vec<(Browser, Page)>,
    /// At the chooser as well, with the account that is signed in to choose.
    pub at_account: (Browser, Page),
    /// The question of a third-party application.
    pub at_consent: (Browser, Page),
    /// A device that somebody approved and that has not asked since, and one whose question is on the screen.
    pub approved: Device,
    pub at_device: (Browser, Page),
    /// At their own account, in a browser each: to sign in once more; to begin a link, to confirm one, to take one away.
    pub again: (Browser, Page),
    pub account: Account,
    /// The address by which somebody without an account may give Contoso's connection a new secret.
    pub renewal: String,
}

pub struct Account {
    pub browser: Browser,
    pub shown: Page,
    pub confirm: Page,
    pub remove: Page,
}

impl Before {
    pub async fn new() -> Self {
        let world = World::new().await;
        world.broker.secret("api", "api-secret-0123456789");
        let mut saml = forge::World::new(avouch::clock::Clock::now(world.broker.clock.as_ref()));
        saml.sp_entity_id = world.broker.url("/connections/fabrikam/metadata");
        saml.acs_url = world.broker.url("/connections/fabrikam/acs");
        let yaml = "resources: [{ identifier: https://api.example, scopes: [read] }]
clients: [{ client_id: api, kind: machine, audiences: [https://api.example], client_secret: { file: api } }]";
        world.apply(yaml).await;
        connections(&world, &saml, true).await;
        clients(&world, true).await;
        let api = App::new(&world.broker, "api", Some("api-secret-0123456789"));
        let partner = App::new(&world.broker, "partner", None);

        // the provider's user is known from an earlier visit
        let (mut browser, relay_state, answer) = at_acs(&world, &mut saml, "_first").await;
        assert!(post_acs(&world, &mut browser, &relay_state, &answer).await.stopped);

        let mut session = world.shop.browser();
        let mut tokens = vec![tokens(&world, &mut session).await];
        for _ in 0..4 {
            tokens.push(self::tokens(&world, &mut session).await);
        }
        let mut at_chooser = Vec::new();
        for _ in 0..4 {
            let mut browser = world.shop.browser();
            let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
            at_chooser.push((browser, page));
        }
        let mut browser = session.clone();
        let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "select_account")]).await;
        let at_account = (browser, page);
        let mut browser = session.clone();
        browser.stop_at(&partner.redirect_uri);
        let (_, page) = partner.sign_in(&mut browser, &[]).await;
        let at_consent = (browser, page);
        let at_callback = stopped_at(&world, "/connections/").await;
        let (mut browser, page) = stopped_at(&world, "/connections/").await;
        browser.stop_at(&world.broker.url("/authorize/"));
        let page = browser.open(page.url.as_str()).await;
        assert!(page.stopped, "{page}");
        let at_authorize = (browser, page);
        let at_acs = at_acs(&world, &mut saml, "_second").await;
        let (mut browser, approved) = (world.shop.browser(), Device::ask(&world.shop).await);
        let question = at_question(&approved, &mut browser).await;
        assert!(browser.press(&question, "approve").await.has("device-approved"));
        let mut browser = world.shop.browser();
        let question = at_question(&Device::ask(&world.shop).await, &mut browser).await;
        assert!(question.has("approve"), "{question}");
        let (request, page) = world.shop.sign_in(&mut session.clone(), &[]).await;
        let code = (request, page.param("code"));
        let account = Account::of(&world).await;
        let mut browser_again = world.shop.browser();
        self::tokens(&world, &mut browser_again).await;
        let page = browser_again.open(&world.broker.url("/account/again")).await;
        let again = (browser_again, page);
        let slug = avouch::connection::Slug::parse("contoso").unwrap();
        let author = avouch::audit::Author::cli();
        let made = renewal_link::create(world.broker.ctx(), &author, &slug, 7, false).await.unwrap();
        let renewal = world.broker.url(&format!("/renew/{}", made.1.expose()));
        Self {
            world,
            api,
            saml,
            session,
            tokens,
            code,
            at_callback,
            at_acs,
            at_authorize,
            at_chooser,
            at_account,
            at_consent,
            approved,
            at_device: (browser, question),
            again,
            account,
            renewal,
        }
    }

    pub async fn withdraw(&self, what: Withdrawn) {
        match what {
            Withdrawn::Nothing => {}
            Withdrawn::Connections => connections(&self.world, &self.saml, false).await,
            Withdrawn::Clients => clients(&self.world, false).await,
            Withdrawn::People => {
                // by an operator; until there is an address for it, in the database
                let mut conn = self.world.broker.database().connect().await.unwrap();
                let blocked = sqlx::query("UPDATE users SET status = 'blocked'").execute(&mut conn).await.unwrap();
                assert_eq!(blocked.rows_affected(), 2);
            }
        }
    }
}

impl Account {
    async fn of(world: &World) -> Self {
        let mut browser = world.shop.browser();
        tokens(world, &mut browser).await;
        let shown = browser.open(&world.broker.url("/account")).await;
        let subject = |subject: &str| world.idp.tell(|script| script.subject = subject.into());
        subject("marty-too");
        let page = browser.press(&shown, "link-contoso").await;
        let page = browser.press(&page, "link").await;
        let id = page.body.split("id=\"remove-").nth(1).unwrap().split('"').next().unwrap();
        let remove = browser.open(&world.broker.url(&format!("/account/identities/{id}/remove"))).await;
        assert!(remove.has("remove"), "{remove}");
        subject("marty-once-more");
        let confirm = browser.press(&shown, "link-contoso").await;
        assert!(confirm.has("link"), "{confirm}");
        subject("marty");
        Self { browser, shown, confirm, remove }
    }
}

async fn connections(world: &World, saml: &forge::World, enabled: bool) {
    world.set_contoso(&format!("enabled: {enabled}\nlinking: true\nemail_domains: [contoso.example]")).await;
    let certificate = STANDARD.encode(&saml.idp.certificate);
    let entity_id = &saml.idp_entity_id;
    let yaml = format!(
        "connections: [{{ slug: fabrikam, protocol: saml, enabled: {enabled}, entity_id: \"{entity_id}\",
  sso_url: \"{SSO}\", certificates: [\"{certificate}\"] }}]"
    );
    world.apply(&yaml).await;
}

async fn clients(world: &World, enabled: bool) {
    let yaml = format!(
        "clients:
  - client_id: shop
    name: The Shop
    kind: web
    enabled: {enabled}
    redirect_uris: [https://shop.example/callback]
    post_logout_redirect_uris: [https://shop.example/bye]
    grants: [authorization_code, refresh_token, client_credentials, device_code]
    audiences: [https://api.example]
    client_secret: {{ file: shop }}
  - client_id: partner
    kind: spa
    enabled: {enabled}
    first_party: false
    redirect_uris: [https://partner.example/callback]
"
    );
    world.apply(&yaml).await;
}

async fn tokens(world: &World, browser: &mut Browser) -> Value {
    world.shop.tokens(browser, &[("connection", "contoso")]).await
}

/// A new browser, on its way back from the provider as far as this path.
async fn stopped_at(world: &World, path: &str) -> (Browser, Page) {
    let mut browser = world.shop.browser();
    browser.stop_at(&world.broker.url(path));
    let (_, page) = world.shop.sign_in(&mut browser, &[("connection", "contoso")]).await;
    assert!(page.stopped, "{page}");
    browser.stop_no_more().stop_at(&world.shop.redirect_uri);
    (browser, page)
}

async fn at_acs(world: &World, saml: &mut forge::World, id: &str) -> (Browser, String, String) {
    let mut browser = world.shop.browser();
    browser.stop_at("http://localhost:9/");
    let (_, page) = world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
    let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    saml.request_id = document.root_element().attribute("ID").unwrap().to_owned();
    let assertion = saml.assertion().replace("_assertion", id);
    let answer = saml.response(&forge::Sign::by(&saml.idp).apply(&assertion, id));
    (browser, page.param("RelayState"), STANDARD.encode(answer))
}

/// A person types the code and signs in, as far as that is still possible.
pub async fn at_question(device: &Device, browser: &mut Browser) -> Page {
    let page = device.enter(browser).await;
    if page.has("connection-contoso") { browser.press(&page, "connection-contoso").await } else { page }
}

pub async fn post_acs(world: &World, browser: &mut Browser, relay_state: &str, answer: &str) -> Page {
    let fields = [("SAMLResponse", answer), ("RelayState", relay_state)];
    browser.post(&world.broker.url("/connections/fabrikam/acs"), &fields).await
}
