//! Two requests in one breath. Exactly one wins, the other is refused in so many words, and nothing breaks.

use futures_util::future::join_all;

use crate::harness::World;
use crate::harness::app::claims;

const ROUNDS: usize = 5;
const RACERS: usize = 4;

#[tokio::test]
async fn of_callbacks_with_one_state_one_signs_in() {
    let world = World::new().await;
    for _ in 0..ROUNDS {
        let mut browser = world.shop.browser();
        browser.stop_at(&world.broker.url("/connections/"));
        let (_, callback) = world.shop.sign_in(&mut browser, &[]).await;
        browser.stop_no_more().stop_at(&world.shop.redirect_uri);
        let mut tabs = vec![browser; RACERS];
        let pages = join_all(tabs.iter_mut().map(|tab| tab.open(callback.url.as_str()))).await;
        let (won, lost): (Vec<_>, Vec<_>) = pages.into_iter().partition(|page| page.stopped);
        assert_eq!(won.len(), 1);
        assert!(won[0].params().contains_key("code"));
        for page in lost {
            page.assert_problem(400, "state_replayed");
        }
    }
    assert_eq!(world.idp.received().token.len(), ROUNDS, "the provider's code was redeemed once each");
    assert_eq!(world.count("login", "success").await, ROUNDS);
}

#[tokio::test]
async fn of_redemptions_of_one_code_one_gets_tokens_and_keeps_them() {
    let world = World::new().await;
    for _ in 0..ROUNDS {
        let (request, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
        let code = page.param("code");
        let answers = join_all((0..RACERS).map(|_| world.shop.redeem(&code, &request.verifier))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        for answer in lost {
            answer.assert_error(400, "invalid_grant");
        }
        // two requests in one breath are a stumble and no theft
        assert_eq!(world.shop.userinfo(won[0].text("access_token")).await.status, 200);
        assert_eq!(world.shop.refresh(won[0].text("refresh_token")).await.status, 200);
    }
}

#[tokio::test]
async fn refreshes_with_one_token_get_one_and_the_same_successor() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let mut token = tokens["refresh_token"].as_str().unwrap().to_owned();
    for _ in 0..ROUNDS {
        let answers = join_all((0..RACERS).map(|_| world.shop.refresh(&token))).await;
        let mut successors: Vec<_> = answers.iter().map(|answer| (answer.status, answer.text("refresh_token").to_owned())).collect();
        successors.dedup();
        assert_eq!(successors.len(), 1, "{successors:?}");
        assert_eq!(successors[0].0, 200);
        assert_ne!(successors[0].1, token);
        token = successors.remove(0).1;
    }
}

#[tokio::test]
async fn of_first_logins_of_one_person_all_find_one_user() {
    let world = World::new().await;
    for round in 0..ROUNDS {
        world.idp.tell(|script| script.subject = format!("person-{round}"));
        let browsers: Vec<_> = (0..RACERS).map(|_| world.shop.browser()).collect();
        let all = browsers.into_iter().map(async |mut browser| world.shop.tokens(&mut browser, &[]).await);
        let subs: Vec<_> = join_all(all).await.iter().map(|t| claims(t["id_token"].as_str().unwrap())["sub"].clone()).collect();
        assert!(subs.iter().all(|sub| *sub == subs[0]), "{subs:?}");
    }
}
