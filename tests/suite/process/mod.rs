//! The broker as a process: how it refuses to start, and what is left when it is killed.

mod kill;
mod refusals;
