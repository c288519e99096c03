//! The RP-initiated logout OP plan.

use crate::harness::app::get;
use crate::harness::{Browser, Page, World};

const BYE: &str = "https://shop.example/bye";
const SHOP: &str = "
clients:
  - client_id: shop
    name: The Shop
    kind: web
    redirect_uris: [https://shop.example/callback]
    post_logout_redirect_uris: [https://shop.example/bye]
    client_secret: { file: shop }
";

/// Somebody is signed in at the shop.
struct Visit {
    world: World,
    browser: Browser,
    hint: String,
}

impl Visit {
    async fn begin() -> Self {
        let world = World::new().await;
        world.apply(SHOP).await;
        let (mut browser, tokens) = world.signed_in().await;
        browser.stop_at(BYE);
        let hint = tokens["id_token"].as_str().unwrap().to_owned();
        Self { world, browser, hint }
    }

    async fn end_session(&mut self, params: &[(&str, &str)]) -> Page {
        let document = get(&self.world.broker.url("/.well-known/openid-configuration")).await.json;
        let mut url = url::Url::parse(document["end_session_endpoint"].as_str().unwrap()).unwrap();
        url.query_pairs_mut().extend_pairs(params);
        self.browser.open(url.as_str()).await
    }

    async fn signed_in(&mut self) -> bool {
        let (_, page) = self.world.shop.sign_in(&mut self.browser, &[("prompt", "none")]).await;
        match page.params().get("error") {
            Some(error) => {
                assert_eq!(error, "login_required");
                false
            }
            None => page.params().contains_key("code"),
        }
    }

    /// An error page of ours: nobody is redirected or signed out.
    async fn stays(mut self, params: &[(&str, &str)]) {
        let page = self.end_session(params).await;
        assert!(!page.stopped && page.status == 400 && page.has("error-code"), "{page}");
        assert!(self.signed_in().await);
    }

    /// The person is asked, agrees, and reads on our page that it is done.
    async fn asks_and_tells(mut self, params: &[(&str, &str)]) {
        let page = self.end_session(params).await;
        assert!(!page.stopped && page.has("sign-out"), "{page}");
        assert!(self.signed_in().await, "asking is not doing");
        let page = self.browser.press(&page, "sign-out").await;
        assert!(!page.stopped && page.has("signed-out"), "{page}");
        assert!(!self.signed_in().await);
    }
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let world = World::new().await;
    let document = get(&world.broker.url("/.well-known/openid-configuration")).await.json;
    assert_eq!(document["end_session_endpoint"], world.broker.url("/oidc/logout"));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    let mut visit = Visit::begin().await;
    let hint = visit.hint.clone();
    let page = visit.end_session(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "s1")]).await;
    assert!(page.stopped && page.url.as_str() == "https://shop.example/bye?state=s1", "{page}");
    assert!(!visit.signed_in().await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let mut visit = Visit::begin().await;
    let hint = visit.hint.clone();
    let page = visit.end_session(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]).await;
    assert!(page.stopped && page.url.as_str() == BYE, "{page}");
    assert!(!visit.signed_in().await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let visit = Visit::begin().await;
    let hint = visit.hint.clone();
    let uri = "https://shop.example/bye/random";
    visit.stays(&[("id_token_hint", &hint), ("post_logout_redirect_uri", uri), ("state", "s1")]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let visit = Visit::begin().await;
    let hint = visit.hint.clone();
    let uri = "https://shop.example/bye?foo=bar";
    visit.stays(&[("id_token_hint", &hint), ("post_logout_redirect_uri", uri), ("state", "s1")]).await;
}

/// `alg: none`, with the claims of a genuine one.
#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    let visit = Visit::begin().await;
    let hint = format!("eyJhbGciOiJub25lIn0.{}.", visit.hint.split('.').nth(1).unwrap());
    visit.stays(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "s1")]).await;
}

/// Its signature is a stranger's.
#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let visit = Visit::begin().await;
    let (signed, signature) = visit.hint.rsplit_once('.').unwrap();
    let signature: String = signature.chars().rev().collect();
    let hint = format!("{signed}.{signature}");
    visit.stays(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "s1")]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    Visit::begin().await.stays(&[("post_logout_redirect_uri", BYE), ("state", "s1")]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    Visit::begin().await.asks_and_tells(&[]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    Visit::begin().await.asks_and_tells(&[("state", "s1")]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let mut visit = Visit::begin().await;
    let hint = visit.hint.clone();
    let page = visit.end_session(&[("id_token_hint", &hint), ("state", "s1")]).await;
    assert!(!page.stopped && page.status == 200 && page.has("signed-out"), "{page}");
    assert!(!visit.signed_in().await);
}
