//! When signing keys change by themselves, at the desk.

pub mod api;
pub mod pages;
