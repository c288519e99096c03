//! The last step of a login's trace: what became of its code.

use serde_json::json;

use super::{GrantError, TokenResponse};
use crate::broker::Broker;
use crate::ids::TraceId;
use crate::token::preview::said;
use crate::trace::{Outcome, Recording, Word};
use crate::web::trace;

/// Claims, never a token.
pub fn redeemed(broker: &Broker, login: &TraceId, response: &TokenResponse) {
    let recording = Recording::new(broker.ctx.clock.clone());
    let detail = json!({
        "scope": response.scope,
        "type": response.token_type,
        "expires_in": response.expires_in,
        "access_claims": said(&response.access_token),
        "id_claims": response.id_token.as_deref().map(said),
        "may_refresh": response.refresh_token.is_some(),
    });
    recording.passed(Word::TokenIssued, detail);
    recording.succeeded();
    hand_over(broker, login, &recording);
}

pub fn refused(broker: &Broker, login: &TraceId, error: &GrantError) {
    let recording = Recording::new(broker.ctx.clock.clone());
    let (outcome, reason, detail) = match error {
        GrantError::Refused { reason, error } => (Outcome::Refused, *reason, error.description.clone()),
        GrantError::Waiting(error) | GrantError::Broken(error) => {
            (Outcome::Failed, error.code.as_str(), error.description.clone())
        }
        GrantError::Database(_) => (Outcome::Failed, "database", "the database could not be asked".into()),
    };
    recording.stopped(Word::TokenIssued, outcome, reason, json!({ "detail": detail }));
    hand_over(broker, login, &recording);
}

fn hand_over(broker: &Broker, login: &TraceId, recording: &Recording) {
    recording.of(login);
    let trace_id = trace::current().unwrap_or_else(|| TraceId::new(&broker.ctx.rng));
    if let Some(part) = recording.take(&trace_id, None) {
        broker.traces.record(part);
    }
}
