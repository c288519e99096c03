//! A person comes back from an identity provider, and what the provider says is not true. Each lie ends on a page that
//! names its cause, stands in the audit log under the same trace id, and leaves nobody signed in.

mod authentication;
mod availability;
mod drift;
mod entra;
mod federated_credential;
mod groups_asked;
pub mod idp_metadata;
mod keys;
mod lies;
mod overage;
mod response;
pub mod saml;
mod standby;
mod state;

use crate::harness::{Browser, Page, World};

/// Signs in with a new browser and holds the refusal against status and word.
async fn refused(world: &World, status: u16, code: &str) -> Page {
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    assert_refusal(world, &browser, &page, status, code).await;
    page
}

async fn assert_refusal(world: &World, browser: &Browser, page: &Page, status: u16, code: &str) {
    page.assert_problem(status, code);
    assert_eq!(browser.session(&world.broker.issuer), None, "{code} left a session");
    let trace_id = page.text_of("trace-id");
    let events = world.broker.audit_events().await;
    let event = events.iter().find(|event| event.trace_id == trace_id);
    let event = event.unwrap_or_else(|| panic!("{code} is not audited under {trace_id:?}: {events:#?}"));
    assert_eq!(event.reason.as_deref(), Some(code));
    assert_ne!(event.outcome, "success");
}
