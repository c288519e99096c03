//! Which token requests are carried by a JWT that says by itself who it stands for: RFC 7523 §2.1 always, RFC 8693 when the
//! subject token is not one of ours.

use crate::jose::Jwt;
use crate::oauth::error::ErrorCode;
use crate::oauth::grant_type::GrantType;
use crate::oauth::params::Params;
use crate::oauth::token_type::TokenType;
use crate::urls::Urls;

/// The JWT, and what it is called when it does not count.
#[derive(Clone, Copy)]
pub struct Bearer<'a> {
    pub jwt: &'a str,
    pub grant: GrantType,
    pub refusal: ErrorCode,
}

/// `None` for every other request, and for one that is not whole: those are refused where they are parsed.
pub fn of<'a>(params: &'a Params, urls: &Urls) -> Option<Bearer<'a>> {
    let grant_type = params.get("grant_type")?;
    if grant_type == GrantType::JwtBearer.wire() {
        let jwt = params.get("assertion")?;
        // RFC 7523 §3.1
        return Some(Bearer { jwt, grant: GrantType::JwtBearer, refusal: ErrorCode::InvalidGrant });
    }
    let is_exchange = grant_type == GrantType::TokenExchange.wire() && params.get("actor_token").is_none();
    if is_exchange && params.get("subject_token_type").and_then(TokenType::parse).is_some() {
        let jwt = params.get("subject_token").filter(|token| !is_ours(token, urls))?;
        // RFC 8693 §2.2.2
        return Some(Bearer { jwt, grant: GrantType::TokenExchange, refusal: ErrorCode::InvalidRequest });
    }
    None
}

/// By its own word, which decides only who is asked to verify it.
fn is_ours(token: &str, urls: &Urls) -> bool {
    Jwt::parse(token).is_ok_and(|jwt| jwt.text("iss") == Some(urls.issuer()))
}
