//! InfluxDB Clustered and its command line. The cluster reads the JWKS and knows its administrators by their `sub`;
//! influxctl is a public client with the device flow (RFC 8628).

use serde_json::{Value, json};
use url::Url;

use super::{Answers, Block, Format, Question, SnippetError, Subject, System};
use crate::client::ClientKind;
use crate::oauth::grant_type::GrantType;
use crate::user::User;

const QUESTIONS: &[Question] = &[
    Question { key: "cluster", label: "The cluster's base URL, which becomes the audience", usual: None },
    Question { key: "client_id", label: "The name of influxctl as a client", usual: Some("influxctl") },
];

pub(super) const CLUSTER: System = System {
    name: "influxdb",
    title: "InfluxDB Clustered",
    questions: QUESTIONS,
    people: Some("Administrators of the cluster"),
    preset,
    snippets: cluster,
};

pub(super) const INFLUXCTL: System =
    System { name: "influxctl", title: "influxctl", questions: QUESTIONS, people: None, preset, snippets: influxctl };

/// Plain `JWT`: which validators a cluster has is not published, and none refuses that.
fn preset(answers: &Answers) -> Value {
    let cluster = answers.get("cluster");
    json!({
        "resources": [{
            "identifier": cluster,
            "name": "InfluxDB",
            "access_token": { "ttl": 3600, "alg": "RS256", "typ": "JWT" },
        }],
        "clients": [{
            "client_id": answers.get("client_id"),
            "name": "influxctl",
            "kind": "native",
            "grants": ["device_code", "refresh_token"],
            "audiences": [cluster],
            "scopes": ["openid", "profile", "email", "offline_access"],
            "complete_verification_uri": true,
        }],
    })
}

/// `admin` as the AppInstance and the Helm chart both write it.
fn cluster(subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
    let admin = json!({
        "identityProvider": "avouch",
        "jwksEndpoint": subject.urls.at("/.well-known/jwks.json"),
        "users": subject.people.iter().map(administrator).collect::<Vec<_>>(),
    });
    let app_instance = json!({
        "apiVersion": "kubecfg.dev/v1alpha1",
        "kind": "AppInstance",
        "spec": { "package": { "spec": { "admin": admin } } },
    });
    let mut warnings =
        vec!["identityProvider must not be azure: the cluster would then look for oid, not sub.".to_owned()];
    if subject.people.is_empty() {
        warnings.push("users is empty: nobody could sign in as an administrator. Choose people first.".to_owned());
    }
    let block = |title, file, value: &Value| -> Result<Block, SnippetError> {
        Ok(Block {
            title,
            file,
            format: Format::Yaml,
            text: Format::Yaml.write(value)?,
            version: "InfluxDB Clustered",
            page: "https://docs.influxdata.com/influxdb3/clustered/admin/users/add/",
            warnings: warnings.clone(),
        })
    };
    Ok(vec![
        block("AppInstance, to merge with yours", "myinfluxdb.yml", &app_instance)?,
        block("Helm values, to merge with yours", "values.yaml", &json!({ "admin": admin }))?,
    ])
}

/// All fields are required there; only `id` has to be right.
fn administrator(person: &User) -> Value {
    let profile = &person.profile;
    let name = profile.name.as_deref().unwrap_or_default();
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    json!({
        "id": person.id.as_str(),
        "firstName": or_dash(profile.given_name.as_deref().unwrap_or(first)),
        "lastName": or_dash(profile.family_name.as_deref().unwrap_or(last)),
        "email": or_dash(profile.email.as_deref().unwrap_or_default()),
    })
}

fn influxctl(subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
    let Subject { urls, client, .. } = subject;
    let client_id = client.client_id.clone();
    if !client.grants.contains(&GrantType::DeviceCode) {
        return Err(SnippetError::NoGrant { client: client_id, system: "influxctl", grant: "device_code" });
    }
    let Some(audience) = client.audiences.first() else {
        return Err(SnippetError::NoAudience { client: client_id, system: "influxctl" });
    };
    let mut warnings = Vec::new();
    let cluster = Url::parse(audience).ok().filter(Url::has_host);
    let (host, port) = match &cluster {
        Some(url) => (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443)),
        None => {
            warnings.push(format!("{audience} is no URL: write the cluster's host name as host."));
            ("CLUSTER_HOST", 443)
        }
    };
    if matches!(client.kind, ClientKind::Web | ClientKind::Machine) {
        warnings.push(
            "this client has to authenticate, which influxctl cannot do since 2.9.8; use one of kind native.".into(),
        );
    }
    let mut scopes = vec!["openid"];
    for scope in ["profile", "email", "offline_access"] {
        let allowed = client.scopes.as_ref().is_none_or(|known| known.as_slice().iter().any(|one| one == scope));
        if allowed && (scope != "offline_access" || client.grants.contains(&GrantType::RefreshToken)) {
            scopes.push(scope);
        }
    }
    // influxctl refuses keys it does not know since 2.0.1.
    let profile = json!({
        "name": "default",
        "product": "clustered",
        "host": host,
        "port": port.to_string(),
        "auth": { "oauth2": {
            "client_id": client_id.as_str(),
            "scopes": scopes,
            "parameters": { "audience": audience },
            "token_url": urls.at("/oauth/token"),
            "device_url": urls.at("/oauth/device/code"),
        } },
    });
    Ok(vec![Block {
        title: "influxctl's profile",
        file: "~/.config/influxctl/config.toml",
        format: Format::Toml,
        text: Format::Toml.write(&json!({ "profile": [profile] }))?,
        version: "influxctl 2.9.8 and later",
        page: "https://docs.influxdata.com/influxdb3/clustered/reference/cli/influxctl/",
        warnings,
    }])
}
