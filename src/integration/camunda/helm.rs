//! A component's part of the Helm chart's values, and the Kubernetes Secret they name. Parts are merged by giving them all:
//! `helm upgrade -f identity.yaml -f orchestration.yaml ...`.

use serde_json::{Map, Value, json};

use super::{Component, OIDC, PERSON, Part};
use crate::integration::shell::{secret_variable, variables};
use crate::integration::{Block, Format, SnippetError};

const VERSION: &str = "Camunda 8.8 and 8.9, Helm chart 13 and 14";
const PAGE: &str = "https://docs.camunda.io/docs/self-managed/deployment/helm/configure/authentication-and-authorization/generic-oidc-provider/";
const KEYSTORE: &str = "camunda-orchestration-keystore";
const MOUNTED: &str = "/usr/local/camunda/keystore";
pub(super) const SIGNS_BY: &str = "camunda";

pub(super) fn blocks(part: &Part<'_>) -> Result<Vec<Block>, SnippetError> {
    let values = match part.component {
        Component::Identity => identity(part),
        Component::Orchestration => orchestration(part),
        Component::Optimize => optimize(part),
        Component::WebModeler => web_modeler(part),
        Component::Console => console(part),
        Component::Program => return Ok(Vec::new()),
    };
    let mut warnings = part.warnings();
    if part.component == Component::Orchestration {
        warnings.push(
            "the chart lets the cluster take tokens for Web Modeler's client audience too, web-modeler-api when Helm is not given that part: give it, or set global.identity.auth.webModeler.clientApiAudience to one of your own.".to_owned(),
        );
    }
    let mut blocks = Vec::new();
    if part.client().is_confidential() {
        blocks.push(secret(part)?);
    }
    blocks.push(Block {
        title: "Helm values, one part of several",
        file: "values.yaml",
        format: Format::Yaml,
        text: Format::Yaml.write(&values)?,
        version: VERSION,
        page: PAGE,
        warnings,
    });
    Ok(blocks)
}

/// What the values refer to.
fn secret(part: &Part<'_>) -> Result<Block, SnippetError> {
    let command = if part.by_certificate {
        json!([
            "kubectl",
            "create",
            "secret",
            "generic",
            KEYSTORE,
            "--from-file=keystore.p12=keystore.p12",
            variables("--from-literal=password=$KEYSTORE_PASSWORD"),
        ])
    } else {
        let literal = format!("--from-literal=client-secret=${}", secret_variable(part.client_id()));
        json!(["kubectl", "create", "secret", "generic", part.component.secret(), variables(literal)])
    };
    let warnings = if part.by_certificate {
        vec![format!(
            "keystore.p12 is a PKCS12 file with the key of the registered certificate under the alias {SIGNS_BY}."
        )]
    } else {
        Vec::new()
    };
    Ok(Block {
        title: "Kubernetes Secret",
        file: "a shell with kubectl",
        format: Format::Shell,
        text: Format::Shell.write(&json!([command]))?,
        version: VERSION,
        page: PAGE,
        warnings,
    })
}

/// What every component has to know, with this one's part of `global.identity.auth`.
fn global(part: &Part<'_>, name: &str, own: Value) -> Map<String, Value> {
    let urls = part.subject.urls;
    let mut auth = json!({
        "enabled": true,
        "type": "GENERIC",
        // by this one the cluster discovers where to sign out and checks `iss`; by the endpoints alone it does neither
        "issuer": urls.issuer(),
        "publicIssuerUrl": urls.issuer(),
        "issuerBackendUrl": urls.issuer(),
        "authUrl": urls.at("/authorize"),
        "tokenUrl": urls.at("/oauth/token"),
        "jwksUrl": urls.at("/.well-known/jwks.json"),
    });
    if !own.is_null() {
        auth[name] = own;
    }
    let global = json!({ "security": { "authentication": { "method": "oidc" } }, "identity": { "auth": auth } });
    Map::from_iter([("global".to_owned(), global), ("identityKeycloak".to_owned(), json!({ "enabled": false }))])
}

fn with(mut values: Map<String, Value>, name: &str, own: Value) -> Value {
    values.insert(name.to_owned(), own);
    Value::Object(values)
}

fn credential(part: &Part<'_>) -> Value {
    json!({ "existingSecret": part.component.secret(), "existingSecretKey": "client-secret" })
}

fn identity(part: &Part<'_>) -> Value {
    let mut own = json!({
        "clientId": part.client_id(),
        "audience": part.audience,
        "redirectUrl": part.base,
        "secret": credential(part),
    });
    if let Some(first) = part.people().next() {
        own["initialClaimName"] = json!(PERSON);
        own["initialClaimValue"] = json!(first);
    }
    with(global(part, "identity", own), "identity", json!({ "enabled": true, "fullURL": part.base }))
}

fn optimize(part: &Part<'_>) -> Value {
    let own = json!({
        "clientId": part.client_id(),
        "audience": part.audience,
        "redirectUrl": part.base,
        "secret": credential(part),
    });
    with(global(part, "optimize", own), "optimize", json!({ "enabled": true }))
}

fn web_modeler(part: &Part<'_>) -> Value {
    let mut own = json!({
        "clientId": part.client_id(),
        "redirectUrl": part.base,
        "clientApiAudience": part.audience,
    });
    if let Some(second) = part.second_audience() {
        own["publicApiAudience"] = json!(second);
    }
    with(global(part, "webModeler", own), "webModeler", json!({ "enabled": true }))
}

fn console(part: &Part<'_>) -> Value {
    let own = json!({ "clientId": part.client_id(), "audience": part.audience, "redirectUrl": part.base });
    with(global(part, "console", own), "console", json!({ "enabled": true }))
}

/// Connectors are the cluster's own client, by Camunda's design.
fn orchestration(part: &Part<'_>) -> Value {
    let people: Vec<&str> = part.people().collect();
    let mut oidc = json!({
        "clientId": part.client_id(),
        "audience": part.audience,
        "redirectUrl": part.base,
        "usernameClaim": PERSON,
        "clientIdClaim": "client_id",
        // a person's token has client_id too
        "preferUsernameClaim": true,
    });
    let mut caller = json!({ "clientId": part.client_id(), "audience": part.audience });
    let mut cluster = json!({ "enabled": true });
    let mut connectors = json!({ "enabled": true });
    if part.by_certificate {
        let method = json!({ "name": format!("{OIDC}_CLIENTAUTHENTICATIONMETHOD"), "value": "private_key_jwt" });
        let keys =
            ["PATH", "PASSWORD", "KEYALIAS", "KEYPASSWORD"].map(|name| format!("{OIDC}_ASSERTION_KEYSTORE_{name}"));
        cluster["env"] = json!([method, path(&keys[0]), password(&keys[1]), alias(&keys[2]), password(&keys[3])]);
        mount(&mut cluster);
        let keys =
            ["PATH", "PASSWORD", "KEYALIAS"].map(|name| format!("CAMUNDA_CLIENT_AUTH_CLIENTASSERTION_KEYSTORE{name}"));
        connectors["env"] = json!([path(&keys[0]), password(&keys[1]), alias(&keys[2])]);
        mount(&mut connectors);
    } else {
        oidc["secret"] = credential(part);
        caller["secret"] = credential(part);
    }
    cluster["security"] = json!({
        "authentication": { "method": "oidc", "oidc": oidc },
        "authorizations": { "enabled": true },
        "initialization": { "defaultRoles": {
            "admin": { "users": people },
            "connectors": { "clients": [part.client_id()] },
        } },
    });
    connectors["security"] = json!({ "authentication": { "method": "oidc", "oidc": caller } });
    let values = global(part, "", Value::Null);
    let Value::Object(values) = with(values, "orchestration", cluster) else { return Value::Null };
    with(values, "connectors", connectors)
}

fn path(name: &str) -> Value {
    json!({ "name": name, "value": format!("{MOUNTED}/keystore.p12") })
}

fn alias(name: &str) -> Value {
    json!({ "name": name, "value": SIGNS_BY })
}

fn password(name: &str) -> Value {
    json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": KEYSTORE, "key": "password" } } })
}

fn mount(component: &mut Value) {
    component["extraVolumes"] = json!([{ "name": "keystore", "secret": { "secretName": KEYSTORE } }]);
    component["extraVolumeMounts"] = json!([{ "name": "keystore", "mountPath": MOUNTED, "readOnly": true }]);
}
