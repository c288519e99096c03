//! How fast the protocol is, as ratios inside one run: a whole broker against a bare server in the same process that only
//! does what cannot be left out (see `bare`). One line a measure; p99, memory and start-up time beside it, and all of it
//! again when the broker has grown.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod bare;
mod broker;
mod flow;
mod load;
mod process;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use broker::{Broker, basic};
use load::{CONNECTIONS, Side, Turn, Wire, get, post};
use process::Replica;
use sqlx::{ConnectOptions as _, Connection as _};

const FORM: &str = "grant_type=client_credentials&scope=read write";
const JWKS: &str = "/.well-known/jwks.json";
const GROWN: (i32, i32) = (10_000, 100_000);

#[actix_web::main]
async fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let broker = Broker::start().await;
    let address = broker.address;
    let document = actix_web::web::block(move || document(address)).await.unwrap();
    let bare = bare::start(broker.database(), document).await;
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str()));

    for alg in ["RS256", "ES256"].into_iter().filter(|alg| wants(&format!("client_credentials_{alg}"))) {
        let ceiling = format!("bare_{alg}");
        compare(
            &format!("client_credentials_{alg}"),
            "tokens/s",
            machine(broker.address, alg),
            &ceiling,
            bare_machine(bare, alg),
        )
        .await;
    }
    if wants("refresh") {
        compare("refresh", "refreshes/s", flow::refresh(&broker).await, "bare_transaction", bare_refresh(bare)).await;
    }
    if wants("code_flow") {
        compare("code_flow", "flows/s", flow::code_flow(&broker).await, "bare_two_transactions", bare_flow(bare)).await;
    }
    if wants("jwks") {
        let ours = Side::repeating(broker.address, &get(JWKS, ""));
        compare("jwks", "documents/s", ours, "bare_document", Side::repeating(bare, &get("/document", ""))).await;
    }
    if wants("growth") {
        growth(&broker, bare).await;
    }
    broker.stop().await;
}

/// The same load again with many connections and clients, and what a replica that is a process takes.
async fn growth(broker: &Broker, bare: SocketAddr) {
    let replica = Replica::start(broker);
    println!("bench start_up {:.0} ms", replica.start_up.as_secs_f64() * 1e3);
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("bench idle_memory {:.1} MiB", replica.memory());
    compare(
        "client_credentials_ES256_logged",
        "tokens/s",
        machine(replica.address, "ES256"),
        "bare_ES256",
        bare_machine(bare, "ES256"),
    )
    .await;
    println!("bench memory_after_load {:.1} MiB", replica.memory());

    let mut conn = broker.database().connect().await.unwrap();
    broker::grow(&mut conn, GROWN.0, GROWN.1).await;
    broker.reload().await; // behind the one that the notification began
    let began = Instant::now();
    broker.reload().await;
    println!("bench reload_grown {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    let began = Instant::now();
    broker.take_up_changes().await;
    println!("bench take_up_changes_grown {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    for enabled in [false, true, false] {
        let seen = change_seen(&mut conn, &replica, enabled).await;
        println!("bench change_seen_grown {:.0} ms", seen.as_secs_f64() * 1e3);
    }
    println!("bench memory_grown {:.1} MiB", replica.memory());
    drop(replica);
    let replica = Replica::start(broker);
    println!("bench start_up_grown {:.0} ms", replica.start_up.as_secs_f64() * 1e3);
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("bench idle_memory_grown {:.1} MiB", replica.memory());
    drop(replica);
    compare(
        "client_credentials_ES256_grown",
        "tokens/s",
        machine(broker.address, "ES256"),
        "bare_ES256",
        bare_machine(bare, "ES256"),
    )
    .await;
    compare("refresh_grown", "refreshes/s", flow::refresh(broker).await, "bare_transaction", bare_refresh(bare)).await;
    conn.close().await.unwrap();
}

/// How long after the commit the replica goes by it.
async fn change_seen(conn: &mut sqlx::PgConnection, replica: &Replica, enabled: bool) -> Duration {
    let update = sqlx::query("UPDATE clients SET enabled = $1 WHERE client_id = 'grown-77777'").bind(enabled);
    update.execute(conn).await.unwrap();
    let committed = Instant::now();
    let (mut wire, request) = (Wire::open(replica.address), post("/oauth/token", &basic("grown-77777"), FORM));
    while (wire.ask(&request).0 == 200) != enabled {
        assert!(committed.elapsed() < Duration::from_secs(30), "the replica does not see the change");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    committed.elapsed()
}

async fn compare(name: &str, unit: &str, mut ours: Side, ceiling_name: &str, mut ceiling: Side) {
    let compared = actix_web::web::block(move || load::compare(&mut ours, &mut ceiling)).await.unwrap();
    println!("bench {ceiling_name} {:.0} {unit}", compared.ceiling);
    println!("bench {name} {:.0} {unit} ratio {:.2} of {ceiling_name}", compared.ours, compared.ratio);
    println!("bench {name}_p99 {:.2} ms", compared.p99);
}

fn machine(address: SocketAddr, alg: &str) -> Side {
    Side::repeating(address, &post("/oauth/token", &basic(alg), FORM))
}

fn bare_machine(address: SocketAddr, alg: &str) -> Side {
    Side::repeating(address, &post(&format!("/{alg}"), &basic(alg), FORM))
}

/// Every connection has a row of its own, as every person has.
fn rows(address: SocketAddr, turn: impl Fn(usize) -> Turn) -> Side {
    Side { address, turns: (0..CONNECTIONS).map(turn).collect() }
}

fn remembered(row: usize) -> String {
    post("/remembered", &basic("app"), &format!("grant_type=refresh_token&row={row}&refresh_token=avo_rt_{row:056}"))
}

fn bare_refresh(address: SocketAddr) -> Side {
    rows(address, |row| {
        let request = remembered(row);
        Box::new(move |wire| {
            wire.exchange(&request, 200);
        })
    })
}

fn bare_flow(address: SocketAddr) -> Side {
    rows(address, |row| {
        let requests = (get(&format!("/redirected?row={row}&state=0123456789"), ""), remembered(row));
        Box::new(move |wire| {
            wire.exchange(&requests.0, 303);
            wire.exchange(&requests.1, 200);
        })
    })
}

fn document(address: SocketAddr) -> Bytes {
    let mut wire = Wire::open(address);
    let answer = wire.exchange(&get(JWKS, ""), 200);
    Bytes::copy_from_slice(answer.split_once("\r\n\r\n").unwrap().1.as_bytes())
}
