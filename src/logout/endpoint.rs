//! Where identity providers and the people they send reach us about signing out: `/connections/{slug}/slo` (SAML, by
//! both bindings), `/connections/{slug}/backchannel-logout` (OIDC, server to server) and `/oidc/logout/done`.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

use super::received::{Followed, follow};
use super::trip::{Answer, come_back};
use super::{Redirect, pages};
use crate::audit::Event;
use crate::broker::Broker;
use crate::connection::Connection;
use crate::login::extract::Visiting;
use crate::login::{Visitor, authorize};
use crate::metadata;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::upstream::{Onward, SamlMessage, UpstreamError};
use crate::web::oauth_error::OAuthErrorAnswer;
use crate::web::{cookies, redirect};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/connections/{slug}/slo").route(web::get().to(slo)).route(web::post().to(slo)))
        .service(web::resource("/connections/{slug}/backchannel-logout").route(web::post().to(backchannel)))
        .route("/oidc/logout/done", web::get().to(done));
}

/// A LogoutRequest of the provider, or its LogoutResponse to ours.
async fn slo(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    slug: Path<String>,
    body: Bytes,
) -> HttpResponse {
    let is_post = req.method() == Method::POST;
    let visitor = &visiting.visitor;
    let Ok(params) = Params::decode(if is_post { &body } else { req.query_string().as_bytes() }) else {
        return pages::not_followed(&broker, visitor, &slug, "parameter_repeated", "");
    };
    let message = |base64: &str| match is_post {
        true => {
            SamlMessage::Post { base64: base64.to_owned(), relay_state: params.get("RelayState").map(str::to_owned) }
        }
        false => SamlMessage::Redirect { raw_query: req.query_string().to_owned() },
    };
    match (params.get("SAMLRequest"), params.get("SAMLResponse")) {
        // It needs no cookie of ours, so it is not sent round again as forms from other sites are.
        (Some(request), None) => slo_request(&broker, visitor, &slug, message(request)).await,
        (None, Some(response)) => {
            let path = format!("/connections/{slug}/slo");
            if let Some(page) = redirect::post_again(&req, &body, &broker.ctx.urls, &path) {
                return page;
            }
            let answer = Answer::Saml { slug: &slug, message: message(response) };
            let back = come_back(&broker, visitor, params.get("RelayState"), answer).await;
            visiting.welcome(&broker, pages::back(&broker, visitor, back))
        }
        _ => pages::not_followed(&broker, visitor, &slug, "parameter_missing", "neither request nor response, or both"),
    }
}

async fn slo_request(broker: &Broker, visitor: &Visitor, slug: &str, message: SamlMessage) -> HttpResponse {
    let Some(mut connection) = broker.catalog.load().connection(slug) else {
        return pages::not_followed(broker, visitor, slug, "connection_unknown", "");
    };
    let mut asked = broker.upstreams.logout_request(&broker.ctx, &connection, message.clone()).await;
    if asked.as_ref().is_err_and(UpstreamError::is_about_certificates)
        && let Some(newer) = metadata::newer(broker, &connection).await
    {
        connection = newer;
        asked = broker.upstreams.logout_request(&broker.ctx, &connection, message).await;
    }
    let notice = match asked {
        Ok(notice) => notice,
        Err(error) => return pages::not_followed(broker, visitor, slug, error.reason(), &error.to_string()),
    };
    let sign = |event: Event| event.trace(&visitor.trace_id).from_addr(visitor.addr);
    let success = match follow(broker, &connection, &notice, sign).await {
        Ok(Followed::Ended(_)) => true,
        Ok(Followed::Replayed) => return pages::not_followed(broker, visitor, slug, "logout_replayed", ""),
        // The provider goes on to its other applications, and learns that here somebody may still be signed in.
        Err(error) => {
            tracing::error!(%error, connection = slug, "sessions could not be ended");
            false
        }
    };
    let mut response = match broker.upstreams.logout_answer(&broker.ctx, &connection, &notice, success) {
        Ok(Some(onward)) => go(broker, &onward),
        Ok(None) => pages::signed_out(broker, None),
        Err(error) => {
            tracing::error!(%error, connection = slug, "a logout request could not be answered");
            pages::signed_out(broker, None)
        }
    };
    // a cookie whose session is over is of no use; one of another session stays
    if visitor.session.is_some() && matches!(authorize::live_session(broker, visitor).await, Ok(None)) {
        clear_session(broker, &mut response);
    }
    response
}

/// OIDC: the person comes back from the provider's sign-out.
async fn done(broker: Data<Broker>, req: HttpRequest, visiting: Visiting) -> HttpResponse {
    let visitor = &visiting.visitor;
    let params = Params::decode(req.query_string().as_bytes()).unwrap_or_default();
    let back = come_back(&broker, visitor, params.get("state"), Answer::Returned).await;
    visiting.welcome(&broker, pages::back(&broker, visitor, back))
}

/// OIDC Back-Channel Logout 1.0 §2.5 to §2.8.
async fn backchannel(
    broker: Data<Broker>,
    visiting: Visiting,
    slug: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, OAuthErrorAnswer> {
    let visitor = &visiting.visitor;
    broker.require_live()?;
    let Some(connection) = broker.catalog.load().connection(&slug) else {
        return Err(refused(&broker, visitor, &slug, "connection_unknown").into());
    };
    let params = Params::decode(&body)?;
    let Some(token) = params.get("logout_token") else {
        return Err(refused(&broker, visitor, &slug, "logout_token_missing").into());
    };
    logout_token(&broker, visitor, &connection, token).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish())
}

async fn logout_token(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    token: &str,
) -> Result<(), OAuthError> {
    let slug = connection.slug.as_str();
    let notice = match broker.upstreams.logout_token(&broker.ctx, connection, token).await {
        Ok(notice) => notice,
        Err(UpstreamError::Unavailable { what, detail }) => {
            tracing::warn!(connection = slug, what, detail, "a logout token could not be checked");
            let text = "the logout token cannot be checked just now; send it again";
            return Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, text));
        }
        Err(error) => {
            tracing::info!(connection = slug, %error, "a logout token was refused");
            return Err(refused(broker, visitor, slug, error.reason()));
        }
    };
    let sign = |event: Event| event.trace(&visitor.trace_id).from_addr(visitor.addr);
    match follow(broker, connection, &notice, sign).await {
        Ok(Followed::Ended(_)) => Ok(()),
        Ok(Followed::Replayed) => Err(refused(broker, visitor, slug, "logout_replayed")),
        Err(error) => {
            tracing::error!(%error, connection = slug, "sessions could not be ended");
            Err(OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "nobody could be signed out just now; send it again",
            ))
        }
    }
}

/// The provider's operator reads the word; ours finds it in the audit log.
fn refused(broker: &Broker, visitor: &Visitor, slug: &str, reason: &'static str) -> OAuthError {
    pages::note(broker, visitor, Some(slug), reason, "");
    OAuthError::new(ErrorCode::InvalidRequest, format!("the logout token is not taken: {reason}"))
}

pub(super) fn go(broker: &Broker, onward: &Onward) -> HttpResponse {
    let urls = &broker.ctx.urls;
    match (&onward.form, Url::parse(&onward.url)) {
        (Some(fields), Ok(target)) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            redirect::form_post(urls, broker.brand(), &target, &fields)
        }
        _ => redirect::see_other(&onward.url),
    }
}

/// To where the application wants the person, or to our own last page.
pub(super) fn finish(broker: &Broker, redirect: Option<&Redirect>, also_at: Option<String>) -> HttpResponse {
    match redirect {
        Some(redirect) => redirect::see_other(&redirect.url()),
        None => pages::signed_out(broker, also_at),
    }
}

pub(super) fn clear_session(broker: &Broker, response: &mut HttpResponse) {
    if let Err(error) = response.add_cookie(&cookies::clear_session(&broker.ctx.urls)) {
        tracing::error!(%error, "a cookie could not be cleared");
    }
}
