//! JOSE as far as we need it: algorithms, key pairs that are parsed once and sign fast, public JWKs. Signing goes to
//! aws-lc directly, because the JWT crates parse the key on every signature. Knows nothing of whose key it is.

mod alg;
mod jwk;
mod key_pair;
mod certificate;

pub use alg::Alg;



