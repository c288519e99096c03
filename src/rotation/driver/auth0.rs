//! Auth0's Management API: the client's secret is set to a value of ours (`PATCH /api/v2/clients/{id}`), which may be done
//! again after a crash. The old one ends with it; for up to 30 s either may be taken. The right is `update:clients`, for the
//! whole tenant.

use http::Method;
use serde_json::json;
use zeroize::Zeroizing;

use super::call::{Body, segment};
use super::{Added, At};
use crate::connection::secret_driver::Settings;
use crate::rotation::cause::Hitch;
use crate::secret::Secret;

async fn bearer<'a>(at: &'a At<'_>) -> Result<(Zeroizing<String>, &'a str), Hitch> {
    let Settings::Auth0 { url, client_id } = &at.driver.settings else { unreachable!("another driver's settings") };
    let audience = format!("{url}/api/v2/");
    let fields = [("client_id", client_id.as_str()), ("audience", &audience)];
    Ok((at.bearer(&format!("{url}/oauth/token"), &fields).await?, url))
}

/// Only whether the driver is let in: to read clients is a right that it does not need.
pub(super) async fn survey(at: &At<'_>) -> Result<Option<String>, Hitch> {
    bearer(at).await.map(|_| None)
}

pub(super) async fn set(at: &At<'_>, value: &Secret<String>) -> Result<Added, Hitch> {
    let (bearer, url) = bearer(at).await?;
    let url = format!("{url}/api/v2/clients/{}", segment(&at.oidc.client_id));
    let body = json!({ "client_secret": value.expose() });
    let answer = at.send(Method::PATCH, &url, Some(&bearer), Body::Json(&body)).await?;
    if !answer.status.is_success() {
        return Err(answer.refused(at));
    }
    Ok(Added { id: None, value: None, expires_at: None })
}
