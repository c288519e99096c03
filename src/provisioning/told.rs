//! What audit is told of each connection, client, resource and role that changes, whoever changes it: the desk, the API or a
//! file. Owns the words and the differences; no secret is in an entry, so none is in them.

use serde_json::{Map, Value, json};

use super::one::{Entry, Item, Kind, client_entry, connection_entry};
use super::plan::{Change, Step};
use crate::audit::{self, Author};
use crate::connection::Slug;
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::provisioning::{ResourceEntry, RoleEntry};

#[derive(Clone, Copy)]
pub(super) enum Done {
    Created,
    Updated,
    Deleted,
    Released,
}

impl Kind {
    const fn event(self, done: Done) -> &'static str {
        match (self, done) {
            (Self::Connection, Done::Created) => "connection.created",
            (Self::Connection, Done::Updated) => "connection.updated",
            (Self::Connection, Done::Deleted) => "connection.deleted",
            (Self::Connection, Done::Released) => "connection.released",
            (Self::Client, Done::Created) => "client.created",
            (Self::Client, Done::Updated) => "client.updated",
            (Self::Client, Done::Deleted) => "client.deleted",
            (Self::Client, Done::Released) => "client.released",
            (Self::Resource, Done::Created) => "resource.created",
            (Self::Resource, Done::Updated) => "resource.updated",
            (Self::Resource, Done::Deleted) => "resource.deleted",
            (Self::Resource, Done::Released) => "resource.released",
            (Self::Role, Done::Created) => "role.created",
            (Self::Role, Done::Updated) => "role.updated",
            (Self::Role, Done::Deleted) => "role.deleted",
            (Self::Role, Done::Released) => "role.released",
        }
    }
}

pub(super) async fn tell(
    ctx: &Ctx,
    conn: &mut Conn,
    author: &Author,
    item: &Item,
    done: Done,
    detail: Value,
) -> Result<(), sqlx::Error> {
    let event = author.did(item.kind().event(done)).detail(detail);
    let event = match item {
        Item::Connection(slug) => event.connection(slug),
        Item::Client(id) => event.client(id),
        _ => event,
    };
    audit::record(ctx, conn, event).await
}

/// `field: [before, after]` of each that differs; null where it had or has its default.
pub(super) fn changes(before: Option<&Entry>, after: &Entry) -> Map<String, Value> {
    let (mut before, after) = (before.map(Entry::fields).unwrap_or_default(), after.fields());
    let mut out = Map::new();
    for (name, value) in after {
        let old = before.remove(&name).unwrap_or(Value::Null);
        if old != value {
            out.insert(name, json!([shortened(old), shortened(value)]));
        }
    }
    out.extend(before.into_iter().map(|(name, old)| (name, json!([shortened(old), null]))));
    out
}

/// Certificates and metadata are for reading elsewhere.
fn shortened(value: Value) -> Value {
    const LONGEST: usize = 400;
    match &value {
        Value::String(text) => match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{} … ({} bytes)", &text[..end], text.len()).into(),
            None => value,
        },
        _ => value,
    }
}

/// What a step of a plan makes of an item. Keys, certificates and secrets are no part of it.
pub(super) fn wanted(step: &Step) -> Option<Entry> {
    match step {
        Step::InsertResource(one) | Step::UpdateResource(one) => Some(Entry::Resource(ResourceEntry::of(one))),
        Step::InsertConnection(one) | Step::UpdateConnection(one) => Some(connection_entry(one)),
        Step::InsertClient(one) | Step::UpdateClient(one) => Some(client_entry(one)),
        Step::PutRole(one) => Some(Entry::Role(RoleEntry::of(one))),
        _ => None,
    }
}

/// The item that a change of a plan takes away.
pub(super) fn taken(change: &Change) -> Option<Item> {
    change.steps.iter().find_map(|step| match step {
        Step::DeleteResource(identifier) => Some(Item::Resource(identifier.clone())),
        Step::DeleteClient(id) => Some(Item::Client(id.clone())),
        Step::DeleteRole { resource, name } => Some(Item::Role { resource: resource.clone(), name: name.clone() }),
        // the step has its id; people know it by its slug, which the change says
        Step::DeleteConnection(_) => {
            change.item.strip_prefix("connection ").and_then(|slug| Slug::parse(slug).ok()).map(Item::Connection)
        }
        _ => None,
    })
}
