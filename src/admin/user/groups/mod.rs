//! One person's groups at a provider that has a directory: where they came from, and what the directory says now.

pub mod api;
pub mod pages;
