//! The proof of a new secret: it is tried at the provider until it was taken often enough, beside a wrong one that has to be
//! refused, and never more than three times a minute. Owns the pace and what counts as proven; how is the driver's.

use time::Duration;

use super::advance::{Next, Scene, enter, rest, save};
use super::cause::{Cause, Hitch};
use super::driver::{self, manner};
use super::{Rotation, Step};
use crate::broker::Broker;
use crate::connection::CredentialState;
use crate::ctx::Ctx;
use crate::upstream::SecretTrial;

const NEXT_PROOF: Duration = Duration::seconds(30);
/// One of their servers that knows it proves nothing about the others.
const PROOFS: i32 = 3;
const SPREAD: Duration = Duration::seconds(60);
const LONGEST_PAUSE: Duration = Duration::minutes(5);
const WINDOW: Duration = Duration::minutes(15);
/// Three in a minute, with [`NEXT_PROOF`] the most that is asked of any provider.
const CUT_PROOF: Duration = Duration::seconds(20);
/// The provider has said that the old one is over, and cannot be asked.
const BLIND: Duration = Duration::seconds(60);

/// One question at the provider, if this minute has one left.
pub(super) async fn ask(
    broker: &Broker,
    one: &Rotation,
    scene: &Scene,
) -> Result<Result<SecretTrial, Duration>, Hitch> {
    if let Err(wait) = broker.may_try_credential(&scene.connection.slug) {
        return Ok(Err(wait + Duration::seconds(1)));
    }
    let gone = || Hitch::never(Cause::TurnedBack, "the new secret is not among the connection's any more");
    let value = scene.value(&broker.ctx, one)?.ok_or_else(gone)?;
    Ok(Ok(driver::probe(&scene.at(broker, one)?, &value).await))
}

pub(super) fn said_of(trial: SecretTrial) -> String {
    match trial {
        SecretTrial::Proven => String::new(),
        SecretTrial::Refused(said) => format!("the provider does not take the new secret yet: {said}"),
        SecretTrial::Unclear(said) => format!("nothing is proven: {said}"),
        SecretTrial::Unreachable(said) => format!("the provider cannot be asked: {said}"),
    }
}

pub(super) async fn prove(broker: &Broker, one: &mut Rotation, scene: &Scene) -> Result<Next, Hitch> {
    let ctx = &broker.ctx;
    let cuts = manner(&scene.driver.settings).cuts;
    match scene.new_secret(one).map(|known| known.state) {
        Some(CredentialState::Next) => {}
        // somebody was quicker
        Some(CredentialState::Active) => return proven(ctx, one).await,
        _ => return Err(Hitch::never(Cause::TurnedBack, "the new secret was withdrawn here before it was proven")),
    }
    let trial = match ask(broker, one, scene).await? {
        Ok(trial) => trial,
        Err(wait) => {
            one.next_at = ctx.now() + wait;
            return rest(ctx, one).await;
        }
    };
    let now = ctx.now();
    if trial == SecretTrial::Proven {
        one.proofs += 1;
        one.proved_at = Some(now);
        one.last_error = None;
        let since = *one.proofs_since.get_or_insert(now);
        if cuts || (one.proofs >= PROOFS && now - since >= SPREAD) {
            return proven(ctx, one).await;
        }
        one.next_at = now + NEXT_PROOF;
        return rest(ctx, one).await;
    }
    if cuts && matches!(trial, SecretTrial::Unclear(_)) && now - one.step_at >= BLIND {
        return proven(ctx, one).await;
    }
    // its servers disagree: the count begins anew
    (one.proofs, one.proofs_since) = (0, None);
    one.attempts += 1;
    let said = scene.at(broker, one)?.without_secrets(&said_of(trial));
    if now - one.step_at >= WINDOW {
        return Err(Hitch::never(Cause::NotProven, said));
    }
    let pause = if cuts { CUT_PROOF } else { NEXT_PROOF * 2_i32.pow((one.attempts - 1).clamp(0, 4).unsigned_abs()) };
    one.next_at = (now + pause.min(LONGEST_PAUSE)).min((one.step_at + WINDOW).max(now + CUT_PROOF));
    one.last_error = Some(said);
    rest(ctx, one).await
}

async fn proven(ctx: &Ctx, one: &mut Rotation) -> Result<Next, Hitch> {
    let now = ctx.now();
    enter(one, Step::Promote, now, Duration::ZERO);
    save(&mut *ctx.db.acquire().await?, one, now).await
}
