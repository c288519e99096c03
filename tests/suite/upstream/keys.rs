//! The provider's keys: fetched once, looked for again when a new one appears, and not on anybody's demand.

use time::Duration;

use super::refused;
use crate::harness::{Signature, World};

#[tokio::test]
async fn a_new_key_is_found_by_one_more_look() {
    let world = World::new().await;
    world.signed_in().await;
    world.signed_in().await;
    assert_eq!(world.idp.received().jwks, 1, "keys are remembered");
    world.idp.rotate();
    world.signed_in().await;
    assert_eq!(world.idp.received().jwks, 2);
}

#[tokio::test]
async fn unknown_keys_do_not_make_us_ask_more_than_once_a_minute() {
    let world = World::new().await;
    world.signed_in().await;
    world.idp.tell(|script| script.signature = Signature::UnknownKid);
    for _ in 0..4 {
        refused(&world, 403, "unknown_key").await;
    }
    assert_eq!(world.idp.received().jwks, 2);
    world.broker.clock.advance(Duration::seconds(61));
    refused(&world, 403, "unknown_key").await;
    assert_eq!(world.idp.received().jwks, 3);
}
