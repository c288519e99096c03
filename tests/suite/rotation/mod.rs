//! Client secrets that rotate by themselves, by each provider's own API, while people sign in. And everything that can happen
//! in between: answers that are lost, providers that throttle, processes that die, operators who change their minds.

mod crash;
mod desk;
mod entra;
mod hurdles;
mod kill;
mod provider;
mod providers;

use serde_json::{Value, json};
use time::Duration;

use crate::admin::Api;
use crate::harness::{Answer, World, until};
use provider::{CREDENTIAL, Provider};

/// A world whose provider takes the secrets that its administration says it takes.
pub struct Stage {
    pub world: World,
    pub provider: Provider,
    pub api: Api,
}

impl Stage {
    pub async fn set() -> Self {
        let world = World::new().await;
        let provider = Provider::start(&world.broker.clock).await;
        let shared = provider.shared.clone();
        world.idp.tell(|script| script.takes_secrets = Some(Box::new(move || shared.taken())));
        let api = Api::of(&world.broker, "editor").await;
        Self { world, provider, api }
    }

    /// The driver of this kind.
    pub async fn with(driver: Value) -> Self {
        let stage = Self::set().await;
        let answer = stage.put(driver).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        stage
    }

    pub async fn put(&self, mut driver: Value) -> Answer {
        if driver.get("url").is_some_and(Value::is_null) {
            driver["url"] = self.provider.url.clone().into();
        }
        self.api.put("/connections/contoso/rotation", &json!({ "driver": driver, "credential": CREDENTIAL })).await
    }

    pub fn entra(&self) -> Value {
        json!({
            "kind": "entra", "tenant": provider_tenant(), "client_id": "the-rotator",
            "login_url": self.provider.url, "graph_url": format!("{}/graph/v1.0", self.provider.url),
        })
    }

    pub async fn run(&self) {
        let begun = self.api.post("/connections/contoso/rotation/run", &json!({})).await;
        assert_eq!(begun.status, 200, "{}", begun.json);
    }

    /// The latest rotation as the API shows it.
    pub async fn latest(&self) -> Value {
        let answer = self.api.get("/connections/contoso/rotation").await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json["rotations"][0].clone()
    }

    /// What is due now is done.
    pub async fn look(&self) {
        avouch::rotation::watch::look(self.world.broker.live()).await.unwrap();
    }

    pub fn pass(&self, time: Duration) {
        self.world.broker.clock.advance(time);
    }

    /// Time passes until the rotation is at this step; somebody signs in all the while.
    pub async fn until_step(&self, step: &str, pause: Duration) -> Value {
        until(&format!("the step {step}"), async || {
            self.look().await;
            let latest = self.latest().await;
            if latest["step"] == step || latest["outcome"] != Value::Null {
                assert_eq!(latest["step"], step, "{latest}");
                return Some(latest);
            }
            self.signs_in().await;
            self.pass(pause);
            None
        })
        .await
    }

    /// The same until it is over.
    pub async fn until_over(&self, pause: Duration) -> Value {
        until("the rotation's end", async || {
            self.look().await;
            let latest = self.latest().await;
            if latest["outcome"] != Value::Null {
                return Some(latest);
            }
            self.signs_in().await;
            self.pass(pause);
            None
        })
        .await
    }

    pub async fn signs_in(&self) {
        self.world.broker.catch_up().await;
        self.world.signed_in().await;
    }

    /// Their states, the newest first.
    pub async fn secrets(&self) -> Vec<String> {
        let known = self.api.get("/connections/contoso/secrets").await;
        known.json["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    }

    /// Nothing that is secret stands in the audit log, or in what the API shows.
    pub async fn tells_no_secret(&self) {
        let events = format!("{:?}", self.world.broker.audit_events().await);
        let shown = self.api.get("/connections/contoso/rotation").await.json.to_string();
        let state = self.provider.state();
        for value in state.secrets.iter().map(|one| &one.value).chain([&state.credential]) {
            assert!(!events.contains(value.as_str()) && !shown.contains(value.as_str()), "{value} is told");
        }
    }
}

fn provider_tenant() -> &'static str {
    provider::TENANT
}
