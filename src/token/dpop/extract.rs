//! The header `DPoP` of a request. Whether it is needed or good is for later: a client has to prove itself first.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::DpopHeader;

impl FromRequest for DpopHeader {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut sent = req.headers().get_all("dpop");
        ready(Ok(match (sent.next().map(|value| value.to_str()), sent.next()) {
            (None, _) => Self::Absent,
            (Some(Ok(proof)), None) => Self::Proof(proof.into()),
            _ => Self::Unreadable,
        }))
    }
}
