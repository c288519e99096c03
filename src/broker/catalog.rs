//! All configuration as one immutable snapshot, so that a request never sees half of a change.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::client::store::Stamp;
use crate::client::{self, Client, ClientId, ClientKind};
use crate::connection::{self, Connection, Slug, secret_driver};
use crate::db::Conn;
use crate::oauth::scope::{OIDC_SCOPES, Scope};
use crate::operator::api_key::{self, OperatorKey};
use crate::resource::{self, Resource};
use crate::role::{self, Role};

#[derive(Debug, Default)]
pub struct Catalog {
    /// In the order of their display names.
    connections: Vec<Arc<Connection>>,
    by_slug: HashMap<Slug, Arc<Connection>>,
    clients: HashMap<ClientId, Arc<Client>>,
    /// As the clients were read.
    stamps: HashMap<String, Stamp>,
    resources: HashMap<String, Arc<Resource>>,
    roles: HashMap<String, Vec<Role>>,
    /// Where the pages of single-page applications come from: these may call us from a browser (CORS).
    origins: HashSet<String>,
    /// Clients by the issuers that they trust.
    trusting: HashMap<String, Vec<Arc<Client>>>,
    operator_keys: Vec<OperatorKey>,
    secret_drivers: Vec<secret_driver::store::Ending>,
}

impl Catalog {
    /// Clients that stand as they stood in `known` are taken over from it: there may be a hundred thousand, and one was
    /// changed.
    pub async fn load(conn: &mut Conn, known: Option<&Self>) -> Result<Self, sqlx::Error> {
        let mut connections: Vec<_> = connection::store::all(conn).await?.into_iter().map(Arc::new).collect();
        connections.sort_by_key(|c| c.display_name.to_lowercase());
        let stamps = client::store::stamps(conn).await?;
        let clients = match known {
            None => client::store::all(conn).await?.into_iter().map(Arc::new).collect(),
            Some(known) => known.refreshed(conn, &stamps).await?,
        };
        let mut trusting: HashMap<String, Vec<Arc<Client>>> = HashMap::new();
        for client in &clients {
            let issuers: HashSet<&str> =
                client.settings.federated_identities.iter().map(|identity| identity.issuer.as_str()).collect();
            for issuer in issuers {
                trusting.entry(issuer.to_owned()).or_default().push(client.clone());
            }
        }
        let resources = resource::store::all(conn).await?;
        let mut roles: HashMap<String, Vec<Role>> = HashMap::new();
        for role in role::store::all(conn).await? {
            roles.entry(role.resource.clone()).or_default().push(role);
        }
        let pages = clients.iter().filter(|c| c.enabled && c.kind == ClientKind::Spa);
        let origins = pages.flat_map(|c| &c.redirect_uris).filter_map(|uri| origin(uri.as_str())).collect();
        Ok(Self {
            origins,
            stamps,
            by_slug: connections.iter().map(|c| (c.slug.clone(), c.clone())).collect(),
            connections,
            trusting,
            clients: clients.into_iter().map(|c| (c.client_id.clone(), c)).collect(),
            resources: resources.into_iter().map(|r| (r.identifier.clone(), Arc::new(r))).collect(),
            roles,
            operator_keys: api_key::store::ending(conn).await?,
            secret_drivers: secret_driver::store::ending(conn).await?,
        })
    }

    /// Every client, by id, that now has these stamps.
    async fn refreshed(
        &self,
        conn: &mut Conn,
        stamps: &HashMap<String, Stamp>,
    ) -> Result<Vec<Arc<Client>>, sqlx::Error> {
        let (mut clients, mut changed) = (Vec::with_capacity(stamps.len()), Vec::new());
        for (id, stamp) in stamps {
            match self.clients.get(id.as_str()).filter(|_| self.stamps.get(id) == Some(stamp)) {
                Some(client) => clients.push(client.clone()),
                None => changed.push(id.clone()),
            }
        }
        if !changed.is_empty() {
            clients.extend(client::store::some(conn, &changed).await?.into_iter().map(Arc::new));
        }
        clients.sort_unstable_by(|a, b| a.client_id.as_str().cmp(b.client_id.as_str()));
        Ok(clients)
    }

    pub fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.clients.get(id).cloned()
    }

    /// In no order.
    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }

    /// In no order.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    /// The clients with a federated identity at this issuer.
    pub fn trusting(&self, issuer: &str) -> &[Arc<Client>] {
        self.trusting.get(issuer).map_or(&[], Vec::as_slice)
    }

    pub fn resource(&self, identifier: &str) -> Option<Arc<Resource>> {
        self.resources.get(identifier).cloned()
    }

    pub fn connection(&self, slug: &str) -> Option<Arc<Connection>> {
        self.by_slug.get(slug).cloned()
    }

    pub fn connections(&self) -> &[Arc<Connection>] {
        &self.connections
    }

    /// Whether a page of this `Origin` belongs to a registered single-page application.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }

    /// What of `scope` the client may have on these audiences: OIDC's own and the audiences' scopes, as far as it is
    /// registered for them.
    pub fn narrowed(&self, client: &Client, audiences: &[String], mut scope: Scope) -> Scope {
        let resources: Vec<_> = audiences.iter().filter_map(|a| self.resources.get(a)).collect();
        scope.retain(|token| {
            let known = OIDC_SCOPES.contains(&token) || resources.iter().any(|r| r.scopes.contains(token));
            known && client.scopes.as_ref().is_none_or(|allowed| allowed.contains(token))
        });
        scope
    }

    /// What the client may have on these audiences: their scopes, narrowed by its registration.
    pub fn all_scopes(&self, client: &Client, audiences: &[String]) -> Scope {
        let resources: Vec<_> = audiences.iter().filter_map(|a| self.resource(a)).collect();
        let all = Scope::from_tokens(resources.iter().flat_map(|r| r.scopes.iter()));
        self.narrowed(client, audiences, all)
    }

    /// What was granted earlier, narrowed to what the client may have today. `None`: nothing is left of the audiences.
    pub fn still_granted(&self, client: &Client, scope: &Scope, audiences: &[String]) -> Option<(Scope, Vec<String>)> {
        let left: Vec<_> = audiences.iter().filter(|a| client.audiences.contains(a)).cloned().collect();
        if !audiences.is_empty() && left.iter().all(|a| self.resource(a).is_none()) {
            return None;
        }
        Some((self.narrowed(client, &left, scope.clone()), left))
    }

    pub fn roles(&self, resource: &str) -> &[Role] {
        self.roles.get(resource).map_or(&[], Vec::as_slice)
    }

    /// The connections by which people may sign in to this client.
    pub fn connections_for(&self, client: &Client) -> Vec<Arc<Connection>> {
        self.connections.iter().filter(|c| c.may_login() && client.allows_connection(&c.slug)).cloned().collect()
    }

    /// Those that end by themselves.
    pub fn operator_keys(&self) -> &[OperatorKey] {
        &self.operator_keys
    }

    /// Those whose own credential ends.
    pub fn secret_drivers(&self) -> &[secret_driver::store::Ending] {
        &self.secret_drivers
    }

    pub fn client_count(&self) -> usize {
        self.clients.len()
    }
}

/// Scheme, host and port of an http(s) URI; a private-use scheme has no origin.
fn origin(uri: &str) -> Option<String> {
    let origin = url::Url::parse(uri).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}
