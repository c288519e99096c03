//! Signing out: RP-Initiated Logout 1.0. Ends the browser's session here, at once when the application proves whom it
//! means, otherwise after asking; then, where the connection says so, at the identity provider ([`trip`]). And the other
//! way round: what a provider says of its own sessions ends ours ([`received`]). Whoever ended a session, the applications
//! that had tokens of it are told ([`notification`]).

pub mod endpoint;
pub mod notification;
pub mod pages;
pub mod received;
pub mod store;
pub mod trip;

use std::sync::Arc;

use crate::audit::{self, Event};
use crate::broker::Broker;
use crate::client::Client;
use crate::db;
use crate::oauth::params::Params;
use crate::oauth::redirect_uri::RegisteredRedirectUri;
use crate::session::upstream::StoredUpstreamSession;
use crate::session::{self, EndReason, Session};

/// A request as far as it can be believed.
#[derive(Debug)]
pub struct LogoutRequest {
    pub client: Option<Arc<Client>>,
    /// Whom a genuine `id_token_hint` names; it may have expired.
    pub hinted_sub: Option<String>,
    pub redirect: Option<Redirect>,
}

/// Where the browser goes afterwards.
#[derive(Debug)]
pub struct Redirect {
    pub uri: RegisteredRedirectUri,
    pub state: Option<String>,
}

/// Why a request is not followed: the person sees a page, nobody is redirected and nobody signed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutFault {
    HintNotOurs,
    ClientDiffers,
    UnknownClient,
    UriWithoutClient,
    UriNotRegistered,
}

impl LogoutFault {
    /// The audit word.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::HintNotOurs => "id_token_hint_invalid",
            Self::ClientDiffers => "client_id_differs",
            Self::UnknownClient => "client_unknown",
            Self::UriWithoutClient => "post_logout_redirect_uri_without_client",
            Self::UriNotRegistered => "post_logout_redirect_uri_not_registered",
        }
    }

    pub const fn explanation(self) -> &'static str {
        match self {
            Self::HintNotOurs => "The token it sent to say who signs out (id_token_hint) is not one of ours.",
            Self::ClientDiffers => "The client_id it sent is not the one its token was made for.",
            Self::UnknownClient => "Its client_id is not registered here.",
            Self::UriWithoutClient => "It sent an address to return to without saying which application it is.",
            Self::UriNotRegistered => {
                "The address it wants you to return to is not among those registered for it. It must match byte for byte."
            }
        }
    }
}

impl LogoutRequest {
    /// # Errors
    /// [`LogoutFault`].
    pub fn parse(broker: &Broker, params: &Params) -> Result<Self, LogoutFault> {
        let hint = params.get("id_token_hint").map(|hint| read_hint(broker, hint)).transpose()?;
        let (hinted_sub, hinted_client) = hint.unzip();
        let named = params.get("client_id");
        if let (Some(named), Some(hinted)) = (named, &hinted_client)
            && named != hinted
        {
            return Err(LogoutFault::ClientDiffers);
        }
        let client = match named.or(hinted_client.as_deref()) {
            Some(id) => Some(broker.catalog.load().client(id).ok_or(LogoutFault::UnknownClient)?),
            None => None,
        };
        let redirect = match (params.get("post_logout_redirect_uri"), &client) {
            (None, _) => None,
            (Some(_), None) => return Err(LogoutFault::UriWithoutClient),
            (Some(uri), Some(client)) => Some(Redirect {
                uri: RegisteredRedirectUri::check(uri, &client.post_logout_redirect_uris)
                    .ok_or(LogoutFault::UriNotRegistered)?,
                state: params.get("state").map(Into::into),
            }),
        };
        Ok(Self { client, hinted_sub, redirect })
    }

    /// Whether the application has proved that it means this very person, so that asking would only annoy.
    pub fn means(&self, session: &Session) -> bool {
        self.hinted_sub.as_deref() == Some(session.user_id.as_str())
    }
}

impl Redirect {
    pub fn url(&self) -> String {
        let uri = self.uri.as_str();
        let Some(state) = &self.state else { return uri.into() };
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
        format!("{uri}{}{query}", if uri.contains('?') { "&" } else { "?" })
    }
}

/// `sub` and `aud` of an ID token of ours, however old (RP-Initiated Logout §2).
fn read_hint(broker: &Broker, hint: &str) -> Result<(String, String), LogoutFault> {
    let token = broker.keys.load().verify(hint).map_err(|_| LogoutFault::HintNotOurs)?;
    // an access token or a logout token proves nothing here (RFC 8725 §3.11)
    if token.typ != "JWT" {
        return Err(LogoutFault::HintNotOurs);
    }
    let text = |name: &str| token.claims.get(name).and_then(|v| v.as_str()).map(str::to_owned);
    if text("iss").as_deref() != Some(broker.ctx.urls.issuer()) {
        return Err(LogoutFault::HintNotOurs);
    }
    text("sub").zip(text("aud")).ok_or(LogoutFault::HintNotOurs)
}

/// How much of what a person has here ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    ThisBrowser,
    /// All sessions, and all refresh tokens.
    Everywhere,
}

/// Ends the session; answers where it came from.
///
/// # Errors
/// the database's.
pub async fn end(
    broker: &Broker,
    session: &Session,
    request: &LogoutRequest,
    extent: Extent,
    event: impl FnOnce(Event) -> Event,
) -> Result<Option<StoredUpstreamSession>, sqlx::Error> {
    let ctx = &broker.ctx;
    let action = match extent {
        Extent::ThisBrowser => "logout",
        Extent::Everywhere => "logout.everywhere",
    };
    let made = Event::success(action, format!("user:{}", session.user_id))
        .about(&session.user_id)
        .connection(&session.connection_slug);
    let mut made = event(made);
    made.client_id = request.client.as_ref().map(|client| client.client_id.to_string());
    db::in_tx(&ctx.db, async move |conn| {
        match extent {
            Extent::ThisBrowser => drop(session::end(conn, &session.id, EndReason::SignedOut, ctx.now()).await?),
            Extent::Everywhere => {
                let ended = session::everywhere(conn, &session.user_id, ctx.now()).await?;
                made.detail = ended.detail();
            }
        }
        audit::record(ctx, conn, made).await?;
        session::store::upstream_of(conn, &session.id).await
    })
    .await
}
