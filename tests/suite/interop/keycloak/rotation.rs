//! The driver at Keycloak's Admin REST API: with a client policy that keeps the rotated secret, and without one. The service
//! account has no right but to this one client.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use super::oidc::{by_secret, client, connect};
use super::{ROTATOR_SECRET, SECRET, Stage, is_alice};
use crate::admin::Api;
use crate::harness::app::{self, http};

impl Stage {
    async fn sign_in(&self) {
        let (request, page) = self.log_in(&mut self.wiki.browser()).await;
        is_alice(&self.welcome(&request, &page).await);
    }

    /// A service account that may configure and manage the connection's client alone (docs/OPERATIONS.md).
    async fn make_the_rotator(&self) {
        let keycloak = &self.keycloak;
        let enabled = json!({ "realm": "corp", "adminPermissionsEnabled": true });
        keycloak.admin(Method::PUT, "/corp", Some(&enabled)).await;
        let rotator = json!({
            "clientId": "rotator", "secret": ROTATOR_SECRET, "publicClient": false, "serviceAccountsEnabled": true, "standardFlowEnabled": false,
        });
        keycloak.admin(Method::POST, "/corp/clients", Some(&rotator)).await;
        let (rotator, ours) = (keycloak.id_of("rotator").await, keycloak.id_of("avouch").await);
        let account = keycloak.admin(Method::GET, &format!("/corp/clients/{rotator}/service-account-user"), None).await;
        let account = account.text("id").to_owned();
        let management = keycloak.id_of("realm-management").await;
        let role = keycloak.admin(Method::GET, &format!("/corp/clients/{management}/roles/query-clients"), None).await;
        let path = format!("/corp/users/{account}/role-mappings/clients/{management}");
        keycloak.admin(Method::POST, &path, Some(&json!([role.json]))).await;
        let permissions = keycloak.id_of("admin-permissions").await;
        let at = format!("/corp/clients/{permissions}/authz/resource-server");
        // a policy that names its user does not count for a service account
        let who = json!({ "name": "the rotator", "clients": [rotator] });
        let policy = keycloak.admin(Method::POST, &format!("{at}/policy/client"), Some(&who)).await;
        let permission = json!({
            "name": "rotates", "resourceType": "Clients", "resources": [ours], "scopes": ["view", "manage"], "policies": [policy.text("id")],
        });
        keycloak.admin(Method::POST, &format!("{at}/permission/scope"), Some(&permission)).await;
    }

    /// Whether Keycloak takes this secret for the connection's client.
    async fn is_taken(&self, secret: &str) -> bool {
        let token = format!("{}/protocol/openid-connect/token", self.keycloak.realm());
        let fields = [("grant_type", "client_credentials"), ("client_id", "avouch"), ("client_secret", secret)];
        let answer = app::answer(http().post(token).form(&fields)).await;
        // it knows us, and does not let this client come without a person
        answer.text("error") == "unauthorized_client" && answer.text("error_description").contains("not enabled")
    }

    /// To the rotation's end, somebody signing in at every step. What is waited for comes sooner.
    async fn rotates(&self, api: &Api) -> Value {
        let mut conn = self.broker.database().connect().await.unwrap();
        let begun = api.post("/connections/corp/rotation/run", &json!({})).await;
        assert_eq!(begun.status, 200, "{}", begun.json);
        let mut steps = Vec::new();
        for _ in 0..150 {
            avouch::rotation::watch::look(self.broker.live()).await.unwrap();
            self.broker.catch_up().await;
            let latest = api.get("/connections/corp/rotation").await.json["rotations"][0].clone();
            self.sign_in().await;
            if latest["outcome"] != Value::Null {
                let later = "UPDATE secret_rotations SET finished_at = finished_at - interval '11 minutes'";
                sqlx::query(later).execute(&mut conn).await.unwrap();
                return latest;
            }
            steps.push(latest);
            let sooner =
                "UPDATE secret_rotations SET next_at = started_at, proofs_since = proofs_since - interval '1 minute'";
            sqlx::query(sooner).execute(&mut conn).await.unwrap();
        }
        panic!("no end: {steps:#?}");
    }

    async fn drives(&self, keeps_old: bool) -> Api {
        let api = Api::of(&self.broker, "editor").await;
        let driver = json!({
            "kind": "keycloak", "url": self.keycloak.url, "realm": "corp", "client_id": "rotator", "keeps_old": keeps_old,
        });
        let put = api
            .put(
                "/connections/corp/rotation",
                &json!({ "driver": driver, "credential": ROTATOR_SECRET, "watch_hours": 1 }),
            )
            .await;
        assert_eq!(put.status, 200, "{}", put.json);
        api
    }
}

#[tokio::test]
#[ignore = "make interop"]
async fn a_secret_is_set_by_an_account_with_a_right_to_this_client_alone() {
    let stage = Stage::set(|broker| client(broker, json!({}))).await;
    connect(&stage, by_secret()).await;
    stage.make_the_rotator().await;
    stage.sign_in().await;
    assert!(stage.is_taken(SECRET).await && !stage.is_taken("another").await);
    let api = stage.drives(false).await;
    for round in 1..=2 {
        let latest = stage.rotates(&api).await;
        assert_eq!(latest["outcome"], "done", "round {round}: {latest}");
    }
    assert!(!stage.is_taken(SECRET).await);
}

#[tokio::test]
#[ignore = "make interop"]
async fn where_a_policy_keeps_the_rotated_secret_both_work_until_it_is_removed() {
    let stage = Stage::set(|broker| client(broker, json!({}))).await;
    connect(&stage, by_secret()).await;
    stage.make_the_rotator().await;
    let profiles = json!({ "profiles": [{ "name": "rotation", "executors": [{
        "executor": "secret-rotation",
        "configuration": { "expiration-period": 2_592_000, "rotated-expiration-period": 172_800, "remaining-rotation-period": 864_000 },
    }] }] });
    stage.keycloak.admin(Method::PUT, "/corp/client-policies/profiles", Some(&profiles)).await;
    let policies = json!({ "policies": [{
        "name": "rotation", "enabled": true, "profiles": ["rotation"],
        "conditions": [{ "condition": "client-access-type", "configuration": { "type": ["confidential"] } }],
    }] });
    stage.keycloak.admin(Method::PUT, "/corp/client-policies/policies", Some(&policies)).await;
    stage.sign_in().await;
    let api = stage.drives(true).await;
    let latest = stage.rotates(&api).await;
    assert_eq!(latest["outcome"], "done", "{latest}");
    assert!(!stage.is_taken(SECRET).await, "it was removed in the end");
    let events = stage.broker.audit_events().await;
    assert!(
        !events.iter().any(|event| event.action == "connection.secret_fallback"),
        "no sign-in needed the other one"
    );
}
