//! Systems that are set up by name, at the desk: a preset shown as a plan before anything is made, and what to paste there.
//! The systems are [`crate::integration`]'s, planning and applying [`crate::provisioning`]'s.

pub mod api;
pub mod pages;
mod people;
pub mod snippets;

use std::collections::BTreeMap;

use super::Trouble;
use crate::audit::Author;
use crate::broker::Broker;
use crate::client::ClientId;
use crate::ids::UserId;
use crate::integration::{self, Block, PresetError, SnippetError, System};
use crate::provisioning::{self, Job, Owner, Plan, Problem, ProvisioningError, ResourceFile, one};

/// # Errors
/// [`Trouble::Unknown`].
fn named(name: &str) -> Result<&'static System, Trouble> {
    integration::named(name).ok_or_else(|| Trouble::Unknown(format!("system {name}")))
}

/// What a preset would bring.
struct Prepared {
    job: Job,
    plan: Plan,
    /// What the plan says: it is carried out only while it says the same.
    version: String,
}

impl Prepared {
    /// As `avouch apply` takes it.
    fn yaml(&self) -> Result<String, Trouble> {
        self.job.file.to_yaml().map_err(|error| {
            tracing::error!(%error, "a preset could not be written");
            Trouble::Broken
        })
    }

    fn clients(&self) -> impl Iterator<Item = &ClientId> {
        self.job.file.clients.iter().map(|entry| &entry.client_id)
    }
}

/// Reads and compares; changes nothing.
///
/// # Errors
/// what is wrong with an answer; [`Trouble::Conflict`] where a file owns what would be changed.
async fn prepare(
    broker: &Broker,
    author: &Author,
    system: &System,
    answers: &BTreeMap<String, String>,
) -> Result<Prepared, Trouble> {
    let file = system.preset(answers)?;
    let job = Job { file, owner: Owner::Desk(author.clone()), base_dir: "/".into(), prune: false };
    let mut plan = provisioning::plan(&broker.ctx, &job).await.map_err(one::Refusal::from)?;
    // whatever else is stored is none of its business
    plan.kept.clear();
    let mut conn = broker.ctx.db.acquire().await?;
    for item in items(&job.file) {
        let owner = one::read(&mut conn, &item).await?.and_then(|known| known.managed_by);
        if let Some(owner) = owner.filter(|_| plan.changes.iter().any(|change| change.item == item.to_string())) {
            let said = format!("the file {owner} owns the {item}: change it there, or release it from the file first");
            return Err(Trouble::Conflict("owned_by_file", said));
        }
    }
    let version = crate::secret::fingerprint(&plan.to_string())[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Prepared { job, plan, version })
}

/// # Errors
/// as [`prepare`], and [`Trouble::Changed`] where the plan is not the one that was shown.
async fn carry_out(
    broker: &Broker,
    author: &Author,
    system: &System,
    answers: &BTreeMap<String, String>,
    version: Option<&str>,
) -> Result<Prepared, Trouble> {
    let prepared = prepare(broker, author, system, answers).await?;
    if version.is_some_and(|version| version != prepared.version) {
        return Err(Trouble::Changed);
    }
    provisioning::apply(&broker.ctx, &prepared.job).await.map_err(one::Refusal::from)?;
    Ok(prepared)
}

fn items(file: &ResourceFile) -> impl Iterator<Item = one::Item> {
    let resources = file.resources.iter().cloned().map(one::Entry::Resource);
    let clients = file.clients.iter().cloned().map(one::Entry::Client);
    let roles = file.roles.iter().cloned().map(one::Entry::Role);
    resources.chain(clients).chain(roles).map(|entry| entry.item())
}

/// # Errors
/// [`Trouble`], where the client cannot work with the system or somebody is not known.
async fn snippets_of(
    broker: &Broker,
    system: &System,
    client_id: &ClientId,
    people: &[UserId],
) -> Result<Vec<Block>, Trouble> {
    let mut conn = broker.ctx.db.acquire().await?;
    Ok(system.snippets_of(&mut conn, &broker.ctx.urls, client_id, people).await?)
}

impl From<PresetError> for Trouble {
    fn from(error: PresetError) -> Self {
        let (path, reason) = match &error {
            PresetError::Unanswered { key, .. } => (format!("answers.{key}"), "is not answered".into()),
            PresetError::Unknown { key, .. } => (format!("answers.{key}"), error.to_string()),
            PresetError::File(fault) => ("answers".into(), fault.reason().to_owned()),
        };
        Self::Invalid(vec![Problem { path, reason }])
    }
}

impl From<SnippetError> for Trouble {
    fn from(error: SnippetError) -> Self {
        match error {
            SnippetError::NoClient(id) => Self::Unknown(format!("client {id}")),
            SnippetError::NoUser(id) => Self::Unknown(format!("user {id}")),
            SnippetError::Database(error) => error.into(),
            SnippetError::Unwritable(format) => {
                tracing::error!(format, "a snippet could not be written");
                Self::Broken
            }
            misfit => Self::Conflict("client_does_not_fit", misfit.to_string()),
        }
    }
}

impl From<ProvisioningError> for Trouble {
    fn from(error: ProvisioningError) -> Self {
        one::Refusal::from(error).into()
    }
}
