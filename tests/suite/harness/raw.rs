//! A client that sends what it is given, byte for byte, and reads what comes: for requests that no library of ours
//! would write like that.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

#[derive(Clone, Debug)]
pub struct RawAnswer {
    pub status: u16,
    /// Status line and headers, in small letters.
    pub head: String,
    pub body: String,
}

impl RawAnswer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// One POST with these header lines, on a connection of its own.
pub async fn post(issuer: &str, path: &str, headers: &[&str], body: &str) -> RawAnswer {
    let url = Url::parse(issuer).unwrap();
    let port = url.port().expect("the broker's port");
    let more: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    exchange(port, request.as_bytes()).await
}

async fn exchange(port: u16, request: &[u8]) -> RawAnswer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8(answer).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {text}"));
    let head = head.to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    assert!(!head.contains("transfer-encoding: chunked"), "this client reads no chunks");
    RawAnswer { status, head, body: body.to_owned() }
}
