//! Who is in front of us: [`Visitor`] from cookies. A browser without its binding cookie gets one with the answer.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, error};

use super::Visitor;
use crate::broker::Broker;
use crate::ids::TraceId;
use crate::secret::{Kind, mint};
use crate::trace::Recording;
use crate::web::client_addr::ClientAddr;
use crate::web::cookies;

/// A [`Visitor`] and whether the browser must be given its cookie.
pub struct Visiting {
    pub visitor: Visitor,
    is_new: bool,
}

impl Visiting {
    /// Puts the binding cookie on the answer where it is new.
    pub fn welcome(&self, broker: &Broker, mut response: HttpResponse) -> HttpResponse {
        if self.is_new {
            let cookie = cookies::set_browser(&broker.ctx.urls, &self.visitor.browser);
            if let Err(error) = response.add_cookie(&cookie) {
                tracing::error!(%error, "a cookie could not be set");
            }
        }
        response
    }
}

impl FromRequest for Visiting {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Some(broker) = req.app_data::<Data<Broker>>() else {
            return ready(Err(error::ErrorInternalServerError("the broker is not installed")));
        };
        let urls = &broker.ctx.urls;
        let known = cookies::browser(req, urls);
        let trace_id = req.extensions().get::<TraceId>().cloned();
        let visitor = Visitor {
            session: cookies::session(req, urls),
            trace_id: trace_id.unwrap_or_else(|| TraceId::new(&broker.ctx.rng)),
            addr: ClientAddr::from_request(req, payload).into_inner().ok().map(|addr| addr.0),
            user_agent: user_agent(req),
            trace: Recording::new(broker.ctx.clock.clone()),
            browser: known.clone().unwrap_or_else(|| mint(Kind::Browser, &broker.ctx.rng)),
        };
        ready(Ok(Self { visitor, is_new: known.is_none() }))
    }
}

fn user_agent(req: &HttpRequest) -> Option<String> {
    let value = req.headers().get(USER_AGENT)?.to_str().ok()?;
    Some(value.chars().take(300).collect()).filter(|value: &String| !value.is_empty())
}
