//! The operator's desk: its pages in a real Chromium and in a browser without script, and its API.

mod audit;
mod browser;
mod connections;
mod overview;
mod roles;
mod seat;
mod settings;
mod sign_in;
mod signing_key;
<<<<<<< HEAD
mod users;
=======
mod webhook;
>>>>>>> audit

pub use seat::{Api, Operator};
