//! Carrying out a plan: all of it in one transaction, or nothing.

use std::collections::HashMap;

use serde_json::json;
use time::Duration;

use super::plan::{Plan, Step};
use super::planner::{plan, plan_on};
use super::{Job, ProvisioningError, store};
use crate::audit::{self, Event};
use crate::client::{self, ClientSecret};
use crate::connection::certificate::{self, Origin, Source};
use crate::connection::credential::PublicPart;
use crate::connection::saml::IdpSource;
use crate::connection::{self, Credential, CredentialKind, CredentialState, Protocol, SamlSettings, Slug};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{ClientSecretId, ConnectionId, CredentialId, UserId};
use crate::jose::{Alg, Certificate, KeyPair};
use crate::secret::Secret;
use crate::user::provision;
use crate::{resource, role};

/// How long the certificate around a connection's own key says it is good for.
const CERTIFICATE_LIFE: Duration = Duration::days(3 * 365);

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
        let plan = plan_on(ctx, conn, job).await?;
        let mut users = plan.known_users.clone();
        for step in plan.changes.iter().flat_map(|change| &change.steps) {
            carry_out(ctx, conn, job, step, &keys, &mut users).await?;
        }
        if !plan.changes.is_empty() {
            // the details hold no secret: they are what the plan prints
            let changes: Vec<_> =
                plan.changes.iter().map(|c| json!({ "item": c.item, "details": c.details })).collect();
            let event = Event::success("resources.applied", format!("file:{}", job.managed_by));
            audit::record(ctx, conn, event.detail(json!({ "changes": changes }))).await?;
        }
        Ok(Applied { plan, users })
    })
    .await
}

/// A private key for a connection, before it has a row.
struct OwnKey {
    pkcs8: Secret<Vec<u8>>,
    public: PublicPart,
}

fn make_keys(ctx: &Ctx, plan: &Plan) -> Result<HashMap<Slug, OwnKey>, ProvisioningError> {
    let mut keys = HashMap::new();
    for step in plan.changes.iter().flat_map(|change| &change.steps) {
        if let Step::MakeConnectionKey(_, slug) = step {
            let (pair, pkcs8) = KeyPair::generate(Alg::RS256);
            let now = ctx.now();
            let name = format!("{slug} at {}", ctx.urls.host());
            let certificate = Certificate::self_signed(&pair, &name, now, now + CERTIFICATE_LIFE)?.der().to_vec();
            let jwk = serde_json::to_value(pair.public_jwk().with_certificate(&certificate))
                .expect("a JWK is a plain struct with string keys");
            keys.insert(slug.clone(), OwnKey { pkcs8, public: PublicPart { jwk, certificate } });
        }
    }
    Ok(keys)
}

async fn carry_out(
    ctx: &Ctx,
    conn: &mut Conn,
    job: &Job,
    step: &Step,
    keys: &HashMap<Slug, OwnKey>,
    users: &mut Vec<(String, UserId)>,
) -> Result<(), ProvisioningError> {
    let now = ctx.now();
    let by = format!("file {}", job.managed_by);
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
            add_credential(ctx, conn, id, value.expose().as_bytes(), None, Some(digest), &by).await?;
            true
        }
        Step::MakeConnectionKey(id, slug) => {
            let key = keys.get(slug).ok_or(ProvisioningError::Changed)?;
            add_credential(ctx, conn, id, key.pkcs8.expose(), Some(key.public.clone()), None, &by).await?;
            true
        }
        Step::FollowCertificates(item, listed) => {
            let actor = format!("file:{}", job.managed_by);
            let origin = Origin { source: Source::File, actor: &actor };
            certificate::follow(ctx, conn, item, listed, true, origin).await?;
            true
        }
        Step::ImportClientSecret(id, value) => {
            let digest = ctx.vault.digest(value.expose());
            let secret = ClientSecret { id: ClientSecretId::new(now, &ctx.rng), digest, expires_at: None };
            client::store::add_secret(conn, id, &secret, hint(value.expose()), &by, now).await?;
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
async fn add_credential(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &ConnectionId,
    value: &[u8],
    public: Option<PublicPart>,
    digest: Option<[u8; 32]>,
    by: &str,
) -> Result<(), sqlx::Error> {
    let now = ctx.now();
    let id = CredentialId::new(now, &ctx.rng);
    let kind = if public.is_some() { CredentialKind::PrivateKey } else { CredentialKind::ClientSecret };
    let expires_at = public.as_ref().map(|_| now + CERTIFICATE_LIFE);
    let credential = Credential {
        sealed: ctx.vault.seal(Credential::place(&id), value, &ctx.rng),
        id,
        state: CredentialState::Active,
        public,
        created_at: now,
        expires_at,
    };
    connection::store::retire_active(conn, connection, kind).await?;
    connection::store::add_credential(conn, connection, &credential, digest, by).await
}

/// The last four characters of a long secret. Of a short one they would give too much away.
fn hint(secret: &str) -> &str {
    let tail = secret.len().saturating_sub(4);
    if secret.len() >= 24 && secret.is_char_boundary(tail) { &secret[tail..] } else { "imported" }
}
