//! Argo CD: its server is a client with a secret, its command line a public one. Groups have to be a list.

use serde_json::{Value, json};

use super::{Answers, Block, Format, Question, SnippetError, Subject, System, shell};

const QUESTIONS: &[Question] = &[
    Question { key: "url", label: "Where people reach Argo CD, like https://argocd.example.com", usual: None },
    Question {
        key: "client_id",
        label: "Its name as a client; its command line is called the same with -cli",
        usual: Some("argocd"),
    },
];
const CALLBACK: &str = "/auth/callback";
/// `argocd login --sso` listens there.
const CLI_CALLBACK: &str = "http://localhost:8085/auth/callback";
const VERSION: &str = "Argo CD 2.8 and later";
const PAGE: &str = "https://argo-cd.readthedocs.io/en/stable/operator-manual/user-management/#existing-oidc-provider";

pub(super) const SYSTEM: System =
    System { name: "argocd", title: "Argo CD", questions: QUESTIONS, people: None, preset, snippets };

fn preset(answers: &Answers) -> Value {
    let url = answers.get("url").trim_end_matches('/');
    let id = answers.get("client_id");
    let scopes = ["openid", "profile", "email", "groups", "offline_access"];
    let claims = json!({ "id_token": ["email", "name", "groups"] });
    json!({ "clients": [
        {
            "client_id": id,
            "name": "Argo CD",
            "kind": "web",
            "redirect_uris": [format!("{url}{CALLBACK}")],
            "post_logout_redirect_uris": [url],
            "grants": ["authorization_code", "refresh_token"],
            "scopes": scopes,
            "claims": claims,
        },
        {
            "client_id": cli(id),
            "name": "Argo CD's command line",
            "kind": "native",
            "redirect_uris": [CLI_CALLBACK],
            "grants": ["authorization_code", "refresh_token"],
            "scopes": scopes,
            "claims": claims,
        },
    ] })
}

fn cli(client_id: &str) -> String {
    format!("{client_id}-cli")
}

fn snippets(subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
    let Subject { urls, client, .. } = subject;
    let id = client.client_id.as_str();
    let redirects = client.redirect_uris.iter().map(|uri| uri.as_str().to_owned());
    let server = |uri: &String| uri != CLI_CALLBACK;
    let Some(url) = redirects.filter(server).filter_map(|uri| uri.strip_suffix(CALLBACK).map(str::to_owned)).next()
    else {
        let why = "its server's client has a redirect URI that ends in /auth/callback; choose that one";
        return Err(SnippetError::Unfit { client: client.client_id.clone(), system: "argocd", why });
    };
    let oidc = json!({
        "name": "Avouch",
        "issuer": urls.issuer(),
        "clientID": id,
        "clientSecret": "$oidc.avouch.clientSecret",
        "cliClientID": cli(id),
        "enablePKCEAuthentication": true,
        "requestedScopes": ["openid", "profile", "email", "groups"],
        "requestedIDTokenClaims": { "groups": { "essential": true } },
        "logoutURL": format!("{}?id_token_hint={{{{token}}}}&post_logout_redirect_uri={{{{logoutRedirectURL}}}}", urls.at("/oidc/logout")),
    });
    let map = |name: &str, data: Value| {
        let labels = json!({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd" });
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": name, "namespace": "argocd", "labels": labels },
            "data": data,
        })
    };
    let settings = map("argocd-cm", json!({ "url": url, "oidc.config": Format::Yaml.write(&oidc)? }));
    let policy = "g, argocd-admins, role:admin\n";
    let rights =
        map("argocd-rbac-cm", json!({ "scopes": "[groups]", "policy.default": "role:readonly", "policy.csv": policy }));
    // the value is the shell's: it has nothing in it that JSON would have to escape
    let patch = format!(
        "{{\\\"stringData\\\":{{\\\"oidc.avouch.clientSecret\\\":\\\"${{{}}}\\\"}}}}",
        shell::secret_variable(id)
    );
    let secret =
        json!([["kubectl", "-n", "argocd", "patch", "secret", "argocd-secret", "--patch", shell::variables(patch)]]);
    let block = |title, file, format: Format, value: &Value, warnings: &[&str]| -> Result<Block, SnippetError> {
        let warnings = warnings.iter().map(|warning| (*warning).to_owned()).collect();
        Ok(Block { title, file, format, text: format.write(value)?, version: VERSION, page: PAGE, warnings })
    };
    let other =
        "cliClientID is the public client of argocd login --sso; take the line out where there is none of that name.";
    let groups = "argocd-admins is a group of people as their company's provider names it: write yours.";
    let order = "Do this before the ConfigMap: a secret that is missing there is looked for and not found at once.";
    Ok(vec![
        block("The client's secret", "a shell", Format::Shell, &secret, &[order])?,
        block("ConfigMap argocd-cm, to merge with yours", "argocd-cm.yaml", Format::Yaml, &settings, &[other])?,
        block(
            "ConfigMap argocd-rbac-cm, to merge with yours",
            "argocd-rbac-cm.yaml",
            Format::Yaml,
            &rights,
            &[groups],
        )?,
    ])
}
