//! JOSE as far as we need it: algorithms, key pairs that are parsed once and sign fast, public JWKs, and the JWTs of others
//! with the keys that verify them. Signing goes to aws-lc directly, because the JWT crates parse the key on every
//! signature. Knows nothing of whose key it is.

mod alg;
mod certificate;
mod header;
mod jwk;
mod jwk_set;
mod jwt;
mod key_pair;
mod signature_alg;
mod verification_key;

pub use alg::Alg;
pub use certificate::{Certificate, CertificateError};
pub use header::{EncodedHeader, Header};
pub use jwk::{PublicJwk, PublicKey};
pub use jwk_set::{CertificatePem, JwkSet};
pub use jwt::{Jwt, JwtError, JwtHeader};
pub use key_pair::{KeyPair, KeyPairError};
pub use signature_alg::SignatureAlg;
pub use verification_key::{JwkError, Signed, VerificationKey};
