//! The documents keep what they promise: every resource file in them could be applied as it stands, and the SAML guide
//! explains every word that a refusal can have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use time::Duration;

use avouch::clock::{Clock, SystemClock};
use avouch::config::{Config, Environment, Flags, Purpose};
use avouch::jose::{Alg, Certificate, KeyPair};
use avouch::provisioning::{Job, ResourceFile, plan};
use avouch::startup;
use avouch::upstream::saml::SpKey;
use avouch::upstream::saml::identity_provider::IdpDescription;

const GUIDE: &str = "docs/integrations/connect-a-saml-idp.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn files(dir: &Path, extension: &str, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, into);
        } else if path.extension().is_some_and(|found| found == extension) {
            into.push(path);
        }
    }
}

/// The fenced blocks of `language`, each with its first line's number, without the indentation of a list around them.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let mut open: Option<(usize, usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        match &mut open {
            Some((number, _, block)) if trimmed.starts_with("```") => {
                out.push((*number, std::mem::take(block)));
                open = None;
            }
            Some((_, indent, block)) => {
                block.push_str(line.get(*indent..).unwrap_or_default());
                block.push('\n');
            }
            None if trimmed == format!("```{language}") => {
                open = Some((index + 2, line.len() - trimmed.len(), String::new()));
            }
            // a block of another language: its end is not a beginning
            None if trimmed.starts_with("```") => open = Some((0, 0, String::new())),
            None => {}
        }
    }
    out.retain(|(number, _)| *number > 0);
    out
}

/// Variables of the environment are a test's business least of all.
fn secrets_from_files(yaml: &str) -> String {
    let mut pieces = yaml.split("{ env: ");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str("{ file: a.secret }");
        out.push_str(piece.split_once('}').map_or("", |(_, rest)| rest));
    }
    out
}

#[sqlx::test]
async fn every_resource_file_in_the_documents_could_be_applied(_: PgPoolOptions, options: PgConnectOptions) {
    let dir = tempfile::tempdir().unwrap();
    let flags = Flags { data_dir: Some(dir.path().display().to_string()), ..Flags::default() };
    let config = Config::load(&flags, &Environment::default(), Purpose::Serve).unwrap();
    let ctx = startup::open(&config, options, Arc::new(SystemClock)).await.unwrap();

    let now = SystemClock.now();
    let (pair, pkcs8) = KeyPair::generate(Alg::RS256);
    let certificate = Certificate::self_signed(&pair, "idp", now, now + Duration::days(1)).unwrap();
    let key = SpKey::from_pkcs8(pkcs8.expose(), certificate.der()).unwrap();
    let url = "https://idp.example/sso";
    let metadata = IdpDescription { entity_id: url, sso_url: url, slo_url: url, key: &key }.write("_1");
    std::fs::write(dir.path().join("GoogleIDPMetadata.xml"), metadata).unwrap();
    std::fs::write(dir.path().join("a.secret"), "a-secret-of-some-length").unwrap();

    let mut documents = vec![root().join("README.md")];
    files(&root().join("docs"), "md", &mut documents);
    let mut found = 0;
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        for (line, block) in blocks(&text, "yaml") {
            let place = format!("{}:{line}", document.display());
            let block = block.replace("{{a certificate}}", &STANDARD.encode(certificate.der()));
            let block = secrets_from_files(&block);
            let file = ResourceFile::parse(&block, &place).unwrap_or_else(|error| panic!("{place}: {error}"));
            if document.ends_with(GUIDE) {
                expressions_can_be_evaluated(&file, &place);
            }
            let job = Job {
                file,
                owner: avouch::provisioning::Owner::File("documents".into()),
                base_dir: dir.path().to_path_buf(),
                prune: false,
            };
            plan(&ctx, &job).await.unwrap_or_else(|error| panic!("{place}: {error}"));
            found += 1;
        }
    }
    assert!(found >= 8, "only {found} resource files found");
}

/// With the attributes that the guide has the providers send, and with none.
fn expressions_can_be_evaluated(file: &ResourceFile, place: &str) {
    let named = json!({ "groups": ["staff"], "firstName": ["Ada"], "lastName": ["Weaver"], "givenName": ["Ada"], "surname": ["Weaver"] });
    for entry in &file.connections {
        for claims in [named.clone(), json!({})] {
            let admits = entry.allow.as_ref().map(|rule| rule.evaluate(&[("claims", &claims)]));
            let decides = admits.is_none_or(|admits| admits.is_ok_and(|value| value.is_boolean()));
            assert!(decides, "{place}: {:?}", entry.allow);
        }
        let name = entry.mapping.name.as_ref().map(|name| name.evaluate(&[("claims", &named)]));
        assert!(name.is_none_or(|name| name.is_ok_and(|value| value == "Ada Weaver")), "{place}: {:?}", entry.mapping);
    }
}

/// Words in backticks in the first column of a module's table.
fn tabled(source: &str) -> Vec<&str> {
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.flat_map(|row| row.split(" | ").next().unwrap_or_default().split('`').step_by(2)).collect()
}

#[test]
fn the_saml_guide_explains_every_reason() {
    let guide = read(GUIDE);
    let guard = read("src/upstream/saml/mod.rs");
    let mut words: BTreeSet<String> = tabled(&guard).into_iter().map(str::to_owned).collect();
    assert!(words.len() > 60, "only {} words in the guard's table", words.len());
    for name in ["saml_flow.rs", "saml_idp.rs", "saml_logout.rs", "saml_metadata.rs", "saml_sp.rs", "saml_subject.rs"] {
        let Ok(text) = std::fs::read_to_string(root().join("src/upstream").join(name)) else { continue };
        for marker in ["invalid(\"", "misconfigured(\"", "Refusal::new(\"", "Refusal::new(\n            \""] {
            let reasons =
                text.match_indices(marker).map(|(at, _)| text[at + marker.len()..].split('"').next().unwrap());
            // what has spaces is a sentence
            words.extend(reasons.filter(|reason| !reason.contains(' ')).map(str::to_owned));
        }
    }
    let missing: Vec<_> = words.iter().filter(|word| !guide.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "{GUIDE} does not explain {missing:?}");
}

/// Words that a marker in front of a literal makes a reason.
fn marked(text: &str, markers: &[&str]) -> BTreeSet<String> {
    let found = markers.iter().flat_map(|marker| text.match_indices(marker).map(|(at, _)| &text[at + marker.len()..]));
    let words = found.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    // what has spaces is a sentence
    words
        .filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        .map(Into::into)
        .collect()
}

#[test]
fn every_reason_for_which_a_login_ends_has_a_cause_and_a_remedy() {
    let mut words: BTreeSet<String> = BTreeSet::new();
    for table in ["src/upstream/mod.rs", "src/upstream/saml/mod.rs"] {
        words.extend(tabled(&read(table)).into_iter().map(str::to_owned));
    }
    words.extend(marked(read("src/login/problem.rs").split("pub fn is_failure").next().unwrap(), &["=> "]));
    words.extend(marked(read("src/login/account/fault.rs").split("pub fn wording").next().unwrap(), &["=> "]));
    words.extend(marked(&read("src/grant/authorization_code.rs"), &["Refused(", "invalid_grant("]));
    words.extend(marked(&read("src/grant/signed_in.rs"), &["Err(("]));
    words.extend(marked(&read("src/grant/possession.rs"), &["reason: ", "invalid_grant("]));
    words.extend(marked(&read("src/grant/today.rs"), &["invalid_grant("]));
    words.extend(marked(&read("src/login/consent/mod.rs"), &["Outcome::Refused, "]));
    let mut upstream = Vec::new();
    files(&root().join("src/upstream"), "rs", &mut upstream);
    for file in upstream.iter().filter(|file| {
        !file.display().to_string().contains("logout") && !file.display().to_string().contains("/tests/")
    }) {
        let text = std::fs::read_to_string(file).unwrap();
        words.extend(marked(&text, &["invalid(", "misconfigured(", "Refusal::new(", "refuse("]));
    }
    // what goes back to an application: RFC 6749 section 4.1.2.1, OIDC Core section 3.1.2.6
    let codes = read("src/oauth/error.rs");
    let elsewhere = [
        "invalid_token",
        "insufficient_scope",
        "unsupported_grant_type",
        "authorization_pending",
        "slow_down",
        "expired_token",
    ];
    words.extend(marked(&codes, &["=> "]).into_iter().filter(|word| !elsewhere.contains(&word.as_str())));
    assert!(words.len() > 150, "only {} words found", words.len());
    let missing: Vec<_> = words.iter().filter(|word| avouch::trace::remedy::of(word).is_none()).collect();
    assert!(missing.is_empty(), "src/trace/remedy explains nothing of {missing:?}");
}
