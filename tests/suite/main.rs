//! The black box: what a person, an application and an operator do to a whole broker, over HTTP. One folder per thing
//! that somebody does. Each test has a broker and a database of its own, and turns the clock instead of waiting.

mod harness;

#[tokio::test]
async fn a_broker_starts() {
    let broker = harness::Broker::start(harness::Options::default()).await;
    let answer = reqwest::get(broker.url("/.well-known/openid-configuration")).await.unwrap();
    assert_eq!(answer.status(), 200);
}
