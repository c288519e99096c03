//! Camunda 8 Self-Managed: six clients, each component with an audience of its own. Which component a client is, its redirect
//! URIs say; a snippet is that component's part, and Helm merges the parts.

mod environment;
mod helm;
mod preset;

use super::{Block, Question, SnippetError, Subject, System};
use crate::client::{AuthMethod, ClaimName, Client, ClientKind};
use crate::oauth::grant_type::GrantType;

pub(super) const SYSTEM: System = System {
    name: "camunda",
    title: "Camunda 8",
    questions: QUESTIONS,
    people: Some("Administrators of Camunda; the first one is Management Identity's initial claim"),
    preset: preset::preset,
    snippets,
};

const QUESTIONS: &[Question] = &[
    Question { key: "url", label: "Where people reach Camunda, like https://camunda.example.com", usual: None },
    Question { key: "identity", label: "Management Identity: a path there, or a URL", usual: Some("/identity") },
    Question { key: "orchestration", label: "Orchestration Cluster: the same", usual: Some("/orchestration") },
    Question { key: "optimize", label: "Optimize: the same", usual: Some("/optimize") },
    Question { key: "modeler", label: "Web Modeler: the same", usual: Some("/modeler") },
    Question { key: "console", label: "Console: the same", usual: Some("/") },
    Question {
        key: "prefix",
        label: "What names and audiences begin with, when there are several Camundas",
        usual: Some(""),
    },
    Question {
        key: "groups",
        label: "Which groups Camunda is told of: CEL over group, like group.startsWith('camunda-'); empty for all",
        usual: Some(""),
    },
    Question {
        key: "certificate",
        label: "PEM of the certificate that the Orchestration Cluster signs with; empty for a secret",
        usual: Some(""),
    },
];

/// What Management Identity and, by our setting, the Orchestration Cluster know a person by. Machines have none, so that no
/// machine passes for a person.
const PERSON: &str = "oid";

/// What the Orchestration Cluster's variables begin with.
const OIDC: &str = "CAMUNDA_SECURITY_AUTHENTICATION_OIDC";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Component {
    Identity,
    Orchestration,
    Optimize,
    WebModeler,
    Console,
    /// A program, like those that use Web Modeler's API, or job workers.
    Program,
}

/// The longer ones first: one ends like another.
const CALLBACKS: [(Component, &str); 5] = [
    (Component::Identity, "/auth/login-callback"),
    (Component::Optimize, "/api/authentication/callback"),
    (Component::Orchestration, "/sso-callback"),
    (Component::WebModeler, "/login-callback"),
    (Component::Console, "/"),
];

impl Component {
    /// The Kubernetes Secret that its credential is looked for in.
    const fn secret(self) -> &'static str {
        match self {
            Self::Identity => "camunda-identity-oidc",
            Self::Orchestration => "camunda-orchestration-oidc",
            Self::Optimize => "camunda-optimize-oidc",
            Self::WebModeler | Self::Console | Self::Program => "camunda-program-oidc",
        }
    }
}

/// A client as a part of Camunda.
struct Part<'a> {
    subject: &'a Subject<'a>,
    component: Component,
    /// Where people reach it, without a slash at the end. Empty for a program.
    base: &'a str,
    audience: &'a str,
    /// By a certificate, not by a secret.
    by_certificate: bool,
}

impl<'a> Part<'a> {
    fn of(subject: &'a Subject<'a>) -> Result<Self, SnippetError> {
        let client = subject.client;
        let unfit = |why| SnippetError::Unfit { client: client.client_id.clone(), system: "camunda", why };
        let callback = client.redirect_uris.iter().find_map(|uri| {
            CALLBACKS.iter().find_map(|(component, path)| Some((*component, uri.as_str().strip_suffix(path)?)))
        });
        let (component, base) = match callback {
            Some(found) => found,
            None if client.redirect_uris.is_empty() && client.may_use(GrantType::ClientCredentials) => {
                (Component::Program, "")
            }
            None => {
                return Err(unfit(
                    "no redirect URI is one of Camunda's, like https://HOST/identity/auth/login-callback",
                ));
            }
        };
        let public = matches!(component, Component::WebModeler | Component::Console);
        if public && client.is_confidential() {
            return Err(unfit("Web Modeler and Console run in the browser: use kind spa"));
        }
        if !public && !client.is_confidential() {
            return Err(unfit("this component has a secret or a certificate: use kind web, for a program machine"));
        }
        let audience = client.audiences.first();
        let audience =
            audience.ok_or(SnippetError::NoAudience { client: client.client_id.clone(), system: "camunda" })?;
        Ok(Self { subject, component, base, audience, by_certificate: proves_by_key(client) })
    }

    fn client(&self) -> &'a Client {
        self.subject.client
    }

    fn client_id(&self) -> &'a str {
        self.client().client_id.as_str()
    }

    /// Web Modeler's second audience, that of its API for programs.
    fn second_audience(&self) -> Option<&'a str> {
        self.client().audiences.get(1).map(String::as_str)
    }

    /// The people chosen, by what they are known by.
    fn people(&self) -> impl Iterator<Item = &'a str> {
        self.subject.people.iter().map(|person| person.id.as_str())
    }

    fn warnings(&self) -> Vec<String> {
        let client = self.client();
        let id = self.client_id();
        let mut out = Vec::new();
        if client.is_confidential() && !self.by_certificate && client.secrets.is_empty() {
            out.push(format!("{id} has no secret yet: avouch client rotate-secret {id} prints one."));
        }
        if self.component == Component::Program {
            return out;
        }
        out.push(format!(
            "browsers and pods alike must reach {}: Camunda knows one address of a generic provider only.",
            self.subject.urls.issuer()
        ));
        let sent = client
            .claims
            .access_token
            .iter()
            .any(|name| matches!(name, ClaimName::Custom(name) if name.as_str() == PERSON));
        if !sent && matches!(self.component, Component::Identity | Component::Orchestration) {
            out.push(format!(
                "this client's access tokens have no claim {PERSON}: let it send one, custom: {{ {PERSON}: user.sub }}."
            ));
        }
        if client.require_pkce && client.kind == ClientKind::Web {
            out.push("this component sends no PKCE before Camunda 8.9: set require_pkce to false.".to_owned());
        }
        match self.component {
            Component::Identity if self.subject.people.is_empty() => out.push(
                "nobody is chosen as the first administrator: without initialClaimValue at the first start nobody gets in. Choose somebody first.".to_owned(),
            ),
            Component::Identity => out.push(
                "the initial claim counts at the very first start only. Afterwards it can be changed in Camunda's database alone: make sure that it is the right person.".to_owned(),
            ),
            Component::Orchestration if self.subject.people.is_empty() => {
                out.push("nobody is chosen as an administrator; choose somebody first.".to_owned());
            }
            _ => {}
        }
        out
    }
}

fn proves_by_key(client: &Client) -> bool {
    match client.settings.token_endpoint_auth_method {
        Some(method) => method == AuthMethod::PrivateKeyJwt,
        None => client.secrets.is_empty() && !client.settings.certificates.is_empty(),
    }
}

fn snippets(subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
    let part = Part::of(subject)?;
    let mut blocks = helm::blocks(&part)?;
    blocks.extend(environment::blocks(&part)?);
    Ok(blocks)
}
