//! The systems that Avouch is set up for by name: what their clients and resources must look like (a preset, in the shape of
//! the resource file) and what their administrators paste on the other side (snippets, from what is stored). Owns the table
//! of systems and the words of both; applying a preset is provisioning's, and nothing here speaks HTTP or knows a secret.

mod argocd;
mod block;
mod camunda;
mod confluent;
mod grafana;
mod hcl;
mod influxdb;
mod ini;
mod kafka;
mod kubernetes;
mod oauthbearer;
mod properties;
mod shell;

use std::collections::BTreeMap;

use crate::client::{Client, ClientId};
use crate::db::Conn;
use crate::ids::UserId;
use crate::provisioning::{FileError, ResourceFile};
use crate::urls::Urls;
use crate::user::User;
use crate::{client, user};

pub use block::{Block, Format};

/// One system at which a client of ours is used.
pub struct System {
    /// As commands and addresses write it.
    pub name: &'static str,
    pub title: &'static str,
    pub questions: &'static [Question],
    /// Who has to be known there before they come, in words.
    pub people: Option<&'static str>,
    preset: fn(&Answers) -> serde_json::Value,
    snippets: fn(&Subject<'_>) -> Result<Vec<Block>, SnippetError>,
}

/// What a preset has to be told.
pub struct Question {
    pub key: &'static str,
    pub label: &'static str,
    /// Taken when nothing is answered; without it an answer is needed.
    pub usual: Option<&'static str>,
}

/// By the question's key; every question has one.
#[derive(Debug)]
pub struct Answers(BTreeMap<&'static str, String>);

/// What snippets are filled from.
pub struct Subject<'a> {
    pub urls: &'a Urls,
    pub client: &'a Client,
    /// Who shall be let in there, where that system wants to know beforehand.
    pub people: &'a [User],
}

#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    #[error("{key} is not answered: {label}")]
    Unanswered { key: &'static str, label: &'static str },
    #[error("{key:?} is not asked for {system}; it asks for {known}")]
    Unknown { key: String, system: &'static str, known: String },
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(Debug, thiserror::Error)]
pub enum SnippetError {
    #[error("there is no client {0}")]
    NoClient(ClientId),
    #[error("there is no user {0}")]
    NoUser(UserId),
    #[error("{client} has no audience; {system} needs one: add the resource's identifier to the client's audiences")]
    NoAudience { client: ClientId, system: &'static str },
    #[error("{client} may not use the grant {grant}, which {system} signs in with")]
    NoGrant { client: ClientId, system: &'static str, grant: &'static str },
    #[error("{client} fits no part of {system}: {why}")]
    Unfit { client: ClientId, system: &'static str, why: &'static str },
    #[error("{0} cannot be written")]
    Unwritable(&'static str),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// All of them, in the order in which they are offered.
pub const SYSTEMS: &[System] = &[
    influxdb::CLUSTER,
    influxdb::INFLUXCTL,
    kafka::SYSTEM,
    confluent::SYSTEM,
    camunda::SYSTEM,
    kubernetes::SYSTEM,
    grafana::SYSTEM,
    argocd::SYSTEM,
];

/// By the name that commands and addresses use.
pub fn named(name: &str) -> Option<&'static System> {
    SYSTEMS.iter().find(|system| system.name == name)
}

impl System {
    /// What has to be there for this system. It is a resource file like any other: plan it, apply it, print it.
    ///
    /// # Errors
    /// an answer that is missing, is not asked for, or makes no valid entry.
    pub fn preset(&self, given: &BTreeMap<String, String>) -> Result<ResourceFile, PresetError> {
        if let Some(key) = given.keys().find(|key| self.questions.iter().all(|question| question.key != key.as_str())) {
            let known = self.questions.iter().map(|question| question.key).collect::<Vec<_>>().join(", ");
            return Err(PresetError::Unknown { key: key.clone(), system: self.name, known });
        }
        let mut answers = BTreeMap::new();
        for Question { key, label, usual } in self.questions {
            let answer = given.get(*key).map(|answer| answer.trim()).filter(|answer| !answer.is_empty()).or(*usual);
            answers.insert(*key, answer.ok_or(PresetError::Unanswered { key, label })?.to_owned());
        }
        // JSON is YAML: the file's own reader says what is wrong with an answer.
        let document = (self.preset)(&Answers(answers)).to_string();
        Ok(ResourceFile::parse(&document, self.name)?)
    }

    /// What to paste there.
    ///
    /// # Errors
    /// [`SnippetError`] when the client cannot work with this system.
    pub fn snippets(&self, subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
        (self.snippets)(subject)
    }

    /// The same for a stored client and stored people, by their `sub`, in that order.
    ///
    /// # Errors
    /// [`SnippetError`].
    pub async fn snippets_of(
        &self,
        conn: &mut Conn,
        urls: &Urls,
        client_id: &ClientId,
        people: &[UserId],
    ) -> Result<Vec<Block>, SnippetError> {
        let found = client::store::some(conn, &[client_id.to_string()]).await?;
        let client = found.first().ok_or_else(|| SnippetError::NoClient(client_id.clone()))?;
        let mut chosen = Vec::new();
        for id in people {
            chosen.push(user::store::by_id(conn, id).await?.ok_or_else(|| SnippetError::NoUser(id.clone()))?);
        }
        self.snippets(&Subject { urls, client, people: &chosen })
    }
}

impl Answers {
    fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }
}
