//! The SAML guard: Avouch as a SAML 2.0 service provider. Owns what is believed and what is sent: reading and verifying
//! responses, logout messages and metadata, and writing requests, logout messages and our metadata. It does no I/O, keeps
//! no state (one-use requests and replayed assertions are the caller's) and knows neither HTTP nor storage.
//!
//! Every refusal has one word that never changes ([`Refusal::reason`]):
//!
//! | word | what was found |
//! |---|---|
//! | `too_large`, `not_base64`, `not_utf8`, `encoding` | bytes that are not a UTF-8 document of sane size |
//! | `deflate` | a redirect message that does not inflate, or to more than 64 KiB |
//! | `dtd`, `comment`, `cdata`, `processing_instruction` | XML that parsers disagree about |
//! | `too_deep`, `too_many_attributes`, `too_many_nodes`, `not_well_formed` | no XML, or too much of it |
//! | `namespace` | a namespace that cannot be canonicalised, or too many |
//! | `root`, `version` | another document, or another version of SAML |
//! | `unexpected_element`, `assertion_count` | not exactly one assertion in its place |
//! | `duplicate_id`, `id_missing` | IDs that do not identify |
//! | `signature_count`, `signature_position`, `signature_child` | a signature too many, elsewhere, or with more inside |
//! | `canonicalization`, `transforms`, `reference_count`, `reference_uri` | a signature over something else |
//! | `signature_algorithm`, `digest_algorithm` | other than RSA or ECDSA with SHA-2 |
//! | `not_signed`, `response_not_signed`, `assertion_not_signed` | less signed than the connection wants |
//! | `no_certificate` | the connection has no usable certificate |
//! | `unknown_certificate` | signed with a certificate that is not trusted; the refusal names it |
//! | `signature_invalid` | the signature does not hold |
//! | `verified_bytes` | the signature holds, over something else than what was read |
//! | `encryption_missing`, `encryption_not_allowed` | the connection's policy |
//! | `encrypted_key_count`, `key_algorithm`, `data_algorithm` | encrypted in a way that is not allowed |
//! | `no_decryption_key`, `decryption_failed` | nothing to open it with; it does not open |
//! | `status` | the identity provider answered with an error of its own |
//! | `issuer`, `destination`, `recipient`, `audience`, `in_response_to` | by or for somebody else, or to another request |
//! | `issue_instant`, `expired`, `not_yet_valid`, `session_expired` | not now |
//! | `instant_malformed` | a time that cannot be read |
//! | `subject_count`, `subject_confirmation` | no one subject, or none that its bearer may use |
//! | `conditions_count`, `condition_unknown` | conditions missing, or not understood |
//! | `authn_statement`, `authn_context` | nobody signed in, or not as the connection demands |
//! | `name_id_count`, `name_id_encrypted`, `name_id_malformed` | no usable NameID |
//! | `attribute_malformed` | an attribute without a name, or encrypted by itself |
//! | `parameter_missing`, `parameter_repeated`, `parameter_encoding` | a redirect message with broken parameters |
//! | `entity_missing`, `idp_role_missing`, `endpoint_missing` | metadata that does not describe an identity provider |
//! | `no_usable_certificate` | metadata without a certificate that could verify anything |
//! | `internal` | a bug of ours |

mod assertion;
mod certificate;
mod conditions;
mod decrypt;
mod engine;
mod enveloped;
pub mod identity_provider;
mod idp_metadata;
mod instant;
mod logout;
pub mod name_id;
mod prescan;
mod redirect;
mod refusal;
mod request;
mod shape;
mod signature_rules;
mod sp_key;
mod sp_metadata;
mod splice;
mod trust;
mod verify;
mod xml;
mod xml_writer;

pub use assertion::{AssertionFacts, Attribute, VerifiedAssertion};
pub use certificate::{CertificateError, KeyKind, TrustedCertificate};
pub use engine::{SignatureInvalid, XmlSec, XmlSignatureEngine};
pub use idp_metadata::{Binding, Endpoint, IdpMetadata, MetadataSigner, read_idp_metadata};
pub use logout::{
    Carried, Header, LogoutInput, LogoutMessage, ReceivedLogoutRequest, ReceivedLogoutResponse, verify_logout_request,
    verify_logout_response,
};
pub use name_id::NameId;
pub use refusal::Refusal;
pub use request::{AuthnRequest, PostForm, new_id};
pub use sp_key::{SpKey, SpKeyError};
pub use sp_metadata::SpMetadata;
pub use verify::{Encryption, Policy, ResponseInput, WantSigned, is_unsolicited, verify_response};

#[cfg(test)]
mod tests;
