//! What an application of a known kind usually needs, to begin a form with. Everything stays editable.

use url::Url;

use super::form::ClientForm;

/// A choice on the first page of a new client.
pub struct Template {
    pub id: &'static str,
    pub title: &'static str,
    pub says: &'static str,
    kind: &'static str,
    client_id: &'static str,
    /// Where it takes answers: below the application's own address, or whole.
    redirects: &'static [&'static str],
    after_logout: &'static [&'static str],
    grants: &'static [&'static str],
    scopes: &'static [&'static str],
    id_token: &'static str,
    access_token: &'static str,
    /// What stands above the form: the one thing that goes wrong otherwise.
    pub advice: &'static str,
}

const PEOPLE: &[&str] = &["openid", "profile", "email", "groups"];
const PEOPLE_OFFLINE: &[&str] = &["openid", "profile", "email", "groups", "offline_access"];
const CODE: &[&str] = &["authorization_code", "refresh_token"];
const MACHINE: &[&str] = &["client_credentials"];

const PLAIN: Template = Template {
    id: "",
    title: "",
    says: "",
    kind: "web",
    client_id: "",
    redirects: &[],
    after_logout: &[],
    grants: CODE,
    scopes: &[],
    id_token: "",
    access_token: "",
    advice: "",
};

/// The four kinds first, then the systems whose demands we know.
pub const ALL: [Template; 11] = [
    Template { id: "web", title: "Web application", says: "Runs on a server and can keep a secret", ..PLAIN },
    Template {
        id: "spa",
        title: "Single-page application",
        says: "Runs in the browser; no secret, PKCE instead",
        kind: "spa",
        ..PLAIN
    },
    Template {
        id: "native",
        title: "Native or command line",
        says: "On a desk, a phone or in a terminal; no secret",
        kind: "native",
        redirects: &["http://127.0.0.1/callback"],
        grants: &["authorization_code", "device_code", "refresh_token"],
        advice: "On loopback any port will do: write the redirect URI without one (RFC 8252).",
        ..PLAIN
    },
    Template {
        id: "machine",
        title: "Machine",
        says: "A service that comes as itself",
        kind: "machine",
        grants: MACHINE,
        advice: "Its first audience is what its tokens are for when it does not ask.",
        ..PLAIN
    },
    Template {
        id: "influxctl",
        title: "InfluxDB, influxctl",
        says: "InfluxDB Clustered's command line; a device code, no secret",
        kind: "native",
        client_id: "influxctl",
        grants: &["device_code", "refresh_token"],
        scopes: &["openid", "profile", "email", "offline_access"],
        advice: "Its audience is the cluster's resource. influxctl asks for it as parameters = { audience = ... } in its profile.",
        ..PLAIN
    },
    Template {
        id: "camunda",
        title: "Camunda 8, one component",
        says: "Identity, Orchestration, Optimize or Web Modeler",
        redirects: &["auth/login-callback", "sso-callback", "api/authentication/callback", "login-callback"],
        grants: &["authorization_code", "refresh_token", "client_credentials"],
        scopes: &["openid", "profile", "email", "offline_access"],
        access_token: "email name preferred_username groups",
        advice: "Keep the redirect URI of the component that this is: auth/login-callback is Identity, sso-callback Orchestration, \
                 api/authentication/callback Optimize, login-callback Web Modeler. Each component has an audience of its own, and without one \
                 nothing works.",
        ..PLAIN
    },
    Template {
        id: "kafka",
        title: "Kafka",
        says: "A producer or consumer, by SASL/OAUTHBEARER",
        kind: "machine",
        grants: MACHINE,
        advice: "Kafka clients cannot ask for an audience: the first one here is theirs.",
        ..PLAIN
    },
    Template {
        id: "confluent",
        title: "Confluent Cloud",
        says: "A producer or consumer, matched by an identity pool",
        kind: "machine",
        grants: MACHINE,
        advice: "Give it one audience only: a filter such as claims.aud == \"confluent\" needs a string, and several are a list.",
        ..PLAIN
    },
    Template {
        id: "kubernetes",
        title: "Kubernetes",
        says: "kubectl with kubelogin; groups in the ID token",
        kind: "native",
        client_id: "kubernetes",
        redirects: &["http://localhost:8000", "http://localhost:18000"],
        scopes: PEOPLE_OFFLINE,
        id_token: "email email_verified groups",
        advice: "The API server takes the ID token: --oidc-client-id is the client id, and it wants RS256.",
        ..PLAIN
    },
    Template {
        id: "grafana",
        title: "Grafana",
        says: "Its generic_oauth",
        client_id: "grafana",
        redirects: &["login/generic_oauth"],
        after_logout: &["login"],
        scopes: PEOPLE_OFFLINE,
        id_token: "email name preferred_username groups",
        ..PLAIN
    },
    Template {
        id: "argocd",
        title: "Argo CD",
        says: "Its oidc.config; groups as a list",
        client_id: "argocd",
        redirects: &["auth/callback"],
        scopes: PEOPLE,
        id_token: "email name groups",
        advice: "For argocd login --sso register a second client of the native kind with http://localhost:8085/auth/callback, as cliClientID.",
        ..PLAIN
    },
];

impl Template {
    pub fn of(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|template| template.id == id)
    }

    /// The form as it begins, for an application at that address.
    pub fn form(&self, at: Option<&Url>) -> ClientForm {
        let below = |paths: &[&str]| {
            let placed = paths.iter().filter_map(|path| place(path, at));
            placed.collect::<Vec<_>>().join("\n")
        };
        ClientForm {
            client_id: self.client_id.into(),
            name: if self.client_id.is_empty() { String::new() } else { self.title.into() },
            kind: self.kind.into(),
            redirect_uris: below(self.redirects),
            post_logout_redirect_uris: below(self.after_logout),
            grants: self.grants.iter().map(|grant| (*grant).into()).collect(),
            scopes: self.scopes.join("\n"),
            id_token: self.id_token.into(),
            access_token: self.access_token.into(),
            ..ClientForm::blank()
        }
    }

    /// Whether its redirect URIs follow from where it is.
    pub fn asks_where(&self) -> bool {
        self.redirects.iter().any(|path| !path.contains(':'))
    }
}

fn place(path: &str, at: Option<&Url>) -> Option<String> {
    if path.contains(':') {
        return Some(path.into());
    }
    Some(format!("{}/{path}", at?.as_str().trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::client::form::ClientForm;

    #[test]
    fn every_template_is_a_client_that_needs_only_a_name() {
        let at = Url::parse("https://there.example/app/").expect("a URL");
        for template in &ALL {
            let form = template.form(Some(&at));
            let form = ClientForm { client_id: "an-app".into(), ..form };
            assert!(form.entry(None).is_ok(), "{}: {:?}", template.id, form.entry(None));
        }
        let grafana = Template::of("grafana").expect("known").form(Some(&at));
        assert_eq!(grafana.redirect_uris, "https://there.example/app/login/generic_oauth");
        assert!(Template::of("grafana").expect("known").form(None).redirect_uris.is_empty());
    }
}
