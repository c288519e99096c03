//! The person types the code.

use time::Duration;

use super::{Device, enter, influxctl};
use crate::harness::{Browser, World};

#[tokio::test]
async fn a_code_is_taken_however_it_is_typed() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let typed: [fn(&str) -> String; 4] = [
        |code| code.to_lowercase(),
        |code| code.replace('-', ""),
        |code| format!("  {} ", code.replace('-', " ")),
        |code| code.chars().flat_map(|c| [c, ' ']).collect(),
    ];
    for typed in typed {
        let device = Device::ask(&app).await;
        let text = typed(device.user_code());
        let page = enter(&app.issuer, &mut Browser::new(), &text).await;
        assert!(page.has("approve"), "{text}: {page}");
        assert_eq!(page.text_of("code-shown").as_deref(), Some(device.user_code()));
    }
}

#[tokio::test]
async fn a_wrong_code_is_said_at_the_field_and_can_be_mended() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    let mut browser = Browser::new();
    for (typed, word) in [("hello", "eight letters"), ("", "eight letters"), ("BCDF-GHJK", "do not know")] {
        let page = enter(&app.issuer, &mut browser, typed).await;
        assert_eq!(page.status, 422, "{typed}");
        assert!(page.has("code-error") && page.has("error-summary") && page.body.contains(word), "{typed}: {page}");
        let page = browser.submit(&page, "code-form", &[("user_code", device.user_code())]).await;
        assert!(page.has("approve"), "{page}");
    }
    let event = world.last_event("device.code").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("refused", Some("user_code_unknown")));
}

#[tokio::test]
async fn guessing_is_stopped_and_waiting_helps() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    let mut guesser = Browser::new();
    let guess = |n: usize| format!("BBBB-BB{}{}", b"BCDFGHJKLM"[n / 10 % 10] as char, b"BCDFGHJKLM"[n % 10] as char);
    for n in 0..10 {
        assert_eq!(enter(&app.issuer, &mut guesser, &guess(n)).await.status, 422);
    }
    let page = device.enter(&mut guesser).await;
    assert_eq!(page.status, 429, "even the right one is not looked at: {page}");
    assert!(page.body.contains("Try again in 10 minutes"), "{page}");
    assert!((500..=600).contains(&page.header("retry-after").parse::<u32>().unwrap()), "{page}");
    // another person at the same address is not stopped, but a guesser who forgets cookies is, after a while
    assert!(device.enter(&mut Browser::new()).await.has("approve"));
    for n in 10..30 {
        assert_eq!(enter(&app.issuer, &mut Browser::new(), &guess(n)).await.status, 422);
    }
    assert_eq!(device.enter(&mut Browser::new()).await.status, 429);
    let complete = world.broker.url(&format!("/device?user_code={}", device.user_code()));
    assert_eq!(Browser::new().open(&complete).await.text_of("code-error"), None, "asking by address guesses nothing");
    world.broker.clock.advance(Duration::minutes(10));
    let later = Device::ask(&app).await;
    assert!(later.enter(&mut guesser).await.has("approve"));
}

#[tokio::test]
async fn a_complete_address_fills_the_field_in_where_the_client_says_so_and_is_confirmed() {
    let world = World::new().await;
    let value = |page: &crate::harness::Page| {
        page.form("code-form").fields.into_iter().find(|(name, _)| name == "user_code").unwrap().1
    };
    for (setting, filled) in [("", false), ("complete_verification_uri: true", true)] {
        let device = Device::ask(&influxctl(&world, setting).await).await;
        let mut browser = Browser::new();
        let page = browser.open(&world.broker.url(&format!("/device?user_code={}", device.user_code()))).await;
        assert_eq!((page.status, value(&page).as_str()), (200, if filled { device.user_code() } else { "" }));
        if filled {
            let page = browser.submit(&page, "code-form", &[]).await;
            assert!(page.has("approve"), "it is still asked: {page}");
            assert_eq!(page.text_of("code-shown").as_deref(), Some(device.user_code()));
        }
    }
    for odd in ["BCDF-GHJK", "%22%3E%3Cscript%3E", "", "x&user_code=y"] {
        let page = Browser::new().open(&world.broker.url(&format!("/device?user_code={odd}"))).await;
        assert_eq!((page.status, value(&page).as_str()), (200, ""), "{odd}");
    }
}

#[tokio::test]
async fn a_code_that_was_decided_about_is_over() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    device.approve(&mut Browser::new()).await;
    let page = device.enter(&mut Browser::new()).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("used already"), "{page}");
}

#[tokio::test]
async fn the_form_counts_from_our_own_page_only() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    let mut browser = Browser::new();
    let url = world.broker.url("/device");
    let page = browser.open(&url).await;
    let csrf = page.form("code-form").fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let fields = [("csrf", csrf.as_str()), ("user_code", device.user_code())];
    let evil = Some("https://evil.example");
    browser.post_from(evil, &url, &fields).await.assert_problem(400, "form_foreign");
    Browser::new().post(&url, &fields).await.assert_problem(400, "form_foreign");
    browser.post(&url, &[("csrf", ""), fields[1]]).await.assert_problem(400, "form_foreign");
    assert!(browser.post(&url, &fields).await.has("approve"));
}
