//! Asking the database and watching its processes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use avouch::embedded_postgres::{self, EmbeddedPostgres, StartError};
use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::NOBODY;

pub fn start(data: &Path) -> EmbeddedPostgres {
    embedded_postgres::start(data).unwrap_or_else(|error| panic!("{error}"))
}

pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub fn ask(postgres: &EmbeddedPostgres, sql: &'static str) -> String {
    run(async {
        let mut connection = postgres.connect_options().connect().await.unwrap();
        let answer = query(&mut connection, sql).await;
        connection.close().await.unwrap();
        answer
    })
}

pub async fn query(connection: &mut PgConnection, sql: &'static str) -> String {
    let answer: Option<(String,)> = sqlx::query_as(sql).fetch_optional(connection).await.unwrap();
    answer.map(|(text,)| text).unwrap_or_default()
}

pub fn postmaster(data: &Path) -> i32 {
    let file = fs::read_to_string(data.join("pg/postmaster.pid")).unwrap();
    file.lines().next().unwrap().trim().parse().unwrap()
}

pub fn kill(pid: i32, signal: i32) {
    // SAFETY: plain integers; the pid is a Postgres that this test started.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

/// A zombie that its new parent has not reaped yet is not alive.
pub fn is_alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(90), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn is_root() -> bool {
    // SAFETY: no preconditions, cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// As if the server's user had made it, which is some user other than root.
pub fn give_to_server(dir: &Path) {
    if is_root() {
        std::os::unix::fs::chown(dir, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

pub fn assert_says(error: &StartError, words: &[&str]) {
    let text = error.to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}
