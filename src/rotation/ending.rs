//! How a rotation ends: done, or not. One that ends before the new secret took over leaves the old one in use, takes back
//! what it made at the provider as far as that goes, and says so to operators.

use serde_json::json;
use time::Duration;

use super::advance::{Scene, scene};
use super::cause::{Cause, Hitch};
use super::driver::{self, manner};
use super::{Outcome, Rotation, Step, store};
use crate::audit::{self, Event};
use crate::broker::Broker;
use crate::connection::credential::client_secret::{self, UpstreamSecretError};
use crate::connection::secret_driver;
use crate::connection::{CredentialKind, CredentialState};
use crate::db::{self, Conn};
use crate::ids::CredentialId;
use crate::upstream::SecretTrial;

/// After what may pass by itself.
const AGAIN: Duration = Duration::days(1);

/// The value before is erased here too.
pub(super) async fn done(broker: &Broker, one: &mut Rotation, scene: &Scene) -> Result<(), Hitch> {
    let ctx = &broker.ctx;
    let slug = &scene.connection.slug;
    if let Some(previous) = &one.previous {
        let known = scene.connection.credentials.iter().find(|known| known.id == *previous);
        if known.is_some_and(|known| known.state == CredentialState::Retiring) {
            withdraw(broker, one, scene, previous).await?;
        }
    }
    let now = ctx.now();
    one.finished_at = Some(now);
    one.outcome = Some(Outcome::Done);
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if !store::save(conn, one, None).await? {
            return Err(Hitch::Lost);
        }
        let next = scene.driver.due(now, one.expires_at);
        secret_driver::store::schedule(conn, &one.connection, Some(next)).await?;
        let cuts = manner(&scene.driver.settings).cuts;
        let event = one.author().did("connection.rotation_finished").connection(slug).detail(json!({
            "rotation": one.id,
            "driver": one.driver,
            "secret": one.credential,
            "provider_id": one.new_id,
            "removed_provider_id": one.old_id,
            // made by somebody else, so that it is theirs to remove
            "old_left_at_provider": one.old_id.is_none() && !cuts,
        }));
        Ok(audit::record(ctx, conn, event).await?)
    })
    .await
}

pub(super) async fn failed(broker: &Broker, one: &mut Rotation, cause: Cause, said: &str) -> Result<(), Hitch> {
    let ctx = &broker.ctx;
    let scene = scene(broker, one).await?;
    let in_use = scene.new_secret(one).map(|known| known.state) == Some(CredentialState::Active);
    let early = one.step < Step::Watch && !in_use;
    let taken_back = if early && one.step > Step::Plan { Some(take_back(broker, one, &scene).await?) } else { None };
    let now = ctx.now();
    one.finished_at = Some(now);
    one.outcome = Some(if cause == Cause::Stopped { Outcome::Stopped } else { Outcome::Failed });
    one.cause = Some(cause);
    one.last_error = Some(said.to_owned());
    one.candidate = None;
    let next = match (early, cause) {
        (false, _) | (_, Cause::Stopped) => Some(scene.driver.due(now, None)),
        (true, cause) => cause.may_pass().then_some(now + AGAIN),
    };
    tracing::warn!(connection = %scene.connection.slug, rotation = %one.id, step = one.step.as_str(), cause = cause.as_str(), said, "a rotation ended early");
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if !store::save(conn, one, None).await? {
            return Err(Hitch::Lost);
        }
        secret_driver::store::schedule(conn, &one.connection, next).await?;
        let actor = one.author().actor;
        let event = match cause {
            Cause::Stopped => Event::success("connection.rotation_stopped", actor),
            _ => Event::failed("connection.rotation_failed", cause.as_str(), actor),
        };
        let event = event.connection(&scene.connection.slug).detail(json!({
            "rotation": one.id,
            "driver": one.driver,
            "step": one.step.as_str(),
            "said": said,
            "remedy": cause.remedy(),
            "in_use": if early { "old" } else { "new" },
            "provider_id": one.new_id,
            "taken_back": taken_back,
        }));
        Ok(audit::record(ctx, conn, event).await?)
    })
    .await
}

/// Whether the provider is as it was. A next secret that may be the only one that works stays, for somebody to look at.
async fn take_back(broker: &Broker, one: &Rotation, scene: &Scene) -> Result<bool, Hitch> {
    let ctx = &broker.ctx;
    let value = scene.value(ctx, one).ok().flatten();
    let cuts = manner(&scene.driver.settings).cuts;
    let back = match scene.at(broker, one) {
        Ok(mut at) => driver::take_back(&mut at, value.as_ref()).await,
        Err(hitch) => Err(hitch),
    };
    let (back, keeps) = match back {
        Ok(back) => (back, !back),
        Err(Hitch::Lost) => return Err(Hitch::Lost),
        Err(Hitch::Database(error)) => return Err(Hitch::Database(error)),
        Err(hitch) => {
            tracing::warn!(rotation = %one.id, ?hitch, "what the rotation made at the provider could not be taken back");
            (false, cuts && !is_refused(broker, one, scene).await)
        }
    };
    let stored = scene.new_secret(one).filter(|known| known.kind() == CredentialKind::ClientSecret);
    if let Some(stored) = stored.filter(|known| !keeps && known.state == CredentialState::Next) {
        withdraw(broker, one, scene, &stored.id).await?;
    }
    Ok(back)
}

/// Unless somebody else has done it meanwhile.
async fn withdraw(broker: &Broker, one: &Rotation, scene: &Scene, id: &CredentialId) -> Result<(), Hitch> {
    let slug = &scene.connection.slug;
    match client_secret::withdraw(&broker.ctx, &one.author(), slug, id.as_str()).await {
        Err(UpstreamSecretError::Database(error)) => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The provider says that it never took the new secret.
async fn is_refused(broker: &Broker, one: &Rotation, scene: &Scene) -> bool {
    let (Ok(at), Ok(Some(value))) = (scene.at(broker, one), scene.value(&broker.ctx, one)) else { return false };
    matches!(driver::probe(&at, &value).await, SecretTrial::Refused(_))
}
