//! The way that everybody takes.

use crate::harness::World;
use crate::harness::app::claims;

#[tokio::test]
async fn a_single_connection_is_gone_through_without_a_question_and_ends_in_tokens() {
    let world = World::new().await;
    let mut browser = world.shop.browser();
    let (request, page) = world.shop.sign_in(&mut browser, &[]).await;
    assert!(page.stopped, "{page}");
    let params = page.params();
    assert_eq!(params.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    assert_eq!((&params["state"], &params["iss"]), (&request.state, &world.broker.issuer));
    let answer = world.shop.redeem(&params["code"], &request.verifier).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let id_token = world.shop.verified(answer.text("id_token"), "shop").await;
    assert_eq!(id_token.claims["nonce"], request.nonce);
    assert_eq!(id_token.claims["sub"], claims(answer.text("access_token"))["sub"]);
    let login = world.last_event("login").await;
    assert_eq!((login.outcome.as_str(), login.connection.as_deref()), ("success", Some("contoso")));
}
