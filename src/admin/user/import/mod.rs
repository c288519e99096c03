//! Tables of people, in and out: an import is looked at before it is done.

pub mod api;
pub mod extract;
pub mod pages;

use crate::admin::Trouble;
use crate::broker::Broker;
use crate::user::import::{Fault, Ready, Row, check, parse, preview};

/// A table that may be brought in.
#[derive(Debug)]
pub struct Looked {
    pub rows: Vec<Row>,
    pub ready: Vec<Ready>,
    /// How many are known by their identity already.
    pub known: usize,
}

/// What is wrong with the table, or what it would do.
///
/// # Errors
/// the database's.
pub async fn look(broker: &Broker, table: &[u8]) -> Result<Result<Looked, Vec<Fault>>, Trouble> {
    let read = parse(table).and_then(|rows| Ok((check(&rows, super::places(broker))?, rows)));
    let (ready, rows) = match read {
        Ok(read) => read,
        Err(faults) => return Ok(Err(faults)),
    };
    let mut conn = broker.ctx.db.acquire().await?;
    let known = preview(&mut conn, &ready).await?.into_iter().flatten().count();
    Ok(Ok(Looked { rows, ready, known }))
}
