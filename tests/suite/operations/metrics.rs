//! The operations listener's `/metrics`: strangers add to its numbers and never to its labels.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::harness::World;
use crate::harness::app::{get, http};

/// Every label with its value, as the exposition writes it.
async fn labels(world: &World) -> BTreeSet<String> {
    let text = http().get(world.broker.ops_url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("avouch_http_requests_total{") && text.contains("avouch_logins_total{"), "{text}");
    let sets = text.lines().filter_map(|line| line.split_once('{')?.1.split_once('}'));
    sets.flat_map(|(set, _)| set.split("\",").map(|label| label.trim_end_matches('"').to_owned())).collect()
}

async fn disturb(world: &World, word: &str) {
    let url = |path: String| world.broker.url(&path);
    let method = Method::from_bytes(word.to_uppercase().as_bytes()).unwrap();
    http().request(method, url("/authorize".into())).send().await.unwrap();
    get(&url(format!("/{word}"))).await;
    get(&url(format!("/connections/{word}/callback?state=x"))).await;
    get(&url(format!("/connections/{word}/jwks.json"))).await;
    get(&url(format!("/login/{word}"))).await;
    get(&url(format!("/authorize/{word}/return/{word}"))).await;
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("connection", word)]).await;
    assert!(page.stopped, "a hint at nothing is no hint: {page}");
    world.shop.token(&[("grant_type", word)]).await.assert_error(400, "unsupported_grant_type");
}

#[tokio::test]
async fn invented_methods_paths_connections_and_grants_make_no_new_labels() {
    let world = World::new().await;
    world.signed_in().await;
    disturb(&world, "foo1").await;
    let before = labels(&world).await;
    assert!(before.contains("method=\"other") && before.contains("connection=\"contoso"), "{before:#?}");
    for word in ["foo2", "foo3"] {
        disturb(&world, word).await;
    }
    assert_eq!(labels(&world).await, before);
    let foreign: Vec<_> = before.iter().filter(|label| label.to_lowercase().contains("foo")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}
