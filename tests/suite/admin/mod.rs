//! The operator's desk: its pages in a real Chromium and in a browser without script, and its API.

mod audit;
mod browser;
mod idempotency;
mod openapi;
mod overview;
mod seat;
mod settings;
mod sign_in;
mod signing_key;

pub use seat::{Api, Operator};
