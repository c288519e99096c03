//! SQL of the vault.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::Sealed;
use crate::db::Conn;

/// The stored pepper; `fresh` becomes it when there is none yet. Two replicas that start together agree on one.
pub async fn pepper_or(conn: &mut Conn, fresh: &Sealed, now: OffsetDateTime) -> Result<Sealed, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO vault_pepper (id, sealed, created_at) VALUES (1, $1, $2) ON CONFLICT ON CONSTRAINT vault_pepper_pkey DO NOTHING",
        fresh.as_bytes(),
        now
    )
    .execute(&mut *conn)
    .await?;
    let bytes = sqlx::query_scalar!("SELECT sealed FROM vault_pepper WHERE id = 1").fetch_one(conn).await?;
    Ok(Sealed::from_stored(bytes))
}

/// How many values of all sealed columns are under each master key, by the id in their envelopes. The layout is [`super::sealed`]'s: the byte
/// at 1 is the id's length, the id follows.
pub async fn every_key(conn: &mut Conn) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT convert_from(substring(sealed FROM 3 FOR get_byte(sealed, 1)), 'UTF8') AS "key_id!", count(*) AS "count!"
           FROM (SELECT sealed FROM vault_pepper
                 UNION ALL SELECT sealed FROM connection_credentials
                 UNION ALL SELECT sealed FROM signing_keys
                 UNION ALL SELECT pkce_verifier FROM login_attempts
                 UNION ALL SELECT user_code FROM device_authorizations
                 UNION ALL SELECT successor FROM refresh_tokens
                 UNION ALL SELECT id_token FROM upstream_sessions
                 UNION ALL SELECT totp FROM operators
                 UNION ALL SELECT sealed FROM upstream_grants
                 UNION ALL SELECT person FROM login_traces
                 UNION ALL SELECT sealed FROM login_trace_parts
                 UNION ALL SELECT secret FROM webhooks
                 UNION ALL SELECT previous_secret FROM webhooks
                 UNION ALL SELECT sealed FROM secret_drivers
                 UNION ALL SELECT candidate FROM secret_rotations
                 UNION ALL SELECT sealed FROM idempotency_keys) every
           WHERE sealed IS NOT NULL GROUP BY 1"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key_id, row.count)).collect())
}

/// A master key as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    pub id: String,
    /// When a process first had it. `None`: before that was noted.
    pub first_at: Option<OffsetDateTime>,
    /// Lasting values under it.
    pub values: i64,
}

/// The keys that were ever given, and those that lasting values need: configuration, keys and second factors. They are few. What a
/// login leaves behind is not looked at here, as there may be millions of it; [`every_key`] does.
pub async fn known_keys(conn: &mut Conn) -> Result<Vec<KnownKey>, sqlx::Error> {
    sqlx::query_as!(
        KnownKey,
        r#"SELECT COALESCE(given.id, needed.id) AS "id!", given.first_at AS "first_at?", COALESCE(needed.count, 0) AS "values!"
           FROM master_keys given FULL JOIN (
               SELECT convert_from(substring(sealed FROM 3 FOR get_byte(sealed, 1)), 'UTF8') AS id, count(*)
               FROM (SELECT sealed FROM vault_pepper
                     UNION ALL SELECT sealed FROM connection_credentials
                     UNION ALL SELECT sealed FROM signing_keys
                     UNION ALL SELECT totp FROM operators
                     UNION ALL SELECT secret FROM webhooks
                     UNION ALL SELECT previous_secret FROM webhooks
                     UNION ALL SELECT sealed FROM secret_drivers
                     UNION ALL SELECT candidate FROM secret_rotations) every
               WHERE sealed IS NOT NULL GROUP BY 1) needed ON needed.id = given.id
           ORDER BY given.first_at DESC NULLS LAST, 1"#
    )
    .fetch_all(conn)
    .await
}

/// Notes keys that were not given before.
pub async fn given(conn: &mut Conn, ids: &[String], now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO master_keys (id, first_at) SELECT id, $2 FROM UNNEST($1::text[]) AS u(id) ON CONFLICT ON CONSTRAINT master_keys_pkey DO NOTHING",
        ids,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Every column that holds sealed values. The row part of a value's [`super::Place`] is the primary key as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedColumn {
    Pepper,
    ConnectionCredential,
    SigningKey,
    PkceVerifier,
    UserCode,
    RefreshSuccessor,
    UpstreamIdToken,
    OperatorTotp,
    UpstreamGrant,
    TracedPerson,
    TracePart,
    WebhookSecret,
    WebhookPreviousSecret,
    SecretDriver,
    RotationCandidate,
    IdempotentAnswer,
}

/// One definition gives each column its checked SQL.
macro_rules! sealed_columns {
    ($($variant:ident: $table:literal, $column:literal, $row:literal);* $(;)?) => {
        impl SealedColumn {
            pub const ALL: [Self; [$($table),*].len()] = [$(Self::$variant),*];

            /// Table and column.
            pub const fn name(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($table, $column)),* }
            }

            /// Up to `limit` values with their rows, in the order of the rows, those after `after`.
            pub async fn batch(self, conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<(String, Sealed)>, sqlx::Error> {
                match self {
                    $(Self::$variant => sqlx::query!(
                        "SELECT " + $row + "::text AS \"row!\", " + $column + " AS \"sealed!\" FROM " + $table
                            + " WHERE " + $column + " IS NOT NULL AND " + $row + "::text > $1 ORDER BY " + $row + "::text LIMIT $2",
                        after,
                        limit
                    )
                    .map(|found| (found.row, Sealed::from_stored(found.sealed)))
                    .fetch_all(conn)
                    .await),*
                }
            }

            /// Replaces `old` by `new`; `false` when the row holds something else by now.
            pub async fn swap(self, conn: &mut Conn, row: &str, old: &Sealed, new: &Sealed) -> Result<bool, sqlx::Error> {
                let done = match self {
                    $(Self::$variant => sqlx::query!(
                        "UPDATE " + $table + " SET " + $column + " = $3 WHERE " + $row + "::text = $1 AND " + $column + " = $2",
                        row,
                        old.as_bytes(),
                        new.as_bytes()
                    )
                    .execute(conn)
                    .await?),*
                };
                Ok(done.rows_affected() == 1)
            }
        }
    };
}

sealed_columns! {
    Pepper: "vault_pepper", "sealed", "id";
    ConnectionCredential: "connection_credentials", "sealed", "id";
    SigningKey: "signing_keys", "sealed", "kid";
    PkceVerifier: "login_attempts", "pkce_verifier", "id";
    UserCode: "device_authorizations", "user_code", "id";
    RefreshSuccessor: "refresh_tokens", "successor", "id";
    OperatorTotp: "operators", "totp", "id";
    UpstreamIdToken: "upstream_sessions", "id_token", "session_id";
    UpstreamGrant: "upstream_grants", "sealed", "session_id";
    TracedPerson: "login_traces", "person", "id";
    TracePart: "login_trace_parts", "sealed", "trace_id";
    WebhookSecret: "webhooks", "secret", "id";
    WebhookPreviousSecret: "webhooks", "previous_secret", "id";
    SecretDriver: "secret_drivers", "sealed", "connection_id";
    RotationCandidate: "secret_rotations", "candidate", "id";
    IdempotentAnswer: "idempotency_keys", "sealed", "id";
}
