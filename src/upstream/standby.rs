//! The credential that stands by: when the provider does not take the one in use, another one of the connection's is shown,
//! once for a request. Where that has happened a few times, the one that works is shown first for some minutes, so that
//! not every sign-in costs a refusal. In memory: each replica finds out for itself. Who is told of it is the broker's.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::connection::{Connection, Credential, CredentialKind, CredentialState, KeyUse, Slug};
use crate::ctx::Ctx;
use crate::ids::CredentialId;

/// Refusals are counted for so long, and told of once in it.
pub const WINDOW: Duration = Duration::minutes(10);
/// After so many the other one goes first,
const ENOUGH: u32 = 3;
/// for so long. Then the one in use gets its chance again.
const FIRST_FOR: Duration = Duration::minutes(5);
/// What waits to be told.
const MOST: usize = 1000;

/// One request in which a credential stood in for another.
#[derive(Clone, Debug)]
pub struct StoodIn {
    pub connection: Slug,
    pub refused: CredentialId,
    pub worked: CredentialId,
    /// The provider's words, quoted.
    pub said: String,
    pub at: OffsetDateTime,
}

#[derive(Default)]
pub(super) struct Standbys(Mutex<State>);

#[derive(Default)]
struct State {
    /// By slug.
    circuits: HashMap<String, Circuit>,
    told: Vec<StoodIn>,
}

struct Circuit {
    refused: CredentialId,
    worked: CredentialId,
    times: u32,
    window_ends: OffsetDateTime,
    first_until: Option<OffsetDateTime>,
}

impl Standbys {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to show first, and what when it is refused. Nothing stands by where nothing is in use.
    pub(super) fn order<'c>(
        &self,
        connection: &'c Connection,
        kind: CredentialKind,
        now: OffsetDateTime,
    ) -> (Option<&'c Credential>, Option<&'c Credential>) {
        let Some(active) = in_use(connection, kind) else { return (None, None) };
        let second = standing_by(connection, kind);
        let state = self.state();
        let circuit = state.circuits.get(connection.slug.as_str());
        match circuit {
            Some(circuit)
                if circuit.refused == active.id
                    && circuit.first_until.is_some_and(|until| now < until)
                    && second.is_some_and(|one| one.id == circuit.worked) =>
            {
                (second, Some(active))
            }
            _ => (Some(active), second),
        }
    }

    /// It was taken at once: where it had been refused before, that is over.
    pub(super) fn worked(&self, connection: &Connection, credential: &Credential) {
        let mut state = self.state();
        let slug = connection.slug.as_str();
        if state.circuits.get(slug).is_some_and(|circuit| circuit.refused == credential.id && circuit.times >= ENOUGH) {
            state.circuits.remove(slug);
        }
    }

    /// The second was taken where the first was not. `at_once`: the next request must not begin with the first.
    pub(super) fn stood_in(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        (refused, said): (&Credential, &str),
        worked: &Credential,
        at_once: bool,
    ) {
        let now = ctx.now();
        let mut state = self.state();
        let slug = connection.slug.to_string();
        // the one that stood in is refused itself, and the one in use works again
        if state.circuits.get(&slug).is_some_and(|circuit| circuit.refused == worked.id) {
            state.circuits.remove(&slug);
            return;
        }
        let known = state.circuits.remove(&slug).filter(|circuit| {
            circuit.refused == refused.id && circuit.worked == worked.id && now < circuit.window_ends
        });
        let mut circuit = known.unwrap_or_else(|| Circuit {
            refused: refused.id.clone(),
            worked: worked.id.clone(),
            times: 0,
            window_ends: now + WINDOW,
            first_until: None,
        });
        circuit.times = if at_once { ENOUGH } else { circuit.times + 1 };
        if circuit.times >= ENOUGH {
            circuit.first_until = Some(now + FIRST_FOR);
            circuit.window_ends = circuit.window_ends.max(now + WINDOW);
        }
        state.circuits.insert(slug, circuit);
        if state.told.len() < MOST {
            state.told.push(StoodIn {
                connection: connection.slug.clone(),
                refused: refused.id.clone(),
                worked: worked.id.clone(),
                said: said.into(),
                at: now,
            });
        }
    }

    /// What happened since the last time.
    pub(super) fn take(&self) -> Vec<StoodIn> {
        std::mem::take(&mut self.state().told)
    }
}

fn serves(credential: &Credential, kind: CredentialKind) -> bool {
    credential.kind() == kind && credential.key_use() != Some(KeyUse::Encryption)
}

fn in_use(connection: &Connection, kind: CredentialKind) -> Option<&Credential> {
    match kind {
        CredentialKind::ClientSecret => connection.active(kind),
        CredentialKind::PrivateKey => connection.active_key(KeyUse::Signing),
    }
}

/// The one before, or else the next one: the newest of them.
fn standing_by(connection: &Connection, kind: CredentialKind) -> Option<&Credential> {
    let newest = |state| connection.credentials.iter().find(|one| serves(one, kind) && one.state == state);
    newest(CredentialState::Retiring).or_else(|| newest(CredentialState::Next))
}
