//! (being written)

pub mod published;
