//! The device authorization request (RFC 8628 §3.1) and its answer (§3.2).

use serde::Serialize;

use super::{DeviceAuthorization, INTERVAL, LIFETIME, State, UserCode, qr, store};
use crate::authorization::request::asked_for;
use crate::broker::Broker;
use crate::broker::extract::Caller;
use crate::client::Client;
use crate::db::{self, database_error};
use crate::ids::DeviceAuthorizationId;
use crate::oauth::claims_parameter::ClaimsParameter;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::grant_type::GrantType;
use crate::oauth::params::Params;
use crate::secret::{Kind, fingerprint, mint};

/// From one address in ten minutes: many people may sit behind it, and each row costs us something.
const MOST_REQUESTS: u32 = 600;

/// §3.2. `expires_in` and `interval` are seconds.
#[derive(Debug, Serialize)]
pub struct DeviceResponse {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// Ours: the complete address as a QR code (SVG), for a device that has a screen and cannot draw one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_uri_qr: Option<String>,
    pub expires_in: i64,
    pub interval: i64,
}

/// # Errors
/// `unauthorized_client`, `invalid_scope`, `invalid_target`; `temporarily_unavailable` for a flood and without the
/// database.
pub async fn begin(
    broker: &Broker,
    client: &Client,
    params: &Params,
    caller: &Caller,
) -> Result<DeviceResponse, OAuthError> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    if !client.may_use(GrantType::DeviceCode) {
        let text = "this client is not registered for the grant device_code; an operator can add it";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, text));
    }
    let from = caller.addr.map(|addr| addr.to_string());
    let key = from.clone().unwrap_or_default();
    if broker.device_requests.wait(&key, MOST_REQUESTS, now).is_some() {
        let text = "too many device authorization requests came from this address; try again in some minutes";
        return Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, text));
    }
    broker.device_requests.note(key, now);
    let (scopes, audiences) = asked_for(params, &ClaimsParameter::default(), client, &broker.catalog.load())?;
    let device_code = mint(Kind::DeviceCode, &ctx.rng);
    let mut attempts = 0;
    let user_code = loop {
        let user_code = UserCode::new(&ctx.rng);
        let id = DeviceAuthorizationId::new(now, &ctx.rng);
        let new = DeviceAuthorization {
            state: State::Pending,
            client_id: client.client_id.to_string(),
            user_code: ctx.vault.seal(store::user_code_place(&id), user_code.letters().as_bytes(), &ctx.rng),
            scopes: scopes.clone(),
            audiences: audiences.clone(),
            requested_from: from.clone(),
            created_at: now,
            expires_at: now + LIFETIME,
            id,
        };
        let digest = ctx.vault.digest(user_code.letters());
        let mut conn = ctx.db.acquire().await.map_err(|error| database_error(&error))?;
        match store::insert(&mut conn, &new, &fingerprint(device_code.expose()), &digest).await {
            Ok(()) => break user_code,
            // somebody else has the same code at this very time
            Err(error) if attempts < 3 && db::on_constraint(&error, "device_authorizations_user_code_key") => {
                attempts += 1;
            }
            Err(error) => return Err(database_error(&error)),
        }
    };
    let complete = client.settings.complete_verification_uri;
    Ok(DeviceResponse {
        device_code: device_code.expose().clone(),
        verification_uri: ctx.urls.at("/device"),
        verification_uri_complete: complete.then(|| complete_uri(&ctx.urls, &user_code)),
        verification_uri_qr: complete.then(|| qr::uri(&ctx.urls, &user_code)),
        user_code: user_code.shown(),
        expires_in: LIFETIME.whole_seconds(),
        interval: INTERVAL.whole_seconds(),
    })
}

/// §3.3.1.
pub fn complete_uri(urls: &crate::urls::Urls, code: &UserCode) -> String {
    urls.at(&format!("/device?user_code={}", code.shown()))
}
