//! Events as they are read: a page, one, or all of them in pieces for an export.

use serde_json::Value;
use time::OffsetDateTime;

use super::{Filter, Position, store};
use crate::ctx::Ctx;
use crate::db;
use crate::ids::AuditEventId;

/// Rows an export reads at once: short statements, however long the reader takes.
const PIECE: i64 = 1000;

/// One event of the log. As JSON it is a line of the export, with the times in RFC 3339.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Recorded {
    pub id: AuditEventId,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub action: String,
    /// `success`, `refused` or `failed`.
    pub outcome: String,
    pub reason: Option<String>,
    pub actor: String,
    pub client_id: Option<String>,
    pub connection: Option<String>,
    pub sub: Option<String>,
    pub trace_id: Option<String>,
    pub remote_addr: Option<String>,
    pub detail: Value,
}

impl Recorded {
    pub fn position(&self) -> Position {
        Position { at: self.at, id: self.id.clone() }
    }
}

/// Up to `limit` events, newest first, those after `after`.
///
/// # Errors
/// the database's.
pub async fn page(
    ctx: &Ctx,
    filter: &Filter,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Recorded>, sqlx::Error> {
    db::in_snapshot(&ctx.db, async |conn| store::page(conn, filter, after, limit).await).await
}

/// An export under way, newest first.
#[derive(Clone, Debug)]
pub struct Export {
    filter: Filter,
    after: Option<Position>,
    over: bool,
}

impl Export {
    pub fn of(filter: Filter) -> Self {
        Self { filter, after: None, over: false }
    }

    /// The next lines, each with its line end; `None` after the last. Only so much is ever in memory.
    ///
    /// # Errors
    /// the database's.
    pub async fn next(&mut self, ctx: &Ctx) -> Result<Option<Vec<u8>>, sqlx::Error> {
        if self.over {
            return Ok(None);
        }
        let events = page(ctx, &self.filter, self.after.as_ref(), PIECE).await?;
        self.over = (events.len() as i64) < PIECE;
        self.after = events.last().map(Recorded::position).or(self.after.take());
        let mut lines = Vec::new();
        for event in &events {
            // what came out of the database as JSON goes into JSON again
            if serde_json::to_writer(&mut lines, event).is_ok() {
                lines.push(b'\n');
            }
        }
        Ok((!lines.is_empty()).then_some(lines))
    }
}
