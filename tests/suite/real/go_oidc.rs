//! Go's oauth2 and go-oidc below Avouch: what kubectl's plugins, kube-apiserver, Argo CD and Grafana are made with.

use super::relying_party;
use crate::harness::Peer;

#[tokio::test]
async fn go_oidc_takes_what_we_issue_in_every_algorithm() {
    let stage = relying_party::set().await;
    relying_party::every_algorithm(&stage, Peer::go()).await;
    relying_party::without_a_secret(&stage, Peer::go()).await;
}
