//! Everything a file could speak of, as it stands in the database.

use super::one::Item;
use crate::client::{self, Client};
use crate::connection::{self, Connection, Slug};
use crate::db::Conn;
use crate::ids::UserId;
use crate::resource::{self, Resource};
use crate::role::{self, Role};
use crate::user::{self, provision::CreatedAhead};

pub(super) struct Stored {
    pub connections: Vec<Connection>,
    pub resources: Vec<Resource>,
    pub clients: Vec<Client>,
    pub roles: Vec<Role>,
    /// Those created ahead only.
    pub users: Vec<(UserId, CreatedAhead)>,
}

impl Stored {
    pub async fn read(conn: &mut Conn) -> Result<Self, sqlx::Error> {
        Ok(Self {
            connections: connection::store::all(conn).await?,
            resources: resource::store::all(conn).await?,
            clients: client::store::all(conn).await?,
            roles: role::store::all(conn).await?,
            users: user::store::created_ahead(conn).await?,
        })
    }

    /// As much of it as one item can refer to: of clients only itself, of users nobody.
    pub async fn around(conn: &mut Conn, item: &Item) -> Result<Self, sqlx::Error> {
        let clients = match item {
            Item::Client(id) => client::store::some(conn, &[id.to_string()]).await?,
            _ => Vec::new(),
        };
        Ok(Self {
            connections: connection::store::all(conn).await?,
            resources: resource::store::all(conn).await?,
            clients,
            roles: role::store::all(conn).await?,
            users: Vec::new(),
        })
    }

    pub fn connection(&self, slug: &Slug) -> Option<&Connection> {
        self.connections.iter().find(|known| known.slug == *slug)
    }
}
