//! The broker as a process that is killed. How it refuses to start is told in `tests/cli.rs`.

mod demo;
mod kill;
mod rotation;
mod tls;
