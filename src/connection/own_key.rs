//! Making a private key of our own for a connection: the pair, a certificate around it, and the sealed credential.

use time::Duration;

use super::credential::PublicPart;
use super::{Credential, CredentialState, KeyUse, Slug};
use crate::ctx::Ctx;
use crate::ids::CredentialId;
use crate::jose::{Alg, Certificate, CertificateError, KeyPair};
use crate::secret::Secret;

/// How long the certificate around a key says it is good for.
const CERTIFICATE_LIFE: Duration = Duration::days(3 * 365);

/// A key before it has a row.
pub struct OwnKey {
    pkcs8: Secret<Vec<u8>>,
    public: PublicPart,
}

impl OwnKey {
    /// RSA, which every provider takes. It takes a good part of a second: not within a transaction.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn generate(ctx: &Ctx, slug: &Slug, key_use: Option<KeyUse>) -> Result<Self, CertificateError> {
        let (pair, pkcs8) = KeyPair::generate(Alg::RS256);
        let now = ctx.now();
        let name = format!("{slug} at {}", ctx.urls.host());
        let certificate = Certificate::self_signed(&pair, &name, now, now + CERTIFICATE_LIFE)?.der().to_vec();
        let jwk = serde_json::to_value(pair.public_jwk().with_certificate(&certificate))
            .expect("a JWK is a plain struct with string keys");
        Ok(Self { pkcs8, public: PublicPart { jwk, certificate, key_use } })
    }

    /// A new credential around it, sealed.
    pub fn credential(&self, ctx: &Ctx, state: CredentialState) -> Credential {
        let now = ctx.now();
        let id = CredentialId::new(now, &ctx.rng);
        Credential {
            sealed: ctx.vault.seal(Credential::place(&id), self.pkcs8.expose(), &ctx.rng),
            id,
            state,
            public: Some(self.public.clone()),
            created_at: now,
            expires_at: Some(now + CERTIFICATE_LIFE),
        }
    }
}
