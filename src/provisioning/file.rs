//! The file as written, and faults in it by line and column.

use serde::{Deserialize, Deserializer, Serialize};
use serde_saphyr::{Options, SnippetMode, render_options};

use super::client_entry::ClientEntry;
use super::connection_entry::ConnectionEntry;
use super::entry::{ResourceEntry, RoleEntry, UserEntry};

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceFile {
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConnectionEntry>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceEntry>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientEntry>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleEntry>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserEntry>,
}

/// `FILE:LINE:COLUMN: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FileError(String);

impl FileError {
    /// Without its place: for what was no file in somebody's hands.
    pub fn reason(&self) -> &str {
        self.0.splitn(4, ':').nth(3).map_or(self.0.as_str(), str::trim_start)
    }
}

impl ResourceFile {
    /// `name` is what messages call the file.
    ///
    /// # Errors
    /// [`FileError`] for malformed YAML, an unknown key, a wrong type, and every value that is wrong by itself: slugs,
    /// redirect URIs, CEL.
    pub fn parse(text: &str, name: &str) -> Result<Self, FileError> {
        serde_saphyr::from_str_with_options(text, Options::default()).map_err(|error| {
            let plain = error.render_with_options(render_options! { snippets: SnippetMode::Off });
            let Some(at) = error.location() else {
                return FileError(format!("{name}: {}", one_line(&plain)));
            };
            let position = format!(" at line {}, column {}", at.line(), at.column());
            let reason = one_line(plain.trim_end_matches(position.as_str()));
            FileError(format!("{name}:{}:{}: {}", at.line(), at.column(), in_our_words(&reason)))
        })
    }

    /// As YAML.
    ///
    /// # Errors
    /// when a value cannot be written, which none of ours is.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::SerializeError> {
        serde_saphyr::to_string(self)
    }
}

/// A section whose items are all commented out is an empty list.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(d).map(Option::unwrap_or_default)
}

/// The parser speaks to programmers; these are the faults that people make.
fn in_our_words(reason: &str) -> String {
    if let Some(rest) = reason.strip_prefix("unknown field ") {
        return format!("unknown key {rest}");
    }
    if let Some(rest) = reason.strip_prefix("missing field ") {
        return format!("the key {rest} is missing");
    }
    if let Some(rest) = reason.strip_prefix("duplicate mapping key: ") {
        return format!("the key `{}` stands here twice", rest.split(',').next().unwrap_or(rest));
    }
    match reason {
        "expected sequence start" => "a list is expected here".into(),
        "expected mapping start" => "keys and values are expected here".into(),
        _ if reason.starts_with("multiple YAML documents") => {
            "a second document begins here; write one per file".into()
        }
        _ => reason.into(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_by_line_and_column() {
        let connection = "connections:\n  - slug: contoso\n    issuer: https://idp.example\n    client_id: a\n";
        let client = "clients:\n  - client_id: app\n    kind: web\n";
        let table = [
            (format!("{connection}    isuer: x\n"), "f.yaml:5:5: unknown key `isuer`, expected one of slug, "),
            (format!("{connection}    enabled: maybe\n"), "f.yaml:5:14: invalid boolean"),
            (
                format!("{connection}    allow: claims.groups.(\n"),
                "f.yaml:5:12: expression \"claims.groups.(\" is not valid CEL",
            ),
            (
                format!("{connection}    client_secret: hunter2\n"),
                "f.yaml:5:20: a secret does not stand in this file: write { env: NAME } or { file: PATH }",
            ),
            (format!("{connection}    client_secret: 12345\n"), "f.yaml:5:20: a secret does not stand in this file"),
            (
                format!("{connection}    client_secret: {{ value: hunter2 }}\n"),
                "f.yaml:5:22: unknown key `value`, expected one of env, file",
            ),
            (format!("{connection}    client_secret: {{ env: A, file: b }}\n"), "one of env and file"),
            (format!("{connection}    mapping: {{ mail: claims.mail }}\n"), "f.yaml:5:16: unknown key `mail`"),
            (
                format!("{connection}    protocol: ldap\n"),
                "f.yaml:5:15: protocol \"ldap\" is unknown; write oidc or saml",
            ),
            (format!("{connection}    slug: b\n"), "f.yaml:5:5: the key `slug` stands here twice"),
            ("connections:\n  - slug: Contoso\n".into(), "f.yaml:2:11: slug \"Contoso\" must be"),
            ("connections: 5\n".into(), "f.yaml:1:14: a list is expected here"),
            ("conections: []\n".into(), "f.yaml:1:1: unknown key `conections`"),
            ("connections:\n  - slug: [\n".into(), "f.yaml:"),
            ("clients:\n  - client_id: app\n".into(), "f.yaml:2:5: the key `kind` is missing"),
            (
                format!("{client}    redirect_uris: [http://app.example/cb]\n"),
                "f.yaml:4:21: redirect URI \"http://app.example/cb\" must be https",
            ),
            (format!("{client}    grants: [password]\n"), "f.yaml:4:14: unknown variant `password`"),
            ("users: []\n---\nroles: []\n".into(), "f.yaml:3:1: a second document"),
        ];
        for (text, expected) in table {
            let error = ResourceFile::parse(&text, "f.yaml").expect_err(&text).to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{expected}\n{error}");
            assert!(!error.contains("hunter2") && !error.contains("12345"), "{error}");
        }
    }

    #[test]
    fn an_empty_file_and_empty_sections_are_fine() {
        assert_eq!(ResourceFile::parse("", "f").unwrap(), ResourceFile::default());
        assert_eq!(ResourceFile::parse("roles:\nclients: []\n", "f").unwrap(), ResourceFile::default());
    }
}
