//! Sign-ins, good and bad, and what stands in their traces.

use avouch::clock::Clock as _;
use avouch::trace::{Outcome, Word};
use serde_json::json;
use sqlx::ConnectOptions as _;

use super::{refused, step, words};
use crate::harness::world::{CONTOSO_SECRET, SHOP_SECRET};
use crate::harness::{RefreshTokens, World};
use crate::upstream::saml::Saml;
use crate::upstream::saml::forge::Identity;

#[tokio::test]
async fn a_sign_in_is_told_from_the_request_to_the_token_whichever_of_its_requests_is_asked_for() {
    let world = World::new().await;
    world.set_contoso("allow: \"'staff' in claims.groups\"\nmapping: { name: claims.name, groups: claims.nope }").await;
    let mut browser = world.shop.browser();
    let (request, page) = world.shop.sign_in(&mut browser, &[]).await;
    let answer = world.shop.redeem(&page.param("code"), &request.verifier).await;
    let trace = world.broker.trace(answer.header("x-trace-id")).await.unwrap();
    assert_eq!(
        words(&trace),
        [
            "authorize.received",
            "upstream.sent",
            "upstream.callback",
            "discovery",
            "upstream.answer",
            "upstream.token",
            "answer.verified",
            "userinfo",
            "claims",
            "mapping",
            "allow",
            "user",
            "code.issued",
            "token.issued",
        ],
    );
    assert_eq!(
        (trace.summary.outcome, trace.summary.email.as_deref()),
        (Outcome::Success, Some("marty@contoso.example"))
    );
    assert_eq!(
        (trace.summary.client_id.as_deref(), trace.summary.connection.as_deref()),
        (Some("shop"), Some("contoso"))
    );
    assert_eq!(trace.trace_ids.len(), 4, "authorize, callback, authorize again, token");
    for id in &trace.trace_ids {
        assert_eq!(world.broker.trace(id.as_str()).await.unwrap().summary.id, trace.summary.id);
    }
    assert_eq!(step(&trace, Word::AnswerVerified).detail["header"]["alg"], "RS256");
    assert_eq!(step(&trace, Word::Claims).detail["claims"]["email"], "marty@contoso.example");
    let mapping = &step(&trace, Word::Mapping).detail["evaluated"];
    let of = |attribute: &str| mapping.as_array().unwrap().iter().find(|one| one["attribute"] == attribute).unwrap();
    assert_eq!(of("name")["result"], "Marty McFly");
    assert!(of("groups")["error"].is_string(), "{mapping}");
    assert_eq!(step(&trace, Word::Allow).detail, json!({ "rule": "'staff' in claims.groups", "result": true }));
    let issued = &step(&trace, Word::TokenIssued).detail;
    assert_eq!(issued["id_claims"]["nonce"], request.nonce);
    assert_eq!(issued["access_claims"]["sub"], trace.summary.user_id.clone().unwrap());
}

#[tokio::test]
async fn a_refusal_is_found_by_the_trace_id_on_the_page_with_its_evidence() {
    let world = World::new().await;
    world.set_contoso("allow: \"'Staff' in claims.groups\"").await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    let trace = refused(&world, &page, "not_allowed").await;
    let stop = trace.stop().unwrap();
    assert_eq!((stop.word, &stop.detail["rule"]), (Word::Allow, &json!("'Staff' in claims.groups")));
    assert_eq!(trace.claims().unwrap()["groups"], json!(["staff"]));
    assert_eq!(trace.summary.name.as_deref(), Some("Marty McFly"));

    // the same request, once more, when the rule lets them in: the login has succeeded then
    world.set_contoso("").await;
    let again = page.url.join(&format!("/login/{}", trace_login(&page))).unwrap();
    let page = browser.open(again.as_str()).await;
    let page = browser.press(&page, "connection-contoso").await;
    assert!(page.stopped, "{page}");
    let later = world.broker.trace(trace.summary.id.as_str()).await.unwrap();
    assert!(words(&later).contains(&"chooser.shown") && words(&later).ends_with(&["code.issued"]));
}

/// The id behind "Sign in again".
fn trace_login(page: &crate::harness::Page) -> String {
    page.body.split("/login/").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_wrong_nonce_is_shown_beside_what_the_token_says() {
    let world = World::new().await;
    world.idp.lie(|claims| claims["nonce"] = json!("another"));
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    let trace = refused(&world, &page, "nonce_mismatch").await;
    let stop = trace.stop().unwrap();
    assert_eq!((stop.word, &stop.detail["says"]["nonce"]), (Word::AnswerVerified, &json!("another")));
    assert!(trace.claims().is_none(), "what was not verified is nobody's claims");
}

#[tokio::test]
async fn an_unknown_certificate_is_named() {
    let mut saml = Saml::by_hand("").await;
    let (mut browser, relay_state) = saml.at_the_provider().await;
    saml.idp.idp = Identity::rsa(2048);
    let page = saml.post(&mut browser, &relay_state, &saml.idp.signed_both()).await;
    let trace = refused(&saml.world, &page, "unknown_certificate").await;
    let stop = trace.stop().unwrap();
    assert_eq!(stop.word, Word::AnswerVerified);
    assert!(stop.detail["certificate_sha256"].as_str().is_some_and(|hex| hex.len() == 64), "{:?}", stop.detail);
    let trusted = &step(&trace, Word::Metadata).detail["trusted_certificates"];
    assert!(!trusted.as_array().unwrap().contains(&stop.detail["certificate_sha256"]));
}

#[tokio::test]
async fn a_redemption_that_fails_belongs_to_its_login_and_a_later_reload_spoils_nothing() {
    let world = World::new().await;
    let mut browser = world.shop.browser();
    let (request, page) = world.shop.sign_in(&mut browser, &[]).await;
    let code = page.param("code");
    let answer = world.shop.redeem(&code, "another-verifier-another-verifier-another-verifier").await;
    let trace = world.broker.trace(answer.header("x-trace-id")).await.unwrap();
    assert_eq!((trace.summary.outcome, trace.summary.reason.as_deref()), (Outcome::Refused, Some("pkce_failed")));
    world.shop.redeem(&code, &request.verifier).await;
    let callback = browser.history.iter().find(|url| url.path().ends_with("/callback")).unwrap().to_string();
    browser.open(&callback).await.assert_problem(400, "state_replayed");
    let trace = world.broker.trace(trace.summary.id.as_str()).await.unwrap();
    assert_eq!((trace.summary.outcome, trace.summary.reason), (Outcome::Success, None));
    assert!(trace.steps.iter().any(|step| step.reason.as_deref() == Some("state_replayed")));
}

#[tokio::test]
async fn an_answer_in_another_browser_is_no_part_of_the_login_it_was_stolen_from() {
    let world = World::new().await;
    let mut under_way = world.shop.browser();
    under_way.stop_at(&world.broker.url("/connections/"));
    let (_, page) = world.shop.sign_in(&mut under_way, &[]).await;
    let callback = page.url.to_string();
    let mut stranger = world.shop.browser();
    let page = stranger.open(&callback).await;
    let trace = refused(&world, &page, "state_of_another_browser").await;
    let left_in = trace.stop().unwrap().detail["left_in"].as_str().unwrap().to_owned();
    let victim = world.broker.trace(&left_in).await.unwrap();
    assert_eq!((victim.summary.outcome, victim.trace_ids.len()), (Outcome::Open, 1));
}

#[tokio::test]
async fn traces_end_after_two_weeks_and_hold_nothing_that_could_be_used() {
    let world = World::new().await;
    world.idp.tell(|script| {
        script.refresh_tokens = RefreshTokens::Rotating;
        script.userinfo["idp_access_token"] = json!("opaque-upstream-token");
        script.userinfo["note"] = json!("see eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtYXJ0eSJ9.c2lnbmF0dXJl");
    });
    let mut browser = world.shop.browser();
    let shop = world.shop.scoped("openid email profile offline_access");
    let (request, page) = shop.sign_in(&mut browser, &[]).await;
    let answer = shop.redeem(&page.param("code"), &request.verifier).await;
    let mut secrets = vec![
        page.param("code"),
        request.verifier,
        request.state,
        answer.text("access_token").into(),
        answer.text("id_token").into(),
        answer.text("refresh_token").into(),
        SHOP_SECRET.into(),
        CONTOSO_SECRET.into(),
        "an-upstream-access-token".into(),
        "opaque-upstream-token".into(),
        "c2lnbmF0dXJl".into(),
    ];
    for call in world.idp.received().token {
        secrets.extend(["code", "code_verifier"].iter().filter_map(|name| call.params.get(*name).cloned()));
    }
    secrets.extend(browser.history.iter().flat_map(|url| {
        url.query_pairs().filter(|(name, _)| name == "state" || name == "code").map(|(_, value)| value.into_owned())
    }));
    secrets.extend(world.idp.refresh_tokens());
    secrets.extend(browser.cookie_values().into_iter().filter(|value| value.starts_with("avo_")));
    let trace = world.broker.trace(answer.header("x-trace-id")).await.unwrap();
    let told = serde_json::to_string(&trace.steps).unwrap();
    assert!(told.contains("marty@contoso.example") && told.contains("shop.example/callback"));
    assert!(secrets.len() > 15);
    for secret in &secrets {
        assert!(!told.contains(secret.as_str()), "{secret} stands in {told}");
    }

    // people's data is for who has the master key
    let mut conn = world.broker.database().connect().await.unwrap();
    let stored: String = sqlx::query_scalar(
        "SELECT string_agg(row, ' ') FROM (SELECT l::text AS row FROM login_traces l UNION ALL SELECT p::text FROM login_trace_parts p) all_of_it",
    )
    .fetch_one(&mut conn)
    .await
    .unwrap();
    assert!(stored.contains("contoso") && stored.len() > 5_000);
    for clear in ["marty", "Marty", "McFly", "shop.example"] {
        let hex: String = clear.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!stored.contains(clear) && !stored.contains(&hex), "{clear} stands in the tables");
    }

    world.broker.clock.advance(time::Duration::days(31));
    avouch::trace::store::delete_ended(&mut conn, world.broker.clock.now()).await.unwrap();
    assert!(world.broker.trace(answer.header("x-trace-id")).await.is_none());
}
