//! Ids with a prefix that names their kind: `usr_01jd…`. Inside is a UUIDv7 (sorts by birth) in 26 characters of
//! Crockford's base 32, so an id can be read aloud, and can never be taken for another kind.

use std::fmt;

use time::OffsetDateTime;

use crate::rng::Rng;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn encode(prefix: &str, bits: u128, digits: usize) -> String {
    let mut out = String::with_capacity(prefix.len() + 1 + digits);
    out.push_str(prefix);
    out.push('_');
    for place in (0..digits).rev() {
        out.push(ALPHABET[(bits >> (5 * place)) as usize & 31] as char);
    }
    out
}

fn uuid_v7(now: OffsetDateTime, rng: &Rng) -> u128 {
    let millis = (now.unix_timestamp_nanos() / 1_000_000) as u64;
    uuid::Builder::from_unix_timestamp_millis(millis, &rng.bytes::<10>()).into_uuid().as_u128()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(now: OffsetDateTime, rng: &Rng) -> Self {
                Self(encode($prefix, uuid_v7(now, rng), 26))
            }
            /// An id that stands in our own storage already.
            pub fn from_stored(id: String) -> Self {
                Self(id)
            }
            /// Whether `text` is shaped like such an id: what is not needs no database to be unknown.
            pub fn is_well_formed(text: &str) -> bool {
                text.strip_prefix(concat!($prefix, "_"))
                    .is_some_and(|rest| rest.len() == 26 && rest.bytes().all(|b| ALPHABET.contains(&b)))
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(/** An upstream identity provider. */ ConnectionId, "con");
id!(/** A secret or key that proves us to an upstream. */ CredentialId, "crd");
id!(/** A certificate of an identity provider. */ CertificateId, "crt");
id!(/** One of a client's secrets. */ ClientSecretId, "sec");
id!(/** A person; the `sub` of every token. */ UserId, "usr");
id!(/** Who a person is at one upstream. */ IdentityId, "idn");
id!(/** One move of people to another connection. */ MoveId, "mov");
id!(/** A browser's single sign-on session; the `sid` of ID tokens. */ SessionId, "ses");
id!(/** One /authorize request. */ AuthorizationId, "atz");
id!(/** One device authorization request (RFC 8628). */ DeviceAuthorizationId, "dev");
id!(/** One authorization request that a client pushed ahead. */ PushedRequestId, "par");
id!(/** One trip to an upstream. */ LoginAttemptId, "att");
id!(/** That a further identity is somebody's, until they confirm it. */ LinkProofId, "lnk");
id!(/** All refresh tokens of one grant. */ FamilyId, "fam");
id!(/** One refresh token. */ RefreshTokenId, "rtk");
id!(OperatorId, "opr");
id!(OperatorKeyId, "opk");
id!(/** Who may sit at the desk by what an upstream says. */ OperatorRuleId, "oru");
id!(/** An operator's session at the admin pages. */ OperatorSessionId, "ops");
id!(/** By it somebody without an account renews a credential. */ RenewalLinkId, "rnl");
id!(/** One rotation of a connection's client secret by its provider's API. */ RotationId, "rot");
id!(AuditEventId, "evt");
id!(WebhookId, "whk");
id!(/** `jti` of an access token. */ TokenId, "jti");

/// Names one request or login in logs, audit and on error pages: `trc_` and 12 characters, 60 random bits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TraceId(String);

impl TraceId {
    pub fn new(rng: &Rng) -> Self {
        Self(encode("trc", u64::from_be_bytes(rng.bytes()) as u128, 12))
    }
    pub fn from_stored(id: String) -> Self {
        Self(id)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_birth_and_carry_their_kind() {
        let rng = Rng::default();
        let earlier = UserId::new(OffsetDateTime::UNIX_EPOCH, &rng);
        let later = UserId::new(OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1), &rng);
        assert!(earlier < later);
        assert!(UserId::is_well_formed(later.as_str()) && !UserId::is_well_formed("usr_\0"));
        assert!(earlier.as_str().starts_with("usr_") && earlier.as_str().len() == 30);
    }
}
