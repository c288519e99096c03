//! The certificates, metadata and keys of a SAML connection, as somebody changes them on the page of its credentials.

pub mod pages;
