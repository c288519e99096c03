//! Snippets as they are read where they are pasted: Java's properties by a library, shell and environment by bash, JAAS by
//! the rules of java.io.StreamTokenizer.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::harness::World;

/// `avouch preset`, applied as it is printed.
pub async fn apply(world: &World, arguments: &[&str]) -> String {
    let (well, text) = world.broker.cli(&[&["preset"], arguments].concat()).await;
    assert!(well, "{text}");
    world.apply(&text).await;
    text
}

/// A new secret of the client, made at the machine.
pub async fn secret(world: &World, client: &str) -> String {
    let (well, text) = world.broker.cli(&["client", "rotate-secret", client]).await;
    assert!(well, "{text}");
    world.broker.catch_up().await;
    text.lines().next().unwrap().to_owned()
}

/// The blocks that `avouch snippet` prints, by title, each with its comments.
pub async fn blocks(world: &World, arguments: &[&str]) -> BTreeMap<String, String> {
    let (well, text) = world.broker.cli(&[&["snippet"], arguments].concat()).await;
    assert!(well, "{text}");
    titled(&text)
}

/// The same from what was printed.
pub fn titled(text: &str) -> BTreeMap<String, String> {
    let block = |block: &str| {
        let mut lines = block.lines();
        let title = lines.next().and_then(|line| line.strip_prefix("# ")?.split_once(": ")).expect("a title").0;
        let written = lines.next().expect("what it was written for");
        assert!(written.starts_with("# Written for ") && written.contains("; see https://"), "{written}");
        (title.to_owned(), block.to_owned())
    };
    text.split("\n---\n").map(block).collect()
}

pub fn properties(text: &str) -> BTreeMap<String, String> {
    java_properties::read(text.as_bytes()).unwrap().into_iter().collect()
}

pub fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// Sections of an ini file, as Python's configparser reads them.
pub fn ini(text: &str) -> Value {
    let script = "import configparser, json, sys
parser = configparser.RawConfigParser(); parser.optionxform = str; parser.read_string(sys.argv[1])
print(json.dumps({name: dict(parser[name]) for name in parser.sections()}))";
    let output = Command::new("python3").args(["-c", script, text]).output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What bash has in its environment after it read the text, with these variables before. A variable that is used and not
/// there is an error.
pub fn environment(text: &str, before: &[(&str, &str)]) -> BTreeMap<String, String> {
    let out = bash(&format!("set -aeu\n{text}\nenv -0"), before);
    let pairs = out.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The commands that bash would run, each with its arguments.
pub fn commands(text: &str, before: &[(&str, &str)]) -> Vec<Vec<String>> {
    let recorder = r#"record() { printf '%s\037' "$@"; printf '\036'; }"#;
    let known = ["confluent", "curl", "kubectl"].map(|name| format!("{name}() {{ record {name} \"$@\"; }}\n")).concat();
    let out = bash(&format!("set -eu\n{recorder}\n{known}{text}\n"), before);
    let words = |command: &str| command.split_terminator('\u{1f}').map(str::to_owned).collect();
    out.split_terminator('\u{1e}').map(words).collect()
}

fn bash(script: &str, before: &[(&str, &str)]) -> String {
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", script]).env_clear().env("PATH", "/usr/bin:/bin").envs(before.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The value behind an option of a command.
pub fn option<'a>(command: &'a [String], name: &str) -> &'a str {
    let at = command.iter().position(|word| word == name).unwrap_or_else(|| panic!("no {name} in {command:?}"));
    &command[at + 1]
}

/// Module, and options by name, of `sasl.jaas.config`.
pub fn jaas(text: &str) -> (String, BTreeMap<String, String>) {
    let text = text.strip_suffix(';').expect("a semicolon");
    let (head, mut rest) = text.split_once(" required").expect("a control flag");
    let mut options = BTreeMap::new();
    while let Some((name, value)) = rest.trim_start().split_once("=\"") {
        let mut chars = value.char_indices();
        let mut read = String::new();
        rest = loop {
            match chars.next().expect("the string ends") {
                (_, '\\') => read.push(chars.next().expect("an escaped character").1),
                (end, '"') => break &value[end + 1..],
                (_, c) => read.push(c),
            }
        };
        options.insert(name.to_owned(), read);
    }
    assert_eq!(rest.trim(), "");
    (head.to_owned(), options)
}

/// `${env:NAME}` (Java) and `${NAME}` (envsubst) replaced, as their readers do it.
pub fn filled(text: &str, variables: &[(&str, &str)]) -> String {
    let mut out = text.to_owned();
    for (name, value) in variables {
        out = out.replace(&format!("${{env:{name}}}"), value).replace(&format!("${{{name}}}"), value);
    }
    assert!(!out.contains("${"), "something is left: {out}");
    out
}
