//! The way to a new client: what it is, then its settings.

pub mod pages;
