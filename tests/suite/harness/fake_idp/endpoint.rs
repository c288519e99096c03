//! Its addresses. An issuer may have any path: only the last part of an address counts.

use std::time::Duration;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use avouch::clock::Clock as _;
use serde_json::{Value, json};

use super::{Code, Misbehaviour, Params, Place, RefreshTokens, Shared, TokenCall, id_token};
use crate::harness::app::{basic, challenge_of, random};

pub async fn answer(shared: Data<Shared>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let place = match req.path().rsplit('/').next().unwrap_or_default() {
        "openid-configuration" => Place::Discovery,
        "jwks" => Place::Jwks,
        "token" => Place::Token,
        "userinfo" => Place::UserInfo,
        "authorize" => return authorize(&shared, req.query_string()),
        "introspect" if is_one_of(&req, &shared.state().script.introspecting_secrets) => {
            return HttpResponse::Ok().json(json!({ "active": false }));
        }
        "introspect" => return HttpResponse::Unauthorized().finish(),
        _ => return HttpResponse::NotFound().finish(),
    };
    match place {
        Place::Discovery => shared.state().received.discovery += 1,
        Place::Jwks => shared.state().received.jwks += 1,
        Place::UserInfo => shared.state().received.userinfo += 1,
        Place::Token => {
            let authorization = req.headers().get("authorization").map(|v| v.to_str().unwrap().to_owned());
            let call = TokenCall { authorization, params: params(&body) };
            shared.state().received.token.push(call);
        }
    }
    let how = shared.state().script.misbehaviour.get(&place).cloned();
    match how {
        Some(Misbehaviour::Slow(time)) => tokio::time::sleep(time.max(Duration::ZERO)).await,
        Some(Misbehaviour::Held(until)) => until.notified().await,
        Some(Misbehaviour::Huge) => {
            return HttpResponse::Ok().content_type("application/json").body(format!("{}{{}}", " ".repeat(20 << 20)));
        }
        Some(Misbehaviour::RedirectTo(to)) => return HttpResponse::Found().insert_header(("location", to)).finish(),
        Some(Misbehaviour::Say(status, body)) => {
            return HttpResponse::build(status.try_into().unwrap()).content_type("application/json").body(body);
        }
        None => {}
    }
    if place == Place::Token && !is_known(&shared, &req, &params(&body)) {
        let mut state = shared.state();
        if state.script.spends_codes_first {
            params(&body).get("code").map(|code| state.codes.remove(code));
        }
        let (status, word) = state.script.refuses_clients;
        let refusal = json!({ "error": word, "error_description": "Invalid client credentials" });
        return HttpResponse::build(status.try_into().unwrap()).json(refusal);
    }
    match place {
        Place::Discovery => HttpResponse::Ok().json(discovery(&shared)),
        Place::Jwks => {
            let keys: Vec<_> = shared.state().published.iter().map(|key| key.public_jwk()).collect();
            HttpResponse::Ok().json(json!({ "keys": keys }))
        }
        Place::Token => token(&shared, &params(&body)),
        Place::UserInfo => {
            let state = shared.state();
            let mut answer = json!({ "sub": state.script.subject });
            extend(&mut answer, &state.script.userinfo);
            HttpResponse::Ok().json(answer)
        }
    }
}

/// Whether the client proves itself, by a secret in its header (RFC 6749 §2.3.1) or by an assertion (RFC 7523).
fn is_known(shared: &Shared, req: &HttpRequest, params: &Params) -> bool {
    let state = shared.state();
    if let Some(takes) = &state.script.takes_assertions {
        return params.get("client_assertion").is_some_and(|assertion| takes(assertion));
    }
    let asked = state.script.takes_secrets.as_ref().map(|taken| taken());
    let Some(secrets) = asked.as_ref().or(state.script.client_secrets.as_ref()) else { return true };
    is_one_of(req, secrets)
}

fn is_one_of(req: &HttpRequest, secrets: &[String]) -> bool {
    let header = req.headers().get("authorization").map(|value| value.to_str().unwrap());
    secrets.iter().any(|secret| header == Some(&basic("avouch-at-contoso", secret)))
}

fn discovery(shared: &Shared) -> Value {
    let base = &shared.base;
    let mut document = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/jwks"),
        "userinfo_endpoint": format!("{base}/userinfo"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "authorization_response_iss_parameter_supported": true,
    });
    if !shared.state().script.introspecting_secrets.is_empty() {
        document["introspection_endpoint"] = format!("{base}/introspect").into();
    }
    if let Some(alter) = &shared.state().script.discovery {
        alter(&mut document);
    }
    document
}

fn authorize(shared: &Shared, query: &str) -> HttpResponse {
    let asked = params(query.as_bytes());
    let code = random();
    let mut state = shared.state();
    state.received.authorize.push(asked.clone());
    let behind = Code {
        nonce: asked.get("nonce").cloned(),
        client_id: asked["client_id"].clone(),
        challenge: asked.get("code_challenge").cloned(),
    };
    state.codes.insert(code.clone(), behind);
    let mut response = vec![
        ("code".to_owned(), code),
        ("state".to_owned(), asked["state"].clone()),
        ("iss".to_owned(), shared.base.clone()),
    ];
    if let Some(alter) = &state.script.response {
        alter(&mut response);
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(response).finish();
    HttpResponse::Found().insert_header(("location", format!("{}?{query}", asked["redirect_uri"]))).finish()
}

fn token(shared: &Shared, params: &Params) -> HttpResponse {
    if params["grant_type"] == "client_credentials" {
        return HttpResponse::Ok().json(json!({ "access_token": "our-own-token", "token_type": "Bearer" }));
    }
    let now = shared.clock.now().unix_timestamp();
    let mut state = shared.state();
    let rotates = state.script.refresh_tokens == RefreshTokens::Rotating;
    let proved = |code: &Code| code.challenge == params.get("code_verifier").map(|verifier| challenge_of(verifier));
    let refreshed = params.get("refresh_token");
    let code = match refreshed {
        None => state.codes.remove(&params["code"]).filter(proved),
        Some(token) if rotates => state.refresh_tokens.remove(token),
        Some(token) => state.refresh_tokens.get(token).cloned(),
    };
    let Some(mut code) = code else {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    };
    let gives = match state.script.refresh_tokens {
        RefreshTokens::None => None,
        RefreshTokens::Lasting => refreshed.is_none().then(random),
        RefreshTokens::Rotating => Some(random()),
    };
    if let Some(token) = &gives {
        state.refresh_tokens.insert(token.clone(), code.clone());
    }
    // OIDC Core §12.2: it should not have one
    code.nonce = code.nonce.filter(|_| refreshed.is_none());
    let mut answer = json!({
        "access_token": "an-upstream-access-token",
        "token_type": "Bearer",
        "expires_in": 300,
        "id_token": id_token::make(&state, &shared.base, &code, now),
    });
    if let Some(token) = gives {
        answer["refresh_token"] = token.into();
    }
    if let Some(alter) = &state.script.token_answer {
        alter(&mut answer);
    }
    HttpResponse::Ok().json(answer)
}

pub fn extend(object: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        object[name] = value.clone();
    }
}

fn params(text: &[u8]) -> Params {
    url::form_urlencoded::parse(text).into_owned().collect()
}
