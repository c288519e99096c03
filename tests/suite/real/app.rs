//! An application with a door: an HTTP listener that a real browser can come back to. Its thinking is a peer's.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::stage::{SECRET, Stage};
use crate::harness::Peer;

pub struct App {
    client_id: String,
    pub redirect_uri: String,
    peer: Peer,
    /// The body of the last POST.
    posted: Arc<Mutex<String>>,
    door: JoinHandle<()>,
}

impl App {
    pub async fn open(client_id: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let posted = Arc::new(Mutex::new(String::new()));
        let board = posted.clone();
        let door = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(body) = answer(stream).await
                    && !body.is_empty()
                {
                    *board.lock().expect("no test panics here") = body;
                }
            }
        });
        let redirect_uri = format!("http://localhost:{port}/callback");
        Self { client_id: client_id.into(), redirect_uri, peer: Peer::openid_client(), posted, door }
    }

    /// Where it sends a person who wants in.
    pub async fn ask(&mut self, stage: &Stage) -> String {
        self.ask_for(stage, "response_mode", "query").await
    }

    /// The same with one more parameter of the authorization request.
    pub async fn ask_for(&mut self, stage: &Stage, parameter: &str, value: &str) -> String {
        self.ask_at(stage.issuer(), parameter, value).await
    }

    /// The same on another stage.
    pub async fn ask_at(&mut self, issuer: &str, parameter: &str, value: &str) -> String {
        let discover =
            json!({ "cmd": "discover", "issuer": issuer, "client_id": self.client_id, "client_secret": SECRET });
        self.peer.tell(discover).await;
        let mut asked = json!({ "cmd": "authorize_url", "redirect_uri": self.redirect_uri, "scope": "openid profile email groups" });
        asked[parameter] = json!(value);
        self.peer.tell(asked).await["url"].as_str().unwrap_or_default().to_owned()
    }

    /// Who came back: the claims of the ID token that the code in this address brings.
    pub async fn welcome(&mut self, url: &str) -> Value {
        self.peer.tell(json!({ "cmd": "callback", "url": url })).await["claims"].clone()
    }

    /// The same for the code in the form that was posted last.
    pub async fn welcome_posted(&mut self) -> Value {
        let body = std::mem::take(&mut *self.posted.lock().expect("no test panics here"));
        assert!(!body.is_empty(), "nothing was posted");
        self.peer.tell(json!({ "cmd": "callback", "url": self.redirect_uri, "body": body })).await["claims"].clone()
    }
}

/// Answers one request and returns its body.
async fn answer(stream: TcpStream) -> std::io::Result<String> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while {
        line.clear();
        stream.read_line(&mut line).await? > 2
    } {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let page = "<!doctype html><title>Application</title><h1 id=\"welcome\">You are back at the application</h1>";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: ";
    stream.get_mut().write_all(format!("{head}{}\r\n\r\n{page}", page.len()).as_bytes()).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

impl Drop for App {
    fn drop(&mut self) {
        self.door.abort();
    }
}
