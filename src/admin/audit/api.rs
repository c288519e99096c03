//! `/api/v1/audit-events`: pages of events, one event, and all of them as JSON lines.

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::try_unfold;

use super::{Asked, parts, position};
use crate::admin::api::{list, one};
use crate::admin::extract::Api;
use crate::admin::form::FieldErrors;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Read, Trouble};
use crate::audit::{self, Author, Export, Recorded};
use crate::broker::Broker;
use crate::ids::AuditEventId;

const JSON_LINES: &str = "application/x-ndjson";

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/audit-events", web::get().to(events))
        .route("/audit-events/export", web::get().to(everything))
        .route("/audit-events/{id}", web::get().to(event));
}

async fn events(
    api: Api<Read>,
    req: HttpRequest,
    asked: Query<Asked>,
    paging: Query<ListQuery>,
) -> Result<HttpResponse, Trouble> {
    let wants_lines = req.headers().get_all(ACCEPT).any(|value| value.to_str().is_ok_and(|v| v.contains(JSON_LINES)));
    if wants_lines {
        return export(&api.broker, &api.author, &asked);
    }
    Ok(list(&page(&api.broker, &asked, &paging).await?))
}

async fn everything(api: Api<Read>, asked: Query<Asked>) -> Result<HttpResponse, Trouble> {
    export(&api.broker, &api.author, &asked)
}

async fn event(api: Api<Read>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let unknown = || Trouble::Unknown(format!("audit event {id}"));
    if !AuditEventId::is_well_formed(&id) {
        return Err(unknown());
    }
    let id = AuditEventId::from_stored(id.to_string());
    let found = audit::store::get(&mut *api.broker.ctx.db.acquire().await?, &id).await?;
    Ok(one(&found.ok_or_else(unknown)?, None))
}

/// One page of what was asked for.
pub(super) async fn page(broker: &Broker, asked: &Asked, paging: &ListQuery) -> Result<Page<Recorded>, Trouble> {
    let filter = asked.filter().map_err(malformed)?;
    let (after, limit) = (paging.after()?, paging.limit()?);
    let after = match after.as_slice() {
        [] => None,
        cursor => Some(position(cursor).ok_or_else(|| {
            Trouble::Malformed("after is not a cursor of this list; leave it out to begin anew".into())
        })?),
    };
    let events = audit::page(&broker.ctx, &filter, after.as_ref(), limit + 1).await?;
    Ok(Page::of(events, limit, |event| parts(event.at, &event.id)))
}

/// All of it as JSON lines, newest first, piece by piece. An answer that breaks off is cut short, which the transfer coding
/// tells the reader.
pub(super) fn export(broker: &Broker, author: &Author, asked: &Asked) -> Result<HttpResponse, Trouble> {
    let export = Export::of(asked.filter().map_err(malformed)?);
    broker.audit.record(author.did("audit.exported").detail(serde_json::json!({ "filter": asked.said() })));
    let lines = try_unfold((broker.ctx.clone(), export), async |(ctx, mut export)| {
        let next = export.next(&ctx).await.inspect_err(|error| tracing::warn!(%error, "an export broke off"));
        Ok::<_, sqlx::Error>(next?.map(|lines| (Bytes::from(lines), (ctx, export))))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, JSON_LINES))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(lines)))
}

fn malformed(errors: FieldErrors) -> Trouble {
    let said: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
    Trouble::Malformed(said.join(" "))
}
