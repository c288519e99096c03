//! JOSE as far as we need it: algorithms, key pairs that are parsed once and sign fast, public JWKs. Signing goes to
//! aws-lc directly, because the JWT crates parse the key on every signature. Knows nothing of whose key it is.

mod alg;
mod certificate;
mod header;
mod jwk;
mod key_pair;

pub use alg::Alg;
pub use certificate::{Certificate, CertificateError};
pub use header::{EncodedHeader, Header};
pub use jwk::{PublicJwk, PublicKey};
pub use key_pair::{KeyPair, KeyPairError};
