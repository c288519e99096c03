//! What every SAML play here needs: Avouch with pysaml2 as its one identity provider, and each an operator's trust in the
//! other. The person has no screen and is asked nothing: pysaml2 answers for whomever it is told.

use serde_json::{Value, json};

use super::app::App;
use super::stage::{CALLBACK, SECRET, client, merge};
use crate::harness::{Broker, Browser, Options, Page, Peer};

pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// How a connection comes by pysaml2's metadata.
#[derive(Clone, Copy)]
pub enum Metadata {
    Fetched,
    InAFile,
}

pub struct SamlStage {
    pub broker: Broker,
    pub idp: Peer,
    pub metadata_url: String,
    app: Peer,
}

impl SamlStage {
    /// `more` adds to the connection. pysaml2 lives at this host's name.
    pub async fn set(host: &str, metadata: Metadata, more: Value) -> Self {
        Self::around(Peer::pysaml2_idp(host).await, metadata, more).await
    }

    /// The same around a pysaml2 that was told already what it is.
    pub async fn around((mut idp, metadata_url): (Peer, String), metadata: Metadata, more: Value) -> Self {
        let broker = Broker::start(Options::default()).await;
        broker.secret("secret", SECRET);
        let source = match metadata {
            Metadata::Fetched => json!({ "metadata_url": metadata_url }),
            Metadata::InAFile => {
                let document = idp.tell(json!({ "cmd": "metadata" })).await["metadata"].clone();
                broker.secret("idp.xml", document.as_str().expect("metadata is text"));
                json!({ "metadata_file": "idp.xml" })
            }
        };
        let connection = merge(
            json!({
                "slug": "fabrikam",
                "protocol": "saml",
                "sign_requests": true,
                "email_domains": ["corp.example"],
            }),
            merge(source, more),
        );
        broker
            .apply(&json!({ "connections": [connection], "clients": [client("reports", json!({}))] }).to_string())
            .await;
        idp.tell(json!({
            "cmd": "user", "name_id": "alice-1", "name_id_format": PERSISTENT,
            "attributes": { "mail": ["alice@corp.example"], "displayName": ["Alice Adams"], "groups": ["eng", "admins"] },
        }))
        .await;
        let mut stage = Self { broker, idp, metadata_url, app: Peer::openid_client() };
        let ours = stage.our_metadata().await;
        stage.idp.tell(json!({ "cmd": "trust_sp", "metadata": ours })).await;
        stage
    }

    /// As the identity provider's administrator downloads it.
    pub async fn our_metadata(&self) -> String {
        our_metadata(&self.broker).await
    }

    pub async fn sign(&mut self, what: &str) {
        self.idp.tell(json!({ "cmd": "mode", "sign": what })).await;
    }

    /// Another user at pysaml2, or the same with other words.
    pub async fn user(&mut self, user: Value) {
        self.idp.tell(merge(json!({ "cmd": "user" }), user)).await;
    }

    /// An application with its own door, for a browser with a screen.
    pub async fn application(&self) -> App {
        let app = App::open("screen").await;
        let client = client("screen", json!({ "redirect_uris": [app.redirect_uri] }));
        self.broker.apply(&json!({ "clients": [client] }).to_string()).await;
        app
    }

    /// Where the application sends a person.
    pub async fn ask(&mut self) -> String {
        ask(&mut self.app, &self.broker, json!({})).await
    }

    /// A person goes from the application to pysaml2, and stands before the form that it answers with.
    pub async fn answered(&mut self) -> (Browser, Page) {
        let url = self.ask().await;
        let mut browser = Browser::new();
        let page = browser.stop_at(CALLBACK).open(&url).await;
        assert_eq!((page.status, page.forms().len()), (200, 1), "pysaml2 answers: {page}");
        (browser, page)
    }

    /// A whole sign-in, well or badly ended.
    pub async fn travel(&mut self) -> (Browser, Page) {
        let (mut browser, page) = self.answered().await;
        let end = arrive(&mut browser, &page).await;
        (browser, end)
    }

    /// A sign-in that must succeed; returns the ID token's claims.
    pub async fn sign_in(&mut self) -> Value {
        let (_, page) = self.travel().await;
        assert!(page.stopped, "not signed in: {page}");
        self.app.tell(json!({ "cmd": "callback", "url": page.url })).await["claims"].clone()
    }

    /// A sign-in that must end on a page which names this cause, and in the audit log under the same word.
    pub async fn refused(&mut self, code: &str) {
        let (browser, page) = self.travel().await;
        self.assert_refusal(&browser, &page, 403, code).await;
    }

    pub async fn assert_refusal(&self, browser: &Browser, page: &Page, status: u16, code: &str) {
        assert_refusal(&self.broker, browser, page, status, code).await;
    }

    /// How often pysaml2's metadata was fetched so far.
    pub async fn metadata_fetches(&mut self) -> usize {
        let log = self.idp.tell(json!({ "cmd": "log" })).await;
        log["requests"].as_array().into_iter().flatten().filter(|request| request["path"] == "/metadata").count()
    }
}

/// Posts pysaml2's form, and again from our own page where it came from another site, until there is nothing to post.
pub async fn arrive(browser: &mut Browser, page: &Page) -> Page {
    let mut page = browser.submit(page, "", &[]).await;
    if page.has("form-post") {
        page = browser.submit(&page, "form-post", &[]).await;
    }
    page
}

/// The metadata of the connection fabrikam.
pub async fn our_metadata(broker: &Broker) -> String {
    let page = Browser::new().open(&broker.url("/connections/fabrikam/metadata")).await;
    assert_eq!(page.status, 200, "{page}");
    page.body
}

/// Where the application "reports" sends a person; `more` adds parameters to its request.
pub async fn ask(app: &mut Peer, broker: &Broker, more: Value) -> String {
    let issuer = &broker.issuer;
    let discover = json!({ "cmd": "discover", "issuer": issuer, "client_id": "reports", "client_secret": SECRET });
    app.tell(discover).await;
    let asked = json!({ "cmd": "authorize_url", "redirect_uri": CALLBACK, "scope": "openid profile email groups" });
    app.tell(merge(asked, more)).await["url"].as_str().unwrap_or_default().to_owned()
}

/// The page says the cause and a trace id, the audit log has the same under that id, and nobody is signed in.
pub async fn assert_refusal(broker: &Broker, browser: &Browser, page: &Page, status: u16, code: &str) {
    page.assert_problem(status, code);
    assert_eq!(browser.session(&broker.issuer), None, "{code} left a session");
    let events = broker.audit_events().await;
    let event = events.iter().rfind(|event| event.trace_id == page.text_of("trace-id"));
    assert_eq!(event.and_then(|event| event.reason.as_deref()), Some(code), "{events:#?}");
}
