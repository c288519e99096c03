//! Login traces at the desk: the list, and one login with its cause and remedy first.

pub mod api;
pub mod pages;
pub mod view;
