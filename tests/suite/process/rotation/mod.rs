//! Every kind of credential is rotated, put back and revoked while people sign in and programs fetch tokens, at two replicas of
//! which one is killed with -9 in the middle of each step. Nobody who should get in is refused, and what was revoked fails at
//! once.

mod balancer;
mod host;
mod keys;
mod load;
mod saml;
mod secrets;
mod visitors;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::Value;

use crate::admin::Api;
use crate::harness::{Answer, BrokerProcess};
use balancer::Balancer;
use load::Load;

/// Rounds of the load between one step and the next.
const ROUNDS: usize = 8;
/// A revocation holds everywhere within it: the promise of NOTIFY.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Consumers of keys that we publish ask again after it, and for no unknown key before.
const CACHED: Duration = Duration::from_secs(5);

struct Stage {
    issuer: String,
    replicas: Vec<BrokerProcess>,
    key: String,
    turn: usize,
    load: Load,
    begun: Instant,
    _balancer: Balancer,
}

impl Stage {
    /// Two replicas with these resources behind a balancer; nobody is there yet.
    async fn set(resources: &str) -> Self {
        let (listener, port) = Balancer::listen().await;
        let issuer = format!("http://localhost:{port}");
        let mut one = BrokerProcess::prepare().await;
        one.set("AVOUCH_ISSUER", issuer.clone());
        one.set("AVOUCH_RATE_LIMIT", "0");
        one.apply(resources);
        let two = one.replica();
        let mut replicas = vec![one, two];
        for replica in &mut replicas {
            replica.serve().await;
        }
        let balancer = Balancer::start(listener, replicas.iter().map(BrokerProcess::socket).collect());
        let made = replicas[0].run(&["operator", "create-key", "--role", "owner", "pipeline"]);
        let key = String::from_utf8(made.stdout).unwrap().split_whitespace().last().unwrap().to_owned();
        Self { issuer, replicas, key, turn: 0, load: Load::new(), begun: Instant::now(), _balancer: balancer }
    }

    fn api(&self, replica: usize) -> Api {
        Api::at(&self.replicas[replica].address(), &self.key)
    }

    /// The value that an answer shows once.
    async fn made(&self, path: &str, body: &Value) -> Answer {
        let answer = self.api(0).post(path, body).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        answer
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

    /// Each replica is killed and comes back, while the other one stands.
    async fn restart(&mut self, what: &str) {
        println!("{what}");
        for index in 0..self.replicas.len() {
            self.replicas[index].kill();
            self.turn += 1;
            self.load.carries_on(ROUNDS, &format!("{what}, with one replica")).await;
            self.replicas[index].serve().await;
        }
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

    /// The load ends, and nothing of it was refused.
    async fn end(self) {
        let tally = self.load.stop().await;
        let failures = tally.failures.lock().unwrap().clone();
        assert!(failures.is_empty(), "{failures:#?}");
        let (rounds, interrupted) = (tally.rounds.load(Ordering::Relaxed), tally.interrupted.load(Ordering::Relaxed));
        let (kills, took) = (self.turn, self.begun.elapsed());
        println!("{rounds} logins and tokens in {took:?}, {interrupted} cut off by {kills} kills and done again");
    }
}

/// This request, at any replica.
fn calls(method: Method, path: &str, body: Option<Value>) -> impl Fn(Api) -> BoxFuture<'static, Answer> + use<> {
    let path = path.to_owned();
    move |api| {
        let (method, path, body) = (method.clone(), path.clone(), body.clone());
        async move { api.call(method, &path, &[], body.as_ref()).await }.boxed()
    }
}

/// Whether something in a list, known by one of its members, has this state; revoked: or is in no list any more.
fn stands(
    list: &str,
    (member, value): (&'static str, &str),
    state: &'static str,
) -> impl Fn(Api) -> BoxFuture<'static, bool> + use<> {
    let (list, value) = (list.to_owned(), value.to_owned());
    move |api| {
        let (list, value) = (list.clone(), value.clone());
        async move {
            let items = api.get(&list).await.json["items"].clone();
            let found = items.as_array().and_then(|items| items.iter().find(|item| item[member] == value.as_str()));
            found.map_or(state == "revoked", |item| item["state"] == state)
        }
        .boxed()
    }
}

/// Whether so many in a list have this state.
fn counts(list: &str, state: &'static str, number: usize) -> impl Fn(Api) -> BoxFuture<'static, bool> + use<> {
    let list = list.to_owned();
    move |api| {
        let list = list.clone();
        async move { ids(&api, &list, state).await.len() == number }.boxed()
    }
}

/// The ids in a list, in the state.
async fn ids(api: &Api, list: &str, state: &str) -> Vec<String> {
    let items = api.get(list).await.json["items"].clone();
    let wanted = items.as_array().cloned().unwrap_or_default().into_iter().filter(|item| item["state"] == state);
    wanted.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}
