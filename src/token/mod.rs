//! What we mint: access tokens, ID tokens, refresh tokens. One claim builder for every grant, so that nothing vanishes
//! on refresh. It decides nothing about who may have a token (`grant` does).

pub mod access;
pub mod claims;
pub mod dpop;
pub mod endpoint;
pub mod id_token;
pub mod introspection;
pub mod presented;
pub mod preview;
pub mod refresh;
pub mod revocation;
pub mod store;
pub mod userinfo;
pub mod withdrawal;

use time::OffsetDateTime;

use crate::client::Client;
use crate::ids::SessionId;
use crate::oauth::jkt::Jkt;
use crate::oauth::scope::Scope;
use crate::user::User;

/// A person as tokens speak of them: who, and how and when they signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: User,
    pub session_id: SessionId,
    pub auth_time: OffsetDateTime,
    pub acr: Option<String>,
    pub amr: Vec<String>,
}

/// What was granted, and to whom: everything that the tokens of one answer have in common.
#[derive(Clone, Copy, Debug)]
pub struct Granted<'a> {
    pub client: &'a Client,
    /// `None`: the client itself.
    pub person: Option<&'a Person>,
    pub scope: &'a Scope,
    pub audiences: &'a [String],
    /// The key that the access token is bound to (RFC 9449 §6); none: it is a bearer's.
    pub key: Option<&'a Jkt>,
}

/// `aud`: a string when single, an array when several.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Audience<'a> {
    One(&'a str),
    Many(&'a [String]),
}

impl<'a> Audience<'a> {
    /// `fallback` when the token has no audience of its own.
    pub fn new(audiences: &'a [String], fallback: &'a str) -> Self {
        match audiences {
            [] => Self::One(fallback),
            [one] => Self::One(one),
            many => Self::Many(many),
        }
    }
}
