//! What is wrong with a file although each value is well-formed: names that mean nothing, combinations that cannot work.
//! Every fault is found, not only the first, and each names the item it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Job;
use super::entry::{ResourceEntry, UserEntry};
use super::stored::Stored;
use crate::ids::ConnectionId;

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
pub(super) struct Findings {
    item: String,
    found: Vec<Problem>,
}

impl Findings {
    fn about(&mut self, section: &str, key: &dyn fmt::Display) {
        self.item = format!("{section}[{key}]");
    }

    pub(super) fn add(&mut self, field: &str, reason: impl Into<String>) {
        self.found.push(Problem { path: format!("{}.{field}", self.item), reason: reason.into() });
    }
}

/// What items may refer to: the file's, and the stored ones that stay.
pub(super) struct Known {
    pub connections: BTreeSet<String>,
    /// With their scopes.
    pub resources: BTreeMap<String, Vec<String>>,
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
    unique(
        out,
        "users",
        "subject",
        file.users
            .iter()
            .map(|u| format!("{} {} {}", u.connection, u.issuer.as_deref().unwrap_or_default(), u.subject)),
    );
    for entry in &file.connections {
        out.about("connections", &entry.slug);
        entry.check(out);
    }
    for entry in &file.resources {
        out.about("resources", &entry.identifier);
        resource(out, entry);
    }
    for entry in &file.clients {
        out.about("clients", &entry.client_id);
        entry.check(out, &known);
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
pub(super) fn scope_tokens(out: &mut Findings, scopes: &[String]) {
    let token = |scope: &str| !scope.is_empty() && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    for scope in scopes.iter().filter(|scope| !token(scope)) {
        out.add("scopes", format!("{scope:?} is not a scope: printable ASCII without space, \" and \\"));
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
        Some(connection) => connection.to_connection(ConnectionId::from_stored(String::new()), None),
        None => match stored.connection(&entry.connection) {
            Some(connection) => connection.clone(),
            None => return,
        },
    };
    if entry.issuer_at(&connection).is_none() {
        out.add("issuer", "its connection stands for several tenants, or fetches its metadata: write the issuer of the person's tenant (SAML: the entity id)");
    }
}
