//! Avouch among products that its authors did not write (`tests/peers`): identity providers above it, applications
//! below it, and a browser between them.

mod apache;
mod app;
mod authlib;
mod chromium;
mod device;
mod device_chromium;
mod go_oidc;
mod key_rotation;
mod librdkafka;
mod oidc_provider;
mod openid_client;
mod person;
mod pysaml2;
mod pysaml2_logout;
mod pysaml2_requests;
mod registration;
mod relying_party;
mod roll_over;
mod saml_stage;
mod schemathesis;
mod sign_out;
mod simplesamlphp;
mod simplesamlphp_chromium;
mod simplesamlphp_logout;
mod simplesamlphp_stage;
mod stage;
