//! UserInfo (OIDC Core §5.3): what the ID token leaves out. It is believed only about the ID token's subject, and never
//! against the ID token.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Map, Value};

use super::UpstreamError;
use super::discovery::not_readable;
use crate::ctx::Ctx;
use crate::secret::Secret;

const WHAT: &str = "the provider's UserInfo endpoint";

/// # Errors
/// `Unavailable`.
pub(super) async fn fetch(
    ctx: &Ctx,
    endpoint: &str,
    access_token: &Secret<String>,
) -> Result<Map<String, Value>, UpstreamError> {
    let failed = |detail: String| UpstreamError::unavailable(WHAT, detail);
    let request = http::Request::get(endpoint)
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, format!("Bearer {}", access_token.expose()))
        .body(Vec::new())
        .map_err(|_| failed("its address is not a URL, or the access token is no token".into()))?;
    let response = ctx.http.send(request).await.map_err(|error| failed(error.to_string()))?;
    if response.status() != http::StatusCode::OK {
        return Err(failed(format!("the provider answered with status {}", response.status().as_u16())));
    }
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/jwt") {
        return Err(failed("it answers with a JWT; configure plain JSON for our client at the provider".into()));
    }
    serde_json::from_slice(response.body()).map_err(|error| failed(not_readable(&error)))
}

/// A claim about a claim stays with the value it is about.
const ABOUT: [(&str, &[&str]); 2] =
    [("email", &["email_verified", "xms_edov"]), ("phone_number", &["phone_number_verified"])];

/// The ID token's claims, completed by UserInfo's.
///
/// # Errors
/// `userinfo_subject_mismatch`.
pub(super) fn merge(id_token: &Value, mut userinfo: Map<String, Value>) -> Result<Value, UpstreamError> {
    if userinfo.get("sub") != Some(&id_token["sub"]) {
        let detail = "the UserInfo answer is about another subject than the ID token (OIDC Core section 5.3.2)";
        return Err(UpstreamError::invalid("userinfo_subject_mismatch", detail));
    }
    for (value, claims) in ABOUT {
        if id_token.get(value).is_some() && userinfo.get(value) != id_token.get(value) {
            userinfo.retain(|name, _| !claims.contains(&name.as_str()));
        }
    }
    userinfo.extend(id_token.as_object().cloned().unwrap_or_default());
    Ok(Value::Object(userinfo))
}

/// The claims of an ID token of earlier, brought up to date by UserInfo, where a refresh brings no new ID token. UserInfo
/// wins here, except about what only a signature vouches for.
///
/// # Errors
/// `userinfo_subject_mismatch`.
pub(super) fn update(earlier: &Value, userinfo: Map<String, Value>) -> Result<Value, UpstreamError> {
    const SIGNED: [&str; 12] =
        ["iss", "sub", "aud", "azp", "exp", "iat", "nonce", "auth_time", "acr", "amr", "tid", "oid"];
    let mut kept = earlier.as_object().cloned().unwrap_or_default();
    kept.retain(|name, _| SIGNED.contains(&name.as_str()) || !userinfo.contains_key(name));
    for (value, claims) in ABOUT {
        if userinfo.contains_key(value) {
            kept.retain(|name, _| !claims.contains(&name.as_str()));
        }
    }
    merge(&Value::Object(kept), userinfo)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(id_token: Value, userinfo: Value) -> Result<Value, UpstreamError> {
        merge(&id_token, userinfo.as_object().unwrap().clone())
    }

    #[test]
    fn the_id_token_wins_and_userinfo_completes() {
        let got = merged(json!({"sub": "a", "name": "A"}), json!({"sub": "a", "name": "B", "groups": ["g"]})).unwrap();
        assert_eq!(got, json!({"sub": "a", "name": "A", "groups": ["g"]}));
    }

    #[test]
    fn without_a_new_id_token_userinfo_is_the_newer_word() {
        let earlier =
            json!({"sub": "a", "tid": "t", "groups": ["old"], "hd": "x", "email": "a@x", "email_verified": true});
        let userinfo = json!({"sub": "a", "tid": "u", "groups": ["new"], "email": "b@x"});
        let got = update(&earlier, userinfo.as_object().unwrap().clone()).unwrap();
        assert_eq!(got, json!({"sub": "a", "tid": "t", "groups": ["new"], "hd": "x", "email": "b@x"}));
        let other = json!({"sub": "b"});
        assert!(update(&earlier, other.as_object().unwrap().clone()).is_err());
    }

    #[test]
    fn another_subject_is_refused() {
        for userinfo in [json!({"sub": "b"}), json!({}), json!({"sub": 1})] {
            assert_eq!(merged(json!({"sub": "a"}), userinfo).unwrap_err().reason(), "userinfo_subject_mismatch");
        }
    }

    #[test]
    fn verified_does_not_move_to_another_address() {
        let id_token = json!({"sub": "a", "email": "boss@x.example"});
        let got =
            merged(id_token.clone(), json!({"sub": "a", "email": "me@x.example", "email_verified": true})).unwrap();
        assert_eq!(got, id_token);
        let got = merged(id_token, json!({"sub": "a", "email": "boss@x.example", "email_verified": true})).unwrap();
        assert_eq!(got["email_verified"], json!(true));
    }
}
