//! The house rules that a compiler does not know: which way imports run, what each file name may contain, which names
//! are banned and how long a file may be. Reads `src/` as text and fails with every offending line. `docs/ARCHITECTURE.md`
//! has the reasons; a deliberate change of shape changes the tables below.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// Modules of `src/`, lowest first. A module imports from lower ranks only, or from its own where [`BESIDE`] says so.
const RANKS: [(&str, &[&str]); 7] = [
    ("words", &["clock", "ids", "life", "oauth", "rng", "secret", "urls"]),
    (
        "mechanisms",
        &["cel", "ctx", "db", "embedded_postgres", "errand", "jose", "outbound", "telemetry", "vault", "web"],
    ),
    (
        "nouns",
        &[
            "audit",
            "client",
            "connection",
            "consent",
            "operator",
            "resource",
            "role",
            "session",
            "settings",
            "signing_key",
            "trace",
            "user",
        ],
    ),
    ("talking upstream", &["upstream"]),
    ("the live state", &["broker"]),
    (
        "steps",
        &[
            "alert",
            "authorization",
            "calendar",
            "drift",
            "mail",
            "metadata",
            "moving",
            "overage",
            "registration",
            "rotation",
            "token",
            "webhook",
        ],
    ),
    (
        "journeys and top",
        &[
            "admin",
            "device",
            "discovery",
            "doctor",
            "grant",
            "integration",
            "login",
            "logout",
            "provisioning",
            "renewal",
            "cli",
            "config",
            "demo",
            "janitor",
            "main",
            "server",
            "startup",
        ],
    ),
];

/// Who may import whom within a rank. Together they must not make a circle, which is checked.
const BESIDE: &[(&str, &[&str])] = &[
    // words
    ("ids", &["rng"]),
    ("oauth", &["secret", "urls"]),
    ("secret", &["rng"]),
    // mechanisms
    ("ctx", &["db", "outbound", "vault"]),
    ("errand", &["outbound"]),
    ("vault", &["db"]),
    ("web", &["ctx", "vault"]),
    // nouns
    ("client", &["audit", "connection"]),
    ("connection", &["audit"]),
    ("operator", &["audit"]),
    ("consent", &["audit", "client", "user"]),
    ("role", &["resource", "user"]),
    ("session", &["audit", "trace", "user"]),
    ("settings", &["audit"]),
    ("signing_key", &["audit"]),
    ("trace", &["connection"]),
    ("user", &["audit", "connection"]),
    // steps
    ("authorization", &["token"]),
    // journeys and top
    ("admin", &["doctor", "integration", "login", "provisioning"]),
    ("cli", &["config", "demo", "doctor", "integration", "janitor", "provisioning", "server", "startup"]),
    ("device", &["login"]),
    ("demo", &["config", "provisioning", "server"]),
    ("main", &["cli"]),
    ("grant", &["device"]),
    ("integration", &["provisioning"]),
    ("janitor", &["admin", "device", "login", "logout"]),
    ("logout", &["login"]),
    ("renewal", &["admin", "login"]),
    ("startup", &["config"]),
    ("server", &["admin", "config", "device", "discovery", "grant", "janitor", "login", "logout", "renewal"]),
];

/// A word of code and the places it may stand in: file names, whole folders (with a slash), or paths below `src/`.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("sqlx::query", &["store.rs", "db.rs"], "SQL belongs in the noun's store.rs"),
    ("sqlx::raw_sql", &["store.rs", "db.rs"], "SQL belongs in the noun's store.rs"),
    (
        "actix_web",
        &["endpoint.rs", "api.rs", "pages.rs", "extract.rs", "web/", "server.rs", "cli/", "demo/"],
        "rules must not know HTTP; handlers stand in endpoint.rs, api.rs or pages.rs, extractors in extract.rs",
    ),
    ("askama", &["pages.rs", "web/", "demo/"], "HTML stands in pages.rs"),
    ("openidconnect", &["upstream/oidc.rs"], "one file only talks to the OpenID Connect crate"),
    ("samael", &["upstream/saml/engine.rs"], "use XmlSignatureEngine, which keeps the XML signature crate replaceable"),
    (
        "saml::identity_provider",
        &["demo/"],
        "the demo's company answers for itself; the broker believes answers and makes none",
    ),
    ("qrcode", &["web/qr.rs"], "one file draws QR codes"),
    ("totp_rs", &["operator/second_factor/totp.rs"], "one file knows the crate of one-time codes"),
    ("openssl", &["upstream/saml/"], "cryptography is aws-lc's, except below SAML, where xmlsec brings OpenSSL"),
    ("cel::objects", &["cel.rs"], "use crate::cel, which keeps the CEL crate replaceable"),
    ("use cel::", &["cel.rs"], "use crate::cel, which keeps the CEL crate replaceable"),
    ("lettre", &["outbound/mailer.rs"], "one file sends e-mail"),
    ("reqwest", &["outbound/", "upstream/", "demo/", "cli/"], "what leaves the house goes through ctx.http"),
    ("AssertSqlSafe", &[], "SQL is never put together at run time; write a query! with parameters"),
    (
        "RsaPrivateKey",
        &[],
        "the rsa crate signs slowly and leaks by timing (RUSTSEC-2023-0071); use crate::jose::KeyPair",
    ),
    ("CoreRsaPrivateSigningKey", &[], "it is the rsa crate inside (RUSTSEC-2023-0071); use crate::jose::KeyPair"),
    (
        "SystemTime::now",
        &["telemetry.rs", "clock.rs", "cli/", "demo/", "embedded_postgres/"],
        "the time comes from ctx.now(), or a test cannot turn the clock",
    ),
    (
        "now_utc",
        &["telemetry.rs", "clock.rs", "cli/", "demo/", "embedded_postgres/"],
        "the time comes from ctx.now(), or a test cannot turn the clock",
    ),
];

/// Words that a file of this name never contains.
const EXCLUDED: &[(&str, &[&str], &str)] = &[
    ("store.rs", &["actix_web", "askama"], "a store knows rows, not HTTP"),
    ("endpoint.rs", &["askama", "Html("], "a protocol endpoint answers no HTML"),
    ("pages.rs", &["HttpResponse::Ok().json", "web::Json"], "a page answers no JSON"),
    ("api.rs", &["askama", "Secret<"], "the admin API answers no HTML and never a secret"),
];

const BANNED_NAMES: [&str; 5] = ["util", "utils", "helpers", "common", "misc"];

const LONGEST: usize = 350;
/// Files that are longer for a reason.
const MAY_BE_LONGER: &[&str] = &[];

struct File {
    /// Below `src/`, with slashes.
    path: String,
    text: String,
}

impl File {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_test(&self) -> bool {
        self.name() == "tests.rs" || self.path.contains("/tests/")
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            if place.ends_with('/') {
                self.path.starts_with(place)
            } else {
                self.path == *place || self.name() == *place
            }
        })
    }

    /// Numbered lines of product code: without comments, and without the tests at the end of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
        let end = tests.unwrap_or(lines.len());
        lines.into_iter().take(end).enumerate().map(|(index, line)| (index + 1, without_comment(line)))
    }

    /// The modules of this crate that a line names, with the line: `crate::db`, `use crate::{db, ids::UserId}`.
    fn imports(&self) -> Vec<(usize, String)> {
        let lines: Vec<(usize, &str)> = self.code().collect();
        let code: String = lines.iter().flat_map(|(_, line)| [line, "\n"]).collect();
        // outside the library the crate goes by its name
        let root = if self.path == "main.rs" { "avouch::" } else { "crate::" };
        let mut out = Vec::new();
        for (at, word) in code.match_indices(root) {
            let number = lines.get(code[..at].matches('\n').count()).map_or(0, |(number, _)| *number);
            out.extend(heads(&code[at + word.len()..]).into_iter().map(|head| (number, head)));
        }
        out
    }
}

fn without_comment(line: &str) -> &str {
    match line.find("//") {
        // not the slashes of a URL in a string
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        _ => line,
    }
}

/// First words of a path (`db::Conn` gives db) or of each branch of a group (`{db::{self, Conn}, ids}` gives db and ids).
fn heads(path: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let mut out = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                out.push(word(group[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    out.retain(|head| !head.is_empty());
    out
}

fn source() -> Vec<File> {
    fn walk(dir: &Path, root: &Path, into: &mut Vec<File>) {
        for entry in std::fs::read_dir(dir).expect("src/ can be read") {
            let path = entry.expect("src/ can be read").path();
            if path.is_dir() {
                walk(&path, root, into);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("source is UTF-8");
                let path = path.strip_prefix(root).expect("below src").to_string_lossy().replace('\\', "/");
                into.push(File { path, text });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 30, "found only {} files below {}", files.len(), root.display());
    files
}

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|(_, modules)| modules.contains(&module))
}

/// Fails with all offences, one a line.
fn none(rule: &str, offences: &[String]) {
    let mut text = String::new();
    for offence in offences {
        let _ = writeln!(text, "  {offence}");
    }
    assert!(offences.is_empty(), "\n{rule}: {} offence(s)\n{text}", offences.len());
}

#[test]
fn imports_run_one_way() {
    let mut offences = Vec::new();
    for file in source().iter().filter(|file| file.path != "lib.rs") {
        let module = file.module();
        let Some(own) = rank(module) else {
            offences.push(format!("src/{}: module {module} has no rank; put it into RANKS", file.path));
            continue;
        };
        for (line, target) in file.imports() {
            let allowed_beside = BESIDE.iter().any(|(from, to)| *from == module && to.contains(&target.as_str()));
            match rank(&target) {
                _ if target == module || allowed_beside => {}
                Some(other) if other < own => {}
                Some(other) if other == own => offences.push(format!(
                    "src/{}:{line}: {module} imports {target}; both are {}. List the pair in BESIDE if it must be",
                    file.path, RANKS[own].0
                )),
                Some(other) => offences.push(format!(
                    "src/{}:{line}: {module} ({}) imports {target} ({}), which stands above it",
                    file.path, RANKS[own].0, RANKS[other].0
                )),
                None => {
                    offences.push(format!("src/{}:{line}: crate::{target} has no rank; put it into RANKS", file.path))
                }
            }
        }
    }
    none("imports run one way", &offences);
}

#[test]
fn the_exceptions_make_no_circle() {
    let mut offences = Vec::new();
    for (from, targets) in BESIDE {
        for to in *targets {
            if rank(from) != rank(to) {
                offences.push(format!("BESIDE {from} -> {to}: they are of different ranks, no exception is needed"));
            }
        }
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = targets.to_vec();
        while let Some(module) = open.pop() {
            if reached.insert(module) {
                open.extend(BESIDE.iter().filter(|(f, _)| *f == module).flat_map(|(_, to)| to.iter().copied()));
            }
        }
        if reached.contains(from) {
            offences.push(format!("BESIDE {from}: a circle through {reached:?}"));
        }
    }
    none("exceptions", &offences);
}

#[test]
fn the_file_name_tells_the_layer() {
    let mut offences = Vec::new();
    for file in source() {
        for (line, code) in file.code() {
            for (word, places, reason) in RESERVED {
                if code.contains(word) && !file.is_in(places) {
                    offences.push(format!("src/{}:{line}: {word}: {reason}", file.path));
                }
            }
            for (name, words, reason) in EXCLUDED {
                for word in words.iter().filter(|word| file.name() == *name && code.contains(**word)) {
                    offences.push(format!("src/{}:{line}: {word}: {reason}", file.path));
                }
            }
            if code.contains("super::super::") {
                offences.push(format!("src/{}:{line}: super::super:: hides where it goes; write crate::", file.path));
            }
        }
    }
    none("the file name tells the layer", &offences);
}

#[test]
fn names_say_something() {
    let files = source();
    let banned = files.iter().filter(|file| {
        let mut parts = file.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
        parts.any(|part| BANNED_NAMES.contains(&part))
    });
    let offences: Vec<_> = banned
        .map(|file| format!("src/{}: name it after what it is about, or put it where it is used", file.path))
        .collect();
    none("banned names", &offences);
}

#[test]
fn every_file_says_what_it_owns_and_stays_short() {
    let mut offences = Vec::new();
    for file in source().iter().filter(|file| !file.is_test()) {
        if !file.text.starts_with("//!") {
            offences.push(format!("src/{}:1: begins without a //! that says what it owns", file.path));
        }
        // unit tests beside the code end with it; what counts is what has to fit in the head
        let lines = file.text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        if lines > LONGEST && !MAY_BE_LONGER.contains(&file.path.as_str()) {
            offences.push(format!(
                "src/{}: {lines} lines, more than {LONGEST}; split it along a noun or a rule",
                file.path
            ));
        }
    }
    none("short files with a head", &offences);
}

#[test]
fn this_test_reads_rust_well_enough() {
    assert_eq!(heads("db::{self, Conn};"), ["db"]);
    assert_eq!(heads("{db::{self, Conn}, ids::UserId,\n web};\nuse x;"), ["db", "ids", "web"]);
    assert_eq!(without_comment("let a = 1; // crate::b"), "let a = 1; ");
    assert_eq!(without_comment("\"https://x\", crate::b"), "\"https://x\", crate::b");
    let file = File {
        path: "user/store.rs".into(),
        text:
            "use crate::db;\n/// crate::cli\nlet x = crate::ids::A;\n#[cfg(test)]\nmod tests { use crate::server; }\n"
                .into(),
    };
    assert_eq!(file.imports(), [(1, "db".into()), (3, "ids".into())]);
    assert!(file.is_in(&["store.rs"]) && file.is_in(&["user/"]) && !file.is_in(&["store/"]));
}
