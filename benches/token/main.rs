//! How fast a machine token is, as a ratio inside one run: `POST /oauth/token` of a whole broker against a bare server
//! in the same process that only parses the form, hashes the secret, signs and answers. Ends with one line a measure.
//!
//! The load comes from threads of this process over keep-alive connections, so both sides pay the same for it. The two
//! are measured in turn, several rounds, and the medians are compared.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod broker;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, web};
use avouch::clock::{Clock, SystemClock};
use avouch::jose::{Alg, Header, KeyPair};
use broker::Broker;

const CONNECTIONS: usize = 8;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

#[actix_web::main]
async fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    for alg in [Alg::RS256, Alg::ES256] {
        measure(alg).await;
    }
}

async fn measure(alg: Alg) {
    let broker = Broker::start(alg).await;
    let bare = bare(alg).await;
    let ours = request(broker.address, &broker.basic);
    let theirs = request(bare, &broker.basic);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let runs = ROUNDS + 1;
    let results = web::block(move || {
        for round in 0..runs {
            let pair = (load(&ours), load(&theirs));
            if round > 0 {
                a.push(pair.0);
                b.push(pair.1);
            }
        }
        (median(a), median(b))
    })
    .await
    .unwrap();
    let (ours, theirs) = results;
    println!("bench bare_{alg} {theirs:.0} tokens/s");
    println!("bench client_credentials_{alg} {ours:.0} tokens/s ratio {:.2} of bare_{alg}", ours / theirs);
    broker.stop().await;
}

/// Parse form, hash, sign, answer: the ceiling that HTTP and the signature leave.
async fn bare(alg: Alg) -> SocketAddr {
    async fn token(key: Data<(KeyPair, avouch::jose::EncodedHeader)>, body: Bytes) -> HttpResponse {
        let mut scope = String::new();
        for (name, value) in url::form_urlencoded::parse(&body) {
            if name == "scope" {
                scope = value.into_owned();
            }
        }
        let digest = avouch::secret::fingerprint(&scope);
        let now = SystemClock.now().unix_timestamp();
        let claims = serde_json::json!({
            "iss": "http://localhost:8080", "sub": "bench", "aud": "https://api.example", "client_id": "bench", "azp": "bench",
            "scope": "read write", "iat": now, "exp": now + 3600, "jti": format!("jti_{:x}", u64::from_be_bytes(digest[..8].try_into().unwrap())),
        });
        let jwt = key.0.sign_with(&key.1, &claims);
        HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(serde_json::json!({
            "access_token": jwt, "token_type": "Bearer", "expires_in": 3600, "scope": "read write",
        }))
    }
    let (key, _) = KeyPair::generate(alg);
    let header = Header::new(alg, "at+jwt").with_kid("bench").encode();
    let state = Data::new((key, header));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server =
        HttpServer::new(move || App::new().app_data(state.clone()).route("/oauth/token", web::post().to(token)));
    tokio::spawn(server.disable_signals().listen(listener).unwrap().run());
    address
}

#[derive(Clone)]
struct Request {
    address: SocketAddr,
    bytes: Arc<Vec<u8>>,
}

fn request(address: SocketAddr, basic: &str) -> Request {
    let body = "grant_type=client_credentials&scope=read write";
    let text = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Request { address, bytes: Arc::new(text.into_bytes()) }
}

/// Tokens a second over one round. Anything but 200 ends the benchmark: fast errors would look like a record.
fn load(request: &Request) -> f64 {
    let began = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let request = request.clone();
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(request.address).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = vec![0; 8192];
                let mut done = 0u32;
                while began.elapsed() < ROUND {
                    stream.write_all(&request.bytes).unwrap();
                    answer(&mut stream, &mut buffer);
                    done += 1;
                }
                done
            })
        })
        .collect();
    let done: u32 = workers.into_iter().map(|w| w.join().unwrap()).sum();
    f64::from(done) / began.elapsed().as_secs_f64()
}

/// Reads one whole answer with a Content-Length.
fn answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).unwrap();
        assert!(read > 0, "the server closed the connection");
        filled += read;
        let text = std::str::from_utf8(&buffer[..filled]).unwrap();
        let Some(head) = text.find("\r\n\r\n") else { continue };
        assert!(text.starts_with("HTTP/1.1 200"), "not a token: {text}");
        let length = text[..head]
            .lines()
            .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let length: usize = length.expect("a Content-Length").trim().parse().unwrap();
        if filled >= head + 4 + length {
            return;
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
