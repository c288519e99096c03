//! What a client does to its own registration (RFC 7592): its secrets, and nothing else of it. Owns the requests and their
//! answers; the rules stand with the secrets.

pub mod endpoint;
