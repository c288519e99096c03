//! The client against sockets of this process.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Answers every connection with `answer` and returns its port.
async fn serve(answer: Vec<u8>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(&answer).await;
            if answer.is_empty() {
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
        }
    });
    port
}

fn client(allow_private: bool) -> Client {
    let timeout = Duration::from_secs(1);
    Client::new(Policy { allow_private, timeout, max_body: 1000, ..Policy::default() }).unwrap()
}

async fn get(client: &Client, url: &str) -> Result<http::Response<Vec<u8>>, FetchError> {
    client.send(http::Request::get(url).body(Vec::new()).unwrap()).await
}

#[tokio::test]
async fn an_answer_comes_back_whole() {
    let port = serve(b"HTTP/1.1 404 Not Found\r\nx-a: b\r\ncontent-length: 2\r\n\r\nhi".to_vec()).await;
    let answer = get(&client(true), &format!("http://localhost:{port}/x?secret=1")).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["x-a"].to_str().unwrap(), answer.body().as_slice()),
        (404, "b", &b"hi"[..])
    );
}

#[tokio::test]
async fn a_redirect_is_refused_by_name() {
    let port =
        serve(b"HTTP/1.1 302 Found\r\nlocation: https://inside.example/x?y\r\ncontent-length: 0\r\n\r\n".to_vec())
            .await;
    let error = get(&client(true), &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert_eq!(error, FetchError::Redirect { host: "127.0.0.1".into(), to: "inside.example".into() });
}

#[tokio::test]
async fn a_large_answer_is_cut_off_announced_or_not() {
    let announced =
        serve([b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n".as_slice(), &[b'x'; 2000]].concat()).await;
    let chunked = serve(
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n".as_slice(), &[b'x'; 2000], b"\r\n0\r\n\r\n"]
            .concat(),
    )
    .await;
    for port in [announced, chunked] {
        let error = get(&client(true), &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
        assert_eq!(error, FetchError::TooLarge { host: "127.0.0.1".into(), limit: 1000 });
    }
}

#[tokio::test]
async fn silence_ends_in_a_timeout_and_a_closed_port_in_a_connect_error() {
    let port = serve(Vec::new()).await;
    let error = get(&client(true), &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert_eq!(error, FetchError::Timeout { host: "127.0.0.1".into(), seconds: 1 });
    let error = get(&client(true), "http://127.0.0.1:1/?secret=1").await.unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }) && !error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn tls_failure_is_told_from_no_connection() {
    let port = serve(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    let error = get(&client(true), &format!("https://127.0.0.1:{port}/")).await.unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn the_guard_sees_literals_in_every_spelling_and_names_by_their_address() {
    let guarded = client(false);
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "https://169.254.169.254/latest",
    ] {
        let error = get(&guarded, url).await.unwrap_err();
        assert!(matches!(error, FetchError::Private { .. }), "{url}: {error:?}");
    }
    assert_eq!(
        get(&guarded, "http://idp.example/").await.unwrap_err(),
        FetchError::PlainHttp { host: "idp.example".into() }
    );
    assert_eq!(get(&guarded, "/x").await.unwrap_err(), FetchError::Url);
    assert!(matches!(get(&client(true), "http://169.254.169.254/").await.unwrap_err(), FetchError::Private { .. }));
    assert!(matches!(get(&client(true), "http://no-such-host.invalid/").await.unwrap_err(), FetchError::Dns { .. }));
}

#[test]
fn a_ca_file_without_certificates_is_named() {
    let error = Client::new(Policy { extra_ca_pem: Some(b"nothing".to_vec()), ..Policy::default() }).unwrap_err();
    assert!(error.to_string().contains("AVOUCH_UPSTREAM_CA_FILE"), "{error}");
}
