//! An operator's own account: second factor, recovery codes and sessions.

pub mod pages;
