//! What the tests stand on: a database each, a broker each, a browser, applications, and an identity provider that lies.

#![allow(dead_code, unused_imports)] // each folder uses a part

pub mod apache;
pub mod app;
pub mod broker;
pub mod browser;
pub mod chromium;
pub mod dpop;
pub mod fake_idp;
pub mod html;
pub mod jwt;
pub mod logout_endpoint;
pub mod patience;
pub mod peer;
pub mod postgres;
pub mod process;
pub mod simplesamlphp;
pub mod wire;
pub mod world;

pub use apache::Apache;
pub use app::{Answer, App};
pub use broker::{AuditEvent, Broker, Options};
pub use browser::{Browser, Page};
pub use chromium::Chromium;
pub use fake_idp::{FakeIdp, Misbehaviour, Place, RefreshTokens, Signature};
pub use logout_endpoint::{Habit, LogoutEndpoint};
pub use patience::{PATIENCE, until};
pub use peer::Peer;
pub use postgres::Database;
pub use process::BrokerProcess;
pub use simplesamlphp::SimpleSamlPhp;
pub use world::World;
