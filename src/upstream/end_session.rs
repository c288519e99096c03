//! RP-Initiated Logout 1.0, relying-party side.

use super::logout::{Departure, Onward};
use super::{UpstreamError, Upstreams, authorization_url};
use crate::connection::{Connection, OidcSettings};
use crate::ctx::Ctx;
use crate::secret::{Kind, Secret, mint};

/// Bytes of a URL that every server on the way takes. Beyond them the request goes by form, which providers must take as
/// well (§2): ID tokens that list groups are long.
const LONGEST_URL: usize = 4000;

/// `None` where the provider has no end_session_endpoint.
///
/// # Errors
/// `Unavailable` when discovery fails, `endpoint_invalid`.
pub(super) async fn leave(
    upstreams: &Upstreams,
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    id_token: Option<&Secret<String>>,
) -> Result<Option<Departure>, UpstreamError> {
    let provider = upstreams.discovery.get(ctx, connection, settings).await?;
    let Some(endpoint) = &provider.end_session_endpoint else { return Ok(None) };
    let mut url = authorization_url::endpoint(&ctx.http, endpoint)?;
    url.set_fragment(None);
    let handle = mint(Kind::UpstreamState, &ctx.rng);
    let mut fields = vec![
        ("client_id", settings.client_id.clone()),
        ("post_logout_redirect_uri", ctx.urls.upstream_logout_done()),
        ("state", handle.expose().clone()),
    ];
    if let Some(id_token) = id_token {
        fields.push(("id_token_hint", id_token.expose().clone()));
    }
    let action: String = url.clone().into();
    let long: String = url.query_pairs_mut().extend_pairs(&fields).finish().as_str().into();
    let onward = match long.len() {
        ..=LONGEST_URL => Onward { url: long, form: None },
        _ => Onward { url: action, form: Some(fields) },
    };
    Ok(Some(Departure { onward, handle, request_id: None }))
}
