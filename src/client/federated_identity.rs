//! What a client is called by somebody else: an issuer that it trusts, and who the client is there. A JWT of that issuer
//! then stands for the client, so that a workload needs no secret of ours (Entra calls it a federated credential).

use serde::{Deserialize, Serialize};

use crate::cel::Expression;
use crate::jose::{JwkSet, SignatureAlg};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedIdentity {
    /// `iss`, byte for byte.
    pub issuer: String,
    /// The only `aud` that counts: a token that is for others too may have been shown to them.
    pub audience: String,
    /// `sub`, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Over `claims`; beside `subject` or in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_rule: Option<Expression>,
    /// Absent, and no `jwks` either: where the issuer's discovery document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// For an issuer that we cannot reach, as a cluster of Kubernetes may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// Seconds since `iat`.
    #[serde(default = "an_hour", skip_serializing_if = "is_an_hour")]
    pub max_age: u32,
    /// Empty: every one that fits the keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algs: Vec<SignatureAlg>,
    /// Each token counts once (`jti`). Not the default: workloads use theirs until it ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_use: bool,
}

const fn an_hour() -> u32 {
    3600
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's shape
const fn is_an_hour(seconds: &u32) -> bool {
    *seconds == an_hour()
}
