//! SQL of the uses of clients' keys.

use time::OffsetDateTime;

use super::KeyName;
use crate::client::ClientId;
use crate::db::Conn;
use crate::life::Use;

/// Whoever publishes a new key each day has many that are over.
const SHOWN: i64 = 50;

pub(super) struct Row {
    pub thumbprint: String,
    pub kid: Option<String>,
    pub first_used_at: OffsetDateTime,
    pub last_used_at: OffsetDateTime,
    pub last_used_addr: Option<String>,
    pub uses: i64,
}

/// Those that signed; who did last is first.
pub(super) async fn list(conn: &mut Conn, client: &ClientId) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT thumbprint, kid, first_used_at, last_used_at, last_used_addr, uses FROM client_key_uses
         WHERE client_id = $1 ORDER BY last_used_at DESC, thumbprint LIMIT $2",
        client.as_str(),
        SHOWN
    )
    .fetch_all(conn)
    .await
}

/// Adds uses. `last_used_at` moves forward, never back: another replica may have written a later one. A client that was
/// deleted meanwhile leaves nothing.
pub async fn used(conn: &mut Conn, uses: &[(KeyName, Use)]) -> Result<(), sqlx::Error> {
    let clients: Vec<_> = uses.iter().map(|(name, _)| name.client.to_string()).collect();
    let thumbprints: Vec<_> = uses.iter().map(|(name, _)| name.thumbprint.clone()).collect();
    let kids: Vec<_> = uses.iter().map(|(name, _)| name.kid.clone().unwrap_or_default()).collect();
    let at: Vec<_> = uses.iter().map(|(_, one)| one.at).collect();
    let times: Vec<_> = uses.iter().map(|(_, one)| one.times).collect();
    let addrs: Vec<_> = uses.iter().map(|(_, one)| one.addr.map(|addr| addr.to_string()).unwrap_or_default()).collect();
    sqlx::query!(
        "INSERT INTO client_key_uses AS k (client_id, thumbprint, kid, first_used_at, last_used_at, last_used_addr, uses)
         SELECT u.client_id, u.thumbprint, max(NULLIF(u.kid, '')), min(u.at), max(u.at), max(NULLIF(u.addr, '')), sum(u.times)::bigint
           FROM UNNEST($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::text[])
                AS u(client_id, thumbprint, kid, at, times, addr)
           JOIN clients c ON c.client_id = u.client_id
          GROUP BY u.client_id, u.thumbprint ORDER BY u.client_id, u.thumbprint
         ON CONFLICT ON CONSTRAINT client_key_uses_pkey DO UPDATE SET
             kid = COALESCE(EXCLUDED.kid, k.kid),
             uses = k.uses + EXCLUDED.uses,
             last_used_addr = CASE WHEN EXCLUDED.last_used_addr IS NULL OR k.last_used_at > EXCLUDED.last_used_at
                                   THEN k.last_used_addr ELSE EXCLUDED.last_used_addr END,
             last_used_at = GREATEST(k.last_used_at, EXCLUDED.last_used_at),
             first_used_at = LEAST(k.first_used_at, EXCLUDED.first_used_at)",
        &clients,
        &thumbprints,
        &kids,
        &at,
        &times,
        &addrs
    )
    .execute(conn)
    .await
    .map(drop)
}
