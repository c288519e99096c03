//! People move from Contoso to Fabrikam by a table, at a running broker: who may sign in where, with which `sub`, and what
//! becomes of those who are signed in.

mod desk;
mod many;
mod steps;

use serde_json::{Value, json};

use crate::admin::Api;
use crate::harness::app::{self, answer, claims, http};
use crate::harness::{Answer, Browser, FakeIdp, Page, World, until};

pub struct Move {
    world: World,
    fabrikam: FakeIdp,
    api: Api,
    id: String,
}

impl Move {
    /// So many people have signed in at Contoso as old-1, old-2 and so on, whom Fabrikam calls new-1, new-2.
    async fn of(people: usize) -> (Self, Vec<String>) {
        let world = World::new().await;
        let fabrikam = world.connect("fabrikam", "").await;
        let api = Api::of(&world.broker, "editor").await;
        let this = Self { world, fabrikam, api, id: String::new() };
        let mut subs = Vec::new();
        for number in 1..=people {
            subs.push(this.sub_at("contoso", &format!("old-{number}")).await.unwrap());
        }
        (this, subs)
    }

    /// Planned for so many, whoever of them there is.
    async fn plan(&mut self, people: usize) -> Value {
        let lines: String = (1..=people).map(|number| format!("old-{number},new-{number}\n")).collect();
        let made = self.send(&format!("old_subject,new_subject\n{lines}")).await;
        assert_eq!(made.status, 201, "{}", made.json);
        self.id = made.text("id").to_owned();
        made.json
    }

    async fn send(&self, table: &str) -> Answer {
        self.send_between("contoso", "fabrikam", table).await
    }

    async fn send_between(&self, from: &str, to: &str, table: &str) -> Answer {
        let url = self.world.broker.url(&format!("/api/v1/moves?from={from}&to={to}"));
        let request = http().post(url).header("authorization", &self.api.authorization);
        answer(request.header("content-type", "text/csv").body(table.to_owned())).await
    }

    async fn ask(&self, what: &str, body: &Value) -> Answer {
        self.api.post(&format!("/moves/{}/{what}", self.id), body).await
    }

    /// A step of so many people, done.
    async fn step(&self, what: &str, group: Value, people: u64) {
        let asked = self.ask(what, &group).await;
        assert_eq!((asked.status, &asked.json["people"]), (200, &json!(people)), "{what} {group}: {}", asked.json);
        until("the step to be done", async || (self.shown().await["counts"]["due"] == 0).then_some(())).await;
    }

    async fn shown(&self) -> Value {
        self.api.get(&format!("/moves/{}", self.id)).await.json
    }

    async fn counts<const N: usize>(&self, names: [&str; N]) -> [i64; N] {
        let counts = self.shown().await["counts"].clone();
        names.map(|name| counts[name].as_i64().unwrap_or_else(|| panic!("no {name} in {counts}")))
    }

    async fn people(&self) -> Vec<Value> {
        self.api.get(&format!("/moves/{}/people", self.id)).await.json["items"].as_array().unwrap().clone()
    }

    fn idp(&self, connection: &str) -> &FakeIdp {
        if connection == "contoso" { &self.world.idp } else { &self.fabrikam }
    }

    /// Somebody comes to the shop by this connection.
    async fn come(&self, browser: &mut Browser, connection: &str, subject: &str) -> (app::Request, Page) {
        let email = format!("{subject}@{connection}.example");
        self.idp(connection).tell(|script| {
            script.subject = subject.to_owned();
            script.claims["email"] = json!(email);
        });
        self.world.shop.sign_in(browser, &[("connection", connection)]).await
    }

    async fn tokens(&self, connection: &str, subject: &str) -> (Browser, Value) {
        let mut browser = self.world.shop.browser();
        let (request, page) = self.come(&mut browser, connection, subject).await;
        let answer = self.world.shop.redeem(&page.param("code"), &request.verifier).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        (browser, answer.json)
    }

    /// As whom; nobody where they are not let in.
    async fn sub_at(&self, connection: &str, subject: &str) -> Option<String> {
        let mut browser = self.world.shop.browser();
        let (request, page) = self.come(&mut browser, connection, subject).await;
        let code = page.params().remove("code").filter(|_| page.stopped)?;
        let answer = self.world.shop.redeem(&code, &request.verifier).await;
        Some(claims(answer.text("id_token"))["sub"].as_str().unwrap().to_owned())
    }

    async fn refreshes(&self, tokens: &mut Value) -> u16 {
        let answer = self.world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        if answer.status == 200 {
            *tokens = answer.json;
        }
        answer.status
    }
}
