//! Avouch among products that its authors did not write (`tests/peers`): an identity provider above it, applications
//! below it, and a browser between them.

mod app;
mod authlib;
mod chromium;
mod oidc_provider;
mod openid_client;
mod person;
mod relying_party;
mod stage;
