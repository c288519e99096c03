//! The key by which a driver comes to its provider, where that takes no secret (`private_key_jwt`, RFC 7523 §2.2): made here,
//! sealed where other drivers' credentials are, and shown by its public half. What is signed with it is the driver's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::SecretDriver;
use crate::ctx::Ctx;
use crate::jose::{Alg, KeyPair, PublicJwk};
use crate::secret::Secret;
use crate::vault::OpenError;

/// What every provider takes.
const ALG: Alg = Alg::RS256;

/// As it is sealed: PKCS #8 in Base64.
pub(super) fn generate() -> Secret<String> {
    let (_, pkcs8) = KeyPair::generate(ALG);
    Secret::new(STANDARD.encode(pkcs8.expose()))
}

/// `None`: it is no key.
pub fn read(sealed: &Secret<String>) -> Option<KeyPair> {
    let pkcs8 = Zeroizing::new(STANDARD.decode(sealed.expose()).ok()?);
    KeyPair::from_pkcs8(ALG, &pkcs8).ok()
}

impl SecretDriver {
    /// What to register at the provider; `None` where the driver's credential is no key.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn public_key(&self, ctx: &Ctx) -> Result<Option<PublicJwk>, OpenError> {
        if !self.settings.has_key() {
            return Ok(None);
        }
        let pair = self.credential(ctx)?.as_ref().and_then(read);
        Ok(pair.map(|pair| pair.public_jwk()))
    }
}
