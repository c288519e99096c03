//! Keycloak itself above Avouch, set up by its Admin REST API as our pages tell an administrator to: sign-in and sign-out by OpenID
//! Connect and by SAML, our keys in place of a secret, its keys changing, and the driver that rotates its client's secret.

mod oidc;
mod rotation;
mod saml;

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use reqwest::Method;
use serde_json::{Value, json};

use super::built;
use crate::harness::app::{self, http};
use crate::harness::{Answer, App, Broker, Browser, Options, Page, until};

const PASSWORD: &str = "alice's own password at Keycloak";
/// Of the connection's client there, at the beginning.
const SECRET: &str = "keycloak-client-secret-0123456789";
const ROTATOR_SECRET: &str = "keycloak-rotator-secret-0123456789";

pub struct Keycloak {
    child: Child,
    url: String,
}

impl Keycloak {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(built("keycloak").join("server/bin/kc.sh"));
        command.args([
            "start",
            "--optimized",
            "--http-enabled=true",
            "--hostname-strict=false",
            "--http-host=127.0.0.1",
            "--cache=local",
        ]);
        let log = std::fs::File::create(built("keycloak").join(format!("{port}.log"))).unwrap();
        command.arg(format!("--http-port={port}")).stdout(log);
        command.envs([("KC_BOOTSTRAP_ADMIN_USERNAME", "admin"), ("KC_BOOTSTRAP_ADMIN_PASSWORD", "admin")]);
        // its script starts Java as another process
        let child = command.process_group(0).spawn().unwrap();
        let mut keycloak = Self { child, url: format!("http://localhost:{port}") };
        let master = format!("{}/realms/master", keycloak.url);
        until("Keycloak answers", async || {
            assert_eq!(keycloak.child.try_wait().unwrap(), None, "Keycloak does not start");
            http().get(&master).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
        keycloak
    }

    fn realm(&self) -> String {
        format!("{}/realms/corp", self.url)
    }

    /// As its administrator.
    async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let fields =
            [("grant_type", "password"), ("client_id", "admin-cli"), ("username", "admin"), ("password", "admin")];
        let token = format!("{}/realms/master/protocol/openid-connect/token", self.url);
        let token = app::answer(http().post(token).form(&fields)).await;
        let mut request = http().request(method.clone(), format!("{}/admin/realms{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = app::answer(request.bearer_auth(token.text("access_token"))).await;
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.json);
        answer
    }

    /// Its own id of the client.
    async fn id_of(&self, client_id: &str) -> String {
        let found = self.admin(Method::GET, &format!("/corp/clients?clientId={client_id}"), None).await.json;
        found[0]["id"].as_str().unwrap().to_owned()
    }

    /// A new key signs from now on, the ones before stay published.
    async fn signs_with_a_new_key(&self, priority: u16) {
        let id = self.admin(Method::GET, "/corp", None).await.json["id"].clone();
        let key = json!({
            "name": format!("rsa-{priority}"), "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider", "parentId": id,
            "config": { "priority": [priority.to_string()], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"], "keySize": ["2048"] },
        });
        self.admin(Method::POST, "/corp/components", Some(&key)).await;
    }
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        // SAFETY: only sends a signal
        unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        let _ = self.child.wait();
    }
}

/// Keycloak with the realm `corp`, in which Alice is, and Avouch with the application `wiki`.
struct Stage {
    keycloak: Keycloak,
    broker: Broker,
    wiki: App,
}

impl Stage {
    /// The realm has this client.
    async fn set(client: impl FnOnce(&Broker) -> Value) -> Self {
        let (keycloak, broker) = tokio::join!(Keycloak::start(), Broker::start(Options::default()));
        let member = |name: &str| json!({ "name": name });
        let realm = json!({
            "realm": "corp",
            "enabled": true,
            "groups": [member("eng"), member("admins")],
            "users": [{
                "username": "alice", "enabled": true, "email": "alice@corp.example", "emailVerified": true,
                "firstName": "Alice", "lastName": "Adams", "groups": ["/eng", "/admins"],
                "credentials": [{ "type": "password", "value": PASSWORD }],
            }],
            "clients": [client(&broker)],
        });
        keycloak.admin(Method::POST, "", Some(&realm)).await;
        broker.secret("secret", SECRET);
        broker.apply(&json!({ "clients": [wiki()] }).to_string()).await;
        let wiki = App::new(&broker, "wiki", None).scoped("openid profile email groups offline_access");
        Self { keycloak, broker, wiki }
    }

    /// To Keycloak's login page and on, until somebody has to do something.
    async fn log_in(&self, browser: &mut Browser) -> (app::Request, Page) {
        let (request, page) = self.wiki.sign_in(browser, &[("connection", "corp")]).await;
        assert!(page.has("kc-form-login"), "Keycloak asks who comes: {page}");
        let typed = [("username", "alice"), ("password", PASSWORD)];
        let page = browser.submit(&page, "kc-form-login", &typed).await;
        (request, page)
    }

    /// What the application learns.
    async fn welcome(&self, request: &app::Request, page: &Page) -> Value {
        assert!(page.stopped, "not back at the application: {page}");
        let tokens = self.wiki.redeem(&page.param("code"), &request.verifier).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        self.wiki.verified(tokens.text("id_token"), "wiki").await.claims
    }
}

fn wiki() -> Value {
    json!({
        "client_id": "wiki", "kind": "spa", "redirect_uris": ["https://wiki.example/callback"],
        "post_logout_redirect_uris": ["https://wiki.example/"], "claims": { "id_token": ["email", "email_verified", "name", "groups"] },
    })
}

/// Groups come in no particular order.
fn is_alice(claims: &Value) {
    assert_eq!((&claims["email"], &claims["name"]), (&json!("alice@corp.example"), &json!("Alice Adams")), "{claims}");
    let mut groups: Vec<_> = claims["groups"].as_array().unwrap().iter().map(|group| group.as_str().unwrap()).collect();
    groups.sort_unstable();
    assert_eq!(groups, ["admins", "eng"], "{claims}");
}
