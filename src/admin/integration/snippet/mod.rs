//! What to paste where a client is used, on pages.

pub mod pages;

use crate::admin::frame::segment;
use crate::broker::Broker;
use crate::client::ClientId;
use crate::db::Conn;
use crate::integration::{SYSTEMS, System};
use crate::{client, integration};

/// Without a system: where one is chosen.
pub fn href(client_id: &ClientId, system: Option<&System>) -> String {
    let client = segment(client_id.as_str());
    match system {
        Some(system) => format!("/admin/clients/{client}/snippets/{}", system.name),
        None => format!("/admin/clients/{client}/snippets"),
    }
}

/// The systems that the client, as it is stored, can be used at.
///
/// # Errors
/// the database's.
pub async fn fitting(conn: &mut Conn, broker: &Broker, id: &ClientId) -> Result<Vec<&'static System>, sqlx::Error> {
    let Some(client) = client::store::some(conn, &[id.to_string()]).await?.pop() else { return Ok(Vec::new()) };
    let subject = integration::Subject { urls: &broker.ctx.urls, client: &client, people: &[] };
    Ok(SYSTEMS.iter().filter(|system| system.snippets(&subject).is_ok()).collect())
}
