//! A client that sends what it is given, byte for byte, and reads what comes: for requests that no library of ours would
//! write like that. Each request has a connection of its own.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::app::Answer;

/// The header lines that forms usually come with.
pub const FORM: [&str; 2] = ["Content-Type: application/x-www-form-urlencoded", "Accept: application/json"];

/// `POST path` with these header lines and this body.
pub async fn post(issuer: &str, path: &str, lines: &[&str], body: &str) -> Answer {
    let length = format!("Content-Length: {}", body.len());
    exchange(issuer, &format!("POST {path}"), &[lines, &[&length]].concat(), body).await
}

/// `GET path` with these header lines.
pub async fn get(issuer: &str, path: &str, lines: &[&str]) -> Answer {
    exchange(issuer, &format!("GET {path}"), lines, "").await
}

/// `POST /oauth/token` of a form, with this `Authorization` if any.
pub async fn token(issuer: &str, authorization: Option<&str>, body: &str) -> Answer {
    let line = authorization.map(|value| format!("Authorization: {value}"));
    let lines: Vec<&str> = FORM.into_iter().chain(line.as_deref()).collect();
    post(issuer, "/oauth/token", &lines, body).await
}

async fn exchange(issuer: &str, request: &str, lines: &[&str], body: &str) -> Answer {
    let address = issuer.strip_prefix("http://").expect("plain http");
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let message = format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{lines}\r\n{body}");
    let mut stream = TcpStream::connect(address.replace("localhost", "127.0.0.1")).await.expect("the broker listens");
    stream.write_all(message.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    let text = String::from_utf8(answer).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {text}"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    let answer = Answer {
        status: status.unwrap_or_else(|| panic!("no status: {head}")),
        headers: headers.collect(),
        json: serde_json::from_str(body).unwrap_or(Value::Null),
    };
    assert_eq!(answer.header("transfer-encoding"), "", "this client reads no chunks");
    answer
}
