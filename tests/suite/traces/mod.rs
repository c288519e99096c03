//! What is written down of a login: enough to say why it went no further, and nothing that anybody could use.

mod desk;
mod recorded;
mod replay;
mod trial;

use avouch::trace::{LoginTrace, Outcome, Step, Word};

use crate::harness::World;

/// Its steps' words.
fn words(trace: &LoginTrace) -> Vec<&'static str> {
    trace.steps.iter().map(|step| step.word.as_str()).collect()
}

fn step(trace: &LoginTrace, word: Word) -> &Step {
    trace.steps.iter().find(|step| step.word == word).unwrap_or_else(|| panic!("no {word:?} in {trace:#?}"))
}

/// The trace that the page's own trace id leads to, and that it is about this refusal.
async fn refused(world: &World, page: &crate::harness::Page, reason: &str) -> LoginTrace {
    let trace_id = page.text_of("trace-id").unwrap_or_else(|| panic!("no trace id on {page}"));
    let trace = world.broker.trace(&trace_id).await.unwrap_or_else(|| panic!("nothing is known of {trace_id}"));
    assert!(trace.trace_ids.iter().any(|id| id.as_str() == trace_id));
    assert_eq!(trace.summary.reason.as_deref(), Some(reason), "{trace:#?}");
    assert_ne!(trace.summary.outcome, Outcome::Success);
    assert!(trace.stop().is_some(), "{trace:#?}");
    assert!(avouch::trace::remedy::of(reason).is_some());
    trace
}
