//! The vocabulary of OAuth 2.0 and OpenID Connect in the RFCs' own words. No I/O, no storage, no HTTP framework.

pub mod auth_scheme;
pub mod claims_parameter;
pub mod error;
pub mod grant_type;
pub mod jkt;
pub mod params;
pub mod pkce;
pub mod prompt;
pub mod redirect_uri;
pub mod response_mode;
pub mod scope;
pub mod token_type;
