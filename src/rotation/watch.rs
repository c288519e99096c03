//! The clock: begins rotations whose day has come, and goes on with those that wait for nothing. Replicas need no agreement
//! but the lease in the row.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::{advance, begin, store};
use crate::audit::Author;
use crate::broker::Broker;
use crate::connection::{self, secret_driver};
use crate::db::{self, Conn};

const EVERY: Duration = Duration::from_secs(2);
/// So that one slow provider does not hold up the others.
const AT_A_TIME: usize = 8;

/// Runs until the pool is closed.
pub async fn run(broker: Arc<Broker>) {
    while broker.pause(EVERY).await {
        if let Err(error) = look(&broker).await {
            tracing::warn!(%error, "rotations of upstream secrets could not be looked at");
        }
    }
}

/// Everything that is due now, as far as it goes.
///
/// # Errors
/// the database's.
pub async fn look(broker: &Broker) -> Result<(), sqlx::Error> {
    let (ctx, now) = (&broker.ctx, broker.ctx.now());
    let due = store::due(&mut *ctx.db.acquire().await?, now).await?;
    for slug in due {
        db::in_tx(&ctx.db, async |conn: &mut Conn| {
            let Some(connection) = connection::store::lock_by_slug(conn, &slug).await? else { return Ok(()) };
            let driver = secret_driver::store::of(conn, &connection.id).await?;
            let Some(driver) = driver.filter(|one| one.enabled && one.next_rotation_at.is_some_and(|at| at <= now))
            else {
                return Ok(());
            };
            begin(ctx, conn, &Author::system(), &slug, &driver).await.map(drop)
        })
        .await?;
    }
    let taken = store::take(&mut *ctx.db.acquire().await?, now, AT_A_TIME as i64).await?;
    stream::iter(taken).for_each_concurrent(AT_A_TIME, |one| advance::go_on(broker, one)).await;
    Ok(())
}
