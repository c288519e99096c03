//! Camunda 8: six components, each with the values that are printed for it, judged by Spring's rules.

mod people;
mod programs;

use serde_json::{Value, json};

use super::paste::{apply, blocks, environment};
use crate::harness::World;
use crate::harness::app::{claims, http};
use crate::validators::{Spring, Trust};

const URL: &str = "https://camunda.example";
const VALUES: &str = "Helm values, one part of several";

const AUDIENCES: [&str; 6] = [
    "camunda-identity-resource-server",
    "orchestration-api",
    "optimize-api",
    "web-modeler-api",
    "web-modeler-public-api",
    "console-api",
];

fn at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

/// For this component's validator, and for none of the others'.
fn is_for(trust: &Trust, token: &str, audience: &str) -> Value {
    for component in AUDIENCES {
        let verdict = Spring::expecting(trust, component).validate(token);
        assert_eq!(verdict.is_ok(), component == audience, "{audience} at {component}: {verdict:?}");
    }
    claims(token)
}

async fn chosen(world: &World) -> String {
    world.idp.tell(|script| {
        script.subject = "admin-ahead".into();
        script.userinfo =
            json!({ "email": "ada@example.com", "name": "Ada", "preferred_username": "ada", "groups": ["staff"] });
    });
    let yaml = "users:\n  - { email: ada@example.com, name: Ada, connection: contoso, subject: admin-ahead }\n";
    world.apply(yaml).await[0].1.to_string()
}

#[tokio::test]
async fn the_environment_says_what_the_chart_says() {
    let world = World::new().await;
    apply(
        &world,
        &[
            "camunda",
            "--set",
            "url=https://c.example",
            "--set",
            "modeler=https://modeler.example",
            "--set",
            "prefix=test-",
        ],
    )
    .await;
    let ada = chosen(&world).await;
    let variables = [
        ("IDENTITY_URL", "http://identity:8080"),
        ("TEST_CAMUNDA_IDENTITY_SECRET", "s"),
        ("TEST_CAMUNDA_ORCHESTRATION_SECRET", "s"),
    ];
    let read = async |client: &str, title: &str| {
        let printed = blocks(&world, &[client, "camunda", "--user", &ada]).await;
        environment(&printed[title], &variables)
    };
    let identity = read("test-camunda-identity", "Environment of Management Identity").await;
    assert_eq!(
        [
            "IDENTITY_INITIAL_CLAIM_NAME",
            "IDENTITY_INITIAL_CLAIM_VALUE",
            "CAMUNDA_IDENTITY_BASE_URL",
            "SPRING_PROFILES_ACTIVE"
        ]
        .map(|name| identity[name].as_str()),
        ["oid", &ada, "https://c.example/identity", "oidc"]
    );
    let cluster = read("test-camunda-orchestration", "Environment of the Orchestration Cluster").await;
    let names = [
        "AUTHENTICATION_OIDC_REDIRECTURI",
        "AUTHENTICATION_OIDC_PREFERUSERNAMECLAIM",
        "AUTHENTICATION_OIDC_AUDIENCES",
        "INITIALIZATION_DEFAULTROLES_ADMIN_USERS_0",
    ];
    assert_eq!(
        names.map(|name| cluster[&format!("CAMUNDA_SECURITY_{name}")].as_str()),
        ["https://c.example/orchestration/sso-callback", "true", "test-orchestration-api", &ada]
    );
    let restapi = read("test-camunda-web-modeler", "Environment of Web Modeler's restapi").await;
    let audience = |kind: &str| restapi[&format!("CAMUNDA_MODELER_SECURITY_JWT_AUDIENCE_{kind}_API")].as_str();
    assert_eq!((audience("INTERNAL"), audience("PUBLIC")), ("test-web-modeler-api", "test-web-modeler-public-api"));
    let webapp = read("test-camunda-web-modeler", "Environment of Web Modeler's webapp").await;
    assert_eq!(webapp["OAUTH2_TOKEN_ISSUER"], world.broker.issuer);
    // single-page applications may fetch tokens from where they are, and from nowhere else
    for (origin, allowed) in
        [("https://modeler.example", true), ("https://c.example", true), ("https://evil.example", false)]
    {
        let request = http().request(reqwest::Method::OPTIONS, world.broker.url("/oauth/token"));
        let answer =
            request.header("origin", origin).header("access-control-request-method", "POST").send().await.unwrap();
        assert_eq!(answer.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
    }
}

#[tokio::test]
async fn traps_are_told_and_strangers_refused() {
    let world = World::new().await;
    let preset = apply(&world, &["camunda", "--set", &format!("url={URL}"), "--set", "groups=group == 'staff'"]).await;
    assert!(preset.contains("groups_filter:") && !preset.contains("client_secret"), "{preset}");
    let ada = chosen(&world).await;
    let nobody = blocks(&world, &["camunda-identity", "camunda"]).await;
    assert!(nobody[VALUES].contains("nobody is chosen") && !nobody[VALUES].contains("initialClaimName:"));
    let somebody = blocks(&world, &["camunda-identity", "camunda", "--user", &ada]).await;
    assert!(somebody[VALUES].contains("counts at the very first start only"), "{}", somebody[VALUES]);
    let public = "clients: [{ client_id: thin, kind: spa, redirect_uris: ['https://c.example/identity/auth/login-callback'], audiences: [optimize-api] }]";
    world.apply(public).await;
    let table = [
        ("shop", "shop fits no part of camunda: no redirect URI is one of Camunda's"),
        ("thin", "thin fits no part of camunda: this component has a secret or a certificate"),
    ];
    for (client, expected) in table {
        let (well, text) = world.broker.cli(&["snippet", client, "camunda"]).await;
        assert!(!well && text.contains(expected), "{expected}: {text}");
    }
}
