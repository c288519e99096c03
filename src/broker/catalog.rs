//! All configuration as one immutable snapshot, so that a request never sees half of a change.

use std::collections::HashMap;
use std::sync::Arc;

use crate::client::{self, Client, ClientId};
use crate::connection::{self, Connection};
use crate::db::Conn;
use crate::resource::{self, Resource};
use crate::role::{self, Role};

#[derive(Debug, Default)]
pub struct Catalog {
    /// In the order of their display names.
    connections: Vec<Arc<Connection>>,
    clients: HashMap<ClientId, Arc<Client>>,
    resources: HashMap<String, Arc<Resource>>,
    roles: HashMap<String, Vec<Role>>,
}

impl Catalog {
    pub async fn load(conn: &mut Conn) -> Result<Self, sqlx::Error> {
        let mut connections: Vec<_> = connection::store::all(conn).await?.into_iter().map(Arc::new).collect();
        connections.sort_by_key(|c| c.display_name.to_lowercase());
        let clients = client::store::all(conn).await?;
        let resources = resource::store::all(conn).await?;
        let mut roles: HashMap<String, Vec<Role>> = HashMap::new();
        for role in role::store::all(conn).await? {
            roles.entry(role.resource.clone()).or_default().push(role);
        }
        Ok(Self {
            connections,
            clients: clients.into_iter().map(|c| (c.client_id.clone(), Arc::new(c))).collect(),
            resources: resources.into_iter().map(|r| (r.identifier.clone(), Arc::new(r))).collect(),
            roles,
        })
    }

    pub fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.clients.get(id).cloned()
    }

    pub fn resource(&self, identifier: &str) -> Option<Arc<Resource>> {
        self.resources.get(identifier).cloned()
    }

    pub fn connection(&self, slug: &str) -> Option<Arc<Connection>> {
        self.connections.iter().find(|c| c.slug.as_str() == slug).cloned()
    }

    pub fn roles(&self, resource: &str) -> &[Role] {
        self.roles.get(resource).map_or(&[], Vec::as_slice)
    }

    /// The connections by which people may sign in to this client.
    pub fn connections_for(&self, client: &Client) -> Vec<Arc<Connection>> {
        self.connections.iter().filter(|c| c.may_login() && client.allows_connection(&c.slug)).cloned().collect()
    }

    pub fn client_count(&self) -> usize {
        self.clients.len()
    }
}
