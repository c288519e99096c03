//! Authorization responses: errors of the provider, RFC 9207, and parameters that come twice.

use super::{assert_refusal, refused};
use crate::harness::World;

fn set(params: &mut Vec<(String, String)>, name: &str, value: Option<&str>) {
    params.retain(|(known, _)| known != name);
    params.extend(value.map(|value| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn an_answer_that_names_another_issuer_or_none_is_a_mix_up() {
    let world = World::new().await;
    world.idp.respond(|params| set(params, "iss", Some("https://other-idp.example")));
    refused(&world, 403, "iss_parameter_mismatch").await;
    world.idp.respond(|params| set(params, "iss", None));
    refused(&world, 403, "iss_parameter_missing").await;
    assert!(world.idp.received().token.is_empty(), "no code was given to anybody");
}

#[tokio::test]
async fn an_error_of_another_issuer_is_a_mix_up_too() {
    let world = World::new().await;
    world.idp.respond(|params| {
        set(params, "code", None);
        set(params, "error", Some("access_denied"));
        set(params, "iss", Some("https://other-idp.example"));
    });
    refused(&world, 403, "iss_parameter_mismatch").await;
}

#[tokio::test]
async fn a_provider_that_says_no_is_quoted_and_its_markup_is_not() {
    let world = World::new().await;
    for (error, description, shown) in [
        ("access_denied", "no", "Contoso did not sign you in"),
        ("login_required", "", "login_required"),
        ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>\r\nSet-Cookie: a=b", "did not sign you in"),
    ] {
        world.set_contoso("display_name: Contoso").await;
        world.idp.respond(move |params| {
            set(params, "code", None);
            set(params, "error", Some(error));
            set(params, "error_description", Some(description));
        });
        let page = refused(&world, 403, "upstream_refused").await;
        assert!(page.body.contains(shown), "{page}");
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{page}");
    }
}

#[tokio::test]
async fn an_answer_without_code_and_error_is_refused() {
    let world = World::new().await;
    world.idp.respond(|params| set(params, "code", None));
    refused(&world, 403, "code_missing").await;
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() {
    let world = World::new().await;
    for name in ["state", "code", "iss"] {
        world.idp.respond(move |params| {
            let again = params.iter().find(|(known, _)| known == name).cloned();
            params.extend(again);
        });
        refused(&world, 400, "request_malformed").await;
    }
    assert!(world.idp.received().token.is_empty());
}

#[tokio::test]
async fn an_answer_by_form_post_is_taken_and_a_foreign_one_is_not() {
    let world = World::new().await;
    let callback = world.broker.url("/connections/contoso/callback");
    let mut browser = world.shop.browser();
    browser.stop_at(&callback);
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    let params = page.params();
    let fields: Vec<(&str, &str)> = params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    let mut stranger = world.shop.browser();
    let page = stranger.post_from(Some("https://idp.example"), &callback, &fields).await;
    let page = stranger.submit(&page, "form-post", &[]).await;
    assert_refusal(&world, &stranger, &page, 400, "state_of_another_browser").await;

    browser.stop_no_more().stop_at(&world.shop.redirect_uri);
    let page = browser.post_from(Some("https://idp.example"), &callback, &fields).await;
    let page = browser.submit(&page, "form-post", &[]).await;
    assert!(page.stopped && page.params().contains_key("code"), "{page}");
}
