//! What one request of a login has to tell, gathered in memory while it is answered.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{Kind, Outcome, Part, Somebody, Step, StepState, Word};
use crate::clock::SharedClock;
use crate::ids::TraceId;

/// Shared by reference with whatever takes part in answering. A step that is begun and not passed is where it stopped.
pub struct Recording {
    clock: SharedClock,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    login: Option<TraceId>,
    is_test: bool,
    steps: Vec<Step>,
    begun: Option<(Word, Value)>,
    outcome: Option<(Outcome, Option<String>)>,
    client_id: Option<String>,
    connection: Option<String>,
    user_id: Option<String>,
    person: Option<Somebody>,
}

impl Recording {
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, told: Mutex::default() }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The login that this request is a part of. Unsaid: it is one of its own.
    pub fn of(&self, login: &TraceId) {
        self.told().login = Some(login.clone());
    }

    pub fn is_test(&self) {
        self.told().is_test = true;
    }

    pub fn client(&self, client_id: impl ToString) {
        self.told().client_id = Some(client_id.to_string());
    }

    pub fn connection(&self, slug: impl ToString) {
        self.told().connection = Some(slug.to_string());
    }

    pub fn user(&self, id: impl ToString) {
        self.told().user_id = Some(id.to_string());
    }

    pub fn person(&self, person: Somebody) {
        self.told().person = Some(person);
    }

    /// From here on, what goes wrong goes wrong in this step.
    pub fn begin(&self, word: Word) {
        self.told().begun = Some((word, json!({})));
    }

    /// More about the step that was begun, shown whether it passes or not.
    pub fn evidence(&self, more: Value) {
        if let Some((_, detail)) = &mut self.told().begun {
            merge(detail, more);
        }
    }

    /// `detail` is an object, and joins what was said of the step since it was begun.
    pub fn passed(&self, word: Word, detail: Value) {
        let at = self.clock.now();
        let mut told = self.told();
        let mut all = told.begun.take_if(|(begun, _)| *begun == word).map_or_else(|| json!({}), |(_, detail)| detail);
        merge(&mut all, detail);
        told.steps.push(Step { at, word, state: StepState::Passed, reason: None, detail: all });
    }

    /// It went no further: in the step that was begun, or else in `word`. What counts is how it ended last.
    pub fn stopped(&self, word: Word, outcome: Outcome, reason: &str, detail: Value) {
        let at = self.clock.now();
        let mut told = self.told();
        let (word, mut all) = told.begun.take().unwrap_or_else(|| (word, json!({})));
        merge(&mut all, detail);
        let state = if outcome == Outcome::Failed { StepState::Failed } else { StepState::Refused };
        told.steps.push(Step { at, word, state, reason: Some(reason.into()), detail: all });
        told.outcome = Some((outcome, Some(reason.into())));
    }

    pub fn succeeded(&self) {
        self.told().outcome = Some((Outcome::Success, None));
    }

    /// All of it, once; `None` when there is nothing to tell.
    pub fn take(&self, trace_id: &TraceId, remote_addr: Option<IpAddr>) -> Option<Part> {
        let told = std::mem::take(&mut *self.told());
        if told.steps.is_empty() {
            return None;
        }
        Some(Part {
            login: told.login.unwrap_or_else(|| trace_id.clone()),
            trace_id: trace_id.clone(),
            at: told.steps.first().map_or_else(|| self.clock.now(), |step| step.at),
            kind: if told.is_test { Kind::Test } else { Kind::Login },
            steps: told.steps,
            outcome: told.outcome,
            client_id: told.client_id,
            connection: told.connection,
            user_id: told.user_id,
            person: told.person,
            remote_addr,
        })
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recording")
    }
}

fn merge(all: &mut Value, more: Value) {
    if let (Value::Object(all), Value::Object(more)) = (all, more) {
        all.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;
    use crate::rng::Rng;

    #[test]
    fn it_stops_in_the_step_that_was_begun() {
        let (recording, id) = (Recording::new(Arc::new(SystemClock)), TraceId::new(&Rng::default()));
        recording.begin(Word::Discovery);
        recording.passed(Word::Discovery, json!({ "issuer": "i" }));
        recording.begin(Word::AnswerVerified);
        recording.evidence(json!({ "kid": "k" }));
        recording.stopped(Word::UpstreamCallback, Outcome::Refused, "nonce_mismatch", json!({ "detail": "d" }));
        let part = recording.take(&id, None).unwrap();
        let last = part.steps.last().unwrap();
        assert_eq!((last.word, &last.detail), (Word::AnswerVerified, &json!({ "kid": "k", "detail": "d" })));
        assert_eq!((part.login, part.outcome), (id.clone(), Some((Outcome::Refused, Some("nonce_mismatch".into())))));
        assert!(recording.take(&id, None).is_none(), "told once");
    }
}
