//! Camunda 8: six components, each with the values that are printed for it, judged by Spring's rules.

use std::collections::BTreeMap;

use avouch::clock::Clock as _;
use avouch::jose::Certificate;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use time::Duration;

use super::paste::{apply, blocks, commands, environment, secret, yaml};
use super::preset;
use crate::harness::app::{Answer, claims, get, http, post, random};
use crate::harness::fake_idp::key;
use crate::harness::jwt::compact;
use crate::harness::{App, World};
use crate::validators::{Spring, Trust};

const URL: &str = "https://camunda.example";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const VALUES: &str = "Helm values, one part of several";

const AUDIENCES: [&str; 6] = [
    "camunda-identity-resource-server",
    "orchestration-api",
    "optimize-api",
    "web-modeler-api",
    "web-modeler-public-api",
    "console-api",
];

/// Client, redirect URI, the path in the values to what it is told, and its audiences by their names there.
const PEOPLE_COME: [(&str, &str, &str, &[&str]); 5] = [
    ("camunda-identity", "/identity/auth/login-callback", "/global/identity/auth/identity", &["audience"]),
    (
        "camunda-orchestration",
        "/orchestration/sso-callback",
        "/orchestration/security/authentication/oidc",
        &["audience"],
    ),
    ("camunda-optimize", "/optimize/api/authentication/callback", "/global/identity/auth/optimize", &["audience"]),
    (
        "camunda-web-modeler",
        "/modeler/login-callback",
        "/global/identity/auth/webModeler",
        &["clientApiAudience", "publicApiAudience"],
    ),
    ("camunda-console", "/", "/global/identity/auth/console", &["audience"]),
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
async fn people_sign_in_at_every_component_and_out_again() {
    let world = World::new().await;
    apply(&world, &["camunda", "--set", &format!("url={URL}/")]).await;
    let ada = chosen(&world).await;
    let trust = Trust::of(&world.broker).await;
    let document = get(&world.broker.url("/.well-known/openid-configuration")).await;
    let mut values = json!({});
    for (client, callback, place, audiences) in PEOPLE_COME {
        let printed = blocks(&world, &[client, "camunda", "--user", &ada]).await;
        let part = yaml(&printed[VALUES]);
        merge(&mut values, &part, client);
        let told = part.pointer(place).unwrap_or_else(|| panic!("no {place} in {part}"));
        let auth = &part["global"]["identity"]["auth"];
        assert_eq!((at(told, "/clientId"), at(auth, "/type")), (client, "GENERIC"));
        assert_eq!(at(auth, "/issuer"), world.broker.issuer);
        assert_eq!(at(auth, "/authUrl"), document.text("authorization_endpoint"));
        assert_eq!(
            (at(auth, "/tokenUrl"), at(auth, "/jwksUrl")),
            (document.text("token_endpoint"), document.text("jwks_uri"))
        );

        let public = ["camunda-web-modeler", "camunda-console"].contains(&client);
        let mut app = App::new(&world.broker, client, None);
        app.issuer = at(auth, "/publicIssuerUrl").to_owned();
        app.redirect_uri = format!("{URL}{callback}");
        assert!(app.redirect_uri.starts_with(at(told, "/redirectUrl")));
        // neither Spring Security 6 nor Camunda's SDK send any from a server
        let mut usual = vec![("code_challenge", ""), ("code_challenge_method", "")];
        if public {
            usual.clear();
        } else {
            app.secret = Some(secret(&world, client).await);
        }
        for (place, name) in audiences.iter().enumerate() {
            let audience = at(told, &format!("/{name}"));
            let mut browser = app.browser();
            let mut more = usual.clone();
            if place > 0 {
                more.push(("audience", audience));
            }
            let (request, page) = app.sign_in(&mut browser, &more).await;
            assert!(page.stopped, "{client}: {page}");
            let verifier = if public { request.verifier.as_str() } else { "" };
            let tokens = app.redeem(&page.param("code"), verifier).await;
            assert_eq!(tokens.status, 200, "{client}: {}", tokens.json);
            let refreshed = app.refresh(tokens.text("refresh_token")).await;
            for tokens in [&tokens, &refreshed] {
                person(&trust, &app, tokens, audience, &ada).await;
            }
            sign_out(&world, &app, &mut browser, refreshed.text("id_token")).await;
        }
    }
    // all of them given to Helm
    let identity = &values["global"]["identity"]["auth"]["identity"];
    assert_eq!((&identity["initialClaimName"], &identity["initialClaimValue"]), (&json!("oid"), &json!(ada)));
    assert_eq!(values["orchestration"]["security"]["initialization"]["defaultRoles"]["admin"]["users"], json!([ada]));
    for component in ["identity", "orchestration", "connectors", "optimize", "webModeler", "console"] {
        assert_eq!(values[component]["enabled"], true, "{component}");
    }
}

/// What each component looks for in its tokens and at UserInfo.
async fn person(trust: &Trust, app: &App, tokens: &Answer, audience: &str, sub: &str) {
    let token = is_for(trust, tokens.text("access_token"), audience);
    let id_token = claims(tokens.text("id_token"));
    let userinfo = app.userinfo(tokens.text("access_token")).await;
    assert_eq!(userinfo.status, 200, "UserInfo takes tokens for {audience}: {}", userinfo.json);
    for told in [&token, &id_token, &userinfo.json] {
        assert_eq!((&told["sub"], &told["oid"]), (&json!(sub), &json!(sub)), "{audience}: {told}");
        assert_eq!((&told["groups"], &told["preferred_username"]), (&json!(["staff"]), &json!("ada")), "{audience}");
    }
    assert_eq!(token["client_id"], app.client_id.as_str());
}

async fn sign_out(world: &World, app: &App, browser: &mut crate::harness::Browser, hint: &str) {
    let base = app.redirect_uri.trim_end_matches('/');
    let base = ["/auth/login-callback", "/api/authentication/callback", "/sso-callback", "/login-callback"]
        .iter()
        .find_map(|path| base.strip_suffix(path))
        .unwrap_or(base);
    let bye = format!("{base}{}", if app.client_id == "camunda-orchestration" { "/post-logout" } else { "/" });
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("id_token_hint", hint), ("post_logout_redirect_uri", &bye), ("state", "s1")])
        .finish();
    browser.stop_no_more().stop_at(&bye);
    let page = browser.open(&world.broker.url(&format!("/oidc/logout?{query}"))).await;
    assert!(page.stopped && page.param("state") == "s1", "{}: {page}", app.client_id);
    browser.stop_no_more().stop_at(&world.shop.redirect_uri);
    let (_, page) = world.shop.sign_in(browser, &[("prompt", "none")]).await;
    page.assert_error("login_required");
}

/// As Helm does it with several files; no part may contradict another.
fn merge(into: &mut Value, part: &Value, client: &str) {
    match (into, part) {
        (Value::Object(into), Value::Object(part)) => {
            for (name, value) in part {
                merge(into.entry(name.clone()).or_insert(Value::Null), value, client);
            }
        }
        (into @ Value::Null, part) => *into = part.clone(),
        (into, part) => assert_eq!(into, part, "{client} contradicts another"),
    }
}

/// `grant_type=client_credentials` as Camunda's Java client sends it, with what the environment says.
async fn caller(settings: &BTreeMap<String, String>, proof: &[(&str, &str)]) -> Answer {
    let setting = |name: &str| settings[&format!("CAMUNDA_CLIENT_AUTH_{name}")].as_str();
    let (client_id, audience) = (setting("CLIENTID"), setting("AUDIENCE"));
    let mut fields = vec![("grant_type", "client_credentials"), ("client_id", client_id), ("audience", audience)];
    fields.extend(proof);
    post(setting("TOKENURL"), None, &fields).await
}

#[tokio::test]
async fn programs_prove_themselves_by_secrets() {
    let world = World::new().await;
    apply(&world, &["camunda", "--set", &format!("url={URL}"), "--set", "prefix="]).await;
    let trust = Trust::of(&world.broker).await;
    let callers = [
        ("camunda-orchestration", "Environment of Connectors", "orchestration-api"),
        ("camunda-web-modeler-api", "Environment of a program with Camunda's Java client", "web-modeler-public-api"),
    ];
    for (client, title, audience) in callers {
        let secret = secret(&world, client).await;
        let printed = blocks(&world, &[client, "camunda"]).await;
        assert!(!printed.values().any(|block| block.contains(&secret)));
        let variable = format!("{}_SECRET", client.to_uppercase().replace('-', "_"));
        let settings = environment(&printed[title], &[(&variable, &secret)]);
        let answer = caller(&settings, &[("client_secret", &settings["CAMUNDA_CLIENT_AUTH_CLIENTSECRET"])]).await;
        assert_eq!((answer.status, answer.text("token_type")), (200, "Bearer"), "{}", answer.json);
        let token = is_for(&trust, answer.text("access_token"), audience);
        assert_eq!(token["client_id"], client);
        // by which Camunda would take it for a person
        assert_eq!((token.get("oid"), token.get("preferred_username")), (None, None));
    }
    // the components that fetch tokens for themselves by what Management Identity's SDK reads
    let managed =
        [("camunda-identity", "Environment of Management Identity"), ("camunda-optimize", "Environment of Optimize")];
    for (client, title) in managed {
        let secret = secret(&world, client).await;
        let printed = blocks(&world, &[client, "camunda"]).await;
        let variable = format!("{}_SECRET", client.to_uppercase().replace('-', "_"));
        let variables = [(variable.as_str(), secret.as_str()), ("IDENTITY_URL", "http://identity:8080")];
        let settings = environment(&printed[title], &variables);
        let setting = |name: &str| settings[&format!("CAMUNDA_IDENTITY_{name}")].as_str();
        assert_eq!(
            (setting("TYPE"), setting("ISSUER"), setting("ISSUER_BACKEND_URL")),
            ("GENERIC", &*trust.issuer, &*trust.issuer)
        );
        let app = App::new(&world.broker, setting("CLIENT_ID"), Some(setting("CLIENT_SECRET")));
        let answer = app.token(&[("grant_type", "client_credentials")]).await;
        is_for(&trust, answer.text("access_token"), setting("AUDIENCE"));
        let run = commands(&printed["Kubernetes Secret"], &variables);
        let name = format!("{client}-oidc");
        let literal = format!("--from-literal=client-secret={secret}");
        assert_eq!(run, [["kubectl", "create", "secret", "generic", &name, &literal]]);
        assert_eq!(
            yaml(&printed[VALUES])["global"]["identity"]["auth"][&client["camunda-".len()..]]["secret"]["existingSecret"],
            json!(name)
        );
    }
}

/// Connectors and workers name their certificate by x5t and no kid; the cluster, which is Spring, by a kid of its own.
#[tokio::test]
async fn cluster_and_connectors_prove_themselves_by_a_certificate() {
    let world = World::new().await;
    let now = world.broker.clock.now();
    let certificate =
        Certificate::self_signed(&key(0), "camunda", now - Duration::days(1), now + Duration::days(90)).unwrap();
    let pem =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate.der()));
    apply(&world, &["camunda", "--set", &format!("url={URL}"), "--set", &format!("certificate={pem}")]).await;
    // as a field of a page has it
    let lost = pem.replace('\n', " ");
    assert_eq!(
        preset("camunda", &[("url", URL), ("certificate", &lost)]),
        preset("camunda", &[("url", URL), ("certificate", &pem)])
    );
    let printed = blocks(&world, &["camunda-orchestration", "camunda"]).await;
    let variables = [("KEYSTORE", "/keys/camunda.p12"), ("KEYSTORE_PASSWORD", "changeit")];
    let settings = environment(&printed["Environment of Connectors"], &variables);
    assert!(!settings.contains_key("CAMUNDA_CLIENT_AUTH_CLIENTSECRET"));
    assert_eq!(settings["CAMUNDA_CLIENT_AUTH_CLIENTASSERTION_KEYSTOREPATH"], "/keys/camunda.p12");
    let cluster = environment(&printed["Environment of the Orchestration Cluster"], &variables);
    let setting = |name: &str| cluster[&format!("CAMUNDA_SECURITY_AUTHENTICATION_OIDC_{name}")].as_str();
    assert_eq!(setting("CLIENTAUTHENTICATIONMETHOD"), "private_key_jwt");
    assert_eq!(
        (setting("ASSERTION_KEYSTORE_PASSWORD"), setting("ASSERTION_KEYSTORE_KEYALIAS")),
        ("changeit", "camunda")
    );

    let trust = Trust::of(&world.broker).await;
    let client_id = settings["CAMUNDA_CLIENT_AUTH_CLIENTID"].as_str();
    let token_url = settings["CAMUNDA_CLIENT_AUTH_TOKENURL"].as_str();
    let x5t = URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.der()));
    let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.der()));
    let assertion = |named: &Value| {
        let now = world.broker.clock.now().unix_timestamp();
        let said = json!({ "iss": client_id, "sub": client_id, "aud": token_url, "iat": now, "exp": now + 300, "jti": random() });
        compact(named, &said, |message| key(0).sign(message))
    };
    let of_spring = json!({ "alg": "RS256", "kid": kid });
    for named in [&json!({ "alg": "RS256", "typ": "JWT", "x5t": x5t }), &of_spring] {
        let assertion = assertion(named);
        let proof = [("client_assertion_type", ASSERTION), ("client_assertion", assertion.as_str())];
        let answer = caller(&settings, &proof).await;
        assert_eq!(answer.status, 200, "{named}: {}", answer.json);
        is_for(&trust, answer.text("access_token"), &settings["CAMUNDA_CLIENT_AUTH_AUDIENCE"]);
    }
    let mut app = App::new(&world.broker, setting("CLIENTID"), None).scoped("openid profile");
    app.redirect_uri = setting("REDIRECTURI").to_owned();
    let (_, page) = app.sign_in(&mut app.browser(), &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    let (code, assertion) = (page.param("code"), assertion(&of_spring));
    let redemption = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &app.redirect_uri),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", &assertion),
    ];
    let answer = app.token(&redemption).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let person = is_for(&trust, answer.text("access_token"), setting("AUDIENCES"));
    assert_eq!(person[setting("USERNAMECLAIM")], person["sub"]);

    // the same in the chart
    let values = yaml(&printed[VALUES]);
    assert!(values.pointer("/orchestration/security/authentication/oidc/secret").is_none());
    let names = |component: &str| -> Vec<String> {
        let env = values[component]["env"].as_array().unwrap();
        env.iter().map(|one| at(one, "/name").to_owned()).collect()
    };
    for name in names("orchestration") {
        assert!(cluster.contains_key(&name), "{name}");
    }
    for name in names("connectors") {
        assert!(settings.contains_key(&name), "{name}");
    }
    let run = commands(&printed["Kubernetes Secret"], &variables);
    let name = at(&values, "/connectors/extraVolumes/0/secret/secretName");
    assert_eq!((run[0][4].as_str(), run[0][6].as_str()), (name, "--from-literal=password=changeit"));
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
