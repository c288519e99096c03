//! Clients at the desk: the form, and what a known system usually needs.

pub mod form;
pub mod template;
