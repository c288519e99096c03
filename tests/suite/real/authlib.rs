//! Python's Authlib below Avouch, with joserfc as the resource server.

use super::relying_party;
use crate::harness::Peer;

#[tokio::test]
async fn authlib_takes_what_we_issue_in_every_algorithm() {
    let stage = relying_party::set().await;
    relying_party::every_algorithm(&stage, Peer::authlib()).await;
    relying_party::without_a_secret(&stage, Peer::authlib()).await;
}
