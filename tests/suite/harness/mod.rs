//! What the tests stand on: a database each, a broker each, a browser, applications, and an identity provider that lies.

#![allow(dead_code, unused_imports)] // each folder uses a part

pub mod broker;
pub mod postgres;

pub use broker::{AuditEvent, Broker, Options};
pub use postgres::Database;
