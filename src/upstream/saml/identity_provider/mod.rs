//! The other end of the exchange: what an identity provider reads (our metadata and requests) and writes (its metadata
//! and responses). For the demo's provider alone; nothing that Avouch serves may come here, for what this folder makes,
//! Avouch only ever believes from others. It keeps no state and does no I/O, as the guard beside it.

mod authn_request;
mod encrypt;
mod idp_metadata;
mod response;
mod sp_metadata;

pub use authn_request::{ReceivedAuthnRequest, verify_authn_request};
pub use encrypt::EncryptError;
pub use idp_metadata::IdpDescription;
pub use response::{Answer, Person};
pub use sp_metadata::{ServiceProvider, read_sp_metadata};

#[cfg(test)]
mod tests;
