//! The authorization request (OIDC Core §3.1.2.1) and its answer. Stateless: the sign-in page posts the request back, and
//! it is checked again.

use url::Url;

use super::{CLIENT_ID, CODE_LIFE, Code, Idp, locked};
use crate::demo::person::Person;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::scope::Scope;

/// The parameters that matter here; the sign-in page carries them as hidden fields.
pub(super) const CARRIED: [&str; 8] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];

pub(super) struct Request {
    pub redirect_uri: Url,
    state: Option<String>,
    scope: Scope,
    nonce: Option<String>,
    challenge: CodeChallenge,
}

pub(super) enum Invalid {
    /// Nobody to send the browser back to: say it on a page.
    Stays(&'static str),
    /// The client is told (OIDC Core §3.1.2.6).
    Returns(Url),
}

impl Request {
    pub fn check(idp: &Idp, params: &Params) -> Result<Self, Invalid> {
        if params.get("client_id") != Some(CLIENT_ID) {
            return Err(Invalid::Stays("The application that sent you here is not registered at Demo company."));
        }
        let redirect_uri = params
            .get("redirect_uri")
            .filter(|uri| *uri == idp.redirect_uri)
            .and_then(|uri| Url::parse(uri).ok())
            .ok_or(Invalid::Stays("The address to return to is not the registered one."))?;
        let state = params.get("state").map(str::to_owned);
        match Self::challenge(params) {
            Ok(challenge) => Ok(Self {
                redirect_uri,
                state,
                scope: Scope::parse(params.get("scope").unwrap_or_default()),
                nonce: params.get("nonce").map(str::to_owned),
                challenge,
            }),
            Err(error) => {
                let answer = [("error", error.code.as_str()), ("error_description", &error.description)];
                Err(Invalid::Returns(back(idp, &redirect_uri, state.as_deref(), &answer)))
            }
        }
    }

    fn challenge(params: &Params) -> Result<CodeChallenge, OAuthError> {
        let refuse = |code, text: &'static str| Err(OAuthError::new(code, text));
        if params.get("response_type") != Some("code") {
            return refuse(ErrorCode::UnsupportedResponseType, "response_type must be code");
        }
        if !Scope::parse(params.get("scope").unwrap_or_default()).contains("openid") {
            return refuse(ErrorCode::InvalidScope, "scope must hold openid");
        }
        if params.get("prompt") == Some("none") {
            return refuse(ErrorCode::LoginRequired, "Demo company keeps no session, so it always has to ask");
        }
        let challenge = CodeChallenge::parse(params.get("code_challenge"), params.get("code_challenge_method"))?;
        challenge.ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "code_challenge is missing"))
    }

    /// The browser's way back with a code for `person`.
    pub fn grant(self, idp: &Idp, person: &'static Person) -> Url {
        let code = idp.rng.token();
        let now = idp.now();
        let answer = back(idp, &self.redirect_uri, self.state.as_deref(), &[("code", &code)]);
        let stored =
            Code { person, scope: self.scope, nonce: self.nonce, challenge: self.challenge, signed_in_at: now };
        let mut codes = locked(&idp.codes);
        codes.retain(|_, code| code.signed_in_at + CODE_LIFE > now);
        codes.insert(code, stored);
        answer
    }

    /// The person chose to go back.
    pub fn deny(self, idp: &Idp) -> Url {
        let answer = [("error", "access_denied"), ("error_description", "the person did not sign in")];
        back(idp, &self.redirect_uri, self.state.as_deref(), &answer)
    }
}

/// With `iss`, so that a client of many providers knows who answers (RFC 9207).
fn back(idp: &Idp, redirect_uri: &Url, state: Option<&str>, answer: &[(&str, &str)]) -> Url {
    let mut url = redirect_uri.clone();
    let state = state.map(|state| ("state", state));
    url.query_pairs_mut().extend_pairs(answer).extend_pairs(state).append_pair("iss", idp.company.urls.issuer());
    url
}
