//! `/api/v1/{connections,clients,resources,roles}`: bodies have the shape of the resource file, without secrets. A role is
//! named by its resource and its name: `/roles/{resource}/{name}`.

use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::read;
use super::view::{View, merge, without_facts};
use crate::admin::api::{created, done, expected, list as listed, one as answer};
use crate::admin::extract::Api;
use crate::admin::frame::segment;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Edit, Read, Trouble};
use crate::broker::Broker;
use crate::client::{self, ClientId};
use crate::connection::{self, Slug};
use crate::db::Conn;
use crate::provisioning::one::{self, Entry, Expect, Item, Kind, Known, client_entry, connection_entry};
use crate::provisioning::{ResourceEntry, RoleEntry};
use crate::{resource, role};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections", web::get().to(list_connections))
        .route("/connections", web::post().to(create_connection))
        .route("/connections/{slug}", web::get().to(connection))
        .route("/connections/{slug}", web::put().to(put_connection))
        .route("/connections/{slug}", web::patch().to(patch_connection))
        .route("/connections/{slug}", web::delete().to(delete_connection))
        .route("/clients", web::get().to(list_clients))
        .route("/clients", web::post().to(create_client))
        .route("/clients/{client_id}", web::get().to(client))
        .route("/clients/{client_id}", web::put().to(put_client))
        .route("/clients/{client_id}", web::patch().to(patch_client))
        .route("/clients/{client_id}", web::delete().to(delete_client))
        .route("/resources", web::get().to(list_resources))
        .route("/resources", web::post().to(create_resource))
        .route("/resources/{identifier}", web::get().to(resource))
        .route("/resources/{identifier}", web::put().to(put_resource))
        .route("/resources/{identifier}", web::patch().to(patch_resource))
        .route("/resources/{identifier}", web::delete().to(delete_resource))
        .route("/roles", web::get().to(list_roles))
        .route("/roles", web::post().to(create_role))
        .route("/roles/{resource}/{name}", web::get().to(role))
        .route("/roles/{resource}/{name}", web::put().to(put_role))
        .route("/roles/{resource}/{name}", web::patch().to(patch_role))
        .route("/roles/{resource}/{name}", web::delete().to(delete_role));
}

fn path(item: &Item) -> String {
    match item {
        Item::Connection(slug) => format!("/api/v1/connections/{slug}"),
        Item::Client(id) => format!("/api/v1/clients/{id}"),
        Item::Resource(identifier) => format!("/api/v1/resources/{}", segment(identifier)),
        Item::Role { resource, name } => format!("/api/v1/roles/{}/{}", segment(resource), segment(name)),
    }
}

async fn show(api: &Api<Read>, item: Item) -> Result<HttpResponse, Trouble> {
    let known = read(&api.broker.ctx, &item).await?;
    Ok(shown(&api.broker, known))
}

fn shown(broker: &Broker, known: Known) -> HttpResponse {
    answer(&View::of(broker, &known.entry, known.managed_by), Some(&known.version))
}

async fn create(api: &Api<Edit>, kind: Kind, body: &[u8]) -> Result<HttpResponse, Trouble> {
    let entry = parse(&api.broker, kind, body)?;
    let item = entry.item();
    let known = one::put(&api.broker.ctx, &api.author, entry, Expect::Absent).await?;
    let location = api.broker.ctx.urls.at(&path(&item));
    Ok(created(&location, &View::of(&api.broker, &known.entry, known.managed_by), Some(&known.version)))
}

/// The body replaces what is stored; what it leaves out gets its default.
async fn put(api: &Api<Edit>, item: Item, req: &HttpRequest, body: &[u8]) -> Result<HttpResponse, Trouble> {
    let entry = parse(&api.broker, item.kind(), body)?;
    if entry.item() != item {
        return Err(Trouble::Malformed(format!("the body is about {}, the address about {item}", entry.item())));
    }
    change(api, entry, expected(req)?).await
}

/// JSON Merge Patch (RFC 7396): what the body leaves out stays, null is the default.
async fn patch(api: &Api<Edit>, item: Item, req: &HttpRequest, body: &[u8]) -> Result<HttpResponse, Trouble> {
    let known = read(&api.broker.ctx, &item).await?;
    let wanted = expected(req)?.unwrap_or(known.version);
    let mut merged = serde_json::to_value(&known.entry).unwrap_or_default();
    let changes: Value = crate::admin::api::body(body)?;
    if !changes.is_object() {
        return Err(Trouble::Malformed("a merge patch is an object".into()));
    }
    merge(&mut merged, without_facts(&api.broker, changes));
    put_merged(api, item, merged, wanted).await
}

async fn put_merged(api: &Api<Edit>, item: Item, merged: Value, version: String) -> Result<HttpResponse, Trouble> {
    let entry = entry(item.kind(), merged)?;
    if entry.item() != item {
        return Err(Trouble::Malformed("what something is named by does not change; make another one instead".into()));
    }
    change(api, entry, Some(version)).await
}

async fn change(api: &Api<Edit>, entry: Entry, version: Option<String>) -> Result<HttpResponse, Trouble> {
    let expect = version.map_or(Expect::Present, Expect::Version);
    let known = one::put(&api.broker.ctx, &api.author, entry, expect).await?;
    Ok(shown(&api.broker, known))
}

async fn delete(api: &Api<Edit>, item: Item, req: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let expect = expected(req)?.map_or(Expect::Present, Expect::Version);
    one::delete(&api.broker.ctx, &api.author, &item, expect).await?;
    Ok(done())
}

fn parse(broker: &Broker, kind: Kind, body: &[u8]) -> Result<Entry, Trouble> {
    entry(kind, without_facts(broker, crate::admin::api::body(body)?))
}

fn entry(kind: Kind, value: Value) -> Result<Entry, Trouble> {
    let parsed = match kind {
        Kind::Connection => serde_json::from_value(value).map(Entry::Connection),
        Kind::Client => serde_json::from_value(value).map(Entry::Client),
        Kind::Resource => serde_json::from_value::<ResourceEntry>(value).map(Entry::Resource),
        Kind::Role => serde_json::from_value::<RoleEntry>(value).map(Entry::Role),
    };
    parsed.map_err(|error| Trouble::Malformed(format!("the body is no {}: {error}", kind.as_str())))
}

/// A page of entries, and their keys.
async fn entries(
    conn: &mut Conn,
    kind: Kind,
    search: Option<&str>,
    after: &[String],
    limit: i64,
) -> Result<Vec<(Entry, Option<String>)>, Trouble> {
    let first = after.first().map(String::as_str);
    Ok(match kind {
        Kind::Connection => {
            let rows = connection::store::page(conn, search, first, limit).await?;
            rows.into_iter().map(|one| (connection_entry(&one), one.managed_by)).collect()
        }
        Kind::Client => {
            let rows = client::store::page(conn, search, first, limit).await?;
            rows.into_iter().map(|one| (client_entry(&one), one.managed_by)).collect()
        }
        Kind::Resource => {
            let rows = resource::store::page(conn, search, first, limit).await?;
            rows.into_iter().map(|one| (Entry::Resource(ResourceEntry::of(&one)), one.managed_by)).collect()
        }
        Kind::Role => {
            let after = first.zip(after.get(1).map(String::as_str));
            let rows = role::store::page(conn, search, after, limit).await?;
            rows.into_iter().map(|one| (Entry::Role(RoleEntry::of(&one)), one.managed_by)).collect()
        }
    })
}

fn key(entry: &Entry) -> Vec<String> {
    match entry.item() {
        Item::Connection(slug) => vec![slug.to_string()],
        Item::Client(id) => vec![id.to_string()],
        Item::Resource(identifier) => vec![identifier],
        Item::Role { resource, name } => vec![resource, name],
    }
}

async fn list(api: &Api<Read>, kind: Kind, query: &ListQuery) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let mut conn = api.broker.ctx.db.acquire().await?;
    let found = entries(&mut conn, kind, query.search(), &after, limit + 1).await?;
    let page = Page::of(found, limit, |(entry, _)| key(entry));
    Ok(listed(&page.map(|(entry, managed_by)| View::of(&api.broker, &entry, managed_by))))
}

fn slug(path: &str) -> Result<Item, Trouble> {
    Slug::parse(path).map(Item::Connection).map_err(|_| Trouble::Unknown(format!("connection {path}")))
}

fn client_id(path: &str) -> Result<Item, Trouble> {
    ClientId::parse(path).map(Item::Client).map_err(|_| Trouble::Unknown(format!("client {path}")))
}

fn role_of(path: Path<(String, String)>) -> Item {
    let (resource, name) = path.into_inner();
    Item::Role { resource, name }
}

async fn list_connections(api: Api<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    list(&api, Kind::Connection, &query).await
}
async fn create_connection(api: Api<Edit>, body: Bytes) -> Result<HttpResponse, Trouble> {
    create(&api, Kind::Connection, &body).await
}
async fn connection(api: Api<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    show(&api, slug(&path)?).await
}
async fn put_connection(
    api: Api<Edit>,
    path: Path<String>,
    req: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Trouble> {
    put(&api, slug(&path)?, &req, &body).await
}
async fn patch_connection(
    api: Api<Edit>,
    path: Path<String>,
    req: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Trouble> {
    patch(&api, slug(&path)?, &req, &body).await
}
async fn delete_connection(api: Api<Edit>, path: Path<String>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    delete(&api, slug(&path)?, &req).await
}

async fn list_clients(api: Api<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    list(&api, Kind::Client, &query).await
}
async fn create_client(api: Api<Edit>, body: Bytes) -> Result<HttpResponse, Trouble> {
    create(&api, Kind::Client, &body).await
}
async fn client(api: Api<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    show(&api, client_id(&path)?).await
}
async fn put_client(
    api: Api<Edit>,
    path: Path<String>,
    req: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Trouble> {
    put(&api, client_id(&path)?, &req, &body).await
}
async fn patch_client(
    api: Api<Edit>,
    path: Path<String>,
    req: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Trouble> {
    patch(&api, client_id(&path)?, &req, &body).await
}
async fn delete_client(api: Api<Edit>, path: Path<String>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    delete(&api, client_id(&path)?, &req).await
}

async fn list_resources(api: Api<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    list(&api, Kind::Resource, &query).await
}
async fn create_resource(api: Api<Edit>, body: Bytes) -> Result<HttpResponse, Trouble> {
    create(&api, Kind::Resource, &body).await
}
async fn resource(api: Api<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    show(&api, Item::Resource(path.into_inner())).await
}
async fn put_resource(
    api: Api<Edit>,
    path: Path<String>,
    req: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Trouble> {
    put(&api, Item::Resource(path.into_inner()), &req, &body).await
}
async fn patch_resource(
    api: Api<Edit>,
    path: Path<String>,
    req: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Trouble> {
    patch(&api, Item::Resource(path.into_inner()), &req, &body).await
}
async fn delete_resource(api: Api<Edit>, path: Path<String>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    delete(&api, Item::Resource(path.into_inner()), &req).await
}

async fn list_roles(api: Api<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    list(&api, Kind::Role, &query).await
}
async fn create_role(api: Api<Edit>, body: Bytes) -> Result<HttpResponse, Trouble> {
    create(&api, Kind::Role, &body).await
}
async fn role(api: Api<Read>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    show(&api, role_of(path)).await
}
async fn put_role(
    api: Api<Edit>,
    path: Path<(String, String)>,
    req: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Trouble> {
    put(&api, role_of(path), &req, &body).await
}
async fn patch_role(
    api: Api<Edit>,
    path: Path<(String, String)>,
    req: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Trouble> {
    patch(&api, role_of(path), &req, &body).await
}
async fn delete_role(api: Api<Edit>, path: Path<(String, String)>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    delete(&api, role_of(path), &req).await
}
