//! The one search of the desk: what is named exactly is where it leads, anything else is a list of what may be meant.

pub mod pages;

use crate::admin::frame::segment;
use crate::broker::catalog::Catalog;
use crate::user::list::Listed;

/// Of each kind.
pub const MOST: usize = 20;

/// Something found, and its page below the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub kind: &'static str,
    pub name: String,
    /// What it is named by.
    pub key: String,
    pub path: String,
}

impl Hit {
    fn new(kind: &'static str, folder: &str, key: &str, name: &str) -> Self {
        Self { kind, name: name.into(), key: key.into(), path: format!("/admin/{folder}/{}", segment(key)) }
    }
}

/// A person is named by what was sought where that is their e-mail address, else by their subject.
pub fn person_hit(person: Listed, sought: &str) -> Hit {
    let by_email = person.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(sought));
    let shown = person.name.or(person.email).unwrap_or_else(|| person.id.to_string());
    let hit = Hit::new("Person", "users", person.id.as_str(), &shown);
    if by_email { Hit { key: sought.into(), ..hit } } else { hit }
}

/// Connections, clients and resources whose key or name has the words in it; one whose key is just that stands alone.
pub fn in_catalog(catalog: &Catalog, sought: &str) -> Vec<Hit> {
    if let Some(hit) = exactly(catalog, sought) {
        return vec![hit];
    }
    let sought = sought.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&sought);
    let connections = catalog.connections().iter().filter(|c| has(c.slug.as_str()) || has(&c.display_name));
    let clients = catalog.clients().filter(|c| has(c.client_id.as_str()) || has(&c.name));
    let resources = catalog.resources().filter(|r| has(&r.identifier) || has(&r.name));
    connections
        .map(|c| Hit::new("Connection", "connections", c.slug.as_str(), &c.display_name))
        .take(MOST)
        .chain(clients.map(|c| Hit::new("Client", "clients", c.client_id.as_str(), &c.name)).take(MOST))
        .chain(resources.map(|r| Hit::new("Resource", "resources", &r.identifier, &r.name)).take(MOST))
        .collect()
}

fn exactly(catalog: &Catalog, sought: &str) -> Option<Hit> {
    let client = catalog.client(sought).map(|c| Hit::new("Client", "clients", sought, &c.name));
    let connection = || Some(Hit::new("Connection", "connections", sought, &catalog.connection(sought)?.display_name));
    let resource = || Some(Hit::new("Resource", "resources", sought, &catalog.resource(sought)?.name));
    client.or_else(connection).or_else(resource)
}
