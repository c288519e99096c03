//! Requests that must not be followed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::conformance::op::Op;
use crate::harness::Browser;

/// A page and no redirect.
pub async fn oidcc_ensure_registered_redirect_uri(op: &Op) {
    let request = op.request(&[("redirect_uri", "https://shop.example/callback/unregistered")]);
    let page = Browser::new().open(&request.url).await;
    page.assert_problem(400, "redirect_uri_not_registered");
    assert!(page.header("location").is_empty() && page.forms().is_empty(), "{page}");
}

/// An unsigned request object with these claims.
fn request_object(op: &Op, redirect_uri: &str) -> String {
    let claims = json!({
        "iss": "shop",
        "aud": op.broker.issuer,
        "client_id": "shop",
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": "openid",
        "state": "of-the-object",
        "nonce": "of-the-object",
    });
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", encode(json!({ "alg": "none" })), encode(claims))
}

pub async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(op: &Op) {
    let object = request_object(op, &op.shop.redirect_uri);
    op.refuses(&[("request", &object)], &["request_not_supported"]).await;
}

/// Were the object heard, its redirect URI would win; it is not, and neither is the request around it.
pub async fn oidcc_ensure_request_object_with_redirect_uri(op: &Op) {
    let object = request_object(op, &op.shop.redirect_uri);
    let request = op.request(&[("request", &object), ("redirect_uri", "https://shop.example/invalid")]);
    Browser::new().open(&request.url).await.assert_problem(400, "redirect_uri_not_registered");
    let object = request_object(op, "https://shop.example/invalid");
    op.refuses(&[("request", &object)], &["request_not_supported"]).await;
}

pub async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(op: &Op) {
    let uri = format!("{}/request.jwt", op.idp.issuer);
    op.refuses(&[("request_uri", &uri)], &["request_uri_not_supported"]).await;
}
