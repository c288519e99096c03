//! What every play with SimpleSAMLphp needs: Avouch with it as the one identity provider, each in the other's trust by the
//! other's real metadata, and alice, who types her password on its login page.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::app::App;
use super::saml_stage::{arrive, ask, assert_refusal, our_metadata};
use super::stage::{CALLBACK, SECRET, client, merge};
use crate::harness::{Broker, Browser, Options, Page, Peer, SimpleSamlPhp};

pub const PASSWORD: &str = "wonder land";
/// Where the application wants people after signing out; nobody listens there.
pub const BYE: &str = "http://localhost:8082/bye";

pub struct SimpleSamlPhpStage {
    pub broker: Broker,
    pub idp: SimpleSamlPhp,
    app: Peer,
}

impl SimpleSamlPhpStage {
    /// `more` adds to the connection.
    pub async fn set(more: Value) -> Self {
        Self::with(SimpleSamlPhp::start(), more).await
    }

    /// Around an identity provider that was told already what it is.
    pub async fn with(mut idp: SimpleSamlPhp, more: Value) -> Self {
        idp.person(
            "alice",
            PASSWORD,
            json!({
                "uid": ["alice"], "mail": ["alice@corp.example"], "displayName": ["Alice Adams"],
                "groups": ["eng", "admins"],
            }),
        );
        let broker = Broker::start(Options::default()).await;
        broker.secret("secret", SECRET);
        let stage = Self { broker, idp, app: Peer::openid_client() };
        stage.connect(json!({ "metadata_url": stage.idp.metadata_url() }), more).await;
        let file = json!({ "clients": [client("reports", json!({ "post_logout_redirect_uris": [BYE] }))] });
        stage.broker.apply(&file.to_string()).await;
        stage.idp.trust_sp(&our_metadata(&stage.broker).await);
        stage
    }

    /// The connection, from this source of the provider's metadata.
    pub async fn connect(&self, source: Value, more: Value) {
        let connection = json!({ "slug": "fabrikam", "protocol": "saml", "display_name": "Fabrikam", "email_domains": ["corp.example"] });
        let connection = merge(connection, merge(source, more));
        self.broker.apply(&json!({ "connections": [connection] }).to_string()).await;
    }

    /// An application with its own door, for a browser with a screen.
    pub async fn application(&self) -> App {
        let app = App::open("screen").await;
        let client = client("screen", json!({ "redirect_uris": [app.redirect_uri] }));
        self.broker.apply(&json!({ "clients": [client] }).to_string()).await;
        app
    }

    /// A person goes from the application to wherever SimpleSAMLphp leads; `more` adds to the application's request.
    pub async fn visit(&mut self, browser: &mut Browser, more: Value) -> Page {
        let url = ask(&mut self.app, &self.broker, more).await;
        let page = browser.stop_at(CALLBACK).open(&url).await;
        // our own page, where the request goes by POST
        if page.has("form-post") { browser.submit(&page, "form-post", &[]).await } else { page }
    }

    /// A person in this browser stands before the form that SimpleSAMLphp answers with, after its login page.
    pub async fn answered(&mut self, browser: &mut Browser) -> Page {
        let page = self.visit(browser, json!({})).await;
        let page = log_in(browser, &page, "alice", PASSWORD).await;
        assert!(saml_response(&page).is_some(), "SimpleSAMLphp answers: {page}");
        page
    }

    /// Who came back: the claims of the ID token that this address brings.
    pub async fn welcome(&mut self, page: &Page) -> Value {
        assert!(page.stopped, "not signed in: {page}");
        self.app.tell(json!({ "cmd": "callback", "url": page.url })).await["claims"].clone()
    }

    /// Alice signs in in this browser. Returns where the application sends her to sign out again.
    pub async fn enter(&mut self, browser: &mut Browser) -> String {
        let page = self.answered(browser).await;
        let end = arrive(browser, &page).await;
        assert!(end.stopped, "not signed in: {end}");
        let answer = self.app.tell(json!({ "cmd": "callback", "url": end.url })).await;
        let hint = &answer["tokens"]["id_token"];
        let ended = json!({ "cmd": "end_session_url", "id_token_hint": hint, "post_logout_redirect_uri": BYE });
        browser.stop_at(BYE);
        self.app.tell(ended).await["url"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether Avouch knows who is in this browser.
    pub async fn knows(&mut self, browser: &Browser) -> bool {
        let page = self.visit(&mut browser.clone(), json!({ "prompt": "none" })).await;
        assert!(page.stopped, "it answers the application: {page}");
        page.params().contains_key("code")
    }

    /// A whole sign-in of alice in a new browser, which must succeed.
    pub async fn sign_in(&mut self) -> Value {
        let mut browser = Browser::new();
        let page = self.answered(&mut browser).await;
        let end = arrive(&mut browser, &page).await;
        self.welcome(&end).await
    }

    /// A whole sign-in of alice that must end on a page which names this cause.
    pub async fn refused(&mut self, code: &str) {
        let mut browser = Browser::new();
        let page = self.answered(&mut browser).await;
        let end = arrive(&mut browser, &page).await;
        assert_refusal(&self.broker, &browser, &end, 403, code).await;
    }
}

/// Fills in SimpleSAMLphp's login page.
pub async fn log_in(browser: &mut Browser, page: &Page, name: &str, password: &str) -> Page {
    assert!(asks_who(page), "no login page: {page}");
    browser.submit(page, "", &[("username", name), ("password", password)]).await
}

/// It is the login page.
pub fn asks_who(page: &Page) -> bool {
    has_field(page, "password")
}

/// The XML of the response that the page would post.
pub fn saml_response(page: &Page) -> Option<String> {
    let forms = page.forms();
    let mut fields = forms.iter().flat_map(|form| &form.fields);
    let (_, value) = fields.find(|(name, _)| name == "SAMLResponse")?;
    let xml = STANDARD.decode(value).expect("base64");
    Some(String::from_utf8(xml).expect("text"))
}

/// The XML of a message in a redirect's query (SAML bindings §3.4.4.1).
pub fn inflated(message: &str) -> String {
    let deflated = STANDARD.decode(message).expect("base64");
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).expect("DEFLATE of text");
    xml
}

fn has_field(page: &Page, wanted: &str) -> bool {
    page.forms().iter().flat_map(|form| &form.fields).any(|(name, _)| name == wanted)
}
