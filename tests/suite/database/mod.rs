//! What the database knows, and what happens without it.

mod dump;
mod outage;
