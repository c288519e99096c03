//! Who is at the desk, and what they sent.

use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, USER_AGENT};
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::frame::{Done, Frame, Section};
use super::{Right, Trouble};
use crate::audit::Author;
use crate::broker::Broker;
use crate::ids::TraceId;
use crate::operator::session::{self, Browser, OperatorSession, Stage};
use crate::operator::{OperatorRole, api_key};
use crate::secret::Secret;
use crate::token::presented::{PresentedToken, Shown};
use crate::web::client_addr::ClientAddr;
use crate::web::{cookies, csrf};

impl ResponseError for Trouble {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Bare: `pages::dress` and `api::dress` write what the reader expects.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// An operator whose session holds, whatever the role, and even before they chose a password of their own.
pub struct Seated {
    pub broker: Data<Broker>,
    pub session: OperatorSession,
    pub author: Author,
    pub browser: Browser,
    secret: Secret<String>,
    done: Option<Done>,
}

impl Seated {
    async fn of(req: &HttpRequest) -> Result<Self, Trouble> {
        Self::at(req, Stage::Seated).await
    }

    async fn at(req: &HttpRequest, stage: Stage) -> Result<Self, Trouble> {
        let broker = req.app_data::<Data<Broker>>().cloned().ok_or(Trouble::Broken)?;
        let secret = cookies::operator(req, &broker.ctx.urls).ok_or(Trouble::SignedOut)?;
        let session = session::authenticate(&broker.ctx, &secret, stage).await?.ok_or(Trouble::SignedOut)?;
        let author = author(req, session.operator.actor());
        Ok(Self { broker, session, author, browser: browser(req), secret, done: Done::of(req.query_string()) })
    }

    /// What every form of this session carries in its hidden field `csrf`.
    pub fn csrf(&self) -> String {
        csrf::token(&self.broker.ctx.vault, "admin", &self.secret)
    }

    /// What every page of this operator shows around its content.
    pub fn frame(&self, section: Section) -> Frame {
        Frame::new(self.broker.brand(), &self.broker.ctx.urls, &self.session.operator, section, self.csrf(), self.done)
    }

    /// Whether this operator may do what needs that role: pages leave out what would be refused.
    pub fn may<R: Right>(&self) -> bool {
        self.session.operator.role.covers(R::NEEDS)
    }

    pub(super) fn wrote(&self, req: &HttpRequest, token: Option<&str>) -> Result<(), Trouble> {
        let known = token.is_some_and(|token| csrf::check(&self.broker.ctx.vault, "admin", &self.secret, token));
        if known && csrf::same_origin(req, &self.broker.ctx.urls) { Ok(()) } else { Err(Trouble::ForeignForm) }
    }
}

impl FromRequest for Seated {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { Self::of(&req).await })
    }
}

/// Somebody whose password was right and whose code is missing. It is good for the page that asks for the code.
pub struct HalfSeated(pub Seated);

impl FromRequest for HalfSeated {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { Seated::at(&req, Stage::Code).await.map(Self) })
    }
}

/// The form of that page.
pub struct HalfSeatedForm<T> {
    pub seated: Seated,
    pub form: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for HalfSeatedForm<T> {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, body) = (req.clone(), Bytes::from_request(req, payload));
        Box::pin(async move {
            let seated = Seated::at(&req, Stage::Code).await?;
            let form = posted(&seated, &req, body.await)?;
            Ok(Self { seated, form })
        })
    }
}

/// An operator with at least the right `R`, in front of a page.
pub struct Desk<R> {
    seated: Seated,
    right: PhantomData<R>,
}

impl<R> Deref for Desk<R> {
    type Target = Seated;
    fn deref(&self) -> &Seated {
        &self.seated
    }
}

impl<R: Right> Desk<R> {
    async fn of(req: &HttpRequest) -> Result<Self, Trouble> {
        let seated = Seated::of(req).await?;
        let operator = &seated.session.operator;
        if operator.must_change {
            return Err(Trouble::ChoosePassword);
        }
        require::<R>(operator.role)?;
        Ok(Self { seated, right: PhantomData })
    }
}

impl<R: Right> FromRequest for Desk<R> {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { Self::of(&req).await })
    }
}

/// A form of one of our pages, in the hands of an operator with the right `R`: the token is checked before anything is
/// read of it. Fields that repeat become lists; unknown ones are ignored.
pub struct Posted<R, T> {
    pub desk: Desk<R>,
    pub form: T,
}

impl<R: Right, T: DeserializeOwned + 'static> FromRequest for Posted<R, T> {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, body) = (req.clone(), Bytes::from_request(req, payload));
        Box::pin(async move {
            let desk = Desk::of(&req).await?;
            let form = posted(&desk, &req, body.await)?;
            Ok(Self { desk, form })
        })
    }
}

/// The same before the operator chose a password of their own.
pub struct SeatedForm<T> {
    pub seated: Seated,
    pub form: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for SeatedForm<T> {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, body) = (req.clone(), Bytes::from_request(req, payload));
        Box::pin(async move {
            let seated = Seated::of(&req).await?;
            let form = posted(&seated, &req, body.await)?;
            Ok(Self { seated, form })
        })
    }
}

fn posted<T: DeserializeOwned>(
    seated: &Seated,
    req: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<T, Trouble> {
    let body = body.map_err(|error| Trouble::Malformed(format!("the form could not be read: {error}")))?;
    let mut fields = url::form_urlencoded::parse(&body);
    seated.wrote(req, fields.find(|(name, _)| name == "csrf").map(|(_, token)| token).as_deref())?;
    serde_html_form::from_bytes(&body).map_err(|error| Trouble::Malformed(format!("the form does not fit: {error}")))
}

/// A program with at least the right `R`: an operator key, or a token of ours for the audience `{issuer}/api/v1`.
pub struct Api<R> {
    pub broker: Data<Broker>,
    pub author: Author,
    pub role: OperatorRole,
    right: PhantomData<R>,
}

impl<R: Right> Api<R> {
    async fn of(req: &HttpRequest) -> Result<Self, Trouble> {
        let broker = req.app_data::<Data<Broker>>().cloned().ok_or(Trouble::Broken)?;
        let header = req.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let credential = header
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, credential)| credential.trim())
            .ok_or(Trouble::Credential(
                "send Authorization: Bearer with an operator key, or with a token for this API",
            ))?;
        let (actor, role) = if credential.starts_with("avo_ok_") {
            let key = api_key::authenticate(&broker.ctx, credential).await?;
            let key = key.ok_or(Trouble::Credential("the operator key is unknown, or it has expired"))?;
            let addr = ClientAddr::extract(req).into_inner().ok().map(|addr| addr.0);
            broker.used_operator_keys.note(&key.id, broker.ctx.now(), addr);
            (format!("operator_key:{}", key.name), key.role)
        } else {
            by_token(&broker, credential).await?
        };
        require::<R>(role)?;
        Ok(Self { author: author(req, actor), broker, role, right: PhantomData })
    }
}

impl<R: Right> FromRequest for Api<R> {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { Self::of(&req).await })
    }
}

/// A role named `owner`, `editor` or `auditor` on that audience decides; of a machine its scopes count too. A person's
/// scopes do not: they say what the client may ask for, not who the person is.
async fn by_token(broker: &Broker, jwt: &str) -> Result<(String, OperatorRole), Trouble> {
    let fault = |fault: crate::token::presented::TokenFault| Trouble::Credential(fault.description());
    let token = PresentedToken::read(broker, jwt, Shown::ByHolder(None)).map_err(fault)?;
    if !token.audiences().contains(&broker.ctx.urls.at("/api/v1")) {
        return Err(Trouble::Credential("the access token is not for this API; its audience is {issuer}/api/v1"));
    }
    let mut conn = broker.ctx.db.acquire().await?;
    token.standing(broker, &mut conn).await?.map_err(fault)?;
    let roles = token.claims.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let scopes = token.scope.iter().filter(|_| token.is_machine());
    let role = roles.chain(scopes).filter_map(OperatorRole::parse).max();
    let role = role.ok_or(Trouble::Credential("the access token has none of the roles owner, editor and auditor"))?;
    let kind = if token.is_machine() { "client" } else { "user" };
    Ok((format!("{kind}:{}", token.sub), role))
}

fn require<R: Right>(has: OperatorRole) -> Result<(), Trouble> {
    if has.covers(R::NEEDS) { Ok(()) } else { Err(Trouble::Role { has, needs: R::NEEDS }) }
}

/// What an operator will recognise their session by.
pub fn browser(req: &HttpRequest) -> Browser {
    let agent = req.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let addr = ClientAddr::extract(req).into_inner().ok().map(|addr| addr.0);
    Browser { user_agent: agent.map(|agent| agent.chars().take(300).collect()), addr }
}

/// Whoever `actor` is, at the address that the request came from.
pub fn author(req: &HttpRequest, actor: String) -> Author {
    let addr = ClientAddr::extract(req).into_inner().ok().map(|addr| addr.0);
    Author { actor, trace_id: req.extensions().get::<TraceId>().cloned(), remote_addr: addr }
}
