//! Grafana's generic OAuth: it reads the ID token, then UserInfo, and makes roles of groups by JMESPath.

use serde_json::{Value, json};

use super::{Answers, Block, Format, Question, SnippetError, Subject, System, shell};

const QUESTIONS: &[Question] = &[
    Question { key: "url", label: "Where people reach Grafana, like https://grafana.example.com", usual: None },
    Question { key: "client_id", label: "Its name as a client", usual: Some("grafana") },
];
const CALLBACK: &str = "/login/generic_oauth";
const VERSION: &str = "Grafana 10.3 and later";
const PAGE: &str =
    "https://grafana.com/docs/grafana/latest/setup-grafana/configure-access/configure-authentication/generic-oauth/";
/// Groups that become roles; whoever is in neither is a viewer.
const ROLES: &str = "contains(groups[*], 'grafana-admins') && 'Admin' || contains(groups[*], 'grafana-editors') && 'Editor' || 'Viewer'";

pub(super) const SYSTEM: System =
    System { name: "grafana", title: "Grafana", questions: QUESTIONS, people: None, preset, snippets };

/// Claims in the ID token, which it looks at first: UserInfo is asked only for what is missing there.
fn preset(answers: &Answers) -> Value {
    let url = answers.get("url").trim_end_matches('/');
    json!({ "clients": [{
        "client_id": answers.get("client_id"),
        "name": "Grafana",
        "kind": "web",
        "redirect_uris": [format!("{url}{CALLBACK}")],
        "post_logout_redirect_uris": [format!("{url}/login")],
        "grants": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile", "email", "groups", "offline_access"],
        "claims": { "id_token": ["email", "name", "preferred_username", "groups"] },
    }] })
}

fn snippets(subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
    let Subject { urls, client, .. } = subject;
    let redirects = client.redirect_uris.iter().map(|uri| uri.as_str().to_owned());
    let Some(root) = redirects.filter_map(|uri| uri.strip_suffix(CALLBACK).map(str::to_owned)).next() else {
        let why = "it needs a redirect URI that ends in /login/generic_oauth";
        return Err(SnippetError::Unfit { client: client.client_id.clone(), system: "grafana", why });
    };
    let mut warnings = vec![
        "role_attribute_path names the groups grafana-admins and grafana-editors: write yours.".to_owned(),
        "Grafana matches people by e-mail address only if oauth_allow_insecure_email_lookup is on: leave it off."
            .into(),
    ];
    if !client.is_confidential() {
        warnings.push("this client has no secret: leave client_secret out; PKCE is in use anyway.".into());
    }
    let scopes = client.scopes.as_ref().map_or("openid profile email groups offline_access".into(), |scopes| {
        scopes.as_slice().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    });
    let after = url::form_urlencoded::byte_serialize(format!("{root}/login").as_bytes()).collect::<String>();
    let variable = shell::secret_variable(client.client_id.as_str());
    let oauth = json!({
        "enabled": true,
        "name": "Avouch",
        "client_id": client.client_id.as_str(),
        "client_secret": format!("$__env{{{variable}}}"),
        "scopes": scopes,
        "auth_url": urls.at("/authorize"),
        "token_url": urls.at("/oauth/token"),
        "api_url": urls.at("/userinfo"),
        "signout_redirect_url": format!("{}?client_id={}&post_logout_redirect_uri={after}", urls.at("/oidc/logout"), client.client_id),
        "auth_style": "InHeader",
        "use_pkce": true,
        "use_refresh_token": true,
        "email_attribute_path": "email",
        "login_attribute_path": "preferred_username || email",
        "name_attribute_path": "name",
        "groups_attribute_path": "groups",
        "role_attribute_path": ROLES,
        "allow_sign_up": true,
    });
    let settings = json!({ "server": { "root_url": root.as_str() }, "auth.generic_oauth": oauth });
    let block = |title, file, format: Format, value: &Value| -> Result<Block, SnippetError> {
        let text = format.write(value)?;
        Ok(Block { title, file, format, text, version: VERSION, page: PAGE, warnings: warnings.clone() })
    };
    Ok(vec![
        block("Grafana's settings", "/etc/grafana/grafana.ini", Format::Ini, &settings)?,
        block("Helm values, to merge with yours", "values.yaml", Format::Yaml, &json!({ "grafana.ini": settings }))?,
    ])
}
