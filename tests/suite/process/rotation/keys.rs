//! Keys: those that sign tokens, those that operators' programs hold, and those by which we prove ourselves to a provider and
//! programs prove themselves to us.

use std::sync::{Arc, Mutex};

use avouch::clock::{Clock as _, SystemClock};
use avouch::jose::{KeyPair, PublicJwk};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use super::visitors::{CLIENTS, Cache, robot, robot_token};
use super::{CACHED, ROUNDS, Stage, calls, counts, ids, stands};
use crate::admin::Api;
use crate::harness::app::{claims, get, header, post, random};
use crate::harness::fake_idp::key;
use crate::harness::jwt::jwt;
use crate::harness::{Answer, FakeIdp, until};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[tokio::test]
async fn no_login_and_no_token_is_lost_while_keys_rotate_and_replicas_die() {
    let idp = FakeIdp::start(&Arc::default()).await;
    let initech = format!(
        "connections: [{{ slug: initech, issuer: \"{}\", client_id: avouch-at-initech, client_authentication: private_key_jwt }}]\n",
        idp.issuer
    );
    let mut stage = Stage::set(&(initech + CLIENTS)).await;
    let provider = provider_checks_assertions(&stage, &idp);
    stage.people_come("initech");
    let secret = stage.programs_come().await;
    stage.made("/clients", &zeebe(&[0])).await;
    for replica in &stage.replicas {
        until("every replica knows it", async || {
            (zeebe_token(&replica.address(), &stage.issuer, &key(0)).await.status == 200).then_some(())
        })
        .await;
    }
    let zeebe = zeebe_comes(&mut stage);
    stage.load.carries_on(2 * ROUNDS, "nothing").await;

    signing_key(&mut stage, &secret).await;
    operator_key(&mut stage).await;
    connection_key(&mut stage, &provider).await;
    client_key(&mut stage, &zeebe).await;
    stage.end().await;
}

async fn signing_key(stage: &mut Stage, secret: &Arc<Mutex<String>>) {
    const LIST: &str = "/signing-keys";
    let secret = secret.lock().unwrap().clone();
    let token = robot_token(&stage.issuer, &secret).await.text("access_token").to_owned();
    let old = header(&token)["kid"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["iss"], stage.issuer);
    tokio::time::sleep(CACHED).await;
    let body = json!({ "alg": header(&token)["alg"], "override": "the test's consumers ask every five seconds" });
    let rotate = calls(Method::POST, "/signing-keys/rotate", Some(body));
    stage.step("the next key signs", rotate, stands(LIST, ("kid", &old), "retiring")).await;
    let new = robot_token(&stage.issuer, &secret).await;
    assert_ne!(header(new.text("access_token"))["kid"], old.as_str());
    let revoke = calls(Method::POST, &format!("/signing-keys/{old}/revoke"), Some(json!({})));
    stage.step("the former key is revoked", revoke, stands(LIST, ("kid", &old), "revoked")).await;
    stage
        .fails_at_once("a token of a revoked key", |at| {
            let (token, secret) = (token.clone(), secret.clone());
            async move {
                let answer = robot(&at, &secret).post("/oauth/introspect", &[], &[("token", &token)]).await;
                if answer.json["active"] == true { 200 } else { 401 }
            }
        })
        .await;
}

async fn operator_key(stage: &mut Stage) {
    const LIST: &str = "/operator-keys";
    let made = stage.made(LIST, &json!({ "name": "former", "role": "editor" })).await;
    let (id, value) = (made.text("id").to_owned(), made.text("value").to_owned());
    let withdraw = calls(Method::DELETE, &format!("{LIST}/{id}"), None);
    stage.step("an operator key is withdrawn", withdraw, stands(LIST, ("id", &id), "revoked")).await;
    stage
        .fails_at_once("a withdrawn operator key", |at| {
            let api = Api::at(&at, &value);
            async move { api.get("/clients").await.status }
        })
        .await;
}

/// The provider takes what was signed by a key in our JWKS, as it read it a while ago. What it read.
fn provider_checks_assertions(stage: &Stage, idp: &FakeIdp) -> Arc<Mutex<Value>> {
    let url = format!("{}/connections/initech/jwks.json", stage.issuer);
    let known: Arc<Mutex<Value>> = Arc::default();
    let (reader, cache) = (known.clone(), Cache::default());
    tokio::spawn(async move {
        loop {
            let set = tokio::spawn({
                let (cache, url) = (cache.clone(), url.clone());
                async move { cache.read(&url).await }
            });
            // a replica was killed while it answered
            if let Ok(set) = set.await {
                *reader.lock().unwrap() = set;
            }
            tokio::time::sleep(CACHED / 20).await;
        }
    });
    let knows = known.clone();
    let takes = move |assertion: &str| holds(assertion, &knows.lock().unwrap());
    idp.tell(|script| script.takes_assertions = Some(Box::new(takes)));
    known
}

fn holds(assertion: &str, jwks: &Value) -> bool {
    let kid = header(assertion)["kid"].clone();
    let found = jwks["keys"].as_array().and_then(|keys| keys.iter().find(|key| key["kid"] == kid));
    let key: Option<PublicJwk> = found.and_then(|jwk| serde_json::from_value(jwk.clone()).ok());
    let (input, signature) = assertion.rsplit_once('.').unwrap();
    key.is_some_and(|key| key.verify(input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()))
}

async fn connection_key(stage: &mut Stage, provider: &Mutex<Value>) {
    const LIST: &str = "/connections/initech/keys";
    let first = ids(&stage.api(0), LIST, "active").await.remove(0);
    stage.step("a next key for the provider", calls(Method::POST, LIST, None), counts(LIST, "next", 1)).await;
    let second = ids(&stage.api(0), LIST, "next").await.remove(0);
    until("the provider to read the next key", async || {
        (provider.lock().unwrap()["keys"].as_array()?.len() == 2).then_some(())
    })
    .await;
    let because = Some(json!({ "override": "the provider reads the JWKS every five seconds" }));
    let promote = || calls(Method::POST, &format!("{LIST}/{second}/promote"), because.clone());
    let active = |id: &str| stands(LIST, ("id", id), "active");
    stage.step("the next key proves us", promote(), active(&second)).await;
    let put_back = calls(Method::POST, &format!("{LIST}/put-back"), None);
    stage.step("the former key is put back", put_back, active(&first)).await;
    stage.step("the next key proves us again", promote(), active(&second)).await;
    let withdraw = calls(Method::DELETE, &format!("{LIST}/{first}"), None);
    stage.step("the former key is withdrawn", withdraw, stands(LIST, ("id", &first), "revoked")).await;
    let kids = async |at: &str| get(&format!("{at}/connections/initech/jwks.json")).await.json["keys"].clone();
    for replica in &stage.replicas {
        assert_eq!(kids(&replica.address()).await.as_array().unwrap().len(), 1, "it is published no more");
    }
}

/// The client with these keys, as it is configured.
fn zeebe(which: &[usize]) -> Value {
    let keys: Vec<_> = which.iter().map(|index| key(*index).public_jwk()).collect();
    json!({ "client_id": "zeebe", "kind": "machine", "audiences": ["https://db.example"], "jwks": { "keys": keys } })
}

async fn zeebe_has(stage: &mut Stage, which: &[usize], what: &str) {
    let number = which.len();
    let done = move |api: Api| async move {
        let stored = api.get("/clients/zeebe").await.json;
        stored["jwks"]["keys"].as_array().is_some_and(|keys| keys.len() == number)
    };
    stage.step(what, calls(Method::PUT, "/clients/zeebe", Some(zeebe(which))), done).await;
}

async fn zeebe_token(at: &str, issuer: &str, pair: &KeyPair) -> Answer {
    let now = SystemClock.now().unix_timestamp();
    let said = json!({ "iss": "zeebe", "sub": "zeebe", "aud": issuer, "iat": now, "exp": now + 60, "jti": random() });
    let assertion = jwt(pair, &json!({}), &said);
    let fields =
        [("grant_type", "client_credentials"), ("client_assertion", &*assertion), ("client_assertion_type", ASSERTION)];
    post(&format!("{at}/oauth/token"), None, &fields).await
}

fn zeebe_comes(stage: &mut Stage) -> Arc<Mutex<usize>> {
    let which = Arc::new(Mutex::new(0));
    let (issuer, uses) = (stage.issuer.clone(), which.clone());
    stage.load.add("a program with a key", move || {
        let (issuer, pair) = (issuer.clone(), key(*uses.lock().unwrap()));
        async move {
            let answer = zeebe_token(&issuer, &issuer, &pair).await;
            assert_eq!(answer.status, 200, "{}", answer.json);
        }
    });
    which
}

async fn client_key(stage: &mut Stage, uses: &Arc<Mutex<usize>>) {
    zeebe_has(stage, &[0, 1], "another key of a client").await;
    *uses.lock().unwrap() = 1;
    stage.load.carries_on(ROUNDS, "the program took its new key").await;
    zeebe_has(stage, &[1], "the client's former key is taken out").await;
    let issuer = stage.issuer.clone();
    stage
        .fails_at_once("a client's former key", |at| {
            let issuer = issuer.clone();
            async move { zeebe_token(&at, &issuer, &key(0)).await.status }
        })
        .await;
}
