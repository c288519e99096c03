//! One door: what is done by a page, by the API and by the command line ends the same, and is told to the audit log alike.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Api, Operator};
use crate::harness::World;
use crate::harness::broker::AuditEvent;

/// The three ways, as names of what each of them makes.
const WAYS: [&str; 3] = ["by-page", "by-api", "by-file"];
const SECRET: &str = "of-the-provider-0123456789";

struct Desk {
    world: World,
    operator: Operator,
    api: Api,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        world.apply("resources:\n  - { identifier: https://influx.example, scopes: [read, write] }\n").await;
        let operator = Operator::signed_in(&world.broker, "owner").await;
        let api = Api::of(&world.broker, "owner").await;
        Self { world, operator, api }
    }

    /// Fills in the form of a page, and goes where it leads.
    async fn fill(&mut self, path: &str, form: &str, typed: &[(&str, &str)]) {
        let page = self.operator.open(path).await;
        let done = self.operator.submit(&page, form, typed).await;
        assert!(done.status == 200 && !done.body.contains("data-state=\"bad\" id=\"errors\""), "{path}: {done}");
    }

    async fn create(&self, path: &str, body: &Value) -> Value {
        let made = self.api.post(path, body).await;
        assert_eq!(made.status, 201, "{path}: {}", made.json);
        made.json
    }

    /// `avouch apply` with one entry; JSON is YAML.
    async fn apply(&self, kind: &str, entry: Value) {
        let text = json!({ kind: [entry] }).to_string();
        self.world.broker.secret("contract.yaml", &text);
        self.cli(&["apply", "-f", "contract.yaml"]).await;
        self.world.broker.catch_up().await;
    }

    async fn cli(&self, arguments: &[&str]) -> String {
        let (done, printed) = self.world.broker.cli(arguments).await;
        assert!(done, "{arguments:?}: {printed}");
        printed
    }

    /// What the API says of each, with its name taken out, and who owns it.
    async fn are_the_same(&self, path: impl Fn(&str) -> String) {
        let mut seen = Vec::new();
        for way in WAYS {
            let read = self.api.get(&path(way)).await;
            assert_eq!(read.status, 200, "{way}: {}", read.json);
            let mut read: Value = serde_json::from_str(&read.json.to_string().replace(way, "NAME")).unwrap();
            let owner = read.as_object_mut().unwrap().remove("managed_by");
            assert_eq!(owner.is_some_and(|owner| owner.is_string()), way == "by-file", "{way}: {read}");
            seen.push(read);
        }
        assert_eq!(seen[0], seen[1], "by page and by API");
        assert_eq!(seen[1], seen[2], "by API and by file");
    }

    /// Each way has told this action of what it made, with the same fields changed, under its own name.
    async fn are_told_alike(&self, action: &str) {
        let events = self.world.broker.audit_events().await;
        let mut changed = Vec::new();
        for way in WAYS {
            let told = |event: &&AuditEvent| event.action == action && format!("{event:?}").contains(way);
            let event = events.iter().find(told).unwrap_or_else(|| panic!("{action} {way}: {events:#?}"));
            let actor = match way {
                "by-page" => event.actor.starts_with("operator:"),
                "by-api" => event.actor.starts_with("operator_key:") || event.actor.starts_with("key:"),
                _ => !event.actor.starts_with("operator"),
            };
            assert!(actor, "{way}: {}", event.actor);
            let fields = event.detail["changes"].as_object().map(|changes| changes.keys().cloned().collect());
            let mut fields: BTreeSet<String> = fields.unwrap_or_default();
            fields.remove("managed_by");
            changed.push(fields);
        }
        assert!(changed.windows(2).all(|two| two[0] == two[1]), "{action}: {changed:#?}");
    }
}

#[tokio::test]
async fn a_resource() {
    let mut desk = Desk::new().await;
    let entry = |way: &str| {
        json!({ "identifier": format!("https://{way}.example"), "name": "Metrics", "scopes": ["read", "write"],
                "access_token": { "ttl": 600, "alg": "ES256", "typ": "JWT" } })
    };
    let typed = [
        ("identifier", "https://by-page.example"),
        ("name", "Metrics"),
        ("scopes", "read\nwrite"),
        ("ttl", "600"),
        ("alg", "ES256"),
        ("typ", "JWT"),
    ];
    desk.fill("/admin/resources/new", "resource", &typed).await;
    desk.create("/resources", &entry("by-api")).await;
    desk.apply("resources", entry("by-file")).await;
    desk.are_the_same(|way| format!("/resources/https%3A%2F%2F{way}.example")).await;
    desk.are_told_alike("resource.created").await;
}

#[tokio::test]
async fn a_role() {
    let mut desk = Desk::new().await;
    let entry =
        |way: &str| json!({ "name": way, "when": "'staff' in user.groups", "resource": "https://influx.example" });
    let typed = [("name", "by-page"), ("resource", "https://influx.example"), ("when", "'staff' in user.groups")];
    desk.fill("/admin/roles/new", "role", &typed).await;
    desk.create("/roles", &entry("by-api")).await;
    desk.apply("roles", entry("by-file")).await;
    desk.are_the_same(|way| format!("/roles/https%3A%2F%2Finflux.example/{way}")).await;
    desk.are_told_alike("role.created").await;
    // and each stands in the tokens, whoever made it
    let more = "kind: spa\naudiences: [https://influx.example]\nclaims: { access_token: [roles] }";
    let app = desk.world.app("dash", more).await;
    let tokens = app.tokens(&mut app.browser(), &[("connection", "contoso")]).await;
    let claims = crate::harness::app::claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(claims["roles"], json!(["by-api", "by-file", "by-page"]));
}

#[tokio::test]
async fn a_client() {
    let mut desk = Desk::new().await;
    let entry = |way: &str| {
        json!({ "client_id": way, "name": "The App", "kind": "web", "redirect_uris": [format!("https://{way}.example/cb")],
                "audiences": ["https://influx.example"], "scopes": ["read"], "require_pushed_authorization_requests": true,
                "claims": { "id_token": ["email", "groups"], "groups_filter": "group.startsWith('team-')" } })
    };
    let typed = [
        ("client_id", "by-page"),
        ("name", "The App"),
        ("redirect_uris", "https://by-page.example/cb"),
        ("audiences", "https://influx.example"),
        ("scopes", "read"),
        ("id_token", "email groups"),
        ("access_token", ""),
        ("userinfo", ""),
        ("groups_filter", "group.startsWith('team-')"),
        ("require_pushed_authorization_requests", "on"),
    ];
    desk.fill("/admin/clients/new?as=web", "client", &typed).await;
    desk.create("/clients", &entry("by-api")).await;
    desk.apply("clients", entry("by-file")).await;
    desk.are_the_same(|way| format!("/clients/{way}")).await;
    desk.are_told_alike("client.created").await;
}

#[tokio::test]
async fn a_connection() {
    let mut desk = Desk::new().await;
    let issuer = desk.world.idp.issuer.clone();
    desk.world.broker.secret("provider", SECRET);
    let entry = |way: &str| {
        json!({ "slug": way, "display_name": "Northwind", "protocol": "oidc", "preset": "keycloak", "enabled": true,
                "issuer": issuer, "client_id": "avouch-at-northwind", "email_domains": [format!("{way}.example")],
                "allow": "'staff' in claims.groups" })
    };
    let typed = [
        ("provider", "keycloak"),
        ("display_name", "Northwind"),
        ("slug", "by-page"),
        ("email_domains", "by-page.example"),
    ];
    desk.fill("/admin/connections/new", "connection", &typed).await;
    let setup = "/admin/connections/by-page/setup";
    let typed = [("issuer", issuer.as_str()), ("client_id", "avouch-at-northwind"), ("secret", SECRET)];
    desk.fill(&format!("{setup}/credentials"), "credentials", &typed).await;
    desk.fill(&format!("{setup}/claims"), "claims", &[("allow", "'staff' in claims.groups")]).await;
    let page = desk.operator.open(&format!("{setup}/test")).await;
    let page = desk.operator.press(&page, "enable").await;
    assert!(page.has("disable"), "{page}");

    desk.create("/connections", &entry("by-api")).await;
    desk.create("/connections/by-api/secrets", &json!({ "value": SECRET })).await;
    let mut in_file = entry("by-file");
    in_file["client_secret"] = json!({ "file": "provider" });
    desk.apply("connections", in_file).await;

    desk.are_the_same(|way| format!("/connections/{way}")).await;
    // the wizard stores it step by step, so its first event says less
    for way in WAYS {
        let secrets = desk.api.get(&format!("/connections/{way}/secrets")).await.json;
        assert_eq!(secrets["items"][0]["state"], "active", "{way}: {secrets}");
        let mut browser = desk.world.shop.browser();
        let tokens = desk.world.shop.tokens(&mut browser, &[("connection", way)]).await;
        assert!(tokens["access_token"].is_string(), "{way}");
    }
}

#[tokio::test]
async fn a_person_ahead_of_the_first_sign_in() {
    let mut desk = Desk::new().await;
    let entry = |way: &str| json!({ "email": format!("{way}@contoso.example"), "name": "Ada", "connection": "contoso", "subject": format!("subject-{way}") });
    let typed = [
        ("email", "by-page@contoso.example"),
        ("name", "Ada"),
        ("connection", "contoso"),
        ("subject", "subject-by-page"),
    ];
    desk.fill("/admin/users/new", "user", &typed).await;
    desk.create("/users", &entry("by-api")).await;
    desk.apply("users", entry("by-file")).await;
    let mut seen = Vec::new();
    let mut subs = Vec::new();
    for way in WAYS {
        let found = desk.api.get(&format!("/users?q={way}%40contoso.example")).await.json;
        let sub = found["items"][0]["sub"].as_str().unwrap_or_else(|| panic!("{found}")).to_owned();
        let mut one = desk.api.get(&format!("/users/{sub}")).await.json.to_string().replace(way, "NAME");
        one = one.replace(&sub, "SUB");
        let mut one: Value = serde_json::from_str(&one).unwrap();
        let fields = one.as_object_mut().unwrap();
        fields.retain(|name, _| !name.ends_with("_at") && name != "managed_by");
        for identity in fields["identities"].as_array_mut().into_iter().flatten() {
            identity.as_object_mut().unwrap().retain(|name, _| !name.ends_with("_at") && name != "id");
        }
        seen.push(one);
        subs.push(sub);
    }
    assert_eq!(seen[0], seen[1], "by page and by API");
    assert_eq!(seen[1], seen[2], "by API and by file");

    // blocked and let in again, each by its own way
    let page = desk.operator.open(&format!("/admin/users/{}/block", subs[0])).await;
    desk.operator.submit(&page, "confirm", &[]).await;
    desk.api.post(&format!("/users/{}/block", subs[1]), &json!({})).await;
    desk.cli(&["user", "block", &subs[2]]).await;
    for sub in &subs {
        assert_eq!(desk.api.get(&format!("/users/{sub}")).await.json["status"], "blocked", "{sub}");
    }
}

#[tokio::test]
async fn an_operator_and_a_key_of_a_program() {
    let mut desk = Desk::new().await;
    let typed = [("email", "by-page@example.com"), ("role", "auditor")];
    desk.fill("/admin/operators/new", "operator", &typed).await;
    desk.create("/operators", &json!({ "email": "by-api@example.com", "role": "auditor" })).await;
    desk.cli(&["operator", "create", "by-file@example.com", "--role", "auditor"]).await;
    desk.fill("/admin/operator-keys/new", "key", &[("name", "by-page"), ("role", "editor")]).await;
    desk.create("/operator-keys", &json!({ "name": "by-api", "role": "editor" })).await;
    desk.cli(&["operator", "create-key", "by-file", "--role", "editor"]).await;
    for (list, named) in [("/operators", "email"), ("/operator-keys", "name")] {
        let all = desk.api.get(list).await.json;
        let mut seen = Vec::new();
        for way in WAYS {
            let of = |one: &&Value| one[named].as_str().is_some_and(|name| name.starts_with(way));
            let one = all["items"].as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("{way}: {all}"));
            let mut one: Value = serde_json::from_str(&one.to_string().replace(way, "NAME")).unwrap();
            one.as_object_mut()
                .unwrap()
                .retain(|name, _| !["id", "hint", "created_at", "created_by"].contains(&name.as_str()));
            // counted from its creation
            if let Some(verdict) = one["safe_to_retire"].as_object_mut() {
                verdict.remove("not_before");
            }
            seen.push(one);
        }
        assert!(seen.windows(2).all(|two| two[0] == two[1]), "{list}: {seen:#?}");
    }
}

#[tokio::test]
async fn a_rotation_of_the_signing_keys() {
    let mut desk = Desk::new().await;
    let state = async |desk: &Desk| {
        let keys = desk.api.get("/signing-keys").await.json;
        let keys = keys["items"].as_array().unwrap().clone();
        let of = |state: &str| {
            let key = keys.iter().find(|key| key["alg"] == "RS256" && key["state"] == state);
            key.map(|key| key["kid"].as_str().unwrap().to_owned())
        };
        (of("active").unwrap(), of("next").unwrap())
    };
    for way in WAYS {
        let (before, coming) = state(&desk).await;
        match way {
            "by-page" => {
                let page = desk.operator.open("/admin/signing-keys/RS256/rotate").await;
                let form = page.forms().into_iter().find(|form| form.fields.iter().any(|(name, _)| name == "csrf"));
                assert!(form.is_some(), "{page}");
                desk.operator.submit(&page, "confirm", &[("reason", "the contract")]).await;
            }
            "by-api" => {
                let body = json!({ "alg": "RS256", "override": "the contract" });
                let done = desk.api.post("/signing-keys/rotate", &body).await;
                assert_eq!(done.status, 200, "{}", done.json);
            }
            _ => drop(desk.cli(&["keys", "rotate", "--now"]).await),
        }
        desk.world.broker.catch_up().await;
        let (active, next) = state(&desk).await;
        assert!(active == coming && next != before && next != coming, "{way}");
    }
}
