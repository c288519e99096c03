//! Codes that come again, and refresh.

use time::Duration;

use crate::conformance::op::{Op, id_token};

/// RFC 6749 §4.1.2. After half a minute it is no accident any more, and the tokens go too.
async fn code_comes_again(op: &Op, after: Duration) -> u16 {
    let (request, answer) = op.ask(&mut op.shop.browser(), &[]).await;
    let tokens = op.shop.redeem(&answer["code"], &request.verifier).await;
    op.broker.clock.advance(after);
    let again = op.shop.redeem(&answer["code"], &request.verifier).await;
    again.assert_error(400, "invalid_grant");
    assert_eq!((again.header("content-type"), again.header("cache-control")), ("application/json", "no-store"));
    op.shop.userinfo(tokens.text("access_token")).await.status
}

pub async fn oidcc_codereuse(op: &Op) {
    code_comes_again(op, Duration::ZERO).await;
}

pub async fn oidcc_codereuse_30seconds(op: &Op) {
    assert_eq!(code_comes_again(op, Duration::seconds(30)).await, 401, "the access token of the first use is revoked");
}

pub async fn oidcc_refresh_token(op: &Op) {
    let first = op.tokens(&[]).await;
    let token = first["refresh_token"].as_str().unwrap();
    assert!(token.bytes().all(|b| (0x20..=0x7e).contains(&b)), "RFC 6749 appendix A.17");
    let other = op.app("other", "kind: spa\ngrants: [authorization_code, refresh_token]").await;
    other.refresh(token).await.assert_error(400, "invalid_grant");
    op.broker.clock.advance(Duration::seconds(2));
    let fresh = op.shop.refresh(token).await;
    assert_eq!(fresh.status, 200, "{}", fresh.json);
    assert_ne!(fresh.json["access_token"], first["access_token"]);
    let (before, after) = (id_token(&first), id_token(&fresh.json));
    for same in ["iss", "sub", "aud", "azp", "auth_time"] {
        assert_eq!(after[same], before[same], "OIDC Core §12.2: {same}");
    }
    assert!(after["iat"].as_i64() > before["iat"].as_i64());
    assert_eq!(op.shop.userinfo(fresh.text("access_token")).await.status, 200);
}
