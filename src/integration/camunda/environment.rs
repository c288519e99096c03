//! The same without Helm: a component's environment variables, as Compose and a shell read them.

use serde_json::{Value, json};

use super::helm::SIGNS_BY;
use super::{Component, OIDC, PERSON, Part};
use crate::integration::shell::{secret_variable, variables};
use crate::integration::{Block, Format, SnippetError};

const VERSION: &str = "Camunda 8.8 and 8.9";
const MANAGEMENT: &str = "https://docs.camunda.io/docs/self-managed/components/management-identity/configuration/connect-to-an-oidc-provider/";
const ORCHESTRATION: &str = "https://docs.camunda.io/docs/self-managed/components/orchestration-cluster/core-settings/configuration/properties/";
const CLIENT: &str = "https://docs.camunda.io/docs/apis-tools/java-client/authentication/";

pub(super) fn blocks(part: &Part<'_>) -> Result<Vec<Block>, SnippetError> {
    let block = |title, file, page, settings: &Value, warnings: Vec<String>| -> Result<Block, SnippetError> {
        Ok(Block {
            title,
            file,
            format: Format::Env,
            text: Format::Env.write(settings)?,
            version: VERSION,
            page,
            warnings,
        })
    };
    let mut warnings = part.warnings();
    match part.component {
        Component::Identity => Ok(vec![block(
            "Environment of Management Identity",
            "identity.env",
            MANAGEMENT,
            &identity(part),
            warnings,
        )?]),
        Component::Optimize | Component::Console => {
            warnings.push(IDENTITY_URL.to_owned());
            let (title, file) = match part.component {
                Component::Optimize => ("Environment of Optimize", "optimize.env"),
                _ => ("Environment of Console", "console.env"),
            };
            Ok(vec![block(title, file, MANAGEMENT, &managed(part), warnings)?])
        }
        Component::WebModeler => {
            let (webapp, restapi) = web_modeler(part);
            let mut of_restapi = warnings.clone();
            of_restapi.push(IDENTITY_URL.to_owned());
            Ok(vec![
                block("Environment of Web Modeler's webapp", "webapp.env", MANAGEMENT, &webapp, warnings)?,
                block("Environment of Web Modeler's restapi", "restapi.env", MANAGEMENT, &restapi, of_restapi)?,
            ])
        }
        Component::Orchestration => {
            warnings.extend(keystore(part));
            let cluster = cluster(part);
            Ok(vec![
                block(
                    "Environment of the Orchestration Cluster",
                    "orchestration.env",
                    ORCHESTRATION,
                    &cluster,
                    warnings,
                )?,
                block("Environment of Connectors", "connectors.env", CLIENT, &caller(part), keystore(part))?,
            ])
        }
        Component::Program => {
            warnings.extend(keystore(part));
            Ok(vec![block(
                "Environment of a program with Camunda's Java client",
                "client.env",
                CLIENT,
                &caller(part),
                warnings,
            )?])
        }
    }
}

const IDENTITY_URL: &str =
    "IDENTITY_URL is where Management Identity is reached from inside, like http://identity:8080.";

fn keystore(part: &Part<'_>) -> Vec<String> {
    let warning =
        format!("KEYSTORE is the path of a PKCS12 file with the registered certificate's key, alias {SIGNS_BY}.");
    if part.by_certificate { vec![warning] } else { Vec::new() }
}

fn placeholder(part: &Part<'_>) -> Value {
    variables(format!("${{{}}}", secret_variable(part.client_id())))
}

/// What a component that rests on Management Identity reads.
fn managed(part: &Part<'_>) -> Value {
    let issuer = part.subject.urls.issuer();
    let mut out = json!({
        "CAMUNDA_IDENTITY_TYPE": "GENERIC",
        "CAMUNDA_IDENTITY_BASE_URL": variables("${IDENTITY_URL}"),
        "CAMUNDA_IDENTITY_ISSUER": issuer,
        "CAMUNDA_IDENTITY_ISSUER_BACKEND_URL": issuer,
        "CAMUNDA_IDENTITY_CLIENT_ID": part.client_id(),
        "CAMUNDA_IDENTITY_AUDIENCE": part.audience,
    });
    if part.client().is_confidential() {
        out["CAMUNDA_IDENTITY_CLIENT_SECRET"] = placeholder(part);
    }
    out
}

fn identity(part: &Part<'_>) -> Value {
    let mut out = managed(part);
    out["CAMUNDA_IDENTITY_BASE_URL"] = json!(part.base);
    out["SPRING_PROFILES_ACTIVE"] = json!("oidc");
    if let Some(first) = part.people().next() {
        out["IDENTITY_INITIAL_CLAIM_NAME"] = json!(PERSON);
        out["IDENTITY_INITIAL_CLAIM_VALUE"] = json!(first);
    }
    out
}

fn web_modeler(part: &Part<'_>) -> (Value, Value) {
    let urls = part.subject.urls;
    let webapp = json!({
        "OAUTH2_CLIENT_ID": part.client_id(),
        "OAUTH2_JWKS_URL": urls.at("/.well-known/jwks.json"),
        "OAUTH2_TOKEN_AUDIENCE": part.audience,
        "OAUTH2_TOKEN_ISSUER": urls.issuer(),
        "OAUTH2_TYPE": "GENERIC",
    });
    let mut restapi = json!({
        "CAMUNDA_IDENTITY_BASEURL": variables("${IDENTITY_URL}"),
        "CAMUNDA_IDENTITY_TYPE": "GENERIC",
        "CAMUNDA_MODELER_SECURITY_JWT_AUDIENCE_INTERNAL_API": part.audience,
        "SPRING_SECURITY_OAUTH2_RESOURCESERVER_JWT_ISSUER_URI": urls.issuer(),
    });
    if let Some(second) = part.second_audience() {
        restapi["CAMUNDA_MODELER_SECURITY_JWT_AUDIENCE_PUBLIC_API"] = json!(second);
    }
    (webapp, restapi)
}

fn cluster(part: &Part<'_>) -> Value {
    let mut out = json!({ "CAMUNDA_SECURITY_AUTHENTICATION_METHOD": "oidc" });
    let mut set = |name: &str, value: Value| out[format!("{OIDC}_{name}")] = value;
    set("ISSUERURI", json!(part.subject.urls.issuer()));
    set("CLIENTID", json!(part.client_id()));
    set("REDIRECTURI", json!(format!("{}/sso-callback", part.base)));
    set("AUDIENCES", json!(part.audience));
    set("USERNAMECLAIM", json!(PERSON));
    set("CLIENTIDCLAIM", json!("client_id"));
    // a person's token has client_id too
    set("PREFERUSERNAMECLAIM", json!("true"));
    if part.by_certificate {
        set("CLIENTAUTHENTICATIONMETHOD", json!("private_key_jwt"));
        set("ASSERTION_KEYSTORE_PATH", variables("${KEYSTORE}"));
        set("ASSERTION_KEYSTORE_PASSWORD", variables("${KEYSTORE_PASSWORD}"));
        set("ASSERTION_KEYSTORE_KEYALIAS", json!(SIGNS_BY));
        set("ASSERTION_KEYSTORE_KEYPASSWORD", variables("${KEYSTORE_PASSWORD}"));
    } else {
        set("CLIENTSECRET", placeholder(part));
    }
    for (at, person) in part.people().enumerate() {
        out[format!("CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_ADMIN_USERS_{at}")] = json!(person);
    }
    out["CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_CONNECTORS_CLIENTS_0"] = json!(part.client_id());
    out
}

/// Connectors, job workers and whatever else uses Camunda's Java client.
fn caller(part: &Part<'_>) -> Value {
    let mut out = json!({
        "CAMUNDA_CLIENT_MODE": "self-managed",
        "CAMUNDA_CLIENT_AUTH_METHOD": "oidc",
        "CAMUNDA_CLIENT_AUTH_TOKENURL": part.subject.urls.at("/oauth/token"),
        "CAMUNDA_CLIENT_AUTH_AUDIENCE": part.audience,
        "CAMUNDA_CLIENT_AUTH_CLIENTID": part.client_id(),
    });
    if part.by_certificate {
        out["CAMUNDA_CLIENT_AUTH_CLIENTASSERTION_KEYSTOREPATH"] = variables("${KEYSTORE}");
        out["CAMUNDA_CLIENT_AUTH_CLIENTASSERTION_KEYSTOREPASSWORD"] = variables("${KEYSTORE_PASSWORD}");
        out["CAMUNDA_CLIENT_AUTH_CLIENTASSERTION_KEYSTOREKEYALIAS"] = json!(SIGNS_BY);
    } else {
        out["CAMUNDA_CLIENT_AUTH_CLIENTSECRET"] = placeholder(part);
    }
    out
}
