//! The ceilings: what HTTP, the signature and, where there is something to remember, one indexed transaction leave. No
//! identity, no policy, no trace, no header but what the protocol demands.

use std::net::{SocketAddr, TcpListener};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use avouch::clock::{Clock, SystemClock};
use avouch::db;
use avouch::jose::{Alg, EncodedHeader, Header, KeyPair};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

struct Bare {
    rs256: (KeyPair, EncodedHeader),
    es256: (KeyPair, EncodedHeader),
    db: db::Pool,
    document: Bytes,
}

/// Serves `/RS256`, `/ES256`, `/remembered`, `/redirected` and `/document`, the last being as large as told.
pub async fn start(database: PgConnectOptions, document: Bytes) -> SocketAddr {
    let db = db::pool(database);
    for sql in [
        "CREATE TABLE ceiling (id text PRIMARY KEY, n bigint NOT NULL, hash bytea)",
        "INSERT INTO ceiling SELECT n::text, 0, NULL FROM generate_series(0, 999) n",
    ] {
        sqlx::query(sql).execute(&db).await.unwrap();
    }
    let key = |alg: Alg| (KeyPair::generate(alg).0, Header::new(alg, "at+jwt").with_kid("bench").encode());
    let bare = Data::new(Bare { rs256: key(Alg::RS256), es256: key(Alg::ES256), db, document });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(bare.clone())
            .route("/RS256", web::post().to(async |bare: Data<Bare>, body: Bytes| signed(&bare.rs256, &body)))
            .route("/ES256", web::post().to(async |bare: Data<Bare>, body: Bytes| signed(&bare.es256, &body)))
            .route("/remembered", web::post().to(remembered))
            .route("/redirected", web::get().to(redirected))
            .route("/document", web::get().to(document_))
    });
    tokio::spawn(server.disable_signals().listen(listener).unwrap().run());
    address
}

/// Parse the form, hash, sign, answer.
fn signed(key: &(KeyPair, EncodedHeader), body: &[u8]) -> HttpResponse {
    let digest = avouch::secret::fingerprint(&field(body, "scope"));
    answer(json!({ "access_token": token(key, &digest) }))
}

/// The same with one indexed transaction, and an ID token beside the access token.
async fn remembered(bare: Data<Bare>, body: Bytes) -> HttpResponse {
    let digest = avouch::secret::fingerprint(&field(&body, "refresh_token"));
    transaction(&bare.db, &field(&body, "row"), &digest).await;
    answer(json!({ "access_token": token(&bare.es256, &digest), "id_token": token(&bare.es256, &digest) }))
}

/// One indexed transaction and a redirect.
async fn redirected(bare: Data<Bare>, query: web::Query<std::collections::HashMap<String, String>>) -> HttpResponse {
    let digest = avouch::secret::fingerprint(&query["state"]);
    transaction(&bare.db, &query["row"], &digest).await;
    HttpResponse::SeeOther().insert_header(("location", "https://app.example/?code=avo_ac_x")).finish()
}

async fn document_(bare: Data<Bare>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(bare.document.clone())
}

async fn transaction(db: &db::Pool, row: &str, hash: &[u8]) {
    let done = db::in_tx(db, async |conn| {
        let update = sqlx::query("UPDATE ceiling SET n = n + 1, hash = $2 WHERE id = $1").bind(row).bind(hash);
        update.execute(conn).await
    });
    assert_eq!(done.await.unwrap().rows_affected(), 1);
}

fn field(body: &[u8], wanted: &str) -> String {
    let mut found = String::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if name == wanted {
            found = value.into_owned();
        }
    }
    found
}

fn token((key, header): &(KeyPair, EncodedHeader), digest: &[u8; 32]) -> String {
    let now = SystemClock.now().unix_timestamp();
    let claims = json!({
        "iss": "http://localhost:8080", "sub": "bench", "aud": "https://api.example", "client_id": "bench", "azp": "bench",
        "scope": "read write", "iat": now, "exp": now + 3600,
        "jti": format!("jti_{:x}", u64::from_be_bytes(digest[..8].try_into().unwrap())),
    });
    key.sign_with(header, &claims)
}

fn answer(tokens: Value) -> HttpResponse {
    let mut body = json!({ "token_type": "Bearer", "expires_in": 3600, "scope": "read write" });
    body.as_object_mut().unwrap().extend(tokens.as_object().unwrap().clone());
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(body)
}
