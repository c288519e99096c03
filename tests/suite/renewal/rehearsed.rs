//! The provider is asked about a secret before it is stored.

use super::{NEXT, give, leads_nowhere, link, secrets};
use crate::harness::app::basic;
use crate::harness::world::CONTOSO_SECRET;
use crate::harness::{Browser, Misbehaviour, Place, World};

/// Its provider takes these secrets and no others.
async fn strict(known: &[&str]) -> World {
    let world = World::new().await;
    let known = known.iter().map(|secret| (*secret).to_owned()).collect();
    world.idp.tell(|script| script.client_secrets = Some(known));
    world
}

#[tokio::test]
async fn a_wrong_secret_is_refused_with_the_providers_words_and_the_right_one_waits() {
    let world = strict(&[CONTOSO_SECRET, NEXT]).await;
    let url = link(&world, "contoso", false).await;
    let mut admin = Browser::new();
    let page = give(&mut admin, &url, &[("secret", "not-the-right-one"), ("expires_at", "2127-05-21")]).await;
    assert!(page.status == 422 && page.has("secret-error"), "{page}");
    assert!(page.body.contains("invalid_client: Invalid client credentials"), "{page}");
    assert!(page.body.contains("attempts left: 4") && !page.body.contains("not-the-right-one"), "{page}");
    let event = world.last_event("renewal_link.refused").await;
    assert_eq!(event.reason.as_deref(), Some("invalid_client"));
    assert!(!event.detail.to_string().contains("not-the-right-one"), "{event:?}");
    let page = admin.submit(&page, "renew", &[("secret", NEXT)]).await;
    assert!(page.has("taken") && page.has("waits") && page.body.contains("takes the new secret"), "{page}");
    assert_eq!(secrets(&world).await, ["next", "active"]);
    assert_eq!(world.last_event("renewal_link.used").await.detail["proven"], true);
    world.broker.catch_up().await;
    world.signed_in().await;
    let sent = world.idp.received().token.pop().unwrap();
    assert_eq!(sent.authorization, Some(basic("avouch-at-contoso", CONTOSO_SECRET)));
}

#[tokio::test]
async fn a_proven_secret_takes_over_where_the_operator_said_so_and_an_unproven_one_never_does() {
    let world = strict(&[CONTOSO_SECRET, NEXT]).await;
    let url = link(&world, "contoso", true).await;
    let page = give(&mut Browser::new(), &url, &[("secret", NEXT)]).await;
    assert!(page.has("taken") && page.has("in-use"), "{page}");
    assert_eq!(secrets(&world).await, ["active", "retiring"]);
    assert!(world.last_event("connection.secret_promoted").await.actor.starts_with("renewal_link:"));
    world.broker.catch_up().await;
    world.signed_in().await;
    let sent = world.idp.received().token.pop().unwrap();
    assert_eq!(sent.authorization, Some(basic("avouch-at-contoso", NEXT)));

    // a provider that answers whatever comes in the same way proves nothing
    let world = World::new().await;
    let url = link(&world, "contoso", true).await;
    let page = give(&mut Browser::new(), &url, &[("secret", NEXT)]).await;
    assert!(page.has("taken") && page.has("waits"), "{page}");
    assert_eq!(secrets(&world).await, ["next", "active"]);
    assert_eq!(world.last_event("renewal_link.used").await.detail["proven"], false);
}

#[tokio::test]
async fn after_five_refusals_the_link_is_withdrawn_and_a_provider_that_is_away_counts_as_none() {
    let world = strict(&[CONTOSO_SECRET]).await;
    let url = link(&world, "contoso", false).await;
    let mut admin = Browser::new();
    world.idp.misbehave(Place::Token, Misbehaviour::Say(503, "{}".into()));
    for _ in 0..6 {
        let page = give(&mut admin, &url, &[("secret", NEXT)]).await;
        assert!(page.status == 422 && page.body.contains("could not be reached"), "{page}");
    }
    world.idp.tell(|script| script.misbehaviour.clear());
    for _ in 1..5 {
        let page = give(&mut admin, &url, &[("secret", NEXT)]).await;
        assert_eq!((page.status, page.has("secret-error")), (422, true), "{page}");
    }
    give(&mut admin, &url, &[("secret", NEXT)]).await.assert_problem(422, "renewal_link_too_many_tries");
    leads_nowhere(&admin.open(&url).await);
    assert_eq!(secrets(&world).await, ["active"]);
    assert_eq!(world.last_event("renewal_link.withdrawn").await.reason.as_deref(), Some("too_many_tries"));
}
