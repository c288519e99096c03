//! The operator's desk: its pages in a real Chromium and in a browser without script, and its API.

mod browser;
mod connections;
mod seat;
mod sign_in;

pub use seat::{Api, Operator};
