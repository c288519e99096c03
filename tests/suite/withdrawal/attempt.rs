//! One case a route: use it with all that was begun before, and tell what was had.

use super::Gain::{self, Access, MachineToken, Offer, Renewal, Session, Standing};
use super::before::{Before, at_question, post_acs};
use crate::device::{self, Device};
use crate::harness::app::{Answer, basic, get, post};
use crate::harness::{Browser, Page};

type Had = Vec<(&'static str, Gain, bool)>;

pub async fn attempt(route: &str, before: &mut Before) -> Had {
    let world = &before.world;
    let issuer = &world.broker.issuer;
    let at = |path: &str| world.broker.url(path);
    match route {
        "/" => {
            let page = before.session.clone().open(&at("/")).await;
            vec![("being greeted", Session, page.has("signed-in"))]
        }
        "/authorize" => {
            let (_, silent) = world.shop.sign_in(&mut before.session.clone(), &[("prompt", "none")]).await;
            let (_, asked) = world.shop.sign_in(&mut before.session.clone(), &[("connection", "contoso")]).await;
            let mut fresh = world.shop.browser();
            let (_, page) = world.shop.sign_in(&mut fresh, &[("connection", "contoso")]).await;
            vec![
                ("a code in silence", Access, code(&silent)),
                ("a code by the session", Access, code(&asked)),
                ("a code by signing in", Access, code(&page)),
            ]
        }
        "/authorize/{id}" => {
            let (browser, page) = &mut before.at_authorize;
            browser.stop_no_more().stop_at(&world.shop.redirect_uri);
            vec![("a code", Access, code(&browser.open(page.url.as_str()).await))]
        }
        "/authorize/{id}/return/{error}" => {
            let (mut browser, page) = before.at_chooser.pop().unwrap();
            let back = page.url.as_str().replace("/login/", "/authorize/") + "/return/access_denied";
            let page = browser.open(&back).await;
            assert!(!code(&page) && browser.session(issuer).is_none(), "{page}");
            Vec::new()
        }
        "/connections/{slug}/callback" => {
            let (browser, page) = &mut before.at_callback;
            let page = browser.open(page.url.as_str()).await;
            signed_in(issuer, browser, &page)
        }
        "/connections/{slug}/acs" => {
            let (browser, relay_state, answer) = &mut before.at_acs;
            let page = post_acs(world, browser, relay_state, answer).await;
            signed_in(issuer, browser, &page)
        }
        "/connections/{slug}/metadata" => public(&at("/connections/fabrikam/metadata")).await,
        "/connections/{slug}/jwks.json" => public(&at("/connections/contoso/jwks.json")).await,
        "/login/{id}" => {
            let (mut browser, page) = before.at_chooser.pop().unwrap();
            let page = browser.open(page.url.as_str()).await;
            vec![("the offer of a connection", Offer, page.has("connection-contoso"))]
        }
        "/login/{id}/connection" => {
            let (mut browser, page) = before.at_chooser.pop().unwrap();
            let page = browser.press(&page, "connection-contoso").await;
            signed_in(issuer, &browser, &page)
        }
        "/login/{id}/email" => {
            let (mut browser, page) = before.at_chooser.pop().unwrap();
            let page = browser.submit(&page, "email-form", &[("email", "marty@contoso.example")]).await;
            signed_in(issuer, &browser, &page)
        }
        "/login/{id}/continue" => {
            let (browser, page) = &mut before.at_account;
            vec![("a code", Access, code(&browser.press(page, "continue-as").await))]
        }
        "/consent/{id}" => {
            let (browser, page) = &mut before.at_consent;
            let shown = browser.open(page.url.as_str()).await;
            let allowed = browser.press(page, "allow").await;
            vec![("the question", Access, shown.has("allow")), ("a code", Access, code(&allowed))]
        }
        "/account" => {
            let page = before.account.browser.clone().open(&at("/account")).await;
            vec![("one's own account", Session, page.has("signed-in-as"))]
        }
        "/account/sign-in" => {
            let mut browser = world.shop.browser();
            let page = browser.open(&at("/account/sign-in")).await;
            if !page.has("connection-contoso") {
                return vec![("an account by signing in", Session, false)];
            }
            let page = browser.press(&page, "connection-contoso").await;
            vec![("an account by signing in", Session, page.has("signed-in-as"))]
        }
        "/account/again" => {
            let (browser, page) = &mut before.again;
            let page = browser.press(page, "again-contoso").await;
            vec![("a session by signing in once more", Session, page.has("signed-in-as"))]
        }
        "/account/link" => {
            let mut browser = before.account.browser.clone();
            browser.stop_at(&world.idp.issuer);
            let page = browser.press(&before.account.shown, "link-contoso").await;
            vec![("a trip to prove an identity", Session, page.stopped)]
        }
        "/account/link/{id}" => {
            let (mut browser, asked) = (before.account.browser.clone(), &before.account.confirm);
            let shown = browser.open(asked.url.as_str()).await;
            let linked = browser.press(asked, "link").await;
            vec![("the question", Session, shown.has("link")), ("a linked identity", Session, linked.has("said"))]
        }
        "/account/identities/{id}/remove" => {
            let (mut browser, asked) = (before.account.browser.clone(), &before.account.remove);
            let shown = browser.open(asked.url.as_str()).await;
            let removed = browser.press(asked, "remove").await;
            vec![("the question", Session, shown.has("remove")), ("one identity less", Session, removed.has("said"))]
        }
        "/oauth/token" => {
            let tokens = before.tokens.pop().unwrap();
            let redeemed = world.shop.redeem(&before.code.1, &before.code.0.verifier).await;
            let refreshed = world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await;
            let machine = world.shop.token(&[("grant_type", "client_credentials")]).await;
            vec![
                ("tokens for the code", Access, token(&redeemed)),
                ("tokens for the refresh token", Access, token(&refreshed)),
                ("tokens for the approved device", Access, token(&before.approved.poll().await)),
                ("a token for the client itself", MachineToken, token(&machine)),
            ]
        }
        "/oauth/par" => {
            let pushed = world.shop.push(&[], &[]).await.1;
            vec![("a request_uri", MachineToken, pushed.json.get("request_uri").is_some())]
        }
        "/oauth/device/code" => {
            let answer = device::ask(&world.shop, &[("client_id", "shop"), ("scope", "openid")]).await;
            vec![("a device code", MachineToken, answer.json.get("device_code").is_some())]
        }
        "/device" => {
            let answer = device::ask(&world.shop, &[("client_id", "shop"), ("scope", "openid")]).await;
            if answer.status != 200 {
                return vec![("a device to approve", Access, false)];
            }
            let device = Device { app: world.shop.clone(), answer: answer.json };
            let page = at_question(&device, &mut world.shop.browser()).await;
            vec![("a device to approve", Access, page.has("approve"))]
        }
        "/device/{id}" => {
            let (browser, page) = &mut before.at_device;
            let shown = browser.open(page.url.as_str()).await;
            let approved = browser.press(page, "approve").await;
            vec![
                ("the question", Access, shown.has("approve")),
                ("an approved device", Access, approved.has("device-approved")),
            ]
        }
        // drawn from the code alone, whether there is such a code or not
        "/device/qr/{code}.svg" => Vec::new(),
        // these end sessions and begin none
        "/connections/{slug}/slo" | "/connections/{slug}/backchannel-logout" | "/oidc/logout/done" => Vec::new(),
        "/oauth/introspect" => {
            let tokens = before.tokens.pop().unwrap();
            let ask = async |app: &crate::harness::App, token: &str| {
                let proof = basic(&app.client_id, app.secret.as_deref().unwrap());
                let answer = post(&at("/oauth/introspect"), Some(&proof), &[("token", token)]).await;
                assert!(matches!(answer.status, 200 | 401), "{}", answer.json);
                answer.json["active"] == true
            };
            let (access, refresh) =
                (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
            vec![
                ("active, says the resource server's question", Standing, ask(&before.api, access).await),
                ("active, says the client's question", Standing, ask(&world.shop, access).await),
                ("an active refresh token", Standing, ask(&world.shop, refresh).await),
            ]
        }
        // a secret of its own is no access; a client that may not have one gets none, before and after
        "/oauth/client/secrets" | "/oauth/client/secrets/list" | "/oauth/client/secrets/withdraw" => {
            let proof = basic("shop", world.shop.secret.as_deref().unwrap());
            let answer = post(&at(route), Some(&proof), &[]).await;
            assert!(matches!(answer.status, 400 | 401), "{}", answer.json);
            Vec::new()
        }
        "/oauth/revoke" => {
            let tokens = before.tokens.pop().unwrap();
            let proof = basic("shop", world.shop.secret.as_deref().unwrap());
            let fields = [("token", tokens["refresh_token"].as_str().unwrap())];
            let answer = post(&at("/oauth/revoke"), Some(&proof), &fields).await;
            assert!(matches!(answer.status, 200 | 401) && !token(&answer), "{}", answer.json);
            Vec::new()
        }
        "/userinfo" => {
            let tokens = before.tokens.pop().unwrap();
            let answer = world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await;
            assert_eq!(answer.status == 200, answer.json.get("sub").is_some(), "{}", answer.json);
            vec![("claims", Standing, answer.status == 200)]
        }
        "/oidc/logout" => {
            let tokens = before.tokens.pop().unwrap();
            let hint = tokens["id_token"].as_str().unwrap();
            let (mut browser, bye) = (before.session.clone(), "https://shop.example/bye");
            browser.stop_at(bye);
            let page =
                browser.open(&at(&format!("/oidc/logout?id_token_hint={hint}&post_logout_redirect_uri={bye}"))).await;
            assert!(!code(&page) && (page.status < 500), "{page}");
            Vec::new()
        }
        "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" | "/.well-known/jwks.json" => {
            public(&at(route)).await
        }
        // a trial needs an operator's invitation, and ends without session, user or token
        "/connections/{slug}/test" => Vec::new(),
        // read by the secret in its address, which no session, user or token leads to
        "/calendar/{token}.ics" => Vec::new(),
        "/renew/{token}" => {
            // good for a secret only, and for nobody's sign-in
            let page = before.session.clone().open(&before.renewal).await;
            assert!(matches!(page.status, 200 | 404) && !code(&page), "{page}");
            vec![("the form for a new secret", Renewal, page.has("renew"))]
        }
        "/static/{name}" | "/branding/{name}" => Vec::new(),
        "/healthz" | "/readyz" | "/metrics" => public(&world.broker.ops_url(route)).await,
        _ => panic!("{route} has no case: say in {} what somebody could have there by what was begun before", file!()),
    }
}

/// Nobody's in particular, so it is there in any case.
async fn public(url: &str) -> Had {
    assert_eq!(get(url).await.status, 200, "{url}");
    Vec::new()
}

fn code(page: &Page) -> bool {
    assert!(page.status < 500, "{page}");
    page.stopped && page.params().contains_key("code")
}

fn token(answer: &Answer) -> bool {
    assert!(answer.status < 500, "{}", answer.json);
    let given = ["access_token", "refresh_token", "id_token"].iter().any(|name| answer.json.get(name).is_some());
    assert_eq!(given, answer.status == 200 && !answer.json.is_null(), "{}", answer.json);
    given
}

/// A browser that came without a session.
fn signed_in(issuer: &str, browser: &Browser, page: &Page) -> Had {
    vec![("a code", Access, code(page)), ("a session", Session, browser.session(issuer).is_some())]
}
