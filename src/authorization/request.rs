//! From parameters to a checked request. The redirect URI comes first: an error that redirects cannot exist before it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::requested_claims::{RequestedClaims, with_claims};
use crate::broker::{Broker, Catalog};
use crate::client::Client;
use crate::ids::{DeviceAuthorizationId, PushedRequestId};
use crate::oauth::claims_parameter::ClaimsParameter;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::grant_type::GrantType;
use crate::oauth::jkt::Jkt;
use crate::oauth::params::Params;
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::prompt::Prompt;
use crate::oauth::redirect_uri::RegisteredRedirectUri;
use crate::oauth::response_mode::ResponseMode;
use crate::oauth::scope::Scope;
use crate::urls::Urls;

/// Where the answer goes, good or bad.
#[derive(Clone, Debug)]
pub struct Target {
    pub client: Arc<Client>,
    pub redirect_uri: RegisteredRedirectUri,
    pub response_mode: ResponseMode,
    pub state: Option<String>,
}

/// The request cannot be answered by redirect: the person sees a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetError {
    ClientIdMissing,
    UnknownClient(String),
    ClientDisabled(String),
    RedirectUriMissing,
    RedirectUriNotRegistered {
        client_id: String,
        redirect_uri: String,
    },
    /// It would have to be kept and sent back.
    StateTooLong,
    /// `request_uri` refers to no request that was pushed and waits (RFC 9126).
    RequestUri(RequestUriFault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestUriFault {
    /// Never made, or answered already.
    Unknown,
    Expired,
    OfAnotherClient,
}

/// Bytes of `state`: more than any library sends.
const LONGEST_STATE: usize = 2048;

impl Target {
    /// # Errors
    /// [`TargetError`]: never redirect to an unchecked URI.
    pub fn check(params: &Params, find: impl Fn(&str) -> Option<Arc<Client>>) -> Result<Self, TargetError> {
        Self::of(Self::client(params, find)?, params)
    }

    /// The client that a browser names.
    ///
    /// # Errors
    /// [`TargetError`] when it is none that may come in.
    pub fn client(params: &Params, find: impl Fn(&str) -> Option<Arc<Client>>) -> Result<Arc<Client>, TargetError> {
        let client_id = params.get("client_id").ok_or(TargetError::ClientIdMissing)?;
        let client = find(client_id).ok_or_else(|| TargetError::UnknownClient(client_id.into()))?;
        if client.enabled { Ok(client) } else { Err(TargetError::ClientDisabled(client_id.into())) }
    }

    /// For a client that is known to be the one.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn of(client: Arc<Client>, params: &Params) -> Result<Self, TargetError> {
        let requested = params.get("redirect_uri").ok_or(TargetError::RedirectUriMissing)?;
        let redirect_uri = RegisteredRedirectUri::check(requested, &client.redirect_uris).ok_or_else(|| {
            TargetError::RedirectUriNotRegistered {
                client_id: client.client_id.to_string(),
                redirect_uri: requested.into(),
            }
        })?;
        if params.get("state").is_some_and(|state| state.len() > LONGEST_STATE) {
            return Err(TargetError::StateTooLong);
        }
        // an unknown response_mode is reported later, by the default one
        let response_mode = ResponseMode::parse(params.get("response_mode")).unwrap_or_default();
        Ok(Self { client, redirect_uri, response_mode, state: params.get("state").map(Into::into) })
    }
}

/// A request that passed every check that needs no person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorizeRequest {
    pub redirect_uri: RegisteredRedirectUri,
    pub response_mode: ResponseMode,
    pub state: Option<String>,
    pub nonce: Option<String>,
    /// What was asked for and the client may have.
    pub scope: Scope,
    /// Audiences of the access token, checked against the client.
    pub audiences: Vec<String>,
    pub code_challenge: Option<CodeChallenge>,
    /// Only who holds this key redeems the code (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Jkt>,
    pub prompt: Prompt,
    /// Seconds.
    pub max_age: Option<u32>,
    pub login_hint: Option<String>,
    pub domain_hint: Option<String>,
    pub acr_values: Option<String>,
    #[serde(default)]
    pub claims: RequestedClaims,
    pub ui_locales: Option<String>,
    /// A connection's slug, as `connection`, `kc_idp_hint`, `connector_id` or `idp_hint` said.
    pub connection_hint: Option<String>,
    /// Whom it must be about: the `sub` that `claims` names, or the subject of a valid `id_token_hint`.
    pub hinted_sub: Option<String>,
    /// A person approves this device (RFC 8628); no code is made and nobody returns to a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceAuthorizationId>,
    /// It was pushed (RFC 9126), and the answer uses that up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<PushedRequestId>,
}

impl AuthorizeRequest {
    /// # Errors
    /// an [`OAuthError`] that travels to the target.
    pub fn check(broker: &Broker, catalog: &Catalog, params: &Params, target: &Target) -> Result<Self, OAuthError> {
        let client = &*target.client;
        let hinted_sub = params.get("id_token_hint").map(|hint| hinted_sub(broker, hint)).transpose()?;
        refuse_request_objects(params)?;
        match params.require("response_type")? {
            "code" => {}
            other => {
                return Err(OAuthError::new(
                    ErrorCode::UnsupportedResponseType,
                    format!("response_type={other} is not supported; use code"),
                ));
            }
        }
        if !client.may_use(GrantType::AuthorizationCode) {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "this client is not registered for the authorization_code grant",
            ));
        }
        ResponseMode::parse(params.get("response_mode"))?;
        let code_challenge = CodeChallenge::parse(params.get("code_challenge"), params.get("code_challenge_method"))?;
        if client.require_pkce && code_challenge.is_none() {
            return Err(OAuthError::new(
                ErrorCode::InvalidRequest,
                "code_challenge is missing: this client must use PKCE with S256 (RFC 7636)",
            ));
        }
        let claims = ClaimsParameter::parse(params.get("claims"))?;
        let (scope, audiences) = asked_for(params, &claims, client, catalog)?;
        let acr = (!claims.acr().0.is_empty()).then(|| claims.acr().0.join(" "));
        Ok(Self {
            redirect_uri: target.redirect_uri.clone(),
            response_mode: target.response_mode,
            state: target.state.clone(),
            nonce: bounded(params, "nonce")?,
            scope,
            audiences,
            code_challenge,
            dpop_jkt: params.get("dpop_jkt").map(Jkt::parse).transpose()?,
            prompt: Prompt::parse(params.get("prompt"))?,
            max_age: max_age(params)?,
            login_hint: bounded(params, "login_hint")?,
            domain_hint: bounded(params, "domain_hint")?,
            acr_values: bounded(params, "acr_values")?.or(acr),
            claims: RequestedClaims::new(&claims),
            ui_locales: bounded(params, "ui_locales")?,
            connection_hint: ["connection", "kc_idp_hint", "connector_id", "idp_hint"]
                .iter()
                .find_map(|name| params.get(name))
                .map(Into::into),
            hinted_sub: claims.sub().map(Into::into).or(hinted_sub),
            device: None,
            pushed: None,
        })
    }

    /// For the key that whoever pushes it proved (RFC 9449 §10.1).
    ///
    /// # Errors
    /// `invalid_dpop_proof` when `dpop_jkt` names another one.
    pub fn bound_to(mut self, key: Jkt) -> Result<Self, OAuthError> {
        if self.dpop_jkt.as_ref().is_some_and(|named| *named != key) {
            let text = "dpop_jkt names another key than the DPoP proof shows";
            return Err(OAuthError::new(ErrorCode::InvalidDpopProof, text));
        }
        self.dpop_jkt = Some(key);
        Ok(self)
    }

    /// What signing in to approve a device comes to: always a sign-in anew, because the person who approves must be the
    /// one who sits there now (see [`super::next_step`]). Where it stops half-way, our own page is where it returns to.
    pub fn for_device(urls: &Urls, device: DeviceAuthorizationId, scope: Scope, audiences: Vec<String>) -> Self {
        Self {
            redirect_uri: RegisteredRedirectUri::own(urls, "/device"),
            response_mode: ResponseMode::default(),
            state: None,
            nonce: None,
            scope,
            audiences,
            code_challenge: None,
            dpop_jkt: None,
            prompt: Prompt { login: true, ..Prompt::default() },
            max_age: None,
            login_hint: None,
            domain_hint: None,
            acr_values: None,
            ui_locales: None,
            connection_hint: None,
            hinted_sub: None,
            claims: RequestedClaims::default(),
            device: Some(device),
            pushed: None,
        }
    }
}

/// An expired hint is fine (OIDC Core §3.1.2.1): it only says who is meant.
fn hinted_sub(broker: &Broker, hint: &str) -> Result<String, OAuthError> {
    let token = broker.keys.load().verify(hint).ok();
    let ours = token.filter(|t| t.claims.get("iss").and_then(|i| i.as_str()) == Some(broker.ctx.urls.issuer()));
    ours.and_then(|t| t.claims.get("sub").and_then(|s| s.as_str()).map(Into::into))
        .ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "id_token_hint is not an ID token of ours"))
}

/// OIDC Core §6: ignoring a request object would lose what it says, so it is refused by name.
fn refuse_request_objects(params: &Params) -> Result<(), OAuthError> {
    if params.get("request").is_some() {
        return Err(OAuthError::new(
            ErrorCode::RequestNotSupported,
            "request objects are not supported; send parameters",
        ));
    }
    if params.get("request_uri").is_some() {
        return Err(OAuthError::new(
            ErrorCode::RequestUriNotSupported,
            "request_uri must be one that the pushed authorization request endpoint gave, and stands for a whole request",
        ));
    }
    Ok(())
}

/// Scopes and audiences. Scopes outside the client's are left out (RFC 6749 §3.3; the token answer says what was
/// granted); `X/.default` asks for the audience X, as Entra's clients write it.
///
/// # Errors
/// `invalid_scope` and `invalid_target`, naming what this client may not have.
pub fn asked_for(
    params: &Params,
    claims: &ClaimsParameter,
    client: &Client,
    catalog: &Catalog,
) -> Result<(Scope, Vec<String>), OAuthError> {
    let mut scope = Scope::requested(params.get("scope").unwrap_or_default())?;
    let mut wanted: Vec<String> = params.targets().into_iter().map(Into::into).collect();
    scope.take_default_targets(&mut wanted, &client.audiences)?;
    let audiences = client.resolve_audiences(&wanted)?;
    let scope = catalog.narrowed(client, &audiences, with_claims(scope, claims));
    Ok((scope, audiences))
}

fn bounded(params: &Params, name: &'static str) -> Result<Option<String>, OAuthError> {
    match params.get(name) {
        Some(value) if value.len() > 1024 => {
            Err(OAuthError::new(ErrorCode::InvalidRequest, format!("{name} is longer than 1024 bytes")))
        }
        value => Ok(value.map(Into::into)),
    }
}

fn max_age(params: &Params) -> Result<Option<u32>, OAuthError> {
    params
        .get("max_age")
        .map(|text| {
            text.parse()
                .map_err(|_| OAuthError::new(ErrorCode::InvalidRequest, "max_age is not a whole number of seconds"))
        })
        .transpose()
}
