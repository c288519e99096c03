//! The ways that lead to tokens without anything special.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::conformance::op::{Op, id_token};
use crate::harness::app::{basic, get, header, post};

/// Shannon's, over the whole text.
fn bits_of_entropy(text: &str) -> f64 {
    let mut counts: HashMap<char, f64> = HashMap::new();
    text.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
    let length = text.chars().count() as f64;
    counts.values().map(|n| n * (length / n).log2()).sum()
}

pub async fn oidcc_server(op: &Op) {
    let mut codes = Vec::new();
    for _ in 0..2 {
        let (request, answer) = op.ask(&mut op.shop.browser(), &[("scope", "openid")]).await;
        let code = answer["code"].clone();
        assert!(code.len() >= 32 && bits_of_entropy(&code) >= 128.0, "RFC 6749 §10.10: {code}");
        let tokens = op.shop.redeem(&code, &request.verifier).await;
        assert_eq!((tokens.status, tokens.text("token_type")), (200, "Bearer"));
        assert!(tokens.json["expires_in"].as_i64().unwrap() > 0 && tokens.json.get("error").is_none());
        assert_eq!((tokens.header("cache-control"), tokens.header("pragma")), ("no-store", "no-cache"));
        let said = op.shop.verified(tokens.text("id_token"), "shop").await.claims;
        assert_eq!(said["nonce"], request.nonce);
        let (iat, exp) = (said["iat"].as_i64().unwrap(), said["exp"].as_i64().unwrap());
        assert!(exp > iat && said["auth_time"].as_i64().unwrap() <= iat);
        let digest = digest(&SHA256, tokens.text("access_token").as_bytes());
        assert_eq!(said["at_hash"], URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]), "OIDC Core §3.1.3.6");
        let known = "iss sub aud azp client_id jti iat exp auth_time nonce acr amr sid at_hash";
        for name in said.as_object().unwrap().keys() {
            assert!(known.split(' ').any(|known| known == name), "nobody asked for {name}: {said}");
        }
        let sub = said["sub"].as_str().unwrap();
        assert!(sub.is_ascii() && sub.len() <= 255);
        codes.push(code);
    }
    assert_ne!(codes[0], codes[1]);
}

pub async fn oidcc_response_type_missing(op: &Op) {
    op.refuses(&[("response_type", "")], &["invalid_request", "unsupported_response_type"]).await;
}

pub async fn oidcc_idtoken_signature(op: &Op) {
    let tokens = op.tokens(&[]).await;
    let jwt = tokens["id_token"].as_str().unwrap();
    let (header, jwks) = (header(jwt), get(&op.broker.url("/.well-known/jwks.json")).await.json);
    assert_eq!(header["alg"], "RS256");
    let named = jwks["keys"].as_array().unwrap().iter().filter(|key| key["kid"] == header["kid"]);
    assert_eq!(named.map(|key| &key["kty"]).collect::<Vec<_>>(), ["RSA"]);
    op.shop.verified(jwt, "shop").await;
}

pub async fn oidcc_idtoken_unsigned(op: &Op) {
    let document = get(&op.broker.url("/.well-known/openid-configuration")).await.json;
    assert!(!document["id_token_signing_alg_values_supported"].to_string().contains("none"));
    let wish = "clients: [{ client_id: careless, kind: spa, id_token_alg: none }]";
    op.broker.try_apply(wish).await.expect_err("nobody can register for unsigned ID tokens");
}

pub async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(op: &Op) {
    assert!(id_token(&op.tokens(&[("nonce", "")]).await).get("nonce").is_none());
}

/// Scopes in another order, and parameters too.
pub async fn oidcc_alternate_happy_flow(op: &Op) {
    op.tokens(&[("scope", "email openid profile")]).await;
    let request = op.request(&[]);
    let mut url = url::Url::parse(&request.url).unwrap();
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    pairs.reverse();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    let page = op.shop.browser().open(url.as_str()).await;
    assert!(op.answer(&page, &request).contains_key("code"));
}

pub async fn oidcc_ensure_post_request_succeeds(op: &Op) {
    let request = op.request(&[]);
    let url = url::Url::parse(&request.url).unwrap();
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut browser = op.shop.browser();
    let page = browser.post_from(Some("https://shop.example"), &op.broker.url("/authorize"), &fields).await;
    // a post from another site comes without cookies, so our own page sends it once more
    let page = browser.submit(&page, "form-post", &[]).await;
    let answer = op.answer(&page, &request);
    assert_eq!(op.shop.redeem(&answer["code"], &request.verifier).await.status, 200);
}

pub async fn oidcc_server_client_secret_post(op: &Op) {
    let (request, answer) = op.ask(&mut op.shop.browser(), &[]).await;
    let secret = op.shop.secret.as_deref().unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &answer["code"]),
        ("redirect_uri", &op.shop.redirect_uri),
        ("code_verifier", &request.verifier),
        ("client_id", "shop"),
        ("client_secret", secret),
    ];
    let both = post(&op.shop.token_url(), Some(&basic("shop", secret)), &fields).await;
    assert_eq!(both.status, 400, "RFC 6749 §2.3: one method a request: {}", both.json);
    let tokens = post(&op.shop.token_url(), None, &fields).await;
    op.shop.verified(tokens.text("id_token"), "shop").await;
}

pub async fn oidcc_ensure_request_with_valid_pkce_succeeds(op: &Op) {
    let (request, answer) = op.ask(&mut op.shop.browser(), &[]).await;
    let code = &answer["code"];
    op.shop.redeem(code, &crate::harness::app::random()).await.assert_error(400, "invalid_grant");
    op.shop.redeem(code, "").await.assert_error(400, "invalid_grant");
    assert_eq!(op.shop.redeem(code, &request.verifier).await.status, 200);
    op.refuses(&[("code_challenge", "")], &["invalid_request"]).await;
    op.refuses(&[("code_challenge_method", "plain")], &["invalid_request"]).await;
}
