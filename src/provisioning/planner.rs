//! Making a plan: each section of the file against what is stored. Stored items are turned into entries of the file's own
//! shape and compared field by field, so an export plans no change by construction.

use std::collections::HashMap;

use super::check::{Problem, check};
use super::client_entry::ClientEntry;
use super::connection_entry::{ConnectionEntry, EntryProtocol};
use super::difference::differences;
use super::entry::{ResourceEntry, RoleEntry};
use super::plan::{Change, Plan, Sign, Step};
use super::secret_ref::SecretRef;
use super::stored::Stored;
use super::{Job, ProvisioningError};
use crate::client;
use crate::connection::certificate::{self, Facts, Following, fingerprint};
use crate::connection::{self, Certificate, ClientAuthentication, Connection, CredentialKind, KeyUse, Slug};
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::ConnectionId;
use crate::secret::Secret;
use crate::user::provision::CreatedAhead;
use crate::user::{self, IdentityKey};

/// Reads and compares; changes nothing.
///
/// # Errors
/// [`ProvisioningError::Problems`] and the database's.
pub async fn plan(ctx: &Ctx, job: &Job) -> Result<Plan, ProvisioningError> {
    let mut conn = ctx.db.acquire().await?;
    let stored = Stored::read(&mut conn).await?;
    plan_on(ctx, &mut conn, job, &stored).await
}

pub(super) async fn plan_on(ctx: &Ctx, conn: &mut Conn, job: &Job, stored: &Stored) -> Result<Plan, ProvisioningError> {
    let job = &with_metadata(job)?;
    let problems = check(job, stored);
    if !problems.is_empty() {
        return Err(ProvisioningError::Problems(problems));
    }
    let mut planner = Planner {
        ctx,
        job,
        plan: Plan { changes: Vec::new(), kept: Vec::new(), notes: Vec::new(), unchanged: 0, known_users: Vec::new() },
        problems: Vec::new(),
        ids: stored.connections.iter().map(|c| (c.slug.clone(), c.id.clone())).collect(),
    };
    planner.resources(stored);
    planner.connections(conn, stored).await?;
    planner.clients(conn, stored).await?;
    planner.roles(stored);
    planner.users(conn, stored).await?;
    planner.missing(stored);
    if planner.problems.is_empty() { Ok(planner.plan) } else { Err(ProvisioningError::Problems(planner.problems)) }
}

/// The same with the metadata files that it names read: their text is what is stored and compared.
fn with_metadata(job: &Job) -> Result<Job, ProvisioningError> {
    let mut file = job.file.clone();
    let mut problems = Vec::new();
    for entry in &mut file.connections {
        if let Err(reason) = entry.read_metadata_file(&job.base_dir) {
            problems.push(Problem { path: format!("connections[{}].metadata_file", entry.slug), reason });
        }
    }
    if !problems.is_empty() {
        return Err(ProvisioningError::Problems(problems));
    }
    Ok(Job { file, owner: job.owner.clone(), base_dir: job.base_dir.clone(), prune: job.prune })
}

/// The keys of our own that a connection works with: their name, what they must be able to do, what they are made for.
fn own_keys(entry: &ConnectionEntry) -> &'static [(&'static str, KeyUse, Option<KeyUse>)] {
    use KeyUse::{Encryption, Signing};
    match (entry.protocol, entry.client_authentication()) {
        (EntryProtocol::Saml, _) => {
            &[("signing key", Signing, Some(Signing)), ("encryption key", Encryption, Some(Encryption))]
        }
        (EntryProtocol::Oidc, ClientAuthentication::PrivateKeyJwt) => &[("private key", Signing, None)],
        (EntryProtocol::Oidc, _) => &[],
    }
}

fn needs_secret(entry: &ConnectionEntry) -> bool {
    entry.protocol == EntryProtocol::Oidc && entry.client_authentication().by_secret()
}

struct Planner<'a> {
    ctx: &'a Ctx,
    job: &'a Job,
    plan: Plan,
    problems: Vec<Problem>,
    /// Of connections, those about to be made included.
    ids: HashMap<Slug, ConnectionId>,
}

impl Planner<'_> {
    fn put(&mut self, sign: Sign, item: String, details: Vec<String>, steps: Vec<Step>) {
        if steps.is_empty() {
            self.plan.unchanged += 1;
        } else {
            self.plan.changes.push(Change { sign, item, details, steps });
        }
    }

    fn resources(&mut self, stored: &Stored) {
        for entry in &self.job.file.resources {
            let wanted = entry.to_resource(self.job.owner.file());
            let known = stored.resources.iter().find(|r| r.identifier == entry.identifier);
            let details = differences(known.map(ResourceEntry::of).as_ref(), &ResourceEntry::of(&wanted), "identifier");
            let (sign, steps) = match known {
                None => (Sign::Create, vec![Step::InsertResource(wanted)]),
                Some(_) if details.is_empty() => (Sign::Update, vec![]),
                Some(_) => (Sign::Update, vec![Step::UpdateResource(wanted)]),
            };
            self.put(sign, format!("resource {}", entry.identifier), details, steps);
        }
    }

    async fn connections(&mut self, conn: &mut Conn, stored: &Stored) -> Result<(), sqlx::Error> {
        for entry in &self.job.file.connections {
            let known = stored.connection(&entry.slug);
            let id = known.map_or_else(|| ConnectionId::new(self.ctx.now(), &self.ctx.rng), |c| c.id.clone());
            self.ids.insert(entry.slug.clone(), id.clone());
            let wanted = entry.to_connection(id.clone(), self.job.owner.file());
            // certificates and secrets have lives of their own
            let before = known.map(|c| ConnectionEntry {
                client_secret: None,
                certificates: Vec::new(),
                ..ConnectionEntry::of(c)
            });
            let mut details = differences(before.as_ref(), &ConnectionEntry::of(&wanted), "slug");
            let (sign, mut steps) = match known {
                None => (Sign::Create, vec![Step::InsertConnection(wanted.clone())]),
                Some(_) if details.is_empty() => (Sign::Update, vec![]),
                Some(_) => (Sign::Update, vec![Step::UpdateConnection(wanted.clone())]),
            };
            if let Some(listed) = entry.listed_certificates() {
                let certificates = known.map(|c| c.certificates.as_slice()).unwrap_or_default();
                let (told, changes) = self.certificates(&wanted, certificates, &listed);
                details.extend(told);
                steps.extend(changes.then_some(Step::FollowCertificates(wanted, listed)));
            }
            let has_secret = known.is_some_and(|c| c.active(CredentialKind::ClientSecret).is_some());
            let path = format!("connections[{}].client_secret", entry.slug);
            if let Some(secret) = self.secret(entry.client_secret.as_ref(), &path, has_secret) {
                let digest = self.ctx.vault.digest(secret.expose());
                if !connection::credential::store::digest_known(conn, &id, digest).await? {
                    details.push("client_secret: imports a new value".into());
                    steps.push(Step::ImportConnectionSecret(id.clone(), secret));
                }
            }
            let own_keys = own_keys(entry);
            for (name, usage, key_use) in own_keys {
                if known.is_none_or(|c| c.active_key(*usage).is_none()) {
                    details.push(format!("{name}: makes one"));
                    steps.push(Step::MakeConnectionKey(id.clone(), entry.slug.clone(), *key_use));
                }
            }
            if needs_secret(entry) && entry.client_secret.is_none() && !has_secret {
                self.plan.notes.push(format!(
                    "connection {} has no client secret yet: nobody can sign in through it until it has one",
                    entry.slug
                ));
            }
            self.put(sign, format!("connection {}", entry.slug), details, steps);
        }
        Ok(())
    }

    async fn clients(&mut self, conn: &mut Conn, stored: &Stored) -> Result<(), sqlx::Error> {
        for entry in &self.job.file.clients {
            let wanted = entry.to_client(self.job.owner.file());
            let known = stored.clients.iter().find(|c| c.client_id == entry.client_id);
            let before = known.map(|c| ClientEntry { client_secret: None, ..ClientEntry::of(c) });
            let mut details = differences(before.as_ref(), &ClientEntry::of(&wanted), "client_id");
            let needs_secret = wanted.is_confidential() && !wanted.settings.has_keys();
            let (sign, mut steps) = match known {
                None => (Sign::Create, vec![Step::InsertClient(wanted)]),
                Some(_) if details.is_empty() => (Sign::Update, vec![]),
                Some(_) => (Sign::Update, vec![Step::UpdateClient(wanted)]),
            };
            let has_secret = known.is_some_and(|c| !c.secrets.is_empty());
            let path = format!("clients[{}].client_secret", entry.client_id);
            if let Some(secret) = self.secret(entry.client_secret.as_ref(), &path, has_secret) {
                let digest = self.ctx.vault.digest(secret.expose());
                if !client::secret::store::digest_known(conn, &entry.client_id, digest).await? {
                    details.push("client_secret: imports a new value".into());
                    steps.push(Step::ImportClientSecret(entry.client_id.clone(), secret));
                }
            }
            if needs_secret && entry.client_secret.is_none() && !has_secret {
                let note =
                    format!("client {} has no secret yet: it cannot get tokens until it has one", entry.client_id);
                self.plan.notes.push(note);
            }
            self.put(sign, format!("client {}", entry.client_id), details, steps);
        }
        Ok(())
    }

    /// What becomes of a provider's certificates, in words, and whether anything does.
    fn certificates(&mut self, wanted: &Connection, known: &[Certificate], listed: &[Facts]) -> (Vec<String>, bool) {
        let following = Following::of(known, listed, true, certificate::counts(wanted, self.ctx.now()));
        let mut told = Vec::new();
        let mut tell =
            |sha256: &str, what: &str| told.push(format!("certificate SHA-256 {}: {what}", fingerprint(sha256)));
        following.add.iter().for_each(|one| tell(&one.sha256, "trusts it"));
        following.revive.iter().for_each(|one| tell(&one.sha256, "trusts it again"));
        following.retire.iter().for_each(|one| tell(&one.sha256, "retires it"));
        let changes = following.changes_something();
        let mut note = |one: &Certificate, what: &str| {
            let sha256 = fingerprint(&one.sha256);
            self.plan.notes.push(format!("connection {}: certificate SHA-256 {sha256} {what}", wanted.slug));
        };
        following.kept_as_last.iter().for_each(|one| note(one, "is not listed and stays trusted: it is the last"));
        let stays =
            "is listed and stays retired: a person retired it; `avouch connection certificates add` brings it back";
        following.stays_retired.iter().for_each(|one| note(one, stays));
        (told, changes)
    }

    /// The value to import. A reference that leads nowhere is a fault, unless a secret is stored: then that one stays,
    /// so that an export can be applied where its secrets are not at hand.
    fn secret(&mut self, reference: Option<&SecretRef>, path: &str, has_one: bool) -> Option<Secret<String>> {
        match reference?.resolve(&self.job.base_dir) {
            Ok(secret) => return Some(secret),
            Err(unresolved) if has_one => {
                self.plan.notes.push(format!("{path}: {}; the stored secret stays", unresolved.0))
            }
            Err(unresolved) => self.problems.push(Problem { path: path.into(), reason: unresolved.0 }),
        }
        None
    }

    fn roles(&mut self, stored: &Stored) {
        for entry in &self.job.file.roles {
            let known = stored.roles.iter().find(|r| r.name == entry.name && r.resource == entry.resource);
            let details = differences(known.map(RoleEntry::of).as_ref(), entry, "name");
            let sign = if known.is_some() { Sign::Update } else { Sign::Create };
            let changed = known.is_none() || !details.is_empty();
            let steps = changed.then(|| Step::PutRole(entry.to_role(self.job.owner.file()))).into_iter().collect();
            self.put(sign, format!("role {} on {}", entry.name, entry.resource), details, steps);
        }
    }

    async fn users(&mut self, conn: &mut Conn, stored: &Stored) -> Result<(), sqlx::Error> {
        for entry in &self.job.file.users {
            let Some(id) = self.ids.get(&entry.connection).cloned() else {
                continue;
            };
            let in_file = self.job.file.connections.iter().find(|c| c.slug == entry.connection);
            let issuer = match in_file {
                Some(connection) => entry.issuer_at(&connection.to_connection(id.clone(), None)),
                None => stored.connection(&entry.connection).and_then(|connection| entry.issuer_at(connection)),
            };
            let Some(issuer) = issuer else { continue };
            if let Some(sub) = user::store::sub_of_identity(conn, &id, &issuer, &entry.subject).await? {
                self.plan.known_users.push((entry.email.clone(), sub));
                self.plan.unchanged += 1;
                continue;
            }
            let ahead = CreatedAhead {
                email: Some(entry.email.clone()),
                name: entry.name.clone(),
                connection: id,
                key: IdentityKey { issuer, subject: entry.subject.clone() },
                managed_by: self.job.owner.file().unwrap_or_default().to_owned(),
            };
            let details = vec![format!("connection: {}", entry.connection), format!("subject: {}", entry.subject)];
            let steps = vec![Step::CreateUser(entry.email.clone(), ahead)];
            self.put(Sign::Create, format!("user {}", entry.email), details, steps);
        }
        Ok(())
    }

    /// What is stored and not in the file. Roles and clients go before what they refer to.
    fn missing(&mut self, stored: &Stored) {
        let file = &self.job.file;
        let mut gone: Vec<(String, Step)> = Vec::new();
        for role in &stored.roles {
            if !file.roles.iter().any(|r| r.name == role.name && r.resource == role.resource) {
                let step = Step::DeleteRole { resource: role.resource.clone(), name: role.name.clone() };
                gone.push((format!("role {} on {}", role.name, role.resource), step));
            }
        }
        for client in &stored.clients {
            if !file.clients.iter().any(|c| c.client_id == client.client_id) {
                gone.push((format!("client {}", client.client_id), Step::DeleteClient(client.client_id.clone())));
            }
        }
        for connection in &stored.connections {
            if !file.connections.iter().any(|c| c.slug == connection.slug) {
                gone.push((format!("connection {}", connection.slug), Step::DeleteConnection(connection.id.clone())));
            }
        }
        for resource in &stored.resources {
            if !file.resources.iter().any(|r| r.identifier == resource.identifier) {
                gone.push((
                    format!("resource {}", resource.identifier),
                    Step::DeleteResource(resource.identifier.clone()),
                ));
            }
        }
        for (item, step) in gone {
            if self.job.prune {
                self.put(Sign::Delete, item, Vec::new(), vec![step]);
            } else {
                self.plan.kept.push(item);
            }
        }
    }
}
