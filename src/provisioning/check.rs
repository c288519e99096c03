//! What is wrong with a file although each value is well-formed: names that mean nothing, combinations that cannot work.
//! Every fault is found, not only the first, and each names the item it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use url::Url;

use super::Job;
use super::client_entry::ClientEntry;
use super::connection_entry::ConnectionEntry;
use super::entry::{ResourceEntry, UserEntry};
use super::stored::Stored;
use crate::client::ClientKind;
use crate::connection::{ClientAuthentication, Protocol};
use crate::ids::ConnectionId;
use crate::oauth::grant_type::GrantType;
use crate::oauth::prompt::Prompt;
use crate::oauth::scope::OIDC_SCOPES;

/// One fault: `clients[influxctl].audiences: ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: String,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// Collects faults about one item after the other.
struct Findings {
    item: String,
    found: Vec<Problem>,
}

impl Findings {
    fn about(&mut self, section: &str, key: &dyn fmt::Display) {
        self.item = format!("{section}[{key}]");
    }

    fn add(&mut self, field: &str, reason: impl Into<String>) {
        self.found.push(Problem { path: format!("{}.{field}", self.item), reason: reason.into() });
    }
}

/// What items may refer to: the file's, and the stored ones that stay.
struct Known {
    connections: BTreeSet<String>,
    /// With their scopes.
    resources: BTreeMap<String, Vec<String>>,
}

pub(super) fn check(job: &Job, stored: &Stored) -> Vec<Problem> {
    let file = &job.file;
    let mut known = Known {
        connections: file.connections.iter().map(|c| c.slug.to_string()).collect(),
        resources: BTreeMap::new(),
    };
    if !job.prune {
        known.connections.extend(stored.connections.iter().map(|c| c.slug.to_string()));
        known.resources.extend(stored.resources.iter().map(|r| (r.identifier.clone(), r.scopes.as_slice().to_vec())));
    }
    known.resources.extend(file.resources.iter().map(|r| (r.identifier.clone(), r.scopes.clone())));

    let mut findings = Findings { item: String::new(), found: Vec::new() };
    let out = &mut findings;
    unique(out, "connections", "slug", file.connections.iter().map(|c| c.slug.to_string()));
    unique(out, "resources", "identifier", file.resources.iter().map(|r| r.identifier.clone()));
    unique(out, "clients", "client_id", file.clients.iter().map(|c| c.client_id.to_string()));
    unique(out, "roles", "name", file.roles.iter().map(|r| format!("{} on {}", r.name, r.resource)));
    unique(out, "users", "subject", file.users.iter().map(|u| {
        format!("{} {} {}", u.connection, u.issuer.as_deref().unwrap_or_default(), u.subject)
    }));
    for entry in &file.connections {
        out.about("connections", &entry.slug);
        connection(out, entry);
    }
    for entry in &file.resources {
        out.about("resources", &entry.identifier);
        resource(out, entry);
    }
    for entry in &file.clients {
        out.about("clients", &entry.client_id);
        client(out, entry, &known);
    }
    for entry in &file.roles {
        out.about("roles", &entry.name);
        if entry.name.trim().is_empty() {
            out.add("name", "is empty");
        }
        if !known.resources.contains_key(&entry.resource) {
            out.add("resource", format!("{:?} is no resource of this file or stored", entry.resource));
        }
    }
    for entry in &file.users {
        out.about("users", &entry.email);
        user(out, entry, job, stored, &known);
    }
    findings.found
}

fn unique(out: &mut Findings, section: &str, field: &str, keys: impl Iterator<Item = String>) {
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key.clone()) {
            out.about(section, &key);
            out.add(field, "stands twice in this file");
        }
    }
}

fn connection(out: &mut Findings, entry: &ConnectionEntry) {
    let urls = [
        ("issuer", Some(&entry.issuer)),
        ("authorization_endpoint", entry.authorization_endpoint.as_ref()),
        ("token_endpoint", entry.token_endpoint.as_ref()),
        ("jwks_uri", entry.jwks_uri.as_ref()),
        ("userinfo_endpoint", entry.userinfo_endpoint.as_ref()),
        ("end_session_endpoint", entry.end_session_endpoint.as_ref()),
    ];
    for (field, url) in urls {
        if let Some(url) = url
            && !Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some())
        {
            out.add(field, format!("{url:?} is not an absolute https URL"));
        }
    }
    let by_hand = [&entry.authorization_endpoint, &entry.token_endpoint, &entry.jwks_uri];
    let optional = entry.userinfo_endpoint.is_some() || entry.end_session_endpoint.is_some();
    let given = by_hand.iter().filter(|endpoint| endpoint.is_some()).count();
    if given != by_hand.len() && (given > 0 || optional) {
        out.add("authorization_endpoint", "endpoints by hand need authorization_endpoint, token_endpoint and jwks_uri together; name none for discovery");
    }
    if entry.client_id.trim().is_empty() {
        out.add("client_id", "is empty");
    }
    if !entry.scopes.iter().any(|scope| scope == "openid") {
        out.add("scopes", "must hold openid: without it the provider says nothing about who signed in");
    }
    if entry.client_authentication == ClientAuthentication::PrivateKeyJwt && entry.client_secret.is_some() {
        out.add("client_secret", "has no place beside client_authentication: private_key_jwt");
    }
    let Protocol::Oidc(settings) = entry.to_connection(ConnectionId::from_stored(String::new()), "").protocol;
    if settings.is_multi_tenant() && entry.tenants.is_empty() {
        out.add("tenants", "the issuer stands for every Entra tenant: list the tenant ids that may sign in");
    }
    if !settings.is_multi_tenant() && !entry.tenants.is_empty() {
        out.add("tenants", "belongs to an issuer of several Entra tenants (.../organizations/v2.0 or .../common/v2.0)");
    }
    if let Err(error) = Prompt::parse(entry.prompt.as_deref()) {
        out.add("prompt", error.to_string());
    }
    for domain in &entry.email_domains {
        let ok = domain.contains('.') && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        if !ok {
            out.add("email_domains", format!("{domain:?} is not a domain; write it like example.com"));
        }
    }
}

fn resource(out: &mut Findings, entry: &ResourceEntry) {
    if entry.identifier.is_empty() || entry.identifier.contains(|c: char| c.is_whitespace() || c.is_control()) {
        out.add("identifier", "must not be empty or hold white space");
    }
    if !(60..=86_400).contains(&entry.access_token.ttl) {
        out.add("access_token.ttl", "must be 60 to 86400 seconds");
    }
    scope_tokens(out, &entry.scopes);
}

/// RFC 6749 §3.3.
fn scope_tokens(out: &mut Findings, scopes: &[String]) {
    let token = |scope: &str| !scope.is_empty() && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    for scope in scopes.iter().filter(|scope| !token(scope)) {
        out.add("scopes", format!("{scope:?} is not a scope: printable ASCII without space, \" and \\"));
    }
}

fn client(out: &mut Findings, entry: &ClientEntry, known: &Known) {
    let grants = entry.effective_grants();
    let public = matches!(entry.kind, ClientKind::Spa | ClientKind::Native);
    let kind = entry.kind.as_str();
    if public && entry.client_secret.is_some() {
        out.add("client_secret", format!("a {kind} client is public and cannot keep a secret; use kind web, or leave it out"));
    }
    if public && !entry.require_pkce {
        out.add("require_pkce", format!("a {kind} client is public and always needs PKCE"));
    }
    if public && grants.contains(&GrantType::ClientCredentials) {
        out.add("grants", format!("client_credentials needs a confidential client (web or machine), not {kind}"));
    }
    if entry.kind == ClientKind::Machine && grants.contains(&GrantType::AuthorizationCode) {
        out.add("grants", "nobody signs in at a machine client; use kind web for authorization_code");
    }
    if grants.contains(&GrantType::AuthorizationCode) && entry.redirect_uris.is_empty() {
        out.add("redirect_uris", "the grant authorization_code needs at least one redirect URI");
    }
    for audience in entry.audiences.iter().filter(|audience| !known.resources.contains_key(*audience)) {
        out.add("audiences", format!("{audience:?} is no resource of this file or stored"));
    }
    for slug in entry.connections.iter().flatten().filter(|slug| !known.connections.contains(slug.as_str())) {
        out.add("connections", format!("{slug} is no connection of this file or stored"));
    }
    if let Some(scopes) = &entry.scopes {
        scope_tokens(out, scopes);
        let of_audiences: Vec<&String> =
            entry.audiences.iter().filter_map(|audience| known.resources.get(audience)).flatten().collect();
        for scope in scopes {
            if !OIDC_SCOPES.contains(&scope.as_str()) && !of_audiences.contains(&scope) {
                out.add("scopes", format!("{scope:?} is neither an OIDC scope nor one of its audiences'"));
            }
        }
    }
}

fn user(out: &mut Findings, entry: &UserEntry, job: &Job, stored: &Stored, known: &Known) {
    if !entry.email.contains('@') {
        out.add("email", "is not an e-mail address");
    }
    if entry.subject.trim().is_empty() {
        out.add("subject", "is empty: write what the provider calls the person (sub; for Entra oid)");
    }
    if !known.connections.contains(entry.connection.as_str()) {
        out.add("connection", format!("{} is no connection of this file or stored", entry.connection));
        return;
    }
    let in_file = job.file.connections.iter().find(|c| c.slug == entry.connection);
    let connection = match in_file {
        Some(connection) => connection.to_connection(ConnectionId::from_stored(String::new()), ""),
        None => match stored.connection(&entry.connection) {
            Some(connection) => connection.clone(),
            None => return,
        },
    };
    if entry.issuer_at(&connection).is_none() {
        out.add("issuer", "its connection stands for several tenants: write the issuer of the person's tenant");
    }
}
