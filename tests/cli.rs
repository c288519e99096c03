//! The command line as an operator meets it: what goes wrong is told in one line, with the remedy, and the exit code says so.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

/// The program with nothing of ours in its environment, in a directory of its own.
fn avouch(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avouch"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AVOUCH_")) {
        command.env_remove(name);
    }
    command.current_dir(dir).args(arguments).envs(variables.iter().copied()).output().unwrap()
}

/// Exactly one line on stderr, nothing on stdout, exit code 1.
fn fault(output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("avouch: "), "{stderr}");
    stderr.trim_end().to_owned()
}

fn master_key(path: &Path, key: &str) {
    std::fs::write(path, format!("k1:{key}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn settings_that_are_wrong_are_named_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.toml"), "listen = '127.0.0.1:1'\nissuerr = 'x'\n").unwrap();
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let table: [Case<'_>; 6] = [
        (&["serve"], &[("AVOUCH_LISTENN", "x")], "AVOUCH_LISTENN is not a setting; did you mean AVOUCH_LISTEN?"),
        (&["serve", "--config", "bad.toml"], &[], "bad.toml:2:1: unknown field `issuerr`"),
        (&["serve", "--config", "none.toml"], &[], "the configuration file none.toml cannot be read"),
        (&["serve", "--issuer", "http://id.example"], &[], "must use https"),
        (&["serve"], &[("AVOUCH_DATABASE_URL", "postgres://u:hush@h/d")], "master_key_file is not set"),
        (&["healthcheck", "--ops-listen", "127.0.0.1:1"], &[], "nobody answers at http://127.0.0.1:1/readyz"),
    ];
    for (arguments, variables, expected) in table {
        let line = fault(&avouch(dir.path(), arguments, variables));
        assert!(line.contains(expected) && !line.contains("hush"), "{expected}: {line}");
    }
    assert_eq!(avouch(dir.path(), &["frobnicate"], &[]).status.code(), Some(2));
}

#[test]
fn help_lists_every_setting_with_its_variable() {
    let dir = tempfile::tempdir().unwrap();
    let help = avouch(dir.path(), &["help", "apply"], &[]);
    let text = String::from_utf8_lossy(&help.stdout);
    for setting in &avouch::config::SETTINGS {
        assert!(text.contains(setting.variable), "{}", setting.variable);
    }
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let dir = tempfile::tempdir().unwrap();
    master_key(&dir.path().join("key"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let database = format!("postgres://u:hush@127.0.0.1:{closed}/d");
    let variables = [("AVOUCH_DATABASE_URL", database.as_str()), ("AVOUCH_MASTER_KEY_FILE", "key")];
    let line = fault(&avouch(dir.path(), &["serve"], &variables));
    assert!(line.contains(&format!("127.0.0.1:{closed} cannot be reached")) && !line.contains("hush"), "{line}");
}

#[test]
fn a_resource_file_with_a_fault_is_refused_by_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("f.yaml"), "clients:\n  - client_id: a\n    kind: web\n    redirect_uri: x\n")
        .unwrap();
    let line = fault(&avouch(dir.path(), &["apply", "-f", "f.yaml", "--dry-run"], &[]));
    assert!(line.starts_with("avouch: f.yaml:4:5: unknown key `redirect_uri`, expected one of"), "{line}");
    let line = fault(&avouch(dir.path(), &["apply", "-f", "none.yaml"], &[]));
    assert!(line.contains("none.yaml cannot be read"), "{line}");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let line = fault(&avouch(dir.path(), &["migrate", "--data-dir", "/dev/null/avouch"], &[]));
    assert!(line.contains("/dev/null/avouch"), "{line}");
}

#[test]
fn commands_reach_the_embedded_database_of_a_broker_that_runs() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let running = avouch::embedded_postgres::start(&dir.path().join("avouch-data")).unwrap();
    let made = avouch(dir.path(), &["operator", "create", "a@b.example"], &[]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    running.stop().unwrap();

    // Without a broker the command starts the database itself.
    let line = fault(&avouch(dir.path(), &["operator", "create", "a@b.example"], &[]));
    assert!(line.contains("there is an operator a@b.example already"), "{line}");
    std::fs::remove_file(dir.path().join("avouch-data/master.key")).unwrap();
    let line = fault(&avouch(dir.path(), &["export"], &[]));
    assert!(line.contains("master.key is missing, and the database was sealed with it"), "{line}");
    assert!(!dir.path().join("avouch-data/master.key").exists());
}

#[sqlx::test(migrations = false)]
async fn a_master_key_that_does_not_fit_is_refused(_: sqlx::postgres::PgPoolOptions, options: PgConnectOptions) {
    let dir = tempfile::tempdir().unwrap();
    let (database, key) = (options.to_url_lossy().to_string(), dir.path().join("key"));
    let variables = [("AVOUCH_DATABASE_URL", database.as_str()), ("AVOUCH_MASTER_KEY_FILE", "key")];

    master_key(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let made = avouch(dir.path(), &["operator", "create", "a@b.example"], &variables);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(String::from_utf8_lossy(&made.stdout).trim_end().len(), 23, "the one-time password alone");

    master_key(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=");
    let line = fault(&avouch(dir.path(), &["export"], &variables));
    assert!(line.contains("the master key file key does not fit this database"), "{line}");

    std::fs::write(&key, "not a key\n").unwrap();
    let line = fault(&avouch(dir.path(), &["export"], &variables));
    assert!(line.contains("line 1 of the master key file is not KEYID:BASE64"), "{line}");

    master_key(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mounted = avouch(dir.path(), &["export"], &variables);
    let told = String::from_utf8_lossy(&mounted.stderr);
    assert!(mounted.status.success() && told.contains("can be read by everybody"), "{told}");
}

#[sqlx::test(migrations = false)]
async fn a_port_that_is_taken_is_named(_: sqlx::postgres::PgPoolOptions, options: PgConnectOptions) {
    let dir = tempfile::tempdir().unwrap();
    let database = options.to_url_lossy().to_string();
    master_key(&dir.path().join("key"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let variables = [
        ("AVOUCH_DATABASE_URL", database.as_str()),
        ("AVOUCH_MASTER_KEY_FILE", "key"),
        ("AVOUCH_LISTEN", address.as_str()),
    ];
    let line = fault(&avouch(dir.path(), &["serve"], &variables));
    assert!(line.contains(&address) && line.contains("AVOUCH_LISTEN"), "{line}");
}

#[sqlx::test(migrations = false)]
async fn apply_prints_its_plan_and_an_export_changes_nothing(
    _: sqlx::postgres::PgPoolOptions,
    options: PgConnectOptions,
) {
    let dir = tempfile::tempdir().unwrap();
    let database = options.to_url_lossy().to_string();
    master_key(&dir.path().join("key"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let variables = [
        ("AVOUCH_DATABASE_URL", database.as_str()),
        ("AVOUCH_MASTER_KEY_FILE", "key"),
        ("AVOUCH_SECRET_CONNECTION_CONTOSO", "hunter2-hunter2"),
    ];
    let run = |arguments: &[&str]| {
        let output = avouch(dir.path(), arguments, &variables);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let file = "connections:\n  - slug: contoso\n    issuer: https://idp.example\n    client_id: a\n    \
                client_secret: { env: AVOUCH_SECRET_CONNECTION_CONTOSO }\nusers:\n  - { email: a@b.example, connection: contoso, subject: s }\n";
    std::fs::write(dir.path().join("f.yaml"), file).unwrap();

    let dry = run(&["apply", "-f", "f.yaml", "--dry-run"]);
    assert!(dry.contains("+ connection contoso") && dry.ends_with("nothing was changed\n"), "{dry}");
    let applied = run(&["apply", "-f", "f.yaml"]);
    assert!(applied.contains("user a@b.example sub=usr_") && !applied.contains("hunter2"), "{applied}");
    std::fs::write(dir.path().join("export.yaml"), run(&["export"])).unwrap();
    assert!(run(&["apply", "-f", "export.yaml", "--dry-run"]).starts_with("no changes (2 as the file says)\n"));
    assert!(run(&["keys", "rotate", "--alg", "ES256", "--now"]).contains("ES256: "));
    assert_eq!(run(&["keys", "list"]).matches("  active ").count(), 4);
}
