//! kill -9 in the middle of sign-ins.

use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::Row as _;

use crate::harness::app::claims;
use crate::harness::{App, BrokerProcess, Browser, FakeIdp};

const PEOPLE: usize = 6;

#[tokio::test]
async fn what_was_finished_before_the_kill_counts_and_the_rest_can_be_done_again() {
    let idp = FakeIdp::start(&Arc::default()).await;
    let mut broker = BrokerProcess::prepare().await;
    broker.apply(&format!(
        "connections: [{{ slug: contoso, issuer: \"{}\", client_id: avouch, client_authentication: private_key_jwt }}]
clients: [{{ client_id: wiki, kind: spa, redirect_uris: [https://wiki.example/callback] }}]",
        idp.issuer
    ));
    broker.serve().await;
    let wiki = App {
        issuer: broker.issuer.clone(),
        client_id: "wiki".into(),
        secret: None,
        redirect_uri: "https://wiki.example/callback".into(),
        scope: "openid offline_access".into(),
    };

    let (request, granted) = wiki.sign_in(&mut wiki.browser(), &[]).await;
    let code = granted.param("code");
    let (mut signed_in, refresh_token) = {
        let mut browser = wiki.browser();
        let tokens = wiki.tokens(&mut browser, &[]).await;
        (browser, tokens["refresh_token"].as_str().unwrap().to_owned())
    };
    // people who stand before the callback, and are sent through it while the broker dies
    let mut waiting: Vec<(Browser, String)> = Vec::new();
    for _ in 0..PEOPLE {
        let mut browser = wiki.browser();
        browser.stop_at(&format!("{}/connections/", broker.issuer));
        let (_, callback) = wiki.sign_in(&mut browser, &[]).await;
        browser.stop_no_more().stop_at(&wiki.redirect_uri);
        waiting.push((browser, callback.url.into()));
    }
    let http = crate::harness::app::http();
    let storm = waiting.iter().map(|(browser, url)| {
        let cookie = browser.cookie(&broker.issuer, "avouch-browser").unwrap().value.clone();
        let sent = http.get(url).header("cookie", format!("avouch-browser={cookie}")).send();
        tokio::spawn(async move { drop(sent.await) })
    });
    let storm: Vec<_> = storm.collect();
    // let some of them get as far as they get
    while idp.received().token.len() < 3 {
        tokio::task::yield_now().await;
    }
    broker.kill();
    join_all(storm).await;
    broker.serve().await;

    let answer = wiki.redeem(&code, &request.verifier).await;
    assert_eq!(answer.status, 200, "a code granted before the kill: {}", answer.json);
    let sub = claims(answer.text("id_token"))["sub"].clone();
    wiki.tokens(&mut signed_in, &[("prompt", "none")]).await;
    assert_eq!(wiki.refresh(&refresh_token).await.status, 200);
    for (mut browser, url) in waiting {
        let page = browser.open(&url).await;
        // either it comes through now, or it was used up, and the page says so
        if !page.stopped {
            page.assert_problem(400, "state_replayed");
        }
        let tokens = wiki.tokens(&mut browser, &[]).await;
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["sub"], sub, "one person, whatever was interrupted");
    }
    let mut conn = broker.database.connect().await;
    let halves = "SELECT (SELECT count(*) FROM users) AS users,
        (SELECT count(*) FROM users u WHERE NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id)) AS strangers,
        (SELECT count(*) FROM authorizations WHERE state IN ('identified', 'granted', 'redeemed') AND session_id IS NULL) AS bare,
        (SELECT count(*) FROM sessions s WHERE NOT EXISTS (SELECT 1 FROM authorizations a WHERE a.session_id = s.id)) AS orphans,
        (SELECT count(*) FROM sessions) - (SELECT count(*) FROM audit_events WHERE action = 'login' AND outcome = 'success') AS unaudited";
    let row = sqlx::query(halves).fetch_one(&mut conn).await.unwrap();
    let counts: Vec<i64> = (0..5).map(|column| row.get(column)).collect();
    assert_eq!(
        counts,
        [1, 0, 0, 0, 0],
        "users, users without identity, authorizations and sessions half written, logins unaudited"
    );
}
