//! A web server that publishes metadata, and can be told to change, to lie, to be slow and to fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[derive(Clone, Default)]
struct Answer {
    body: Arc<String>,
    status: u16,
    /// Header lines, each with its line break.
    headers: String,
    delay: Duration,
}

pub struct Publisher {
    pub url: String,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Publisher {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/metadata", listener.local_addr().unwrap().port());
        let publisher = Self {
            url,
            answer: Arc::new(Mutex::new(Answer { status: 200, ..Answer::default() })),
            requests: Arc::default(),
        };
        let (answer, requests) = (publisher.answer.clone(), publisher.requests.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, requests) = (answer.clone(), requests.clone());
                tokio::spawn(async move {
                    let mut request = vec![0; 8192];
                    let length = stream.read(&mut request).await.unwrap_or(0);
                    let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
                    let answer = answer.lock().unwrap().clone();
                    let is_known = request.lines().any(|line| {
                        let validator =
                            line.strip_prefix("if-none-match: ").or(line.strip_prefix("if-modified-since: "));
                        validator.is_some_and(|value| answer.headers.to_lowercase().contains(value))
                    });
                    requests.lock().unwrap().push(request);
                    tokio::time::sleep(answer.delay).await;
                    let (status, body) = if is_known { (304, "") } else { (answer.status, answer.body.as_str()) };
                    let head = format!(
                        "HTTP/1.1 {status} X\r\n{}content-length: {}\r\nconnection: close\r\n\r\n",
                        answer.headers,
                        body.len()
                    );
                    let _ = stream.write_all(head.as_bytes()).await;
                    let _ = stream.write_all(body.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        publisher
    }

    /// Another document, and nothing wrong any more.
    pub fn serve(&self, body: String) {
        *self.answer.lock().unwrap() = Answer { body: Arc::new(body), status: 200, ..Answer::default() };
    }

    pub fn answer_with(&self, status: u16) {
        self.answer.lock().unwrap().status = status;
    }

    /// Header lines without their line breaks.
    pub fn headers(&self, lines: &[&str]) {
        self.answer.lock().unwrap().headers = lines.iter().map(|line| format!("{line}\r\n")).collect();
    }

    pub fn take_time(&self, delay: Duration) {
        self.answer.lock().unwrap().delay = delay;
    }

    pub fn fetches(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// In lower case.
    pub fn last_request(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }
}
