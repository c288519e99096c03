//! Signing out at the provider: [`Upstreams::leave`] makes the trip there after our own session has ended, and what the
//! provider says of its sessions becomes an [`EndedUpstream`]. Which of ours that ends is the caller's business, and so is
//! that a message counts once.
//!
//! The words of refusals beside those of [`super`] and [`super::saml`]:
//!
//! | word | what happened |
//! |---|---|
//! | `logout_token_missing`, `logout_token_malformed` | there is none, or it cannot be read |
//! | `events_missing` | it is no logout token: it lacks the event, or is of another type |
//! | `nonce_present` | it has a nonce: an ID token posing as a logout token |
//! | `jti_missing` | nothing to remember it by |
//! | `logout_subject_missing` | it names neither a session nor a subject |
//! | `protocol_mismatch` | it came to a connection of the other protocol |
//! | `issued_long_ago` | `iat` is too old to be remembered |

use time::OffsetDateTime;

use super::saml::PostForm;
use super::{UpstreamError, Upstreams, end_session, logout_token, saml_logout};
use crate::connection::{Connection, Protocol};
use crate::ctx::Ctx;
use crate::secret::Secret;
use crate::session::{EndedUpstream, UpstreamSession};

/// Where to send the browser: by redirect, or with a form of these hidden fields.
#[derive(Debug)]
pub struct Onward {
    pub url: String,
    pub form: Option<Vec<(&'static str, String)>>,
}

/// A trip to the provider's sign-out.
#[derive(Debug)]
pub struct Departure {
    pub onward: Onward,
    /// `state` or RelayState; storage keeps its fingerprint.
    pub handle: Secret<String>,
    /// SAML: what the answer must name.
    pub request_id: Option<String>,
}

/// A SAML logout message as a browser brought it.
#[derive(Clone, Debug)]
pub enum SamlMessage {
    /// RelayState is not signed here.
    Post {
        base64: String,
        relay_state: Option<String>,
    },
    Redirect {
        raw_query: String,
    },
}

/// A verified message of a provider about its own sessions.
#[derive(Debug)]
pub struct LogoutNotice {
    /// Unique within the connection; to be remembered until `until`, after which the message is refused by its age.
    pub message_id: String,
    pub until: OffsetDateTime,
    pub ended: EndedUpstream,
    /// SAML: to go back with the answer.
    pub relay_state: Option<String>,
}

impl From<PostForm> for Onward {
    fn from(form: PostForm) -> Self {
        Self { url: form.action, form: Some(form.fields) }
    }
}

impl From<String> for Onward {
    fn from(url: String) -> Self {
        Self { url, form: None }
    }
}

impl Upstreams {
    /// Makes the trip. `None`: the connection does not want it, or the provider has no such address.
    ///
    /// # Errors
    /// `Unavailable` or `Misconfigured`. The person is signed out with us all the same.
    pub async fn leave(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        session: &UpstreamSession,
        id_token: Option<&Secret<String>>,
    ) -> Result<Option<Departure>, UpstreamError> {
        match &connection.protocol {
            Protocol::Oidc(settings) if settings.upstream_logout => {
                end_session::leave(self, ctx, connection, settings, id_token).await
            }
            Protocol::Saml(settings) if settings.single_logout => {
                let departure = saml_logout::leave(ctx, connection, settings, session)?;
                if departure.is_some() {
                    self.note_signed(ctx, connection);
                }
                Ok(departure)
            }
            _ => Ok(None),
        }
    }

    /// A SAML LogoutRequest.
    ///
    /// # Errors
    /// the refusal's word, also when the connection speaks another protocol.
    pub async fn logout_request(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        message: SamlMessage,
    ) -> Result<LogoutNotice, UpstreamError> {
        let Protocol::Saml(settings) = &connection.protocol else { return Err(other_protocol()) };
        saml_logout::request(&self.saml, ctx, connection, settings, message).await
    }

    /// Our answer to it: whether all that it meant has ended. `None`: the provider names no address for answers.
    ///
    /// # Errors
    /// `Unavailable` or `Misconfigured`.
    pub fn logout_answer(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        notice: &LogoutNotice,
        success: bool,
    ) -> Result<Option<Onward>, UpstreamError> {
        let Protocol::Saml(settings) = &connection.protocol else { return Err(other_protocol()) };
        let answer = saml_logout::answer(ctx, connection, settings, notice, success)?;
        if answer.is_some() {
            self.note_signed(ctx, connection);
        }
        Ok(answer)
    }

    /// A SAML LogoutResponse to the request of ours with this id: whether every session ended.
    ///
    /// # Errors
    /// the refusal's word.
    pub async fn logout_response(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        message: SamlMessage,
        request_id: &str,
    ) -> Result<bool, UpstreamError> {
        let Protocol::Saml(settings) = &connection.protocol else { return Err(other_protocol()) };
        saml_logout::response(&self.saml, ctx, connection, settings, message, request_id).await
    }

    /// A logout token (OIDC Back-Channel Logout §2.4).
    ///
    /// # Errors
    /// the refusal's word.
    pub async fn logout_token(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        token: &str,
    ) -> Result<LogoutNotice, UpstreamError> {
        let Protocol::Oidc(settings) = &connection.protocol else { return Err(other_protocol()) };
        logout_token::verify(self, ctx, connection, settings, token).await
    }
}

fn other_protocol() -> UpstreamError {
    UpstreamError::invalid("protocol_mismatch", "the connection speaks another protocol")
}
