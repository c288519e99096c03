//! The master key: moving to another one, and a backup that is put back.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use avouch::clock::{Clock as _, SystemClock};
use avouch::rng::Rng;
use avouch::vault::{Keyring, Place, pepper};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::harness::app::get;
use crate::harness::postgres::{Database, MASTER_KEY};
use crate::harness::{App, Broker, BrokerProcess, Options};

const NEW_KEY: &str = "k2:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=\n";
const MANY: usize = 4000;

fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut places: Vec<_> = versions.map(|version| version.unwrap().path().join("bin").join(name)).collect();
    places.retain(|place| place.exists());
    places.sort();
    places.pop().unwrap_or_else(|| name.into())
}

/// Values under a master key.
async fn under(conn: &mut PgConnection, id: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM signing_keys WHERE substring(sealed FROM 3 FOR 2) = '{id}'::bytea");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(conn).await.unwrap()
}

#[tokio::test]
async fn a_move_to_a_new_master_key_that_was_killed_goes_on_where_it_was() {
    let mut broker = BrokerProcess::prepare().await;
    let pool = avouch::db::pool(broker.database.options());
    let rng = Rng::default();
    let vault = pepper::open(&pool, Keyring::parse(MASTER_KEY).unwrap(), &rng, SystemClock.now()).await.unwrap();
    let rows: Vec<String> = (0..MANY).map(|n| format!("old{n}")).collect();
    let place = |row| Place { table: "signing_keys", column: "sealed", row };
    let sealed: Vec<Vec<u8>> = rows.iter().map(|row| vault.seal(place(row), b"x", &rng).as_bytes().to_vec()).collect();
    sqlx::query(
        "INSERT INTO signing_keys (kid, alg, state, sealed, public_jwk, published_at, activated_at, ended_at)
         SELECT kid, 'ES256', 'retired', sealed, '{}', now(), now(), now() FROM UNNEST($1::text[], $2::bytea[]) AS u(kid, sealed)",
    )
    .bind(&rows)
    .bind(&sealed)
    .execute(&pool)
    .await
    .unwrap();
    let key_file = broker.files().join("master.key");
    std::fs::write(&key_file, format!("{NEW_KEY}{MASTER_KEY}")).unwrap();

    let mut conn = broker.database.connect().await;
    let total = under(&mut conn, "k1").await;
    let mut rewrap = broker.command(&["keys", "rewrap"]).stdout(Stdio::null()).spawn().unwrap();
    while under(&mut conn, "k2").await == 0 {
        assert!(rewrap.try_wait().unwrap().is_none(), "it ended and moved nothing");
        tokio::task::yield_now().await;
    }
    rewrap.kill().unwrap();
    rewrap.wait().unwrap();
    let moved = under(&mut conn, "k2").await;
    assert!(moved > 0 && moved < total, "it was killed in the middle: {moved} of {total}");

    // in the middle neither key may be missing
    std::fs::write(&key_file, NEW_KEY).unwrap();
    let refused = broker.run(&["keys", "list"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("k1") && said.contains("rewrap"), "{said}");
    std::fs::write(&key_file, MASTER_KEY).unwrap();
    assert!(!broker.run(&["keys", "list"]).status.success(), "k2 is needed by now");

    std::fs::write(&key_file, format!("{NEW_KEY}{MASTER_KEY}")).unwrap();
    let master = || {
        let printed = String::from_utf8_lossy(&broker.run(&["keys", "master"]).stdout).into_owned();
        let line = printed.lines().find(|line| line.starts_with("k1 ")).unwrap_or_else(|| panic!("{printed}"));
        line.to_owned()
    };
    let before = master();
    assert!(
        before.contains("Not yet: ") && before.contains("still sealed with it: run `avouch keys rewrap`"),
        "{before}"
    );
    let done = broker.run(&["keys", "rewrap"]);
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("no value needs the master key k1"), "{said}");
    assert_eq!((under(&mut conn, "k1").await, under(&mut conn, "k2").await), (0, total));
    let after = master();
    assert!(after.contains("Yes: Nothing is sealed with it: its line may go."), "{after}");
    std::fs::write(&key_file, NEW_KEY).unwrap();
    broker.serve().await;
    assert_eq!(get(&format!("{}/.well-known/jwks.json", broker.issuer)).await.status, 200);
}

#[tokio::test]
async fn a_backup_that_is_put_back_with_its_master_key_is_the_same_broker() {
    let here = Broker::start(Options::default()).await;
    here.secret("robot", "robot-secret-0123456789");
    here.apply("clients: [{ client_id: robot, kind: machine, client_secret: { file: robot } }]").await;
    let robot = App::new(&here, "robot", Some("robot-secret-0123456789"));
    assert_eq!(robot.token(&[("grant_type", "client_credentials")]).await.status, 200);

    let backup = here.files().join("avouch.dump");
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(Command::new(program("pg_dump")).args(["--format=custom", "--file"]).arg(&backup).arg(here.database_url()));
    let elsewhere = Database::fresh().await;
    let restore = ["--clean", "--if-exists", "--no-owner", "--exit-on-error", "--dbname", &elsewhere.url];
    run(Command::new(program("pg_restore")).args(restore).arg(&backup));

    let there = Broker::start(Options { database: Some(elsewhere.options()), ..Options::default() }).await;
    let kids = async |broker: &Broker| -> Vec<Value> {
        let jwks = get(&broker.url("/.well-known/jwks.json")).await.json;
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
    };
    assert_eq!(kids(&here).await, kids(&there).await);
    let robot = App::new(&there, "robot", Some("robot-secret-0123456789"));
    assert_eq!(
        robot.token(&[("grant_type", "client_credentials")]).await.status,
        200,
        "secrets are compared as before"
    );

    // the database alone is no backup
    std::fs::write(there.files().join("master.key"), NEW_KEY.replace("k2", "k1")).unwrap();
    let settings = |command: &mut Command| {
        command.env("AVOUCH_DATABASE_URL", &elsewhere.url).env("AVOUCH_ISSUER", &there.issuer);
        command.env("AVOUCH_MASTER_KEY_FILE", there.files().join("master.key"));
        command.env("AVOUCH_DATA_DIR", there.files());
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_avouch"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AVOUCH_")) {
        command.env_remove(name);
    }
    settings(command.args(["keys", "list"]));
    let refused = command.output().unwrap();
    assert!(!refused.status.success(), "another key of the same name opens nothing");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("master key"), "{refused:?}");
}
