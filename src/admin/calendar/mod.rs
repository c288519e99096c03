//! The calendar at the desk: what ends, when, and what happens to whom; and the address of its feed.

pub mod api;
pub mod pages;
