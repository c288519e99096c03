//! A hundred thousand people: called as people are, half of them at one large connection, a few blocked, some not here yet,
//! each with a past in the audit log.

use sqlx::PgConnection;

pub const USERS: usize = 100_000;
pub const FIRST: [&str; 20] = [
    "Ada", "Bruno", "Chidi", "Daria", "Emil", "Fatima", "Goran", "Hana", "Ingrid", "Jamal", "Kaori", "Lars", "Mira",
    "Noor", "Otto", "Priya", "Quentin", "Rosa", "Stefan", "Tove",
];
pub const LAST: [&str; 17] = [
    "Abadi", "Berg", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Hoffmann", "Ito", "Jansen", "Kowalski",
    "Lange", "Moreau", "Nowak", "Okafor", "Petrov", "Rossi",
];

/// The nth person, from 1.
pub fn sub(n: usize) -> String {
    format!("usr_{n:026}")
}

pub async fn seed(conn: &mut PgConnection) {
    let (first, last): (Vec<&str>, Vec<&str>) = (FIRST.to_vec(), LAST.to_vec());
    let users = "INSERT INTO users (id, status, email, email_verified, name, given_name, family_name, groups, created_at, updated_at, last_login_at)
        SELECT 'usr_' || lpad(n::text, 26, '0'), CASE WHEN n % 500 = 0 THEN 'blocked' ELSE 'active' END,
               'person' || n || '@tenant' || (n % 1000) || '.example', true, f || ' ' || l, f, l,
               ARRAY['staff', 'team-' || n % 50], now() - n * interval '1 minute', now(),
               CASE WHEN n % 10 <> 0 THEN now() - n * interval '1 second' END
        FROM (SELECT n, ($2::text[])[1 + n % cardinality($2::text[])] AS f, ($3::text[])[1 + n % cardinality($3::text[])] AS l
              FROM generate_series(1, $1) n) people";
    sqlx::query(users).bind(USERS as i32).bind(first).bind(last).execute(&mut *conn).await.unwrap();
    let rest = "
        INSERT INTO identities (id, user_id, connection_id, issuer, subject, created_at, last_login_at)
            SELECT 'idn_' || lpad(n::text, 26, '0'), 'usr_' || lpad(n::text, 26, '0'),
                   CASE WHEN n % 2 = 0 THEN (SELECT id FROM connections WHERE slug = 'idp-1') ELSE 'con_' || (1 + n % 1000) END,
                   'https://idp.example', 'subject-' || n, now(), now()
            FROM generate_series(1, 100000) n;
        INSERT INTO sessions (id, token_hash, user_id, identity_id, connection_slug, auth_time, amr, created_at, last_seen_at, expires_at)
            SELECT 'ses_' || lpad(n::text, 26, '0'), sha256(n::text::bytea), 'usr_' || lpad(n::text, 26, '0'), 'idn_' || lpad(n::text, 26, '0'),
                   'idp-1', now(), '{pwd}', now(), now(), now() + interval '8 hours'
            FROM generate_series(1, 100000, 3) n;
        INSERT INTO audit_events (id, at, action, outcome, actor, sub, detail)
            SELECT 'evt_' || lpad(n::text, 26, '0'), now() - n * interval '1 second', 'login', 'success',
                   'user:usr_' || lpad((1 + n % 100000)::text, 26, '0'), 'usr_' || lpad((1 + n % 100000)::text, 26, '0'), '{}'
            FROM generate_series(1, 500000) n;
        ANALYZE";
    sqlx::raw_sql(rest).execute(conn).await.unwrap();
}
