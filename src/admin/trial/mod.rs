//! Testing a connection from the desk: what it is lies in `login::trial`.

pub mod api;
pub mod pages;
