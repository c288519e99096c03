//! One connection, client, resource or role at a time, as the admin pages and the admin API change them. What is put is
//! made into a file of one entry and applied, so the checks of `avouch apply` are the checks here, not a copy of them. What a
//! file owns is changed in that file, or released from it first.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::apply::{carry_out, make_keys};
use super::planner::plan_on;
use super::stored::Stored;
use super::told::{Done, changes, tell};
use super::{
    ClientEntry, ConnectionEntry, Job, Owner, Problem, ProvisioningError, ResourceEntry, ResourceFile, RoleEntry, store,
};
use crate::audit::Author;
use crate::client::ClientId;
use crate::connection::Slug;
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::secret;
use crate::{client, connection, resource, role};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Connection,
    Client,
    Resource,
    Role,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Client => "client",
            Self::Resource => "resource",
            Self::Role => "role",
        }
    }
}

/// Which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Connection(Slug),
    Client(ClientId),
    Resource(String),
    /// Names are unique on their resource.
    Role {
        resource: String,
        name: String,
    },
}

impl Item {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Connection(_) => Kind::Connection,
            Self::Client(_) => Kind::Client,
            Self::Resource(_) => Kind::Resource,
            Self::Role { .. } => Kind::Role,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(slug) => write!(f, "connection {slug}"),
            Self::Client(id) => write!(f, "client {id}"),
            Self::Resource(identifier) => write!(f, "resource {identifier}"),
            Self::Role { resource, name } => write!(f, "role {name} on {resource}"),
        }
    }
}

/// What it shall be, in the shape of the resource file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant)] // one at a time, and not for long
pub enum Entry {
    Connection(ConnectionEntry),
    Client(ClientEntry),
    Resource(ResourceEntry),
    Role(RoleEntry),
}

impl Entry {
    pub fn item(&self) -> Item {
        match self {
            Self::Connection(entry) => Item::Connection(entry.slug.clone()),
            Self::Client(entry) => Item::Client(entry.client_id.clone()),
            Self::Resource(entry) => Item::Resource(entry.identifier.clone()),
            Self::Role(entry) => Item::Role { resource: entry.resource.clone(), name: entry.name.clone() },
        }
    }

    fn file(&self) -> ResourceFile {
        let mut file = ResourceFile::default();
        match self.clone() {
            Self::Connection(entry) => file.connections.push(entry),
            Self::Client(entry) => file.clients.push(entry),
            Self::Resource(entry) => file.resources.push(entry),
            Self::Role(entry) => file.roles.push(entry),
        }
        file
    }

    /// The server's own environment and disk are not for callers from elsewhere.
    fn reaches_into_the_server(&self) -> Vec<Problem> {
        let (path, secret, file) = match self {
            Self::Connection(e) => {
                (format!("connections[{}]", e.slug), e.client_secret.is_some(), e.metadata_file.is_some())
            }
            Self::Client(e) => (format!("clients[{}]", e.client_id), e.client_secret.is_some(), false),
            Self::Resource(_) | Self::Role(_) => return Vec::new(),
        };
        let problem = |field: &str, reason: &str| Problem { path: format!("{path}.{field}"), reason: reason.into() };
        let mut found = Vec::new();
        if secret {
            found.push(problem(
                "client_secret",
                "is for files on the server; add the secret by its own page or endpoint",
            ));
        }
        if file {
            found.push(problem("metadata_file", "is for files on the server; put the document itself into metadata"));
        }
        found
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }

    fn version(&self, managed_by: Option<&str>) -> String {
        let text = json!([self.fields(), managed_by]).to_string();
        URL_SAFE_NO_PAD.encode(&secret::fingerprint(&text)[..15])
    }
}

/// One as it is stored. No secret is in it, nor a reference to one.
#[derive(Clone, Debug)]
pub struct Known {
    pub entry: Entry,
    /// Another one after each change.
    pub version: String,
    /// The file that owns it.
    pub managed_by: Option<String>,
}

/// On what condition it is done.
#[derive(Clone, Debug)]
pub enum Expect {
    /// There is none yet.
    Absent,
    /// It is still what was read.
    Version(String),
    /// There is one, whatever it says.
    Present,
}

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("there is no {0}")]
    Unknown(Item),
    #[error("there is a {0} already; choose another name, or change that one")]
    Exists(Item),
    #[error("it was changed since it was read")]
    Changed,
    #[error("the file {0} owns it: change it there, or release it from the file first")]
    Owned(String),
    /// What still names it.
    #[error("it is still named by {}; take it out there first", .0.join(", "))]
    InUse(Vec<String>),
    #[error(transparent)]
    Provisioning(#[from] ProvisioningError),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Provisioning(error.into())
    }
}

/// # Errors
/// the database's.
pub async fn read(conn: &mut Conn, item: &Item) -> Result<Option<Known>, sqlx::Error> {
    let (entry, managed_by) = match item {
        Item::Connection(slug) => match connection::store::by_slug(conn, slug).await? {
            Some(one) => (connection_entry(&one), one.managed_by),
            None => return Ok(None),
        },
        Item::Client(id) => match client::store::some(conn, &[id.to_string()]).await?.pop() {
            Some(one) => (client_entry(&one), one.managed_by),
            None => return Ok(None),
        },
        Item::Resource(identifier) => match resource::store::by_identifier(conn, identifier).await? {
            Some(one) => (Entry::Resource(ResourceEntry::of(&one)), one.managed_by),
            None => return Ok(None),
        },
        Item::Role { resource, name } => match role::store::by_name(conn, resource, name).await? {
            Some(one) => (Entry::Role(RoleEntry::of(&one)), one.managed_by),
            None => return Ok(None),
        },
    };
    Ok(Some(Known { version: entry.version(managed_by.as_deref()), entry, managed_by }))
}

/// A stored client as an entry without its secret's reference: lists show many.
pub fn client_entry(client: &client::Client) -> Entry {
    Entry::Client(ClientEntry { client_secret: None, ..ClientEntry::of(client) })
}

/// The same of a connection.
pub fn connection_entry(connection: &connection::Connection) -> Entry {
    Entry::Connection(ConnectionEntry { client_secret: None, ..ConnectionEntry::of(connection) })
}

/// Makes it what `entry` says. Answers what is stored then.
///
/// # Errors
/// [`Refusal`]; then nothing was changed.
pub async fn put(ctx: &Ctx, author: &Author, entry: Entry, expect: Expect) -> Result<Known, Refusal> {
    let problems = entry.reaches_into_the_server();
    if !problems.is_empty() {
        return Err(ProvisioningError::Problems(problems).into());
    }
    let item = entry.item();
    let job = Job { file: entry.file(), owner: Owner::Desk(author.clone()), base_dir: "/".into(), prune: false };
    // Making an RSA key takes a good part of a second: before the transaction opens.
    let keys = {
        let mut conn = ctx.db.acquire().await?;
        let stored = Stored::around(&mut conn, &item).await?;
        make_keys(ctx, &plan_on(ctx, &mut conn, &job, &stored).await?)?
    };
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::lock(conn).await?;
        let before = read(conn, &item).await?;
        admit(before.as_ref(), &expect, &item)?;
        let stored = Stored::around(conn, &item).await?;
        let plan = plan_on(ctx, conn, &job, &stored).await?;
        for step in plan.changes.iter().flat_map(|change| &change.steps) {
            carry_out(ctx, conn, &job, step, &keys, &mut Vec::new()).await?;
        }
        let after = read(conn, &item).await?.ok_or(ProvisioningError::Changed)?;
        let changes = changes(before.as_ref().map(|known| &known.entry), &after.entry);
        if !changes.is_empty() || !plan.changes.is_empty() {
            let done = if before.is_some() { Done::Updated } else { Done::Created };
            tell(ctx, conn, author, &item, done, json!({ "item": item.to_string(), "changes": changes })).await?;
        }
        Ok(after)
    })
    .await
}

/// # Errors
/// [`Refusal`]; then nothing was changed.
pub async fn delete(ctx: &Ctx, author: &Author, item: &Item, expect: Expect) -> Result<(), Refusal> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::lock(conn).await?;
        let before = read(conn, item).await?;
        admit(before.as_ref(), &expect, item)?;
        let naming = client::store::naming(conn, item.audience(), item.slug()).await?;
        if !naming.is_empty() {
            return Err(Refusal::InUse(naming.into_iter().map(|id| format!("client {id}")).collect()));
        }
        match item {
            Item::Connection(slug) => {
                if let Some(one) = connection::store::by_slug(conn, slug).await? {
                    connection::store::delete(conn, &one.id).await?;
                }
            }
            Item::Client(id) => drop(client::store::delete(conn, id).await?),
            Item::Resource(identifier) => drop(resource::store::delete(conn, identifier).await?),
            Item::Role { resource, name } => drop(role::store::delete(conn, resource, name).await?),
        }
        tell(ctx, conn, author, item, Done::Deleted, json!({ "item": item.to_string() })).await?;
        Ok(())
    })
    .await
}

/// Takes it out of the file's ownership, so that it can be changed here. The next `apply` of that file takes it back.
///
/// # Errors
/// [`Refusal`]; then nothing was changed.
pub async fn release(ctx: &Ctx, author: &Author, item: &Item) -> Result<(), Refusal> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::lock(conn).await?;
        let known = read(conn, item).await?.ok_or_else(|| Refusal::Unknown(item.clone()))?;
        let Some(file) = known.managed_by else { return Ok(()) };
        store::release(conn, item, ctx.now()).await?;
        let detail = json!({ "item": item.to_string(), "changes": { "managed_by": [file, null] } });
        tell(ctx, conn, author, item, Done::Released, detail).await?;
        Ok(())
    })
    .await
}

impl Item {
    fn audience(&self) -> Option<&str> {
        if let Self::Resource(identifier) = self { Some(identifier) } else { None }
    }

    fn slug(&self) -> Option<&str> {
        if let Self::Connection(slug) = self { Some(slug.as_str()) } else { None }
    }
}

fn admit(known: Option<&Known>, expect: &Expect, item: &Item) -> Result<(), Refusal> {
    let known = match (known, expect) {
        (None, Expect::Absent) => return Ok(()),
        (None, _) => return Err(Refusal::Unknown(item.clone())),
        (Some(_), Expect::Absent) => return Err(Refusal::Exists(item.clone())),
        (Some(known), _) => known,
    };
    if let Some(file) = &known.managed_by {
        return Err(Refusal::Owned(file.clone()));
    }
    match expect {
        Expect::Version(version) if *version != known.version => Err(Refusal::Changed),
        _ => Ok(()),
    }
}
