//! SQL of the schedule: one row for each algorithm, there from the beginning.

use super::{Plan, Schedule};
use crate::db::Conn;
use crate::jose::Alg;

pub async fn load(conn: &mut Conn) -> Result<Schedule, sqlx::Error> {
    let rows =
        sqlx::query!("SELECT alg, lifetime_days, publish_ahead_hours FROM signing_schedule").fetch_all(conn).await?;
    let plans = rows.into_iter().filter_map(|row| {
        let plan = Plan { lifetime_days: row.lifetime_days, publish_ahead_hours: row.publish_ahead_hours };
        Alg::parse(&row.alg).map(|alg| (alg, plan))
    });
    Ok(Schedule(plans.collect()))
}

pub(super) async fn set(conn: &mut Conn, alg: Alg, plan: Plan) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO signing_schedule (alg, lifetime_days, publish_ahead_hours) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT signing_schedule_pkey DO UPDATE SET lifetime_days = $2, publish_ahead_hours = $3",
        alg.as_str(),
        plan.lifetime_days,
        plan.publish_ahead_hours
    )
    .execute(conn)
    .await
    .map(drop)
}
