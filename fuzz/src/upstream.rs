//! Where the guard finds itself in the broker.

#[path = "../../src/upstream/quoted.rs"]
pub mod quoted;
#[path = "../../src/upstream/saml/mod.rs"]
pub mod saml;
