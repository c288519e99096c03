//! Carrying out a plan: all of it in one transaction, or nothing.

use std::collections::HashMap;

use serde_json::json;

use super::plan::{Plan, Sign, Step};
use super::planner::{plan, plan_on};
use super::stored::Stored;
use super::told::{self, Done, tell};
use super::{Job, ProvisioningError, one, store};
use crate::audit;
use crate::client::{self, ClientSecret};
use crate::connection::certificate::{self, Origin, Source};
use crate::connection::own_key::OwnKey;
use crate::connection::saml::IdpSource;
use crate::connection::{self, Credential, CredentialState, KeyUse, Protocol, SamlSettings, Slug, credential};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{ClientSecretId, ConnectionId, CredentialId, UserId};
use crate::user::provision;
use crate::{resource, role};

pub struct Applied {
    pub plan: Plan,
    /// Every user of the file by e-mail address, with the `sub` of all tokens to come.
    pub users: Vec<(String, UserId)>,
}

/// Plans and carries out. Two at a time take turns; an unchanged file changes nothing.
///
/// # Errors
/// [`ProvisioningError`]; then nothing was changed.
pub async fn apply(ctx: &Ctx, job: &Job) -> Result<Applied, ProvisioningError> {
    // Making an RSA key takes a good part of a second: before the transaction opens.
    let keys = make_keys(ctx, &plan(ctx, job).await?)?;
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::lock(conn).await?;
        let stored = Stored::read(conn).await?;
        let plan = plan_on(ctx, conn, job, &stored).await?;
        let mut users = plan.known_users.clone();
        let author = job.owner.author();
        for change in &plan.changes {
            let wanted = change.steps.iter().find_map(told::wanted);
            let before = match &wanted {
                Some(wanted) if change.sign == Sign::Update => one::read(conn, &wanted.item()).await?,
                _ => None,
            };
            for step in &change.steps {
                carry_out(ctx, conn, job, step, &keys, &mut users).await?;
            }
            if let Some(wanted) = wanted {
                let done = if before.is_some() { Done::Updated } else { Done::Created };
                let changes = told::changes(before.as_ref().map(|known| &known.entry), &wanted);
                let detail = json!({ "item": change.item, "changes": changes });
                tell(ctx, conn, &author, &wanted.item(), done, detail).await?;
            } else if let Some(item) = told::taken(change) {
                tell(ctx, conn, &author, &item, Done::Deleted, json!({ "item": change.item })).await?;
            }
        }
        if !plan.changes.is_empty() {
            // the details hold no secret: they are what the plan prints
            let changes: Vec<_> =
                plan.changes.iter().map(|c| json!({ "item": c.item, "details": c.details })).collect();
            let event = author.did("resources.applied");
            audit::record(ctx, conn, event.detail(json!({ "changes": changes }))).await?;
        }
        Ok(Applied { plan, users })
    })
    .await
}

pub(super) type OwnKeys = HashMap<(Slug, Option<KeyUse>), OwnKey>;

pub(super) fn make_keys(ctx: &Ctx, plan: &Plan) -> Result<OwnKeys, ProvisioningError> {
    let mut keys = HashMap::new();
    for step in plan.changes.iter().flat_map(|change| &change.steps) {
        if let Step::MakeConnectionKey(_, slug, key_use) = step {
            keys.insert((slug.clone(), *key_use), OwnKey::generate(ctx, slug, *key_use)?);
        }
    }
    Ok(keys)
}

pub(super) async fn carry_out(
    ctx: &Ctx,
    conn: &mut Conn,
    job: &Job,
    step: &Step,
    keys: &OwnKeys,
    users: &mut Vec<(String, UserId)>,
) -> Result<(), ProvisioningError> {
    let now = ctx.now();
    let by = job.owner.to_string();
    let found = match step {
        Step::InsertResource(item) => resource::store::insert(conn, item, now).await.map(|()| true)?,
        Step::UpdateResource(item) => resource::store::update(conn, item, now).await?,
        Step::DeleteResource(identifier) => resource::store::delete(conn, identifier).await?,
        Step::InsertConnection(item) => connection::store::insert(conn, item, now).await.map(|()| true)?,
        Step::UpdateConnection(item) => {
            let found = connection::store::update(conn, item, now).await?;
            match &item.protocol {
                Protocol::Saml(SamlSettings { source: IdpSource::MetadataUrl { .. }, .. }) => {
                    connection::metadata::store::read_anew(conn, &item.id, now).await?;
                }
                _ => connection::metadata::store::forget(conn, &item.id).await?,
            }
            found
        }
        Step::DeleteConnection(id) => connection::store::delete(conn, id).await?,
        Step::InsertClient(item) => client::store::insert(conn, item, now).await.map(|()| true)?,
        Step::UpdateClient(item) => client::store::update(conn, item, now).await?,
        Step::DeleteClient(id) => client::store::delete(conn, id).await?,
        Step::PutRole(item) => role::store::upsert(conn, item, now).await.map(|()| true)?,
        Step::DeleteRole { resource, name } => role::store::delete(conn, resource, name).await?,
        Step::ImportConnectionSecret(id, value) => {
            let digest = ctx.vault.digest(value.expose());
            add_active(conn, id, &client_secret(ctx, value.expose()), Some(digest), &by).await?;
            true
        }
        Step::MakeConnectionKey(id, slug, key_use) => {
            let key = keys.get(&(slug.clone(), *key_use)).ok_or(ProvisioningError::Changed)?;
            add_active(conn, id, &key.credential(ctx, CredentialState::Active), None, &by).await?;
            true
        }
        Step::FollowCertificates(item, listed) => {
            let author = job.owner.author();
            let origin = Origin { source: Source::File, author: &author };
            certificate::follow(ctx, conn, item, listed, true, origin).await?;
            true
        }
        Step::ImportClientSecret(id, value) => {
            let digest = ctx.vault.digest(value.expose());
            let secret = ClientSecret { id: ClientSecretId::new(now, &ctx.rng), digest, expires_at: None };
            client::secret::store::add(conn, id, &secret, hint(value.expose()), &by, now).await?;
            true
        }
        Step::CreateUser(email, ahead) => {
            let created = provision::create(ctx, conn, ahead).await?;
            users.push((email.clone(), created.sub().clone()));
            true
        }
    };
    // Gone between reading and writing: somebody else was at work through the API.
    if found { Ok(()) } else { Err(ProvisioningError::Changed) }
}

/// The new credential becomes the active one; the one before goes on as retiring.
async fn add_active(
    conn: &mut Conn,
    connection: &ConnectionId,
    credential: &Credential,
    digest: Option<[u8; 32]>,
    by: &str,
) -> Result<(), sqlx::Error> {
    credential::store::retire_active(conn, connection, credential.kind(), credential.key_use()).await?;
    credential::store::insert(conn, connection, credential, digest, by).await
}

fn client_secret(ctx: &Ctx, value: &str) -> Credential {
    let now = ctx.now();
    let id = CredentialId::new(now, &ctx.rng);
    Credential {
        sealed: ctx.vault.seal(Credential::place(&id), value.as_bytes(), &ctx.rng),
        id,
        state: CredentialState::Active,
        public: None,
        created_at: now,
        expires_at: None,
    }
}

/// The last four characters of a long secret. Of a short one they would give too much away.
fn hint(secret: &str) -> &str {
    let tail = secret.len().saturating_sub(4);
    if secret.len() >= 24 && secret.is_char_boundary(tail) { &secret[tail..] } else { "imported" }
}
