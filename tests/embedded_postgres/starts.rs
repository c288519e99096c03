//! It starts, holds what it should, and starts again.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use tempfile::TempDir;

use crate::NOBODY;
use crate::broker::Broker;
use crate::observe::{ask, is_alive, postmaster, query, run, start, wait_until};

#[test]
fn the_first_start_creates_the_database_and_a_later_start_finds_it_again() {
    let data = TempDir::new().unwrap();
    let begin = Instant::now();
    let postgres = start(data.path());
    println!("first start: {:?}", begin.elapsed());
    assert!(postgres.major_version() >= 14);
    ask(&postgres, "CREATE TABLE kept AS SELECT 7 AS number");
    assert_eq!(ask(&postgres, "SHOW fsync"), "on");
    assert_eq!(ask(&postgres, "SHOW listen_addresses"), "");
    assert_eq!(ask(&postgres, "SELECT current_user || '@' || current_database()"), "broker@avouch");
    assert_eq!(ask(&postgres, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user"), "false");
    assert_eq!(ask(&postgres, "SELECT lower('ÄÉ')"), "äé");
    postgres.stop().unwrap();
    assert!(!data.path().join("pg/postmaster.pid").exists());

    let begin = Instant::now();
    let postgres = start(data.path());
    println!("later start: {:?}", begin.elapsed());
    assert_eq!(ask(&postgres, "SELECT number::text FROM kept"), "7");
    drop(postgres);
    assert!(!data.path().join("pg/postmaster.pid").exists(), "dropping stops it too");
}

#[test]
fn the_broker_may_create_databases_and_connect_to_them() {
    let data = TempDir::new().unwrap();
    let postgres = start(data.path());
    ask(&postgres, "CREATE DATABASE another TEMPLATE avouch");
    let options = postgres.connect_options_for("another");
    let name = run(async {
        let mut connection = options.connect().await.unwrap();
        query(&mut connection, "SELECT current_database()::text").await
    });
    assert_eq!(name, "another");
    ask(&postgres, "DROP DATABASE another WITH (FORCE)");
}

#[test]
fn a_deep_data_directory_with_odd_characters_works() {
    let data = TempDir::new().unwrap();
    let deep = data.path().join("it's a \"place\", é").join("d".repeat(120));
    let postgres = start(&deep);
    assert_eq!(ask(&postgres, "SELECT 'open'"), "open");
}

#[test]
fn a_start_waits_for_a_broker_that_is_just_ending() {
    let data = TempDir::new().unwrap();
    let lock = File::create(data.path().join("avouch.lock")).unwrap();
    lock.lock().unwrap();
    let holder = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        drop(lock);
    });
    let postgres = start(data.path());
    holder.join().unwrap();
    postgres.stop().unwrap();
}

#[test]
fn a_normal_user_starts_it_too() {
    let data = TempDir::new().unwrap();
    fs::set_permissions(data.path(), Permissions::from_mode(0o777)).unwrap();
    let mut broker = Broker::start(&data.path().join("own"), Some(NOBODY));
    broker.child.kill().unwrap();
    broker.child.wait().unwrap();
    wait_until("postgres is gone", || !is_alive(broker.postmaster));
    let again = Broker::start(&data.path().join("own"), Some(NOBODY));
    again.stop();
}

#[test]
fn postgres_inherits_neither_our_files_nor_our_environment() {
    let data = TempDir::new().unwrap();
    let _postgres = start(data.path());
    let proc = PathBuf::from(format!("/proc/{}", postmaster(data.path())));
    let open: Vec<PathBuf> =
        fs::read_dir(proc.join("fd")).unwrap().flatten().filter_map(|fd| fs::read_link(fd.path()).ok()).collect();
    assert!(!open.iter().any(|file| file.ends_with("avouch.lock")), "{open:?}");
    let environment = String::from_utf8_lossy(&fs::read(proc.join("environ")).unwrap()).into_owned();
    assert!(!environment.contains("CARGO"), "{environment}");
}
