//! The whole way in a real Chromium: an operator makes the link, and somebody without an account uses it.

use super::{NEXT, secrets};
use crate::harness::{Chromium, World};

#[tokio::test]
async fn chromium_walks_the_whole_way_with_script_and_without() {
    for script in [true, false] {
        let world = World::new().await;
        let broker = &world.broker;
        let url = super::link(&world, "contoso", false).await;
        let browser = Chromium::start().await;
        browser.script(script).await;
        browser.goto(&url).await;
        browser.click("#give").await;
        browser.wait_for("#secret-error").await;
        browser.fill("#secret", NEXT).await;
        browser.click("#give").await;
        browser.wait_for("#taken").await;
        assert_eq!(browser.complaints(&broker.issuer).await, Vec::<String>::new());
        browser.screenshot("admin/renew-taken-light").await;
        if script {
            assert_eq!(browser.axe().await, Vec::<String>::new());
        }
        assert_eq!(secrets(&world).await, ["next", "active"]);
        browser.goto(&url).await;
        assert_eq!(browser.text("#error-code").await, "renewal_link_over");
    }
}
