//! Connections at the desk: the list, the steps of setting one up, and what is done to one that stands. A new connection
//! is stored after the first step, switched off and unfinished, so nothing is lost while somebody else fetches values.

pub mod api;
pub mod credential;
pub mod drift;
pub mod form;
pub mod guide;
pub mod keys;
pub mod pages;
pub mod provider;
pub mod renewal;
pub mod rotation;
pub mod settings;
pub mod setup;
pub mod view;

use crate::admin::Trouble;
use crate::connection::{Connection, Slug, store};
use crate::db::Conn;
use crate::provisioning::one::Item;

/// The path of one's page.
pub fn path(slug: &str) -> String {
    format!("/admin/connections/{slug}")
}

/// # Errors
/// [`Trouble::Unknown`]: no connection can have that slug.
pub fn slug(text: &str) -> Result<Slug, Trouble> {
    Slug::parse(text).map_err(|_| unknown(text))
}

/// # Errors
/// [`Trouble::Unknown`], and the database's.
pub async fn stored(conn: &mut Conn, slug: &Slug) -> Result<Connection, Trouble> {
    store::by_slug(conn, slug).await?.ok_or_else(|| unknown(slug.as_str()))
}

fn unknown(slug: &str) -> Trouble {
    Trouble::Unknown(format!("connection {slug}"))
}

pub const fn item(slug: Slug) -> Item {
    Item::Connection(slug)
}
