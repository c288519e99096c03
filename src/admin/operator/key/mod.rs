//! Operator keys at the desk.

pub mod api;
pub mod pages;
