//! What a provider answers to a trip of ours, verified: the one way in which an answer becomes evidence, for sign-ins and for
//! an operator's tests alike.

use std::sync::Arc;

use super::store::{self, Attempt};
use super::{Problem, Visitor, undecrypted};
use crate::broker::Broker;
use crate::connection::{Connection, untrusted};
use crate::metadata;
use crate::oauth::params::Params;
use crate::overage;
use crate::rotation;
use crate::upstream::{Pending, UpstreamError, UpstreamIdentity};

/// The provider's answer to this trip, verified. Few answers are looked at that do not decrypt.
pub(super) async fn answered(
    broker: &Broker,
    visitor: &Visitor,
    connection: &mut Arc<Connection>,
    attempt: &Attempt,
    params: &Params,
) -> Result<UpstreamIdentity, Problem> {
    let verifier = broker.ctx.vault.open_text(store::verifier_place(&attempt.id), &attempt.pkce_verifier);
    let pending = Pending {
        issuer: attempt.issuer.clone(),
        nonce: attempt.nonce.clone(),
        pkce_verifier: verifier.map_err(|error| Problem::Vault(error.to_string()))?,
        max_age: attempt.max_age,
    };
    undecrypted::may_try(broker, visitor, connection)?;
    let answer = finish(broker, visitor, connection, &pending, params).await;
    broker.tell_stood_in().await;
    if let Err(UpstreamError::UnknownCertificate { signer: Some(signer), .. }) = &answer
        && let Err(error) = untrusted::note(&broker.ctx, &connection.id, signer).await
    {
        tracing::warn!(%error, connection = %connection.slug, "a certificate that is not trusted could not be noted");
    }
    let answer = match answer {
        Ok(identity) => completed(broker, visitor, connection, identity).await,
        Err(error) => Err(error),
    };
    answer.map_err(|error| {
        undecrypted::note(broker, visitor, connection, &error);
        Problem::Upstream { connection: connection.display_name.clone(), error }
    })
}

/// With the groups that the token had no room for.
async fn completed(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    identity: UpstreamIdentity,
) -> Result<UpstreamIdentity, UpstreamError> {
    let trace = Some(&visitor.trace);
    let claims = overage::completed(broker, connection, identity.key(), identity.claims(), trace).await?;
    Ok(match claims {
        Some(claims) => identity.completed(claims),
        None => identity,
    })
}

/// Asks the provider's metadata again, at most once a minute, where its certificates seem to have changed; waits for a secret
/// that is just being replaced.
async fn finish(
    broker: &Broker,
    visitor: &Visitor,
    connection: &mut Arc<Connection>,
    pending: &Pending,
    params: &Params,
) -> Result<UpstreamIdentity, UpstreamError> {
    let trace = &visitor.trace;
    let error = match broker.upstreams.finish(&broker.ctx, connection, pending, params, trace).await {
        Err(error) => error,
        answer => return answer,
    };
    let newer = match &error {
        error if error.is_about_certificates() => metadata::newer(broker, connection).await,
        error if error.reason() == "invalid_client" => rotation::newer(broker, connection).await,
        _ => None,
    };
    *connection = newer.ok_or(error)?;
    broker.upstreams.finish(&broker.ctx, connection, pending, params, trace).await
}
