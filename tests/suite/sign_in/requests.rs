//! Authorization requests that are refused, and where the refusal is shown.

use crate::harness::World;

#[tokio::test]
async fn an_unregistered_redirect_uri_gets_a_page_and_no_redirect() {
    let world = World::new().await;
    let near = [
        "https://shop.example/callback/",
        "https://shop.example/callback?x=1",
        "https://shop.example/callback#f",
        "https://shop.example:443/callback",
        "HTTPS://shop.example/callback",
        "https://shop.example/callback/../callback",
        "https://shop.example.evil.example/callback",
        "https://shop.example@evil.example/callback",
        "javascript:alert(1)",
    ];
    for uri in near {
        let mut browser = crate::harness::Browser::new();
        let (_, page) = world.shop.sign_in(&mut browser, &[("redirect_uri", uri)]).await;
        page.assert_problem(400, "redirect_uri_not_registered");
        assert_eq!(page.header("location"), "");
        assert!(!page.body.contains("href=\"javascript:"), "{uri}");
    }
    for (parameter, code) in [("redirect_uri", "redirect_uri_missing"), ("client_id", "client_id_missing")] {
        let (_, page) = world.shop.sign_in(&mut crate::harness::Browser::new(), &[(parameter, "")]).await;
        page.assert_problem(400, code);
    }
    let (_, page) = world.shop.sign_in(&mut crate::harness::Browser::new(), &[("client_id", "nobody")]).await;
    page.assert_problem(400, "client_unknown");
    assert_eq!(world.last_event("authorization").await.reason.as_deref(), Some("client_unknown"));
}

#[tokio::test]
async fn other_faults_go_back_to_the_application_by_name() {
    let world = World::new().await;
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("request", "e30.e30.")], "request_not_supported"),
        (&[("request_uri", "https://shop.example/request")], "request_uri_not_supported"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("prompt", "sometimes")], "invalid_request"),
        (&[("resource", "https://api.example")], "invalid_target"),
        (&[("audience", "https://api.example")], "invalid_target"),
    ];
    for (more, error) in table {
        let (request, page) = world.shop.sign_in(&mut world.shop.browser(), more).await;
        page.assert_error(error);
        let params = page.params();
        assert_eq!((&params["state"], &params["iss"]), (&request.state, &world.broker.issuer), "{more:?}");
        let description = &params["error_description"];
        assert!(description.chars().all(|c| (' '..='~').contains(&c) && c != '"' && c != '\\'), "{description}");
        assert!(
            params.keys().all(|k| ["error", "error_description", "error_uri", "state", "iss"].contains(&k.as_str())),
            "{params:?}"
        );
    }
    assert!(world.idp.received().authorize.is_empty());
}

#[tokio::test]
async fn unknown_parameters_are_ignored_and_doubled_ones_are_not() {
    let world = World::new().await;
    world
        .shop
        .tokens(&mut world.shop.browser(), &[("extra", "foobar"), ("display", "popup"), ("claims_locales", "de")])
        .await;
    let request = world.shop.request(&[]);
    let page = world.shop.browser().open(&format!("{}&state=again", request.url)).await;
    page.assert_problem(400, "request_malformed");
}

#[tokio::test]
async fn a_request_may_be_posted() {
    let world = World::new().await;
    let request = world.shop.request(&[]);
    let url = url::Url::parse(&request.url).unwrap();
    let fields: Vec<_> = url.query_pairs().into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let mut browser = world.shop.browser();
    let page = browser.post_from(Some("https://shop.example"), &world.broker.url("/authorize"), &fields).await;
    // a post from another site has no Lax cookies: our own page sends it again
    let page = browser.submit(&page, "form-post", &[]).await;
    assert_eq!(world.shop.redeem(&page.param("code"), &request.verifier).await.status, 200);
}

#[tokio::test]
async fn form_post_answers_by_a_form_without_inline_script_errors_included() {
    let world = World::new().await;
    for (more, member) in [("login", "code"), ("sometimes", "error")] {
        let (request, page) =
            world.shop.sign_in(&mut world.shop.browser(), &[("response_mode", "form_post"), ("prompt", more)]).await;
        assert_eq!(page.status, 200, "{page}");
        let form = &page.forms()[0];
        assert_eq!((form.action.as_str(), form.method.as_str()), (world.shop.redirect_uri.as_str(), "post"));
        let field = |name: &str| form.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert!(field(member).is_some(), "{page}");
        assert_eq!((field("state"), field("iss")), (Some(request.state.clone()), Some(world.broker.issuer.clone())));
        let csp = page.header("content-security-policy");
        assert!(
            csp.contains("script-src 'self';") && csp.contains("form-action 'self' https:") && !csp.contains("unsafe"),
            "{csp}"
        );
        assert!(!page.body.contains("onload="), "{page}");
        assert_eq!(page.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_confidential_application_may_be_let_off_pkce_and_cannot_be_talked_out_of_it() {
    let world = World::new().await;
    world.broker.secret("old", "old-secret-0123456789");
    let mut old = world.app("old", "kind: web\nrequire_pkce: false\nclient_secret: { file: old }").await;
    old.secret = Some("old-secret-0123456789".into());
    // without a challenge, no verifier is wanted, and one is refused (a downgrade either way is an attack)
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    let (request, page) = old.sign_in(&mut old.browser(), &bare).await;
    old.redeem(&page.param("code"), &request.verifier).await.assert_error(400, "invalid_grant");
    let (_, page) = old.sign_in(&mut old.browser(), &bare).await;
    assert_eq!(old.redeem(&page.param("code"), "").await.status, 200);
    // with one, the verifier must come and fit
    let (request, page) = old.sign_in(&mut old.browser(), &[]).await;
    let code = page.param("code");
    old.redeem(&code, "").await.assert_error(400, "invalid_grant");
    old.redeem(&code, &crate::harness::app::random()).await.assert_error(400, "invalid_grant");
    assert_eq!(old.redeem(&code, &request.verifier).await.status, 200, "a wrong guess does not burn the code");
}
