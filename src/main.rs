//! The `avouch` program. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything may speak TLS: reqwest, rustls and sqlx share this one provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    avouch::cli::run()
}
