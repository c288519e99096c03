//! Programs at Camunda: client_credentials by a secret and by a certificate, for the audiences of machines.

use std::collections::BTreeMap;

use avouch::clock::Clock as _;
use avouch::jose::Certificate;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use time::Duration;

use super::{URL, VALUES, at, is_for};
use crate::harness::app::{Answer, post, random};
use crate::harness::fake_idp::key;
use crate::harness::jwt::compact;
use crate::harness::{App, World};
use crate::integrations::paste::{apply, blocks, commands, environment, secret, yaml};
use crate::integrations::preset;
use crate::validators::Trust;

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

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
