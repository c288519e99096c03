//! mod_auth_openidc, Debian's package, as an application: a real Apache over `tests/peers/apache/httpd.conf`, whose pages
//! tell in headers who the module says is there. Its client at the broker is named `apache`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::broker::listen;
use crate::harness::PATIENCE;

const PROGRAM: &str = "/usr/sbin/apache2";
const MODULE: &str = "/usr/lib/apache2/modules/mod_auth_openidc.so";

pub struct Apache {
    process: Child,
    _folder: TempDir,
    /// `http://localhost:PORT`, behind which every page but `/bye` wants a person.
    pub url: String,
}

impl Apache {
    /// Listens when it returns. It asks the issuer nothing before somebody comes.
    pub async fn start(issuer: &str, secret: &str) -> Self {
        for needed in [PROGRAM, MODULE] {
            assert!(Path::new(needed).exists(), "{needed} is missing: run `make setup`");
        }
        let folder = stage().expect("a folder for Apache");
        let port = listen(0).local_addr().expect("a port").port();
        let mut process = Command::new(PROGRAM)
            .args(["-DFOREGROUND", "-f"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/apache/httpd.conf"))
            .env("AVOUCH_STAGE", folder.path())
            .env("AVOUCH_PORT", port.to_string())
            .env("AVOUCH_ISSUER", issuer)
            .env("AVOUCH_SECRET", secret)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {PROGRAM} ({error}): run `make setup`"));
        let stderr = BufReader::new(process.stderr.take().expect("stderr is piped"));
        // A thread that a test starts prints where the test prints: shown when it fails.
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| eprintln!("Apache: {line}")));
        let mut server = Self { process, _folder: folder, url: format!("http://localhost:{port}") };
        let end = std::time::Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(std::time::Instant::now() < end, "Apache does not listen; its stderr says why");
            assert!(matches!(server.process.try_wait(), Ok(None)), "Apache ended; its stderr says why");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// An address below it; `path` begins with a slash.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// `OIDCRedirectURI`: also where it takes requests of its own, as `?logout=`, `?refresh=` and `?logout=backchannel`.
    pub fn redirect_uri(&self) -> String {
        self.at("/callback")
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        if let Ok(leader) = i32::try_from(self.process.id()) {
            // SAFETY: kill takes numbers only. Apache leads a group of its own, its children, and is not reaped yet.
            unsafe { libc::kill(-leader, libc::SIGKILL) };
        }
        let _ = self.process.wait();
    }
}

/// Readable for the user that Apache becomes.
fn stage() -> std::io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let pages = folder.path().join("pages");
    fs::create_dir_all(pages.join("bye"))?;
    fs::write(pages.join("index.html"), "<!doctype html><title>Application</title><h1 id=\"welcome\">You are in</h1>")?;
    fs::write(
        pages.join("bye/index.html"),
        "<!doctype html><title>Application</title><h1 id=\"bye\">You are out</h1>",
    )?;
    for open in [folder.path(), &pages] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder)
}
