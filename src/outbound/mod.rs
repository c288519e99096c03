//! The one HTTP client for everything that leaves the house (SSRF guard).
#[derive(Clone)]
pub struct Client;
