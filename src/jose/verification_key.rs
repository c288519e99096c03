//! Public keys of others: read from a JWK (RFC 7517) or taken out of a certificate, to verify what they signed. What the
//! key is decides which algorithms it may have been used with; the header of a token never does.

use aws_lc_rs::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::jwt::Jwt;
use super::signature_alg::Scheme;
use super::{PublicKey, SignatureAlg, header};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationKey {
    key: PublicKey,
    /// Absent: any that fits the kind of key.
    alg: Option<SignatureAlg>,
    kid: Option<String>,
    x5t: Option<String>,
    x5t_s256: Option<String>,
    /// Entra: the tenant's issuer that this key signs for, possibly with `{tenantid}`.
    issuer: Option<String>,
}

/// Why a JWK cannot be used, in a sentence for whoever registered it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    #[error("it is not a JWK of kty RSA, EC or OKP with its public members")]
    Kind,
    #[error(
        "it holds a private key ({0}); register the public key only, and make a new pair since this one was copied"
    )]
    Private(&'static str),
    #[error("it is not for signatures (use, key_ops)")]
    Use,
    #[error("its alg {0} is not one for signatures by a private key")]
    Alg(String),
    #[error("its numbers are not a public key: RSA of 2048 to 8192 bits, EC on P-256, P-384 or P-521, or Ed25519")]
    Numbers,
}

#[derive(Deserialize)]
struct Members {
    #[serde(flatten)]
    key: PublicKey,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    x5c: Option<Vec<String>>,
    #[serde(default)]
    x5t: Option<String>,
    #[serde(default, rename = "x5t#S256")]
    x5t_s256: Option<String>,
    #[serde(default)]
    issuer: Option<String>,
}

/// RFC 7518 §6.2.2, §6.3.2 and §6.4: what must never be sent.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl VerificationKey {
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// # Errors
    /// [`JwkError`].
    pub fn from_jwk(jwk: &Value) -> Result<Self, JwkError> {
        if let Some(member) = PRIVATE.into_iter().find(|member| jwk.get(member).is_some()) {
            return Err(JwkError::Private(member));
        }
        let members: Members = serde_json::from_value(jwk.clone()).map_err(|_| JwkError::Kind)?;
        let for_signatures = members.usage.as_deref().is_none_or(|usage| usage == "sig")
            && members.key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !for_signatures {
            return Err(JwkError::Use);
        }
        let alg = match members.alg {
            None => None,
            Some(text) => Some(SignatureAlg::parse(&text).ok_or(JwkError::Alg(text))?),
        };
        let certificate = members.x5c.as_ref().and_then(|chain| STANDARD.decode(chain.first()?).ok());
        let key = Self {
            key: members.key,
            alg,
            kid: members.kid,
            x5t: members.x5t.or_else(|| certificate.as_deref().map(header::x5t)),
            x5t_s256: members.x5t_s256.or_else(|| certificate.as_deref().map(header::x5t_s256)),
            issuer: members.issuer,
        };
        if key.is_usable() { Ok(key) } else { Err(JwkError::Numbers) }
    }

    /// The key of a certificate, found by its thumbprints (RFC 7515 §4.1.7, §4.1.8).
    pub(super) fn of_certificate(key: PublicKey, der: &[u8]) -> Self {
        Self {
            key,
            alg: None,
            kid: None,
            x5t: Some(header::x5t(der)),
            x5t_s256: Some(header::x5t_s256(der)),
            issuer: None,
        }
    }

    /// RFC 7638.
    pub fn thumbprint(&self) -> String {
        self.key.thumbprint()
    }

    /// Whether some algorithm fits, and the numbers have the lengths that belong to it.
    pub(super) fn is_usable(&self) -> bool {
        let length = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
        let fits = SignatureAlg::ALL.into_iter().any(|alg| self.fits(alg));
        fits && match &self.key {
            PublicKey::Rsa { n, e } => (256..=1025).contains(&length(n)) && (1..=8).contains(&length(e)),
            PublicKey::Ec { crv, x, y } => {
                let size = match crv.as_str() {
                    "P-256" => 32,
                    "P-384" => 48,
                    _ => 66,
                };
                length(x) == size && length(y) == size
            }
            PublicKey::Okp { x, .. } => length(x) == 32,
        }
    }

    fn fits(&self, alg: SignatureAlg) -> bool {
        let kind = match (alg.scheme(), &self.key) {
            (Scheme::Rsa(_), PublicKey::Rsa { .. }) => true,
            (Scheme::Ec(curve, _), PublicKey::Ec { crv, .. }) | (Scheme::Okp(curve, _), PublicKey::Okp { crv, .. }) => {
                curve == crv
            }
            _ => false,
        };
        kind && self.alg.is_none_or(|own| own == alg)
    }

    /// Whether the token's header speaks of this key: by `kid`, by either thumbprint, or by naming none.
    fn is_named_by(&self, jwt: &Jwt) -> bool {
        let header = &jwt.header;
        // a key without a name of that sort may be the one: its signature decides
        let agrees = |named: &Option<String>, own: &Option<String>| match (named, own) {
            (Some(named), Some(own)) => named == own,
            _ => true,
        };
        let by_thumbprint = match (&header.x5t_s256, &self.x5t_s256, &header.x5t, &self.x5t) {
            (Some(named), Some(own), _, _) | (_, _, Some(named), Some(own)) => Some(named == own),
            _ => None,
        };
        by_thumbprint.unwrap_or_else(|| agrees(&header.kid, &self.kid))
    }

    fn verifies(&self, alg: SignatureAlg, message: &[u8], signature: &[u8]) -> Option<()> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        match (alg.scheme(), &self.key) {
            _ if !self.fits(alg) => None,
            (Scheme::Rsa(scheme), PublicKey::Rsa { n, e }) => {
                RsaPublicKeyComponents { n: decode(n)?, e: decode(e)? }.verify(scheme, message, signature).ok()
            }
            (Scheme::Ec(_, scheme), PublicKey::Ec { x, y, .. }) => {
                let point = [vec![4], decode(x)?, decode(y)?].concat();
                UnparsedPublicKey::new(scheme, point).verify(message, signature).ok()
            }
            (Scheme::Okp(_, scheme), PublicKey::Okp { x, .. }) => {
                UnparsedPublicKey::new(scheme, decode(x)?).verify(message, signature).ok()
            }
            _ => None,
        }
    }
}

/// Whose key signed: [`Jwt::signed_by`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Yes,
    /// No key goes by what the header names, or none of this kind: newer keys may.
    UnknownKey,
    /// The keys are there, and none of them made the signature.
    No,
}

impl Jwt {
    /// Tries the keys that the header could mean. With `issuer`, keys that are marked for another issuer are passed over
    /// (a multi-tenant Entra marks keys of one tenant).
    pub fn signed_by<'a>(&self, keys: impl IntoIterator<Item = &'a VerificationKey>, issuer: Option<&str>) -> Signed {
        self.signer(keys, issuer).err().unwrap_or(Signed::Yes)
    }

    /// The same, and which one it was.
    ///
    /// # Errors
    /// [`Signed::No`], [`Signed::UnknownKey`].
    pub fn signer<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a VerificationKey>,
        issuer: Option<&str>,
    ) -> Result<&'a VerificationKey, Signed> {
        let Ok(alg) = &self.header.alg else { return Err(Signed::No) };
        let tenant = self.text("tid").unwrap_or_default();
        let host = |url: &str| url.split('/').nth(2).map(str::to_owned);
        let may_sign = |key: &VerificationKey| match (&key.issuer, issuer) {
            // Entra's older issuers have another host, and their keys no such mark to compare
            (Some(owner), Some(issuer)) if host(owner) == host(issuer) => owner.replace("{tenantid}", tenant) == issuer,
            _ => true,
        };
        let mut found = false;
        for key in keys.into_iter().filter(|key| key.fits(*alg) && key.is_named_by(self) && may_sign(key)) {
            found = true;
            if key.verifies(*alg, self.signed.as_bytes(), &self.signature).is_some() {
                return Ok(key);
            }
        }
        Err(if found { Signed::No } else { Signed::UnknownKey })
    }
}
