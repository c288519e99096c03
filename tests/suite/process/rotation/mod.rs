//! Every kind of credential is rotated, put back and revoked while people sign in and programs fetch tokens, at two replicas of
//! which one is killed with -9 in the middle of each step. Nobody who should get in is refused, and what was revoked fails at
//! once.

mod balancer;
mod load;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::admin::Api;
use crate::harness::app::{claims, header};
use crate::harness::{Answer, App, BrokerProcess, FakeIdp};
use balancer::Balancer;
use load::Load;

/// Rounds of the load between one step and the next.
const ROUNDS: usize = 15;
/// A revocation holds everywhere within it: the promise of NOTIFY.
const AT_ONCE: Duration = Duration::from_secs(1);

struct Stage {
    replicas: Vec<BrokerProcess>,
    key: String,
    turn: usize,
    load: Load,
    _balancer: Balancer,
}

impl Stage {
    fn api(&self, replica: usize) -> Api {
        Api::at(&self.replicas[replica].address(), &self.key)
    }

    /// One step: the replica that is asked is killed while it is at it, each time a little later. Where that undid the step, it
    /// is done at the other one.
    async fn step<F, D>(&mut self, what: &str, act: impl Fn(Api) -> F, done: impl Fn(Api) -> D)
    where
        F: Future<Output = Answer> + Send + 'static,
        D: Future<Output = bool>,
    {
        println!("{what}");
        let victim = self.turn % 2;
        let other = 1 - victim;
        let asked = tokio::spawn(act(self.api(victim)));
        tokio::time::sleep(Duration::from_millis(4 * (self.turn as u64 % 7))).await;
        self.replicas[victim].kill();
        let _ = asked.await;
        self.turn += 1;
        if !done(self.api(other)).await {
            let answer = act(self.api(other)).await;
            assert!(answer.status < 300, "{what}: {} {}", answer.status, answer.json);
            assert!(done(self.api(other)).await, "{what} left no trace");
        }
        self.load.carries_on(ROUNDS, &format!("{what}, with one replica")).await;
        self.replicas[victim].serve().await;
        self.load.carries_on(ROUNDS, what).await;
    }

    /// From now on this fails, at both replicas.
    async fn fails_at_once<F: Future<Output = u16>>(&self, what: &str, attempt: impl Fn(String) -> F) {
        let begun = Instant::now();
        for replica in &self.replicas {
            while attempt(replica.address()).await < 400 {
                assert!(begun.elapsed() < 20 * AT_ONCE, "{what} still works at {}", replica.address());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let took = begun.elapsed();
        println!("{what} failed everywhere after {took:?}{}", if took > AT_ONCE { ": TOO LATE" } else { "" });
    }
}

async fn state_of(api: &Api, list: &str, id: &str) -> Option<String> {
    let items = api.get(list).await.json["items"].clone();
    let found = items.as_array()?.iter().find(|item| item["id"] == id)?.clone();
    Some(found["state"].as_str().unwrap_or_default().to_owned())
}

/// The ids in a list, in the state.
async fn ids(api: &Api, list: &str, state: &str) -> Vec<String> {
    let items = api.get(list).await.json["items"].clone();
    let wanted = items.as_array().cloned().unwrap_or_default().into_iter().filter(|item| item["state"] == state);
    wanted.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn robot_token(issuer: &str, secret: &str) -> Answer {
    let robot = App {
        issuer: issuer.to_owned(),
        client_id: "robot".into(),
        secret: Some(secret.to_owned()),
        redirect_uri: String::new(),
        scope: String::new(),
    };
    robot.token(&[("grant_type", "client_credentials"), ("resource", "https://db.example")]).await
}

fn resources(idp: &FakeIdp) -> String {
    format!(
        "connections: [{{ slug: contoso, issuer: \"{}\", client_id: avouch-at-contoso, client_authentication: client_secret_basic }}]
resources: [{{ identifier: https://db.example, name: Database }}]
clients:
  - {{ client_id: wiki, kind: spa, redirect_uris: [https://wiki.example/callback] }}
  - {{ client_id: robot, kind: machine, audiences: [https://db.example] }}",
        idp.issuer
    )
}

#[tokio::test]
async fn no_login_and_no_token_is_lost_while_everything_rotates_and_replicas_die() {
    let idp = Arc::new(FakeIdp::start(&Arc::default()).await);
    idp.tell(|script| script.client_secrets = Some(vec!["first-at-contoso".into()]));
    let (listener, port) = Balancer::listen().await;
    let issuer = format!("http://localhost:{port}");
    let mut one = BrokerProcess::prepare().await;
    one.set("AVOUCH_ISSUER", issuer.clone());
    one.set("AVOUCH_RATE_LIMIT", "0");
    one.apply(&resources(&idp));
    let two = one.replica();
    let mut replicas = vec![one, two];
    for replica in &mut replicas {
        replica.serve().await;
    }
    let balancer = Balancer::start(listener, replicas.iter().map(BrokerProcess::socket).collect());
    let made = replicas[0].run(&["operator", "create-key", "--role", "owner", "pipeline"]);
    let key = String::from_utf8(made.stdout).unwrap().split_whitespace().last().unwrap().to_owned();
    let api = Api::at(&issuer, &key);
    let first = api.post("/connections/contoso/secrets", &json!({ "value": "first-at-contoso" })).await;
    assert_eq!(first.status, 201, "{}", first.json);
    let secret = api.post("/clients/robot/secrets", &json!({})).await;
    assert_eq!(secret.status, 201, "{}", secret.json);
    let robot_secret = Arc::new(Mutex::new(secret.text("value").to_owned()));

    let mut load = Load::new();
    let wiki = App {
        issuer: issuer.clone(),
        client_id: "wiki".into(),
        secret: None,
        redirect_uri: "https://wiki.example/callback".into(),
        scope: "openid email".into(),
    };
    for _ in 0..2 {
        let wiki = wiki.clone();
        load.add("a person", move || {
            let wiki = wiki.clone();
            async move {
                let tokens = wiki.tokens(&mut wiki.browser(), &[]).await;
                wiki.verified(tokens["id_token"].as_str().unwrap(), "wiki").await;
            }
        });
    }
    // what a consumer with a cache knows: it asks once in five seconds, whatever `kid` comes
    let known: Arc<Mutex<Option<(Instant, Value)>>> = Arc::default();
    for _ in 0..2 {
        let (issuer, secret, known) = (issuer.clone(), robot_secret.clone(), known.clone());
        load.add("a program", move || {
            let (issuer, secret, known) = (issuer.clone(), secret.lock().unwrap().clone(), known.clone());
            async move {
                let answer = robot_token(&issuer, &secret).await;
                assert_eq!(answer.status, 200, "{}", answer.json);
                let fresh = known.lock().unwrap().as_ref().is_some_and(|(at, _)| at.elapsed() < Duration::from_secs(5));
                if !fresh {
                    let set = crate::harness::app::get(&format!("{issuer}/.well-known/jwks.json")).await.json;
                    *known.lock().unwrap() = Some((Instant::now(), set));
                }
                let kid = header(answer.text("access_token"))["kid"].clone();
                let set = known.lock().unwrap().as_ref().unwrap().1.clone();
                let keys = set["keys"].as_array().unwrap().clone();
                assert!(keys.iter().any(|key| key["kid"] == kid), "{kid} was not published before it signed: {set}");
            }
        });
    }
    let begun = Instant::now();
    let mut stage = Stage { replicas, key, turn: 0, load, _balancer: balancer };
    stage.load.carries_on(2 * ROUNDS, "nothing").await;

    downstream_secret(&mut stage, &robot_secret).await;
    upstream_secret(&mut stage, &idp).await;
    signing_key(&mut stage, &issuer, &robot_secret).await;
    operator_key(&mut stage).await;

    let Stage { load, turn, .. } = stage;
    let tally = load.stop().await;
    let failures = tally.failures.lock().unwrap().clone();
    assert!(failures.is_empty(), "{failures:#?}");
    let (rounds, interrupted) = (tally.rounds.load(Ordering::Relaxed), tally.interrupted.load(Ordering::Relaxed));
    println!(
        "{rounds} logins and tokens in {:?}, {interrupted} cut off by {turn} kills and done again",
        begun.elapsed()
    );
}

async fn downstream_secret(stage: &mut Stage, current: &Arc<Mutex<String>>) {
    const LIST: &str = "/clients/robot/secrets";
    let old = stage.api(0).get(LIST).await.json["items"][0]["id"].as_str().unwrap().to_owned();
    // the value is in the answer alone: what a killed replica made is withdrawn, and another one is made
    let made = Arc::new(Mutex::new(None));
    let keep = made.clone();
    let act = move |api: Api| {
        let keep = keep.clone();
        async move {
            let answer = api.post(LIST, &json!({})).await;
            *keep.lock().unwrap() = Some(answer.json.clone());
            answer
        }
    };
    let known = made.clone();
    stage
        .step("another secret of a client", act, move |_| {
            let known = known.lock().unwrap().is_some();
            async move { known }
        })
        .await;
    let new = made.lock().unwrap().clone().unwrap();
    let former = std::mem::replace(&mut *current.lock().unwrap(), new["value"].as_str().unwrap().to_owned());
    stage.load.carries_on(ROUNDS, "the program took the new secret").await;
    let withdraw = old.clone();
    stage
        .step(
            "the former secret is withdrawn",
            move |api| {
                let path = format!("{LIST}/{withdraw}");
                async move { api.delete(&path).await }
            },
            |api| {
                let old = old.clone();
                async move { state_of(&api, LIST, &old).await.is_none_or(|state| state == "revoked") }
            },
        )
        .await;
    stage
        .fails_at_once("a withdrawn client secret", |at| {
            let former = former.clone();
            async move { robot_token(&at, &former).await.status }
        })
        .await;
}

async fn upstream_secret(stage: &mut Stage, idp: &Arc<FakeIdp>) {
    const LIST: &str = "/connections/contoso/secrets";
    let first = ids(&stage.api(0), LIST, "active").await.remove(0);
    let takes = |secrets: &[&str]| {
        let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        idp.tell(|script| script.client_secrets = Some(secrets));
    };
    takes(&["first-at-contoso", "second-at-contoso"]);
    stage
        .step(
            "a next secret at the provider",
            |api| async move { api.post(LIST, &json!({ "value": "second-at-contoso" })).await },
            |api| async move { !ids(&api, LIST, "next").await.is_empty() },
        )
        .await;
    let second = ids(&stage.api(0), LIST, "next").await.remove(0);
    let act = |verb: &'static str, id: &str| {
        let path = format!("{LIST}/{id}/{verb}");
        move |api: Api| {
            let path = path.clone();
            async move { api.post(&path, &json!({})).await }
        }
    };
    let active = |id: &str| {
        let id = id.to_owned();
        move |api: Api| {
            let id = id.clone();
            async move { ids(&api, LIST, "active").await == [id] }
        }
    };
    stage.step("the next secret takes over", act("promote", &second), active(&second)).await;
    stage.step("the former secret is put back", act("restore", &first), active(&first)).await;
    stage.step("the next secret takes over again", act("promote", &second), active(&second)).await;
    takes(&["second-at-contoso"]);
    stage.load.carries_on(ROUNDS, "the provider dropped the former secret").await;
    stage
        .step(
            "the former secret is forgotten",
            |api| {
                let path = format!("{LIST}/{first}");
                async move { api.delete(&path).await }
            },
            |api| {
                let first = first.clone();
                async move { state_of(&api, LIST, &first).await.is_none_or(|state| state == "revoked") }
            },
        )
        .await;
}

async fn signing_key(stage: &mut Stage, issuer: &str, secret: &Arc<Mutex<String>>) {
    let secret = secret.lock().unwrap().clone();
    let token = robot_token(issuer, &secret).await.text("access_token").to_owned();
    let old = header(&token)["kid"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["iss"], issuer);
    // consumers know the next key by now
    tokio::time::sleep(Duration::from_secs(5)).await;
    let body = json!({ "alg": header(&token)["alg"], "override": "the test's consumers ask every five seconds" });
    let state = |kid: &str, wanted: &'static str| {
        let kid = kid.to_owned();
        move |api: Api| {
            let kid = kid.clone();
            async move {
                let items = api.get("/signing-keys").await.json["items"].clone();
                items.as_array().unwrap().iter().any(|key| key["kid"] == kid.as_str() && key["state"] == wanted)
            }
        }
    };
    stage
        .step(
            "the next key signs",
            move |api| {
                let body = body.clone();
                async move { api.post("/signing-keys/rotate", &body).await }
            },
            state(&old, "retiring"),
        )
        .await;
    let new = robot_token(issuer, &secret).await;
    assert_ne!(header(new.text("access_token"))["kid"], old.as_str());
    let path = format!("/signing-keys/{old}/revoke");
    stage
        .step(
            "the former key is revoked",
            move |api| {
                let path = path.clone();
                async move { api.post(&path, &json!({})).await }
            },
            state(&old, "revoked"),
        )
        .await;
    stage
        .fails_at_once("a token of a revoked key", |at| {
            let (token, secret) = (token.clone(), secret.clone());
            async move {
                let app = App {
                    issuer: at,
                    client_id: "robot".into(),
                    secret: Some(secret),
                    redirect_uri: String::new(),
                    scope: String::new(),
                };
                let answer = app.post("/oauth/introspect", &[], &[("token", &token)]).await;
                if answer.json["active"] == true { 200 } else { 401 }
            }
        })
        .await;
}

async fn operator_key(stage: &mut Stage) {
    let make = |name: &'static str| {
        async move |api: &Api| {
            let made = api.post("/operator-keys", &json!({ "name": name, "role": "editor" })).await;
            (made.text("id").to_owned(), made.text("value").to_owned())
        }
    };
    let (id, value) = make("former")(&stage.api(0)).await;
    let path = format!("/operator-keys/{id}");
    stage
        .step(
            "an operator key is withdrawn",
            move |api| {
                let path = path.clone();
                async move { api.delete(&path).await }
            },
            |api| {
                let id = id.clone();
                async move { state_of(&api, "/operator-keys", &id).await.is_none_or(|state| state == "revoked") }
            },
        )
        .await;
    stage
        .fails_at_once("a withdrawn operator key", |at| {
            let api = Api::at(&at, &value);
            async move { api.get("/clients").await.status }
        })
        .await;
}
