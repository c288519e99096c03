//! What happens next to an authorization: a pure function; handlers obey.

use time::{Duration, OffsetDateTime};

use super::AuthorizeRequest;
use crate::client::Client;
use crate::consent::Consent;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::session::Session;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The person signs in at an upstream.
    SignIn(SignIn),
    /// The person decides what the client may have.
    Consent,
    /// The person decides about a device, every time: a device cannot prove itself, and what was allowed to one is not
    /// allowed to the next.
    ApproveDevice,
    /// A code is made.
    Issue,
    /// The client is told.
    Refuse(OAuthError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// Nobody is signed in, or at a connection that does not count here.
    Ordinary,
    /// Somebody is, but the client wants it done anew (`prompt=login`, `max_age`).
    Again,
    /// The person wants to choose (`prompt=select_account`).
    Choose,
}

/// How long after signing in a person may approve a device: a stolen or lent session, or a click on a link that somebody
/// sent, must not do (RFC 8628 §5.4).
const FRESH: Duration = Duration::minutes(5);

/// What is known of the person at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// A live session at a connection that this client accepts.
    pub session: Option<&'a Session>,
    /// The session began for this very request, so that `prompt` and `max_age` are satisfied.
    pub signed_in_for_this: bool,
    pub consent: Option<&'a Consent>,
}

/// OIDC Core §3.1.2.3 and §3.1.2.6.
pub fn next_step(request: &AuthorizeRequest, client: &Client, person: Person<'_>, now: OffsetDateTime) -> Step {
    let prompt = request.prompt;
    let sign_in = |kind| {
        if prompt.none {
            Step::Refuse(OAuthError::new(
                ErrorCode::LoginRequired,
                "nobody is signed in, and prompt=none forbids to ask",
            ))
        } else {
            Step::SignIn(kind)
        }
    };
    let Some(session) = person.session else { return sign_in(SignIn::Ordinary) };
    if request.device.is_some() && now - session.auth_time > FRESH {
        return sign_in(SignIn::Again);
    }
    if !person.signed_in_for_this && request.device.is_none() {
        if request.connection_hint.as_ref().is_some_and(|hint| *hint != session.connection_slug) {
            return sign_in(SignIn::Ordinary);
        }
        if prompt.select_account {
            return sign_in(SignIn::Choose);
        }
        if prompt.login || request.max_age.is_some_and(|age| now - session.auth_time > Duration::seconds(age.into())) {
            return sign_in(SignIn::Again);
        }
    }
    if request.hinted_sub.as_ref().is_some_and(|sub| sub != session.user_id.as_str()) {
        if prompt.none || person.signed_in_for_this {
            let text = "the person signed in is not the one that id_token_hint names";
            return Step::Refuse(OAuthError::new(ErrorCode::LoginRequired, text));
        }
        return sign_in(SignIn::Choose);
    }
    if !request.claims.accepts(session.acr.as_deref()) {
        if person.signed_in_for_this {
            let text = "the person did not sign in by any of the acr that claims calls essential";
            return Step::Refuse(OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, text));
        }
        return sign_in(SignIn::Again);
    }
    if request.device.is_some() {
        return Step::ApproveDevice;
    }
    let covered = person.consent.is_some_and(|c| c.covers(&request.scope, &request.audiences));
    if !client.first_party && (!covered || prompt.consent) {
        if prompt.none {
            let text = "the person has not allowed this yet, and prompt=none forbids to ask";
            return Step::Refuse(OAuthError::new(ErrorCode::ConsentRequired, text));
        }
        return Step::Consent;
    }
    Step::Issue
}
