//! What an operator may write, and that an export says it again.

use crate::harness::World;

#[tokio::test]
async fn an_identity_without_rules_is_refused() {
    let world = World::new().await;
    let table = [
        ("kind: machine", "{ issuer: 'https://a.example', audience: x }", "needs subject or subject_rule"),
        ("kind: machine", "{ issuer: 'https://a.example', audience: x, subject: '' }", "needs subject or subject_rule"),
        ("kind: machine", "{ issuer: 'https://a.example', audience: '', subject: s }", "audience is empty"),
        ("kind: machine", "{ issuer: 'https://a.example', subject: s }", "`audience` is missing"),
        ("kind: machine", "{ issuer: shop, audience: x, subject: s }", "must be an https URL"),
        ("kind: machine", "{ issuer: 'https://a.example', audience: x, subject: s, algs: [HS256] }", "HS256"),
        ("kind: machine", "{ issuer: 'https://a.example', audience: x, subject: s, max_age: 0 }", "60 to 86400"),
        ("kind: machine", "{ issuer: 'https://a.example', audience: x, subject_rule: 'claims.(' }", "not valid CEL"),
        ("kind: native", "{ issuer: 'https://a.example', audience: x, subject: s }", "public"),
    ];
    for (kind, identity, expected) in table {
        let yaml = format!(
            "clients:\n  - client_id: app\n    {kind}\n    grants: []\n    federated_identities: [{identity}]\n"
        );
        let error = world.broker.try_apply(&yaml).await.unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    for (more, expected) in
        [("grants: [jwt_bearer]", "jwt_bearer needs"), ("serves: [https://nowhere.example]", "no resource")]
    {
        let yaml = format!("clients:\n  - client_id: app\n    kind: machine\n    {more}\n");
        let error = world.broker.try_apply(&yaml).await.unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
