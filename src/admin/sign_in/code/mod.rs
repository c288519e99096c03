//! The second factor, after the password.

pub mod pages;
