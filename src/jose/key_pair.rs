//! A private key, parsed once.
