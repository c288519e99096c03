//! Which applications were given tokens in a session, and so must hear of its end. What is written here is owed; sending
//! it is `logout`'s.

pub mod store;
