//! The description of the admin API: it names every route that the source has and no other, it does not change by
//! accident, and the live API keeps to it whatever Schemathesis sends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::Api;
use crate::harness::{Options, World};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The document as a stranger to this broker's address would have it.
async fn document(world: &World) -> Value {
    let api = Api::of(&world.broker, "auditor").await;
    let answer = api.get("/openapi.json").await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let text = answer.json.to_string().replace(&world.broker.issuer, "https://id.example");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn it_names_every_route_of_the_source_and_no_other() {
    let document = document(&World::new().await).await;
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        described.extend(operations.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    let mut routed = BTreeSet::new();
    for file in sources(&root().join("src/admin")) {
        routed.extend(routes(&std::fs::read_to_string(&file).unwrap()));
    }
    assert!(routed.len() > 50, "the routes are read wrongly: {routed:#?}");
    let missing: Vec<_> = routed.difference(&described).collect();
    let surplus: Vec<_> = described.difference(&routed).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "not described: {missing:#?}, without a route: {surplus:#?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.ends_with("api.rs")).collect()
}

/// `get /users/{sub}` for each `web::get()` after the last path that stands before it.
fn routes(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let (mut path, mut prefix) = (String::new(), "");
    for part in source.split_inclusive("web::") {
        let method = METHODS.iter().find(|method| part.starts_with(&format!("{method}()")));
        if let Some(method) = method {
            found.insert(format!("{method} {path}"));
        }
        if part.contains("format!(\"/connections/{{slug}}{tail}\")") {
            prefix = "/connections/{slug}";
        }
        // a path is the first argument of route or resource
        for opening in [".route(\"", "route(&at(\"", "resource(\"", "web::resource(\""] {
            if let Some((_, after)) = part.rsplit_once(opening) {
                let own = after.split('"').next().unwrap_or_default();
                path = if opening.contains("at(") { format!("{prefix}{own}") } else { own.to_owned() };
            }
        }
    }
    found
}

#[tokio::test]
async fn it_does_not_change_by_accident() {
    let document = document(&World::new().await).await;
    let written = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    let file = root().join("tests/suite/admin/openapi.json");
    if std::env::var("AVOUCH_OPENAPI").as_deref() == Ok("write") {
        std::fs::write(&file, &written).unwrap();
    }
    let locked = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        locked == written,
        "the API's description has changed. Run this test with AVOUCH_OPENAPI=write, and look at the difference"
    );
}

/// Somebody and something to be asked about: without it everything that is asked for would be unknown.
async fn settle(world: &World, api: &Api) -> BTreeMap<&'static str, String> {
    let mcfly = "users: [{ email: mcfly@example.com, connection: contoso, subject: mcfly }]";
    let sub = world.apply(mcfly).await[0].1.to_string();
    let resource = json!({ "identifier": "https://a.example", "scopes": ["read"] });
    assert_eq!(api.post("/resources", &resource).await.status, 201);
    let role = json!({ "name": "admin", "when": "true", "resource": "https://a.example" });
    assert_eq!(api.post("/roles", &role).await.status, 201);
    let known = [
        ("slug", "contoso"),
        ("client_id", "shop"),
        ("identifier", "https://a.example"),
        ("resource", "https://a.example"),
        ("name", "admin"),
        ("sub", &sub),
        ("If-Match", "*"),
    ];
    known.map(|(name, value)| (name, value.to_owned())).into()
}

/// Parameters of these names have these values, most of the time.
fn hint(document: &mut Value, known: &BTreeMap<&str, String>) {
    for operations in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in operations.as_object_mut().unwrap().values_mut() {
            for parameter in operation["parameters"].as_array_mut().unwrap() {
                if let Some(value) = known.get(parameter["name"].as_str().unwrap()) {
                    parameter["schema"]["enum"] = json!([value]);
                }
            }
        }
    }
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,no_secret_comes_back";

#[tokio::test]
async fn schemathesis_finds_nothing_at_the_admin_api() {
    let settings = vec![("AVOUCH_RATE_LIMIT", "0".into())];
    let world = World::with(Options { settings, ..Options::default() }).await;
    let api = Api::of(&world.broker, "owner").await;
    let mut document = api.get("/openapi.json").await.json;
    let known = settle(&world, &api).await;
    hint(&mut document, &known);
    let file = world.broker.files().join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let long = std::env::var("AVOUCH_FUZZ_SECONDS").ok();
    let program = root().join("target/peers/venv/bin/schemathesis");
    assert!(program.exists(), "{} is missing; run `make peers`", program.display());
    let mut command = tokio::process::Command::new(program);
    command.arg("run").arg(&file).args(["--url", &world.broker.url("/api/v1")]);
    command.args(["--header", &format!("Authorization: {}", api.authorization)]);
    command.args(["--phases", "examples,coverage,fuzzing", "--checks", CHECKS]);
    command.args(["--request-timeout", "10", "--continue-on-failure", "--no-color"]);
    match &long {
        Some(seconds) => command.args(["--max-time", seconds]),
        None => command.args(["--max-examples", "3", "--seed", "1985"]),
    };
    command.env("SCHEMATHESIS_HOOKS", "schemathesis_checks").env("PYTHONPATH", root().join("tests/peers/python"));
    command.current_dir(world.broker.files()).stdin(Stdio::null()).kill_on_drop(true);
    let patience = long.map_or(300, |seconds| seconds.parse::<u64>().expect("AVOUCH_FUZZ_SECONDS is a number") + 180);
    let run = tokio::time::timeout(Duration::from_secs(patience), command.output());
    let output = run.await.expect("Schemathesis does not end").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
