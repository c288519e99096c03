//! What a link does not let through: others, later, twice, from elsewhere.

use futures_util::future::join_all;
use serde_json::json;
use time::Duration;

use super::{NEXT, give, leads_nowhere, link, secrets};
use crate::admin::Api;
use crate::harness::app::get;
use crate::harness::{Browser, World};

#[tokio::test]
async fn looking_uses_nothing_up_however_often_and_with_whatever_method() {
    let world = World::new().await;
    let url = link(&world, "contoso", false).await;
    for _ in 0..5 {
        assert_eq!(get(&url).await.status, 200);
        let head = crate::harness::app::http().head(&url).send().await.unwrap();
        assert_eq!(head.status(), 200);
    }
    let page = give(&mut Browser::new(), &url, &[("secret", NEXT)]).await;
    assert!(page.has("taken"), "{page}");
}

#[tokio::test]
async fn an_ended_a_withdrawn_a_mistyped_and_a_switched_off_one_look_alike() {
    let world = World::new().await;
    let url = link(&world, "contoso", false).await;
    let mut admin = Browser::new();
    let open = admin.open(&url).await;
    let last = url.chars().last().unwrap();
    let mistyped = format!("{}{}", &url[..url.len() - 1], if last == '0' { '1' } else { '0' });
    let (base, _) = url.rsplit_once('/').unwrap();
    let stranger = avouch::secret::mint(avouch::secret::Kind::RenewalLink, &avouch::rng::Rng::default());
    let made_up = format!("{base}/{}", stranger.expose());
    for other in [&mistyped, &made_up, &format!("{base}/x"), &format!("{base}/%00")] {
        leads_nowhere(&admin.open(other).await);
    }
    world.set_contoso("enabled: false").await;
    leads_nowhere(&admin.open(&url).await);
    leads_nowhere(&admin.submit(&open, "renew", &[("secret", NEXT)]).await);
    world.set_contoso("enabled: true").await;
    assert_eq!(admin.open(&url).await.status, 200);
    world.broker.clock.advance(Duration::days(7) - Duration::minutes(1));
    assert_eq!(admin.open(&url).await.status, 200);
    world.broker.clock.advance(Duration::minutes(2));
    leads_nowhere(&admin.open(&url).await);
    leads_nowhere(&admin.submit(&open, "renew", &[("secret", NEXT)]).await);
    assert_eq!(secrets(&world).await, ["active"]);
    // and with its connection it goes
    let api = Api::of(&world.broker, "editor").await;
    let gone = api.post("/connections/contoso/renewal-links", &json!({})).await;
    let mut conn = world.broker.ctx().db.acquire().await.unwrap();
    let slug = avouch::connection::Slug::parse("contoso").unwrap();
    let connection = avouch::connection::store::by_slug(&mut conn, &slug).await.unwrap().unwrap();
    avouch::connection::store::delete(&mut conn, &connection.id).await.unwrap();
    leads_nowhere(&admin.open(gone.text("url")).await);
}

#[tokio::test]
async fn a_form_counts_only_in_the_browser_and_for_the_link_that_it_was_made_for() {
    let world = World::new().await;
    let (url, other) = (link(&world, "contoso", false).await, link(&world, "contoso", false).await);
    let mut admin = Browser::new();
    let page = admin.open(&url).await;
    let csrf = page.form("renew").fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    // another browser, no token, the token of another link
    let foreign = Browser::new().submit(&page, "renew", &[("secret", NEXT)]).await;
    foreign.assert_problem(403, "form_refused");
    let without = admin.submit(&page, "renew", &[("csrf", ""), ("secret", NEXT)]).await;
    without.assert_problem(403, "form_refused");
    let elsewhere = admin.open(&other).await;
    let crossed = admin.submit(&elsewhere, "renew", &[("csrf", &csrf), ("secret", NEXT)]).await;
    crossed.assert_problem(403, "form_refused");
    // the right token, sent by a page of somebody else
    let body = format!(
        "--an-edge-that-no-field-has\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--an-edge-that-no-field-has\r\ncontent-disposition: form-data; name=\"secret\"\r\n\r\n{NEXT}\r\n--an-edge-that-no-field-has--\r\n"
    );
    let cookie = admin.cookie(&url, "avouch-browser").unwrap();
    let post = |origin: String| {
        let request = crate::harness::app::http().post(&url).header("origin", origin);
        request
            .header("cookie", format!("avouch-browser={}", cookie.value))
            .header("content-type", "multipart/form-data; boundary=an-edge-that-no-field-has")
            .body(body.clone())
            .send()
    };
    assert_eq!(post("https://evil.example".into()).await.unwrap().status(), 403);
    assert_eq!(secrets(&world).await, ["active"]);
    assert_eq!(post(world.broker.issuer.clone()).await.unwrap().status(), 200, "the control");
    assert_eq!(secrets(&world).await, ["next", "active"]);
}

#[tokio::test]
async fn of_two_at_the_same_time_one_is_taken() {
    let world = World::new().await;
    let url = link(&world, "contoso", false).await;
    let attempts = (0..6).map(|number| {
        let url = url.clone();
        async move {
            let secret = format!("{NEXT}-{number}");
            let mut admin = Browser::new();
            let page = admin.open(&url).await;
            match page.status {
                200 => admin.submit(&page, "renew", &[("secret", &secret)]).await,
                _ => page,
            }
        }
    });
    let pages = join_all(attempts).await;
    let taken = pages.iter().filter(|page| page.has("taken")).count();
    assert_eq!(taken, 1, "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
    assert!(pages.iter().all(|page| page.has("taken") || matches!(page.status, 404 | 409 | 422)));
    assert_eq!(secrets(&world).await, ["next", "active"]);
    assert_eq!(world.count("renewal_link.used", "success").await, 1);
}
