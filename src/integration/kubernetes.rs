//! Kubernetes: the API server reads the ID token that kubectl brings, which the plugin kubelogin fetches.

use serde_json::{Value, json};

use super::{Answers, Block, Format, Question, SnippetError, Subject, System};
use crate::oauth::grant_type::GrantType;

const QUESTIONS: &[Question] = &[Question {
    key: "client_id",
    label: "The cluster's name as a client, which is the audience of its ID tokens",
    usual: Some("kubernetes"),
}];
const PREFIX: &str = "avouch:";
const PAGE: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration";
const KUBELOGIN: &str = "https://github.com/int128/kubelogin";
const RBAC: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/";

pub(super) const SYSTEM: System =
    System { name: "kubernetes", title: "Kubernetes", questions: QUESTIONS, people: None, preset, snippets };

/// RS256 is the ID token's usual algorithm, and the only one that the API server is sure to take.
fn preset(answers: &Answers) -> Value {
    json!({ "clients": [{
        "client_id": answers.get("client_id"),
        "name": "Kubernetes",
        "kind": "native",
        "redirect_uris": ["http://localhost:8000", "http://localhost:18000"],
        "grants": ["authorization_code", "refresh_token", "device_code"],
        "scopes": ["openid", "email", "groups", "offline_access"],
        "claims": { "id_token": ["email", "groups"] },
        "id_token_alg": "RS256",
    }] })
}

fn snippets(subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
    let Subject { urls, client, .. } = subject;
    let id = client.client_id.as_str();
    if !client.grants.contains(&GrantType::AuthorizationCode) || client.is_confidential() {
        let why = "kubelogin is a public client that signs people in with a browser (kind native)";
        return Err(SnippetError::Unfit { client: client.client_id.clone(), system: "kubernetes", why });
    }
    let mut warnings = vec![
        "people without a verified e-mail address are refused: the connection's email_domains say whose are."
            .to_owned(),
    ];
    if !urls.issuer().starts_with("https://") {
        warnings.push("the API server takes an issuer with https only.".into());
    }
    let authentication = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [{
            "issuer": { "url": urls.issuer(), "audiences": [id] },
            "claimMappings": {
                "username": { "claim": "email", "prefix": PREFIX },
                "groups": { "claim": "groups", "prefix": PREFIX },
            },
        }],
    });
    let mut arguments =
        vec!["oidc-login".to_owned(), "get-token".into(), format!("--oidc-issuer-url={}", urls.issuer())];
    arguments.push(format!("--oidc-client-id={id}"));
    let scopes = ["email", "groups", "offline_access"];
    arguments.extend(scopes.map(|scope| format!("--oidc-extra-scope={scope}")));
    let user = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{
            "name": "avouch",
            "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "kubectl",
                "args": arguments,
                "interactiveMode": "IfAvailable",
                "provideClusterInfo": false,
            } },
        }],
    });
    let group =
        json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": format!("{PREFIX}platform") });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": "avouch-platform-view" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
        "subjects": [group],
    });
    let block = |title, file, value: &Value, (version, page), warnings| -> Result<Block, SnippetError> {
        Ok(Block { title, file, format: Format::Yaml, text: Format::Yaml.write(value)?, version, page, warnings })
    };
    let older = "before Kubernetes 1.34 the apiVersion is apiserver.config.k8s.io/v1beta1; before 1.30 there are only the flags --oidc-issuer-url and so on.";
    warnings.push(older.into());
    let platform =
        vec!["platform is a group as the company's provider names it; write yours, and the role it shall have.".into()];
    let plugin = vec!["kubectl oidc-login is the plugin kubelogin: kubectl krew install oidc-login. Without a browser add --grant-type=device-code.".into()];
    Ok(vec![
        block(
            "The API server's authentication",
            "the file of --authentication-config",
            &authentication,
            ("Kubernetes 1.34 and later", PAGE),
            warnings,
        )?,
        block(
            "kubeconfig, to merge with yours",
            "~/.kube/config",
            &user,
            ("kubelogin 1.28 and later", KUBELOGIN),
            plugin,
        )?,
        block(
            "A role for a group",
            "avouch-platform-view.yaml",
            &binding,
            ("Kubernetes 1.8 and later", RBAC),
            platform,
        )?,
    ])
}
