//! Schemathesis at the protocol endpoints: whatever is sent, no 5xx, no hang, errors in the form of their RFC, and no
//! secret in an answer. `tests/peers/openapi.yaml` says what is sent and what may come back.
//!
//! Here a short run that is the same each time; `make fuzz-http` runs for ten minutes, each time another way.

use std::process::Stdio;
use std::time::Duration;

use crate::harness::{Options, World};

const SECRET: &str = "fuzzed-secret-0123456789";
/// No answer takes longer, on a busy machine either.
const LONGEST_ANSWER: &str = "10";

#[tokio::test]
async fn schemathesis_finds_nothing_at_the_protocol_endpoints() {
    let settings = vec![("AVOUCH_RATE_LIMIT", "0".into())];
    let world = World::with(Options { settings, ..Options::default() }).await;
    world.broker.secret("fuzzed", SECRET);
    let home = world.broker.url("/");
    let yaml = format!(
        "clients:
  - client_id: fuzzed
    kind: web
    redirect_uris: [\"{home}\"]
    grants: [authorization_code, refresh_token, client_credentials]
    client_secret: {{ file: fuzzed }}
"
    );
    world.apply(&yaml).await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("tests/peers/openapi.yaml")).unwrap();
    let document = document.replace("REDIRECT_URI", &home).replace("CLIENT_SECRET", SECRET);
    let file = world.broker.files().join("openapi.yaml");
    std::fs::write(&file, document).unwrap();

    let long = std::env::var("AVOUCH_FUZZ_SECONDS").ok();
    let program = root.join("target/peers/venv/bin/schemathesis");
    assert!(program.exists(), "{} is missing; run `make peers`", program.display());
    let mut command = tokio::process::Command::new(program);
    command.arg("run").arg(&file).args(["--url", &world.broker.issuer, "--phases", "examples,coverage,fuzzing"]);
    command.args(["--checks", CHECKS, "--request-timeout", LONGEST_ANSWER, "--continue-on-failure", "--no-color"]);
    match &long {
        Some(seconds) => command.args(["--max-time", seconds]),
        None => command.args(["--max-examples", "10", "--seed", "1985"]),
    };
    command.env("SCHEMATHESIS_HOOKS", "schemathesis_checks").env("PYTHONPATH", root.join("tests/peers/python"));
    command.current_dir(world.broker.files()).stdin(Stdio::null()).kill_on_drop(true);
    let patience = long.map_or(180, |seconds| seconds.parse::<u64>().expect("AVOUCH_FUZZ_SECONDS is a number") + 180);
    let run = tokio::time::timeout(Duration::from_secs(patience), command.output());
    let output = run.await.expect("Schemathesis does not end").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(crate::harness::app::get(&world.broker.ops_url("/readyz")).await.status, 200);
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,no_secret_comes_back";
