//! Avouch among products that its authors did not write (`tests/peers`): identity providers above it, applications
//! below it, and a browser between them.

mod app;
mod authlib;
mod chromium;
mod oidc_provider;
mod openid_client;
mod person;
mod pysaml2;
mod pysaml2_requests;
mod relying_party;
mod saml_stage;
mod schemathesis;
mod stage;
