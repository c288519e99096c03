//! One piece of text to paste, and how it is written in its format.

use serde_json::Value;

use super::{SnippetError, hcl, ini, properties, shell};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Toml,
    Properties,
    Env,
    Shell,
    Hcl,
    Ini,
}

impl Format {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::Properties => "properties",
            Self::Env => "env",
            Self::Shell => "shell",
            Self::Hcl => "hcl",
            Self::Ini => "ini",
        }
    }

    /// By the format's own writer, which knows what has to be quoted.
    pub(super) fn write(self, value: &Value) -> Result<String, SnippetError> {
        match self {
            Self::Yaml => serde_saphyr::to_string(value).map_err(|_| SnippetError::Unwritable("yaml")),
            Self::Toml => toml::to_string(value).map_err(|_| SnippetError::Unwritable("toml")),
            Self::Properties => properties::write(value).ok_or(SnippetError::Unwritable("properties")),
            Self::Env => shell::environment(value).ok_or(SnippetError::Unwritable("env")),
            Self::Shell => shell::commands(value).ok_or(SnippetError::Unwritable("shell")),
            Self::Hcl => hcl::write(value).ok_or(SnippetError::Unwritable("hcl")),
            Self::Ini => ini::write(value).ok_or(SnippetError::Unwritable("ini")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub title: &'static str,
    /// Where it belongs over there.
    pub file: &'static str,
    pub format: Format,
    /// Never with a secret in it.
    pub text: String,
    /// What it was written for.
    pub version: &'static str,
    /// That system's own page.
    pub page: &'static str,
    pub warnings: Vec<String>,
}

impl Block {
    /// As it is printed: what there is to say about it are comments, so that the whole can be pasted.
    pub fn commented(&self) -> String {
        let warnings: String = self.warnings.iter().map(|warning| format!("# Note: {warning}\n")).collect();
        format!(
            "# {}: {}\n# Written for {}; see {}\n{warnings}{}",
            self.title, self.file, self.version, self.page, self.text
        )
    }
}
