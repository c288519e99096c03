//! `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4): a device asks until a person has decided. While nobody
//! has, a poll reads one row and writes none.

use super::request::DeviceCodeRequest;
use super::signed_in::{self, Grounds};
use super::{GrantError, TokenResponse};
use crate::broker::{Broker, Catalog, Pace};
use crate::client::AuthenticatedClient;
use crate::db;
use crate::device::{self, State, store};
use crate::ids::UserId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::jkt::Jkt;
use crate::secret::{Kind, fingerprint, is_well_formed};

const USED: (&str, &str) = ("device_code_redeemed", "the device code was used before; start again");

/// # Errors
/// [`GrantError::Waiting`] with `authorization_pending` or `slow_down`; [`GrantError::Refused`] with `access_denied`,
/// `expired_token` or `invalid_grant`; the database's.
pub async fn poll(
    broker: &Broker,
    catalog: &Catalog,
    authenticated: &AuthenticatedClient,
    request: DeviceCodeRequest,
    key: Option<&Jkt>,
) -> Result<(TokenResponse, UserId), GrantError> {
    let unknown =
        || GrantError::invalid_grant("device_code_unknown", "the device code is unknown; start again on the device");
    if !is_well_formed(Kind::DeviceCode, request.device_code.expose()) {
        return Err(unknown());
    }
    let hash = fingerprint(request.device_code.expose());
    let client = &**authenticated.client();
    let now = broker.ctx.now();
    let mut conn = broker.ctx.db.acquire().await?;
    let device = store::by_device_code(&mut conn, &hash).await?.ok_or_else(unknown)?;
    drop(conn);
    if device.client_id != client.client_id.as_str() {
        return Err(GrantError::invalid_grant(
            "device_code_of_another_client",
            "the device code was issued to another client",
        ));
    }
    let session = match device.state {
        State::Redeemed => return Err(GrantError::invalid_grant(USED.0, USED.1)),
        State::Denied => {
            return Err(refused("denied_by_person", ErrorCode::AccessDenied, "the person did not allow it"));
        }
        _ if device.is_over(now) => {
            let text = "the device code has expired; start again on the device";
            return Err(refused("device_code_expired", ErrorCode::ExpiredToken, text));
        }
        State::Pending => {
            let pace = broker.device_polls.judge(hash, device::INTERVAL, device.expires_at, now);
            return Err(GrantError::Waiting(waiting(pace)));
        }
        State::Approved { session } => session,
    };
    let outcome = db::in_tx(&broker.ctx.db, async |conn| {
        let grounds = Grounds {
            session: &session,
            scopes: &device.scopes,
            audiences: &device.audiences,
            nonce: None,
            asked: &[],
            key,
        };
        let minted = match signed_in::mint(broker, catalog, conn, client, grounds).await? {
            Ok(minted) => minted,
            Err(refused) => return Ok(Err(refused)),
        };
        if !store::redeem(conn, &device.id, now).await? {
            return Ok(Err(USED));
        }
        minted.keep(broker, conn).await?;
        Ok::<_, GrantError>(Ok((minted.response, minted.user)))
    })
    .await?;
    outcome.map_err(|(reason, description)| GrantError::invalid_grant(reason, description))
}

fn waiting(pace: Pace) -> OAuthError {
    match pace {
        Pace::Patient => OAuthError::new(ErrorCode::AuthorizationPending, "nobody has decided yet; ask again later"),
        Pace::Hasty(interval) => OAuthError::new(
            ErrorCode::SlowDown,
            format!("ask less often: from now on, wait {} seconds in between", interval.whole_seconds()),
        ),
    }
}

fn refused(reason: &'static str, code: ErrorCode, description: &'static str) -> GrantError {
    GrantError::Refused { reason, error: OAuthError::new(code, description) }
}
