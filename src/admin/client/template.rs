//! What an application of a known kind usually needs, to begin a form with. Everything stays editable.

use super::form::ClientForm;

/// A choice on the first page of a new client.
pub struct Template {
    pub id: &'static str,
    pub title: &'static str,
    pub says: &'static str,
    kind: &'static str,
    redirect_uris: &'static str,
    grants: &'static [&'static str],
    /// What stands above the form: the one thing that goes wrong otherwise.
    pub advice: &'static str,
}

const PLAIN: Template = Template {
    id: "",
    title: "",
    says: "",
    kind: "web",
    redirect_uris: "",
    grants: &["authorization_code", "refresh_token"],
    advice: "",
};

/// What it may be. Systems whose demands are known are set up by name instead: see [`crate::integration`].
pub const ALL: [Template; 4] = [
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
        redirect_uris: "http://127.0.0.1/callback",
        grants: &["authorization_code", "device_code", "refresh_token"],
        advice: "On loopback any port will do: write the redirect URI without one (RFC 8252).",
    },
    Template {
        id: "machine",
        title: "Machine",
        says: "A service that comes as itself",
        kind: "machine",
        grants: &["client_credentials"],
        advice: "Its first audience is what its tokens are for when it does not ask.",
        ..PLAIN
    },
];

impl Template {
    pub fn of(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|template| template.id == id)
    }

    /// The form as it begins.
    pub fn form(&self) -> ClientForm {
        ClientForm {
            kind: self.kind.into(),
            redirect_uris: self.redirect_uris.into(),
            grants: self.grants.iter().map(|grant| (*grant).into()).collect(),
            ..ClientForm::blank()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_a_client_that_needs_only_a_name() {
        for template in &ALL {
            let mut form = ClientForm { client_id: "an-app".into(), ..template.form() };
            if form.redirect_uris.is_empty() {
                form.redirect_uris = "https://an-app.example/callback".into();
            }
            assert!(form.entry(None).is_ok(), "{}: {:?}", template.id, form.entry(None));
        }
    }
}
