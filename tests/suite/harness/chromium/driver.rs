//! chromedriver and the browser it starts: their processes, one session, and the wire between (W3C WebDriver §6).
//! They are gone when the value is, also after a panic.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::PATIENCE;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

const DRIVER: &str = "/usr/bin/chromedriver";
const BROWSER: &str = "/usr/bin/chromium";
const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox", // the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--lang=en",
    // Pictures show the end of every transition, and no scroll bar.
    "--force-prefers-reduced-motion",
    "--hide-scrollbars",
    // Nothing leaves the machine, and nothing waits for what would: oidc-provider's pages name a web font.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

pub struct Driver {
    process: Child,
    port: u16,
    session: String,
    /// The browser's process, which leads a group of its own.
    browser: Option<i32>,
    http: reqwest::Client,
    _profile: TempDir,
}

impl Driver {
    /// A session with a fresh profile.
    pub async fn start() -> Self {
        let mut process = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {DRIVER} ({error}): run `make setup`"));
        let stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut lines = stdout.lines().map_while(Result::ok);
        let port =
            lines.find_map(|line| line.trim_end_matches('.').split_once("successfully on port ")?.1.parse().ok());
        let port: u16 = port.expect("chromedriver says its port");
        std::thread::spawn(move || lines.for_each(drop));

        let profile = TempDir::new().expect("a folder for the profile");
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let http = http.expect("a client");
        let mut args = FLAGS.map(str::to_owned).to_vec();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": BROWSER, "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let mut driver = Self { process, port, session: String::new(), browser: None, http, _profile: profile };
        let asked = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let made = driver.call(Method::POST, "/session", asked).await;
        let made = made.unwrap_or_else(|error| panic!("no browser session ({error}): run `make setup`"));
        driver.browser = made["capabilities"]["goog:processID"].as_i64().and_then(|pid| pid.try_into().ok());
        driver.session = made["sessionId"].as_str().expect("a session has an id").to_owned();
        driver
    }

    /// `GET` of something of the session.
    pub async fn get(&self, what: &str) -> Result<Value, String> {
        self.call(Method::GET, &format!("/session/{}/{what}", self.session), Value::Null).await
    }

    /// `POST` to something of the session.
    pub async fn post(&self, what: &str, body: Value) -> Result<Value, String> {
        self.call(Method::POST, &format!("/session/{}/{what}", self.session), body).await
    }

    /// One WebDriver command: its value, or error and message in one line (§6.6).
    async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let request = self.http.request(method, url);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.map_err(|error| format!("chromedriver is gone: {error}"))?;
        let failed = !response.status().is_success();
        let mut answer: Value = response.json().await.map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if failed {
            let message = value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
            return Err(format!("{}: {message}", value["error"].as_str().unwrap_or_default()));
        }
        Ok(value)
    }
}

impl Drop for Driver {
    /// Asks for the end of the session, which removes the browser's processes, and makes sure.
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(3)));
            let request =
                format!("DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", self.session);
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read(&mut [0; 512]);
        }
        if let Ok(driver) = i32::try_from(self.process.id()) {
            // SAFETY: kill takes numbers only. Both lead process groups of their own, and the driver is not reaped yet.
            unsafe {
                libc::kill(-driver, libc::SIGKILL);
                if let Some(browser) = self.browser {
                    libc::kill(-browser, libc::SIGKILL);
                }
            }
        }
        let _ = self.process.wait();
    }
}
