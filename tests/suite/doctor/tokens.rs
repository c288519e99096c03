//! Faults of what a client's tokens say.

use serde_json::json;

use super::examine;
use crate::harness::World;
use crate::integrations::preset;

const EMPTY: [&str; 3] = ["", "", ""];

#[tokio::test]
async fn an_issuer_with_a_trailing_slash() {
    let world = World::new().await;
    world.apply(&preset("kubernetes", &[])).await;
    let issuer = world.broker.issuer.clone();
    let report = examine(&world.broker, "kubernetes", "kubernetes", &["--expect-issuer", &format!("{issuer}/")]).await;
    let breaks = "oidc: id token issued by a different provider";
    report.has(
        "issuer",
        "failure",
        ["a trailing slash too many", breaks, &format!("set the issuer there to exactly {issuer}")],
    );
    let report = examine(&world.broker, "kubernetes", "kubernetes", &["--expect-issuer", &issuer]).await;
    assert!(report.checks("failure").is_empty(), "{:#}", report.0);
}

#[tokio::test]
async fn a_wrong_audience_and_none() {
    let world = World::new().await;
    world.apply(&preset("kafka", &[])).await;
    let report = examine(&world.broker, "kafka-app", "kafka", &["--expect-audience", "orders"]).await;
    let breaks = "Audience (aud) claim doesn't contain an acceptable identifier";
    report.has(
        "audience",
        "failure",
        ["Kafka expects orders, aud of the access token is kafka", breaks, "make orders the client's first audience"],
    );
    report.is_helpful();
    world.apply(&preset("kubernetes", &[])).await;
    let report = examine(&world.broker, "kubernetes", "kubernetes", &["--expect-audience", "k8s"]).await;
    report.has(
        "audience",
        "failure",
        ["aud of the ID token is kubernetes", "expected audience", "set the client id there to kubernetes"],
    );
    // a token for UserInfo alone opens nothing at a component
    world.apply("clients: [{ client_id: bare, kind: machine, grants: [client_credentials] }]").await;
    let report = examine(&world.broker, "bare", "camunda", &[]).await;
    report.has("audience", "failure", ["", "401: the required audience is missing", "to the client's audiences"]);
}

#[tokio::test]
async fn at_jwt_where_it_is_refused_and_where_it_is_not() {
    let world = World::new().await;
    let profile = "resources: [{ identifier: api, name: API, access_token: { typ: at+jwt } }]\n";
    let client = "clients: [{ client_id: job, kind: machine, grants: [client_credentials], audiences: [api] }]";
    world.apply(&format!("{profile}{client}")).await;
    let report = examine(&world.broker, "job", "camunda", &[]).await;
    report.has(
        "typ",
        "failure",
        [
            "typ of the access token is at+jwt",
            "JOSE header typ (type) at+jwt not allowed",
            "set access_token.typ of the resource api to JWT",
        ],
    );
    let report = examine(&world.broker, "job", "influxdb", &[]).await;
    report.has("typ", "warning", ["at+jwt", "is not published", "to JWT"]);
    let report = examine(&world.broker, "job", "kafka", &[]).await;
    report.has("typ", "ok", EMPTY);
}

#[tokio::test]
async fn a_scope_with_nothing_in_it() {
    let world = World::new().await;
    let profile = "resources: [{ identifier: bare, name: Bare, access_token: { typ: JWT } }]\n";
    let client = "clients: [{ client_id: job, kind: machine, grants: [client_credentials], audiences: [bare] }]";
    world.apply(&format!("{profile}{client}")).await;
    let report = examine(&world.broker, "job", "kafka", &[]).await;
    report.has(
        "scope",
        "failure",
        ["is empty", "takes no token with an empty scope", "give the resource bare a scope"],
    );
    let report = examine(&world.broker, "job", "confluent", &[]).await;
    assert!(report.checks("failure").is_empty(), "{:#}", report.0);
}

#[tokio::test]
async fn an_algorithm_that_is_not_taken() {
    let world = World::new().await;
    let profile = "resources: [{ identifier: api, name: API, access_token: { typ: JWT, alg: EdDSA } }]\n";
    let client = "clients: [{ client_id: job, kind: machine, grants: [client_credentials], audiences: [api] }]";
    world.apply(&format!("{profile}{client}")).await;
    let report = examine(&world.broker, "job", "camunda", &[]).await;
    report.has(
        "alg",
        "failure",
        ["signed with EdDSA", "Another algorithm expected", "access_token.alg of the resource api to RS256"],
    );
    let report = examine(&world.broker, "job", "kafka", &[]).await;
    report.has("alg", "warning", ["EdDSA", "", "RS256"]);
}

/// A client of Argo CD's, with these claims of its own and these scopes.
async fn argocd(world: &World, scopes: &str, claims: &str) {
    let yaml = format!(
        "clients: [{{ client_id: argocd, kind: native, redirect_uris: ['http://localhost:8085/auth/callback'], scopes: [{scopes}], claims: {claims} }}]"
    );
    world.apply(&yaml).await;
}

#[tokio::test]
async fn groups_that_are_missing() {
    let world = World::new().await;
    argocd(&world, "openid, profile, email", "{}").await;
    let report = examine(&world.broker, "argocd", "argocd", &[]).await;
    report.has(
        "groups",
        "failure",
        ["the ID token has no groups", "permission denied", "add groups to claims.id_token of the client"],
    );
    report.is_helpful();
    let report = examine(&world.broker, "argocd", "kubernetes", &[]).await;
    report.has("groups", "warning", ["no groups", "no RoleBinding to a group", "scope groups"]);
    argocd(&world, "openid, profile, email", "{ id_token: [email, groups] }").await;
    let report = examine(&world.broker, "argocd", "argocd", &[]).await;
    report.has("groups", "ok", ["groups is a list, of a single group too", "", ""]);
}

#[tokio::test]
async fn a_single_group_as_text() {
    let world = World::new().await;
    let claims = "{ id_token: [email, team_groups], custom: { team_groups: 'user.groups.size() == 1 ? dyn(user.groups[0]) : dyn(user.groups)' } }";
    argocd(&world, "openid, email", claims).await;
    let arguments = ["--groups-claim", "team_groups"];
    let report = examine(&world.broker, "argocd", "argocd", &arguments).await;
    let change = "let team_groups of claims.custom yield a list always";
    report.has(
        "groups",
        "failure",
        ["team_groups is text where somebody is in a single group", "invalid argo claims", change],
    );
    let report = examine(&world.broker, "argocd", "grafana", &arguments).await;
    report.has("groups", "failure", ["", "role_attribute_strict", change]);
    let report = examine(&world.broker, "argocd", "kubernetes", &arguments).await;
    report.has("groups", "ok", ["which Kubernetes takes", "", ""]);
    let wrong = examine(&world.broker, "argocd", "argocd", &["--groups-claim", "realm_groups"]).await;
    wrong.has("groups", "failure", ["has no realm_groups", "permission denied", "add realm_groups to claims.id_token"]);
}

#[tokio::test]
async fn a_token_that_is_too_long() {
    let world = World::new().await;
    let many: Vec<String> = (0..400).map(|at| format!("a-group-with-a-long-name-{at:04}")).collect();
    world.idp.tell(|script| script.userinfo["groups"] = json!(many));
    world.signed_in().await;
    world.apply(&preset("camunda", &[("url", "http://localhost:9")])).await;
    let report = examine(&world.broker, "camunda-orchestration", "camunda", &[]).await;
    let breaks = "400 Bad Request: Request header is too large (Tomcat)";
    report.has("size", "failure", ["with 400 groups", breaks, "claims.groups_filter of the client"]);
    report.is_helpful();
    // the same person, of whom that client says little
    let few = "clients: [{ client_id: few, kind: spa, redirect_uris: ['http://localhost:9/sso-callback'], audiences: [orchestration-api], claims: { access_token: [groups], groups_filter: \"group.endsWith('7')\" } }]";
    world.apply(few).await;
    let report = examine(&world.broker, "few", "camunda", &[]).await;
    report.has("size", "ok", EMPTY);
    let small = few.replace("groups_filter", "token_budget: 1000, groups_filter");
    world.apply(&small).await;
    let report = examine(&world.broker, "few", "camunda", &[]).await;
    report.has("size", "warning", ["token_budget is 1000", breaks, "groups_filter"]);
}

#[tokio::test]
async fn an_address_that_nobody_verified_and_none() {
    let world = World::new().await;
    world.signed_in().await;
    let events = world.broker.audit_events().await;
    let sub = events.iter().rev().find_map(|event| event.sub.clone()).expect("somebody signed in");
    world.apply(&preset("kubernetes", &[])).await;
    let report = examine(&world.broker, "kubernetes", "kubernetes", &["--user", &sub]).await;
    report.has("email", "warning", ["email_verified", "oidc: email not verified", "email_domains of the connection"]);
    argocd(&world, "openid, profile, groups", "{}").await;
    let report = examine(&world.broker, "argocd", "grafana", &[]).await;
    report.has("email", "failure", ["has no email", "Error getting email address", "scope email"]);
}
