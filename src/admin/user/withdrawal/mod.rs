//! What an operator takes back from a person: each is asked first, with what it touches.

pub mod pages;
