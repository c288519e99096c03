//! Confluent Cloud: an identity provider, which is our issuer and JWKS, a pool for each application, which picks its tokens
//! by their claims, and the clients, which name cluster and pool in SASL extensions that we never see.

use serde_json::json;

use super::oauthbearer::{self, Machine, Written};
use super::shell::variables;
use super::{Block, Format, Question, SnippetError, Subject, System, hcl};

const QUESTIONS: &[Question] = &[
    Question {
        key: "audience",
        label: "The audience; another one for each Confluent organisation",
        usual: Some("confluent"),
    },
    oauthbearer::applications("confluent-app"),
];

pub(super) const SYSTEM: System = System {
    name: "confluent",
    title: "Confluent Cloud",
    questions: QUESTIONS,
    people: None,
    preset: |answers| oauthbearer::preset(answers, "Confluent Cloud", answers.get("audience")),
    snippets,
};

const POOLS: Written = Written {
    version: "Confluent CLI 4, API iam/v2",
    page: "https://docs.confluent.io/cloud/current/security/authenticate/workload-identities/identity-providers/oauth/overview.html",
};
const CLIENTS: &str = "https://docs.confluent.io/cloud/current/security/authenticate/workload-identities/identity-providers/oauth/configure-clients-oauth.html";

/// Names over there, and the variables in which their values are looked for.
const EXTENSIONS: &[(&str, &str)] = &[("logicalCluster", "LOGICAL_CLUSTER"), ("identityPoolId", "IDENTITY_POOL_ID")];

fn snippets(subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
    let machine = Machine::of(subject, "confluent")?;
    let mut blocks = vec![pool(subject, &machine)?, terraform(subject, &machine)?, refresh()?];
    blocks.extend(machine.java(Written { version: "Apache Kafka clients 3.5 to 4", page: CLIENTS }, EXTENSIONS)?);
    blocks.push(machine.librdkafka(Written { version: "librdkafka 1.9.2 and later", page: CLIENTS }, EXTENSIONS)?);
    for block in &mut blocks[3..] {
        if block.format == Format::Properties {
            block
                .warnings
                .push("LOGICAL_CLUSTER is the cluster (lkc-...), IDENTITY_POOL_ID the pool (pool-...).".into());
        }
    }
    Ok(blocks)
}

/// JSON's strings are CEL's.
fn filter(machine: &Machine<'_>) -> String {
    format!("claims.aud=={} && claims.sub=={}", json!(machine.audience), json!(machine.client_id))
}

/// The provider once, the pool for each application.
fn pool(subject: &Subject<'_>, machine: &Machine<'_>) -> Result<Block, SnippetError> {
    let urls = subject.urls;
    let filter = filter(machine);
    let provider = json!([
        "confluent",
        "iam",
        "provider",
        "create",
        "avouch",
        "--issuer-uri",
        urls.issuer(),
        "--jwks-uri",
        urls.at("/.well-known/jwks.json"),
        "--description",
        "Avouch",
    ]);
    let pool = json!([
        "confluent",
        "iam",
        "pool",
        "create",
        machine.client_id,
        "--provider",
        variables("$PROVIDER_ID"),
        "--identity-claim",
        "claims.sub",
        "--filter",
        filter,
        "--description",
        machine.client_id,
    ]);
    let mut warnings = vec![
        "the provider is created once; PROVIDER_ID is the id (op-...) that the first command prints.".to_owned(),
        "the filter compares aud with ==, as the token holds one audience as a string; keep aud and sub in it: where several organisations trust this issuer, nothing else keeps their tokens apart.".to_owned(),
    ];
    if !urls.is_https() {
        warnings
            .push(format!("Confluent Cloud cannot fetch keys from {}: it needs a public https issuer.", urls.issuer()));
    }
    Ok(Block {
        title: "Identity provider and pool",
        file: "a shell with the Confluent CLI",
        format: Format::Shell,
        text: Format::Shell.write(&json!([provider, pool]))?,
        version: POOLS.version,
        page: POOLS.page,
        warnings,
    })
}

/// The same for those who keep Confluent's configuration in Terraform.
fn terraform(subject: &Subject<'_>, machine: &Machine<'_>) -> Result<Block, SnippetError> {
    let provider = json!({ "block": ["resource", "confluent_identity_provider", "avouch"], "body": {
        "display_name": "avouch",
        "description": "Avouch",
        "issuer": subject.urls.issuer(),
        "jwks_uri": subject.urls.at("/.well-known/jwks.json"),
    } });
    let pool = json!({ "block": ["resource", "confluent_identity_pool", hcl::label(machine.client_id)], "body": {
        "identity_provider": { "id": hcl::reference("confluent_identity_provider.avouch.id") },
        "display_name": machine.client_id,
        "description": machine.client_id,
        "identity_claim": "claims.sub",
        "filter": filter(machine),
    } });
    Ok(Block {
        title: "Terraform, in place of these commands",
        file: "confluent.tf",
        format: Format::Hcl,
        text: Format::Hcl.write(&json!([provider, pool]))?,
        version: "Terraform provider confluentinc/confluent 2",
        page: "https://registry.terraform.io/providers/confluentinc/confluent/latest/docs/resources/confluent_identity_pool",
        warnings: vec!["the provider stands there once, for all pools.".to_owned()],
    })
}

/// Confluent keeps the JWKS as long as our Cache-Control allows.
fn refresh() -> Result<Block, SnippetError> {
    let command = json!([
        "curl",
        "--request",
        "PATCH",
        "--user",
        variables("$CONFLUENT_API_KEY:$CONFLUENT_API_SECRET"),
        variables("https://api.confluent.cloud/iam/v2/identity-providers/$PROVIDER_ID/jwks"),
    ]);
    Ok(Block {
        title: "After a signing key was revoked at once",
        file: "a shell",
        format: Format::Shell,
        text: Format::Shell.write(&json!([command]))?,
        version: POOLS.version,
        page: "https://docs.confluent.io/cloud/current/security/authenticate/workload-identities/identity-providers/oauth/jwks-manual-refresh.html",
        warnings: vec![
            "a key that is changed by schedule needs none of this: it is published before it is used.".into(),
        ],
    })
}
