//! Starts that must fail, and whether what is said helps.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use avouch::embedded_postgres::{self, StartError};
use tempfile::TempDir;

use crate::NOBODY;
use crate::broker::Broker;
use crate::observe::{assert_says, give_to_server, is_root, start};

#[test]
fn another_major_version_is_refused_with_a_remedy() {
    let data = TempDir::new().unwrap();
    let cluster = data.path().join("pg");
    fs::create_dir(&cluster).unwrap();
    fs::write(cluster.join("PG_VERSION"), "9\n").unwrap();
    give_to_server(&cluster);
    let error = embedded_postgres::start(data.path()).unwrap_err();
    assert!(matches!(error, StartError::VersionMismatch { data: 9, .. }), "{error}");
    assert_says(&error, &["made by PostgreSQL 9", "pg_dump", "never upgrades"]);
}

#[test]
fn a_directory_that_holds_something_else_is_left_alone() {
    let data = TempDir::new().unwrap();
    let cluster = data.path().join("pg");
    fs::create_dir(&cluster).unwrap();
    fs::write(cluster.join("holiday.jpg"), "").unwrap();
    give_to_server(&cluster);
    let error = embedded_postgres::start(data.path()).unwrap_err();
    assert!(matches!(error, StartError::NotACluster { .. }), "{error}");
    assert!(cluster.join("holiday.jpg").exists());
}

#[test]
fn a_second_broker_on_the_same_data_directory_is_refused() {
    let data = TempDir::new().unwrap();
    let lock = File::create(data.path().join("avouch.lock")).unwrap();
    lock.lock().unwrap();
    let begin = Instant::now();
    let error = embedded_postgres::start(data.path()).unwrap_err();
    assert!(matches!(error, StartError::AlreadyRunning { .. }), "{error}");
    assert!(begin.elapsed() >= Duration::from_secs(14), "it waits for a holder that is just ending");
    assert_says(&error, &["already in use", "AVOUCH_DATA_DIR"]);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_explained() {
    let parent = TempDir::new().unwrap();
    fs::write(parent.path().join("file"), "").unwrap();
    let error = embedded_postgres::start(&parent.path().join("file/data")).unwrap_err();
    assert!(matches!(error, StartError::DataDir { .. }), "{error}");
    assert_says(&error, &["cannot create", "file/data", "AVOUCH_DATA_DIR"]);
}

#[test]
fn an_unwritable_data_directory_is_explained() {
    let data = TempDir::new().unwrap();
    fs::set_permissions(data.path(), Permissions::from_mode(0o555)).unwrap();
    let said = Broker::fail(data.path(), Some(NOBODY), &[]);
    assert!(said.contains("Permission denied") && said.contains("AVOUCH_DATA_DIR"), "{said}");
}

#[test]
fn missing_server_programs_are_explained() {
    let data = TempDir::new().unwrap();
    let empty = TempDir::new().unwrap();
    let said = Broker::fail(data.path(), None, &[("AVOUCH_PG_BIN", empty.path())]);
    assert!(said.contains("AVOUCH_PG_BIN") && said.contains("initdb"), "{said}");
}

#[test]
fn a_directory_the_servers_user_cannot_reach_is_explained() {
    if !is_root() {
        return; // Only root runs Postgres as someone else.
    }
    let closed = TempDir::new().unwrap();
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let error = embedded_postgres::start(&closed.path().join("data")).unwrap_err();
    assert!(matches!(error, StartError::Unreachable { .. }), "{error}");
    assert_says(&error, &["chmod o+x", "AVOUCH_DATA_DIR"]);
}

#[test]
fn a_uid_without_passwd_entry_is_explained() {
    if !is_root() {
        return; // Only root can become an unknown user.
    }
    let data = TempDir::new().unwrap();
    fs::set_permissions(data.path(), Permissions::from_mode(0o777)).unwrap();
    let said = Broker::fail(data.path(), Some(54321), &[]);
    assert!(said.contains("uid 54321 has no entry in /etc/passwd"), "{said}");
}

#[test]
fn what_postgres_itself_complains_about_is_passed_on() {
    let data = TempDir::new().unwrap();
    start(data.path()).stop().unwrap();
    fs::remove_file(data.path().join("pg/global/pg_control")).unwrap();
    let error = embedded_postgres::start(data.path()).unwrap_err();
    assert!(matches!(error, StartError::Startup { .. }), "{error}");
    assert_says(&error, &["did not start: could not", "pg-start.log"]);
}
