//! A token request, parsed at the door: one variant a grant, each with its own parameters only.

use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::grant_type::GrantType;
use crate::oauth::params::Params;
use crate::oauth::scope::Scope;
use crate::oauth::token_type::TokenType;
use crate::secret::Secret;

#[derive(Debug)]
pub enum TokenRequest {
    AuthorizationCode(CodeRequest),
    RefreshToken(RefreshRequest),
    ClientCredentials(CredentialsRequest),
    DeviceCode(DeviceCodeRequest),
    /// The client was identified by the assertion before: this is what it asks for.
    JwtBearer(CredentialsRequest),
    TokenExchange(ExchangeRequest),
}

#[derive(Debug)]
pub struct CodeRequest {
    pub code: Secret<String>,
    pub redirect_uri: Option<String>,
    pub code_verifier: Option<Secret<String>>,
}

#[derive(Debug)]
pub struct RefreshRequest {
    pub refresh_token: Secret<String>,
    pub scope: Option<Scope>,
    pub targets: Vec<String>,
}

#[derive(Debug)]
pub struct CredentialsRequest {
    pub scope: Option<Scope>,
    pub targets: Vec<String>,
}

/// A `scope` beside it, as Go's x/oauth2 sends it, changes nothing: the person saw what was asked for first.
#[derive(Debug)]
pub struct DeviceCodeRequest {
    pub device_code: Secret<String>,
}

#[derive(Debug)]
pub struct ExchangeRequest {
    pub subject_token: Secret<String>,
    pub scope: Option<Scope>,
    pub targets: Vec<String>,
}

impl TokenRequest {
    /// # Errors
    /// `invalid_request` or `unsupported_grant_type`, naming the parameter.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        let scope = params.get("scope").map(Scope::requested).transpose()?.filter(|scope| !scope.is_empty());
        let targets = || params.targets().into_iter().map(Into::into).collect();
        let secret = |value: &str| Secret::new(value.to_owned());
        match params.require("grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode(CodeRequest {
                code: secret(params.require("code")?),
                redirect_uri: params.get("redirect_uri").map(Into::into),
                code_verifier: params.get("code_verifier").map(secret),
            })),
            "refresh_token" => Ok(Self::RefreshToken(RefreshRequest {
                refresh_token: secret(params.require("refresh_token")?),
                scope,
                targets: targets(),
            })),
            "client_credentials" => Ok(Self::ClientCredentials(CredentialsRequest { scope, targets: targets() })),
            grant if grant == GrantType::DeviceCode.wire() => {
                Ok(Self::DeviceCode(DeviceCodeRequest { device_code: secret(params.require("device_code")?) }))
            }
            grant if grant == GrantType::JwtBearer.wire() => {
                params.require("assertion")?;
                Ok(Self::JwtBearer(CredentialsRequest { scope, targets: targets() }))
            }
            grant if grant == GrantType::TokenExchange.wire() => {
                check_exchange(params)?;
                let subject_token = secret(params.require("subject_token")?);
                Ok(Self::TokenExchange(ExchangeRequest { subject_token, scope, targets: targets() }))
            }
            other => Err(OAuthError::new(
                ErrorCode::UnsupportedGrantType,
                format!("grant_type={other} is not supported; discovery lists those that are"),
            )),
        }
    }
}

impl TokenRequest {
    pub fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode(_) => GrantType::AuthorizationCode,
            Self::RefreshToken(_) => GrantType::RefreshToken,
            Self::ClientCredentials(_) => GrantType::ClientCredentials,
            Self::DeviceCode(_) => GrantType::DeviceCode,
            Self::JwtBearer(_) => GrantType::JwtBearer,
            Self::TokenExchange(_) => GrantType::TokenExchange,
        }
    }
}

/// RFC 8693 §2.1, what of it we do not do.
fn check_exchange(params: &Params) -> Result<(), OAuthError> {
    let refuse = |text: String| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    let known = TokenType::ALL.map(TokenType::as_str).join(", ");
    if TokenType::parse(params.require("subject_token_type")?).is_none() {
        return refuse(format!("subject_token_type must be one of {known}"));
    }
    if params.get("actor_token").is_some() || params.get("actor_token_type").is_some() {
        return refuse("actor_token is not supported: the token is exchanged by the client that authenticates".into());
    }
    match params.get("requested_token_type").map(TokenType::parse) {
        None | Some(Some(TokenType::AccessToken | TokenType::Jwt)) => Ok(()),
        Some(_) => refuse("requested_token_type must be that of an access token or a JWT, or be left out".into()),
    }
}
