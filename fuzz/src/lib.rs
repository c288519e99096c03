//! The SAML guard (`src/upstream/saml`) compiled by itself, and the setting in which the targets call it: one provider
//! with a key that is the same in every run, so that seeds stay signed, and an engine that believes everything, so that
//! what stands behind a signature is reached without one.

#![allow(dead_code)]

#[path = "../../src/upstream/saml/tests/forge.rs"]
pub mod forge;
#[path = "../../src/rng.rs"]
pub mod rng;
pub mod setting;
pub mod upstream;
