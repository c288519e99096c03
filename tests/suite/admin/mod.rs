//! The operator's desk: its pages in a real Chromium and in a browser without script, and its API.

mod audit;
mod browser;
mod calendar;
mod clients;
mod connections;
mod contract;
mod idempotency;
mod integrations;
mod mail;
mod openapi;
mod operators;
mod overview;
mod permissions;
mod roles;
mod seat;
mod second_factor;
mod settings;
mod sign_in;
mod signing_key;
mod users;
mod uses;
mod webhook;

pub use seat::{Api, Operator};
