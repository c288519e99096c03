//! Secrets as the page shows them: what each is known by, never its value.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::admin::connection::credential::lanes::Bar;
use crate::admin::connection::credential::shown::state_word;
use crate::admin::moment::Moment;
use crate::connection::credential::client_secret::KnownSecret;
use crate::connection::credential::rehearsal::{Method, Rehearsal, Verdict as Result};
use crate::ids::CredentialId;
use crate::life::State;
use crate::life::Verdict;

pub struct ShownSecret {
    pub id: CredentialId,
    pub href: String,
    /// A test sign-in with it.
    pub test: String,
    pub label: String,
    pub state: &'static str,
    pub state_word: &'static str,
    pub created_by: String,
    pub created_at: Moment,
    pub expires_at: Option<Moment>,
    pub last_used_at: Option<Moment>,
    pub uses: i64,
    /// The provider refuses it, and another one stands in.
    pub refused_at: Option<Moment>,
    /// Nobody signs in by it.
    pub removable: bool,
    pub rehearsal: Option<ShownRehearsal>,
    /// Of one that retires.
    pub verdict: Option<Verdict>,
    pub wait: Option<Moment>,
    /// It can take over again.
    pub restores: bool,
}

pub struct ShownRehearsal {
    /// As `data-state`.
    pub state: &'static str,
    pub word: &'static str,
    pub how: &'static str,
    pub at: Moment,
    pub by: String,
    /// `401 invalid_client, and to a wrong one 401 invalid_client`.
    pub answers: String,
}

/// Those that still do something, by the number in which they came.
pub struct Shown {
    pub secrets: Vec<ShownSecret>,
    pub bars: Vec<Bar>,
}

pub fn all(
    known: &[KnownSecret],
    mut rehearsals: HashMap<String, Rehearsal>,
    (path, by_secret): (&str, bool),
    now: OffsetDateTime,
) -> Shown {
    let has_next = known.iter().any(|one| one.state == State::Next);
    let mut shown = Shown { secrets: Vec::new(), bars: Vec::new() };
    for (index, one) in known.iter().enumerate().filter(|(_, one)| one.state.is_published()) {
        let label = format!("Secret {}", known.len() - index);
        shown.bars.push((label.clone(), one.state, one.created_at, one.expires_at));
        let moment = |at| Moment::new(at, now);
        let verdict = one.safe_to_retire(known, now);
        shown.secrets.push(ShownSecret {
            href: format!("{path}/credentials/secrets/{}", one.id),
            test: format!("{path}/test?credential_id={}", one.id),
            id: one.id.clone(),
            label,
            removable: !by_secret || one.state != State::Active,
            state: one.state.as_str(),
            state_word: state_word(one.state),
            created_by: one.created_by.clone(),
            created_at: moment(one.created_at),
            expires_at: one.expires_at.map(moment),
            last_used_at: one.last_used_at.map(moment),
            uses: one.uses,
            refused_at: one.refused_at.filter(|_| one.is_refused()).map(moment),
            rehearsal: rehearsals.remove(one.id.as_str()).map(|rehearsal| rehearsed(rehearsal, one.state, now)),
            wait: verdict.as_ref().and_then(|verdict| verdict.not_before).map(moment),
            restores: verdict.is_some() && !has_next,
            verdict,
        });
    }
    shown
}

/// That it is too old concerns only the one that would take over.
fn rehearsed(rehearsal: Rehearsal, of: State, now: OffsetDateTime) -> ShownRehearsal {
    let (state, word) = match rehearsal.verdict {
        Result::Proven if of == State::Next && !rehearsal.is_green(now) => ("waiting", "Taken, more than an hour ago"),
        Result::Proven => ("passed", "Taken"),
        Result::Refused => ("failing", "Refused"),
        Result::Unclear => ("waiting", "Nothing proven"),
        Result::Unreachable => ("waiting", "Nobody answered"),
    };
    ShownRehearsal {
        state,
        word,
        how: match rehearsal.method {
            Method::AuthorizationCode => "by a made-up code",
            Method::ClientCredentials => "by a token of our own",
            Method::Introspection => "by token introspection",
            Method::Revocation => "by token revocation",
            Method::TestLogin => "by a test sign-in",
        },
        answers: answers(&rehearsal.evidence),
        at: Moment::new(rehearsal.at, now),
        by: rehearsal.by,
    }
}

/// Of the last question.
fn answers(evidence: &serde_json::Value) -> String {
    let Some(last) = evidence.as_array().and_then(|all| all.last()) else { return String::new() };
    let said = |who: &str| {
        let status = last[who]["status"].as_u64()?;
        Some(last[who]["error"].as_str().map_or_else(|| status.to_string(), |error| format!("{status} {error}")))
    };
    match (said("candidate"), said("control")) {
        (Some(candidate), Some(control)) => format!("It answered {candidate}, and to a wrong secret {control}."),
        (Some(only), None) | (None, Some(only)) => format!("It answered {only}."),
        (None, None) => String::new(),
    }
}
