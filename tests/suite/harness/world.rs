//! The usual cast: a broker, the identity provider Contoso behind the connection `contoso`, and the application `shop`.

use avouch::ids::UserId;

use super::app::App;
use super::broker::{AuditEvent, Broker, Options};
use super::browser::Browser;
use super::fake_idp::FakeIdp;

pub const SHOP_SECRET: &str = "shop-secret-0123456789";
pub const CONTOSO_SECRET: &str = "contoso-upstream-secret-0123456789";

pub struct World {
    pub broker: Broker,
    pub idp: FakeIdp,
    pub shop: App,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        options.clock.stand_still();
        let idp = FakeIdp::start(&options.clock).await;
        let broker = Broker::start(options).await;
        broker.secret("shop", SHOP_SECRET);
        broker.secret("contoso", CONTOSO_SECRET);
        broker.apply(&format!("{}{SHOP}", contoso(&idp))).await;
        let shop = App::new(&broker, "shop", Some(SHOP_SECRET));
        Self { broker, idp, shop }
    }

    /// One more connection `slug` to its own provider.
    pub async fn connect(&self, slug: &str, more: &str) -> FakeIdp {
        let idp = FakeIdp::start(&self.broker.clock).await;
        self.broker.apply(&connection(slug, &idp, more)).await;
        idp
    }

    pub async fn apply(&self, yaml: &str) -> Vec<(String, UserId)> {
        self.broker.apply(yaml).await
    }

    /// Contoso's connection with more settings.
    pub async fn set_contoso(&self, more: &str) {
        self.broker.apply(&connection("contoso", &self.idp, more)).await;
    }

    /// One more application. `more` is the rest of its entry, one setting a line, without indentation.
    pub async fn app(&self, client_id: &str, more: &str) -> App {
        let more: String = more.lines().map(|line| format!("    {line}\n")).collect();
        let yaml = format!(
            "clients:\n  - client_id: {client_id}\n    redirect_uris: [https://{client_id}.example/callback]\n{more}"
        );
        self.broker.apply(&yaml).await;
        App::new(&self.broker, client_id, None)
    }

    /// The last event of this action.
    pub async fn last_event(&self, action: &str) -> AuditEvent {
        let events = self.broker.audit_events().await;
        events
            .iter()
            .rev()
            .find(|event| event.action == action)
            .cloned()
            .unwrap_or_else(|| panic!("no {action} in {events:#?}"))
    }

    /// How often this action was audited.
    pub async fn count(&self, action: &str, outcome: &str) -> usize {
        let events = self.broker.audit_events().await;
        events.iter().filter(|event| event.action == action && event.outcome == outcome).count()
    }

    /// A new browser in which somebody has signed in to the shop, and the tokens.
    pub async fn signed_in(&self) -> (Browser, serde_json::Value) {
        let mut browser = self.shop.browser();
        let tokens = self.shop.tokens(&mut browser, &[]).await;
        (browser, tokens)
    }
}

const SHOP: &str = "
clients:
  - client_id: shop
    name: The Shop
    kind: web
    redirect_uris: [https://shop.example/callback]
    grants: [authorization_code, refresh_token]
    client_secret: { file: shop }
";

fn contoso(idp: &FakeIdp) -> String {
    connection("contoso", idp, "")
}

/// A connection's entry; `more` is one setting a line.
pub fn connection(slug: &str, idp: &FakeIdp, more: &str) -> String {
    let issuer = &idp.issuer;
    let has = |key: &str| more.lines().any(|line| line.starts_with(key));
    let mut yaml = format!("connections:\n  - slug: {slug}\n    client_id: avouch-at-{slug}\n");
    if !has("issuer:") {
        yaml.push_str(&format!("    issuer: {issuer}\n"));
    }
    if !more.contains("private_key_jwt") && !more.contains("federated_credential") {
        yaml.push_str("    client_secret: { file: contoso }\n");
    }
    yaml.extend(more.lines().map(|line| format!("    {line}\n")));
    yaml
}
