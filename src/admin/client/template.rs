//! What an application of a known kind usually needs, to begin a form with. Everything stays editable.

use super::form::ClientForm;

/// A choice on the first page of a new client.
pub struct Template {
    pub id: &'static str,
    pub title: &'static str,
    pub says: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

/// The four kinds first, then the systems whose demands we know.
pub const ALL: [Template; 11] = [
    Template {
        id: "web",
        title: "Web application",
        says: "Runs on a server and can keep a secret",
        fields: &[("kind", "web"), ("scopes", "openid\nprofile\nemail")],
    },
    Template {
        id: "spa",
        title: "Single-page application",
        says: "Runs in the browser; no secret, PKCE instead",
        fields: &[("kind", "spa"), ("scopes", "openid\nprofile\nemail")],
    },
    Template {
        id: "native",
        title: "Native or command line",
        says: "On a desk, a phone or a terminal; no secret",
        fields: &[
            ("kind", "native"),
            ("scopes", "openid\nprofile\nemail\noffline_access"),
            ("grants", "authorization_code device_code refresh_token"),
        ],
    },
    Template {
        id: "machine",
        title: "Machine",
        says: "A service that signs in as itself",
        fields: &[("kind", "machine")],
    },
    Template {
        id: "influxctl",
        title: "influxctl",
        says: "InfluxDB's command line: a device code, no secret",
        fields: &[
            ("client_id", "influxctl"),
            ("name", "influxctl"),
            ("kind", "native"),
            ("grants", "device_code refresh_token"),
            ("scopes", "openid\nprofile\nemail\noffline_access"),
            ("complete_verification_uri", "on"),
        ],
    },
    Template {
        id: "influxdb",
        title: "InfluxDB token client",
        says: "A service that reads or writes a cluster",
        fields: &[("kind", "machine"), ("name", "InfluxDB writer")],
    },
    Template {
        id: "camunda",
        title: "Camunda 8 component",
        says: "Identity, Orchestration, Optimize or Web Modeler API",
        fields: &[
            ("kind", "web"),
            ("name", "Camunda"),
            ("grants", "authorization_code refresh_token client_credentials"),
            ("scopes", "openid\nprofile\nemail\noffline_access"),
        ],
    },
    Template {
        id: "kafka",
        title: "Kafka or Confluent client",
        says: "SASL/OAUTHBEARER; its first audience is its default",
        fields: &[("kind", "machine"), ("name", "Kafka client")],
    },
    Template {
        id: "kubernetes",
        title: "Kubernetes",
        says: "kubectl with kubelogin, groups in the ID token",
        fields: &[
            ("client_id", "kubernetes"),
            ("name", "Kubernetes"),
            ("kind", "native"),
            ("redirect_uris", "http://localhost:8000\nhttp://localhost:18000"),
            ("scopes", "openid\nprofile\nemail\ngroups\noffline_access"),
            ("id_token", "email name groups"),
        ],
    },
    Template {
        id: "grafana",
        title: "Grafana",
        says: "generic_oauth",
        fields: &[
            ("client_id", "grafana"),
            ("name", "Grafana"),
            ("kind", "web"),
            ("redirect_uris", "https://grafana.example/login/generic_oauth"),
            ("scopes", "openid\nprofile\nemail\ngroups\noffline_access"),
            ("id_token", "email name groups"),
        ],
    },
    Template {
        id: "argocd",
        title: "Argo CD",
        says: "oidc.config, groups as a list",
        fields: &[
            ("client_id", "argocd"),
            ("name", "Argo CD"),
            ("kind", "web"),
            ("redirect_uris", "https://argocd.example/auth/callback"),
            ("scopes", "openid\nprofile\nemail\ngroups"),
            ("id_token", "email name groups"),
        ],
    },
];

impl Template {
    pub fn of(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|template| template.id == id)
    }

    /// The form as it begins.
    pub fn form(&self) -> ClientForm {
        let mut form = ClientForm::blank();
        for (field, value) in self.fields {
            let value = (*value).to_owned();
            match *field {
                "client_id" => form.client_id = value,
                "name" => form.name = value,
                "kind" => form.kind = value,
                "redirect_uris" => form.redirect_uris = value,
                "scopes" => form.scopes = value,
                "grants" => form.grants = value.split(' ').map(Into::into).collect(),
                "id_token" => form.id_token = value.split(' ').map(Into::into).collect(),
                "complete_verification_uri" => form.complete_verification_uri = value,
                _ => {}
            }
        }
        if form.grants.is_empty() {
            form.grants = match form.kind.as_str() {
                "machine" => vec!["client_credentials".into()],
                _ => vec!["authorization_code".into(), "refresh_token".into()],
            };
        }
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_a_client_that_needs_only_a_name() {
        for template in &ALL {
            let mut form = template.form();
            if form.client_id.is_empty() {
                form.client_id = "an-app".into();
            }
            let entry = form.value();
            let parsed = serde_json::from_value::<crate::provisioning::ClientEntry>(entry.clone());
            assert!(parsed.is_ok(), "{}: {:?} {entry}", template.id, parsed.err());
        }
    }
}
