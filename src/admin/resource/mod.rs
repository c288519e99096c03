//! Resources at the desk.

pub mod pages;
