//! The file from what is stored. Applied again it changes nothing. Secrets are references to variables; people who came by
//! themselves are not in it, only those created ahead.

use super::ProvisioningError;
use super::client_entry::ClientEntry;
use super::connection_entry::ConnectionEntry;
use super::entry::{ResourceEntry, RoleEntry, UserEntry, default_issuer};
use super::file::ResourceFile;
use super::stored::Stored;
use crate::ctx::Ctx;

/// # Errors
/// the database's.
pub async fn export(ctx: &Ctx) -> Result<ResourceFile, ProvisioningError> {
    let mut conn = ctx.db.acquire().await?;
    let stored = Stored::read(&mut conn).await?;
    let users = stored.users.iter().filter_map(|(_, ahead)| {
        let connection = stored.connections.iter().find(|connection| connection.id == ahead.connection)?;
        let issuer =
            Some(ahead.key.issuer.clone()).filter(|issuer| default_issuer(connection).as_ref() != Some(issuer));
        Some(UserEntry {
            email: ahead.email.clone()?,
            name: ahead.name.clone(),
            connection: connection.slug.clone(),
            subject: ahead.key.subject.clone(),
            issuer,
        })
    });
    Ok(ResourceFile {
        users: users.collect(),
        connections: stored.connections.iter().map(ConnectionEntry::of).collect(),
        resources: stored.resources.iter().map(ResourceEntry::of).collect(),
        clients: stored.clients.iter().map(ClientEntry::of).collect(),
        roles: stored.roles.iter().map(RoleEntry::of).collect(),
    })
}
