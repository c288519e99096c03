//! Confluent Cloud: provider and pools as the commands make them, and the clients with their SASL extensions.

use serde_json::Value;

use super::kafka::{java, librdkafka};
use super::paste::{apply, blocks, commands, option, properties, secret};
use crate::harness::World;
use crate::harness::app::get;
use crate::validators::{Confluent, Trust};

const TITLE: &str = "Identity provider and pool";
const AUDIENCE: &str = r#"confluent-"prod"\it's-${x}-%{y}-$z"#;

#[tokio::test]
async fn each_application_gets_into_its_own_pool_with_what_is_printed() {
    let world = World::new().await;
    let audience = format!("audience={AUDIENCE}");
    apply(&world, &["confluent", "--set", &audience, "--set", "applications=orders-app,billing-app"]).await;
    apply(&world, &["confluent", "--set", "audience=another-organisation", "--set", "applications=stranger"]).await;
    let document = get(&world.broker.url("/.well-known/openid-configuration")).await;

    let mut pools = Vec::new();
    let mut tokens = Vec::new();
    for client in ["orders-app", "billing-app", "stranger"] {
        let secret = secret(&world, client).await;
        let printed = blocks(&world, &[client, "confluent"]).await;
        assert!(!printed.values().any(|block| block.contains(&secret)));
        let run = commands(&printed[TITLE], &[("PROVIDER_ID", "op-1x")]);
        let [provider, pool] = run.as_slice() else { panic!("{run:?}") };
        assert_eq!(provider[..4], ["confluent", "iam", "provider", "create"]);
        assert_eq!(option(provider, "--issuer-uri"), document.text("issuer"));
        assert_eq!(option(provider, "--jwks-uri"), document.text("jwks_uri"));
        assert_eq!(pool[..5], ["confluent", "iam", "pool", "create", client]);
        assert_eq!((option(pool, "--provider"), option(pool, "--identity-claim")), ("op-1x", "claims.sub"));
        assert_eq!(
            terraform(&printed["Terraform, in place of these commands"], client),
            (provider.clone(), pool.clone())
        );
        pools.push((option(provider, "--issuer-uri").to_owned(), option(pool, "--filter").to_owned()));

        let variable = format!("{}_SECRET", client.to_uppercase().replace('-', "_"));
        let variables =
            [(variable.as_str(), secret.as_str()), ("LOGICAL_CLUSTER", "lkc-abc12"), ("IDENTITY_POOL_ID", "pool-XyZ1")];
        let (token, options) = java(&world, &printed, &variables).await;
        assert_eq!(
            (options["extension_logicalCluster"].as_str(), options["extension_identityPoolId"].as_str()),
            ("lkc-abc12", "pool-XyZ1")
        );
        let settings = properties(&printed["librdkafka client (C, Python, Go, .NET, kcat)"]);
        assert_eq!(
            settings["sasl.oauthbearer.extensions"],
            "logicalCluster=${LOGICAL_CLUSTER},identityPoolId=${IDENTITY_POOL_ID}"
        );
        librdkafka(&world, &printed, &variables, client).await;
        tokens.push((client, token));
    }
    for (at, (issuer, filter)) in pools.iter().enumerate() {
        let mut trust = Trust::of(&world.broker).await;
        trust.issuer.clone_from(issuer);
        let pool = Confluent::pool(&trust, filter);
        for (other, (client, token)) in tokens.iter().enumerate() {
            let verdict = pool.admits(token);
            assert_eq!(verdict.is_ok(), at == other, "{client} at {filter}: {verdict:?}");
        }
    }
}

/// What Terraform would make, as the commands that make the same.
fn terraform(text: &str, client: &str) -> (Vec<String>, Vec<String>) {
    let mut known = hcl::eval::Context::new();
    known.declare_var("confluent_identity_provider", hcl::value!({ "avouch" = { "id" = "op-1x" } }));
    let read: Value = hcl::eval::from_str(text, &known).unwrap();
    let provider = &read["resource"]["confluent_identity_provider"]["avouch"];
    let pool = &read["resource"]["confluent_identity_pool"][client];
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let of = |value: &'_ Value, name: &str| {
        value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
    };
    let (name, issuer, jwks, about) =
        (of(provider, "display_name"), of(provider, "issuer"), of(provider, "jwks_uri"), of(provider, "description"));
    let provider = words(&[
        "confluent",
        "iam",
        "provider",
        "create",
        &name,
        "--issuer-uri",
        &issuer,
        "--jwks-uri",
        &jwks,
        "--description",
        &about,
    ]);
    let (name, id, claim, filter, about) = (
        of(pool, "display_name"),
        of(&pool["identity_provider"], "id"),
        of(pool, "identity_claim"),
        of(pool, "filter"),
        of(pool, "description"),
    );
    let pool = words(&[
        "confluent",
        "iam",
        "pool",
        "create",
        &name,
        "--provider",
        &id,
        "--identity-claim",
        &claim,
        "--filter",
        &filter,
        "--description",
        &about,
    ]);
    (provider, pool)
}

#[tokio::test]
async fn the_keys_are_read_anew_by_one_command() {
    let world = World::new().await;
    apply(&world, &["confluent"]).await;
    let printed = blocks(&world, &["confluent-app", "confluent"]).await;
    let variables = [("PROVIDER_ID", "op-1x"), ("CONFLUENT_API_KEY", "KEY"), ("CONFLUENT_API_SECRET", "S 1")];
    let run = commands(&printed["After a signing key was revoked at once"], &variables);
    let url = "https://api.confluent.cloud/iam/v2/identity-providers/op-1x/jwks";
    assert_eq!(run, [["curl", "--request", "PATCH", "--user", "KEY:S 1", url]]);
    assert!(printed[TITLE].contains("it needs a public https issuer"), "this one is at localhost");
}
