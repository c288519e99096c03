//! Who comes all the while: people at `wiki`, and the program `robot`.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use super::{CACHED, Stage};
use crate::harness::app::{get, header};
use crate::harness::{Answer, App, until};

pub const CLIENTS: &str = "resources: [{ identifier: https://db.example, name: Database }]
clients:
  - { client_id: wiki, kind: spa, redirect_uris: [https://wiki.example/callback] }
  - { client_id: robot, kind: machine, audiences: [https://db.example] }";

pub fn wiki(issuer: &str) -> App {
    App {
        issuer: issuer.to_owned(),
        client_id: "wiki".into(),
        secret: None,
        redirect_uri: "https://wiki.example/callback".into(),
        scope: "openid email".into(),
    }
}

pub fn robot(at: &str, secret: &str) -> App {
    App {
        issuer: at.to_owned(),
        client_id: "robot".into(),
        secret: Some(secret.to_owned()),
        redirect_uri: String::new(),
        scope: String::new(),
    }
}

pub async fn robot_token(at: &str, secret: &str) -> Answer {
    robot(at, secret).token(&[("grant_type", "client_credentials"), ("resource", "https://db.example")]).await
}

/// What a consumer with a cache knows: it asks once in a while, whatever `kid` comes.
#[derive(Clone, Default)]
pub struct Cache(Arc<Mutex<Option<(Instant, Value)>>>);

impl Cache {
    pub async fn read(&self, url: &str) -> Value {
        let known = self.0.lock().unwrap().clone().filter(|(at, _)| at.elapsed() < CACHED);
        if let Some((_, value)) = known {
            return value;
        }
        let value = get(url).await.json;
        *self.0.lock().unwrap() = Some((Instant::now(), value.clone()));
        value
    }
}

impl Stage {
    /// Two people who sign in at this connection again and again.
    pub fn people_come(&mut self, connection: &'static str) {
        for _ in 0..2 {
            let wiki = wiki(&self.issuer);
            self.load.add("a person", move || {
                let wiki = wiki.clone();
                async move {
                    let tokens = wiki.tokens(&mut wiki.browser(), &[("connection", connection)]).await;
                    wiki.verified(tokens["id_token"].as_str().unwrap(), "wiki").await;
                }
            });
        }
    }

    /// Two programs; what they authenticate with can be changed. Their tokens are looked at by a consumer with a cache.
    pub async fn programs_come(&mut self) -> Arc<Mutex<String>> {
        let made = self.made("/clients/robot/secrets", &json!({})).await;
        for replica in &self.replicas {
            let (at, secret) = (replica.address(), made.text("value"));
            until("every replica knows it", async || (robot_token(&at, secret).await.status == 200).then_some(()))
                .await;
        }
        let secret = Arc::new(Mutex::new(made.text("value").to_owned()));
        let cache = Cache::default();
        for _ in 0..2 {
            let (issuer, secret, cache) = (self.issuer.clone(), secret.clone(), cache.clone());
            self.load.add("a program", move || {
                let (issuer, secret, cache) = (issuer.clone(), secret.lock().unwrap().clone(), cache.clone());
                async move {
                    let answer = robot_token(&issuer, &secret).await;
                    assert_eq!(answer.status, 200, "{}", answer.json);
                    let set = cache.read(&format!("{issuer}/.well-known/jwks.json")).await;
                    let kid = header(answer.text("access_token"))["kid"].clone();
                    let keys = set["keys"].as_array().unwrap();
                    assert!(
                        keys.iter().any(|key| key["kid"] == kid),
                        "{kid} was not published before it signed: {set}"
                    );
                }
            });
        }
        secret
    }
}
