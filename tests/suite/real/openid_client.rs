//! npm openid-client below Avouch, with jose as the resource server.

use super::relying_party;
use crate::harness::Peer;

#[tokio::test]
async fn openid_client_takes_what_we_issue_in_every_algorithm() {
    let stage = relying_party::set().await;
    relying_party::every_algorithm(&stage, Peer::openid_client()).await;
    relying_party::without_a_secret(&stage, Peer::openid_client()).await;
}
