//! A person at their own account: they see it, link a further identity with proof of both, and take one away again. And
//! what somebody tries who wants into another person's account.

mod attacks;
mod fresh;
mod linking;
mod saml;
mod story;
mod unlinking;

use serde_json::json;

use crate::harness::app::claims;
use crate::harness::{Browser, FakeIdp, Page, World};

pub struct Linking {
    world: World,
    fabrikam: FakeIdp,
}

impl Linking {
    /// Contoso, by which people are here, and Fabrikam, which they may link.
    async fn new() -> Self {
        let world = World::new().await;
        let fabrikam = world.connect("fabrikam", "display_name: Fabrikam\nlinking: true").await;
        Self { world, fabrikam }
    }

    fn at(&self, path: &str) -> String {
        self.world.broker.url(path)
    }

    /// Who comes next from this provider.
    fn says(&self, connection: &str, subject: &str) {
        let idp = if connection == "contoso" { &self.world.idp } else { &self.fabrikam };
        idp.tell(|script| {
            script.subject = subject.to_owned();
            script.userinfo = json!({ "name": format!("{subject} of {connection}"), "email": format!("{subject}@{connection}.example"), "email_verified": true });
        });
    }

    /// Whoever came to the account page by this identity.
    async fn signed_in(&self, connection: &str, subject: &str) -> (Browser, Page) {
        let mut browser = self.world.shop.browser();
        let page = self.sign_in(&mut browser, connection, subject).await;
        (browser, page)
    }

    async fn sign_in(&self, browser: &mut Browser, connection: &str, subject: &str) -> Page {
        self.says(connection, subject);
        let page = browser.open(&self.at("/account")).await;
        assert_eq!(page.url.path(), "/account/sign-in", "{page}");
        let page = browser.press(&page, &format!("connection-{connection}")).await;
        assert_eq!((page.status, page.url.path()), (200, "/account"), "{page}");
        page
    }

    /// As far as the question.
    async fn asked(&self, browser: &mut Browser, subject: &str) -> Page {
        self.says("fabrikam", subject);
        let page = browser.open(&self.at("/account")).await;
        let page = browser.press(&page, "link-fabrikam").await;
        assert!(page.status == 200 && page.has("link"), "{page}");
        page
    }

    async fn linked(&self, browser: &mut Browser, subject: &str) -> Page {
        let page = self.asked(browser, subject).await;
        let page = browser.press(&page, "link").await;
        assert_eq!((page.status, page.url.path()), (200, "/account"), "{page}");
        page
    }

    /// A trip that has not come back: the address with the provider's answer.
    async fn at_callback(&self, browser: &mut Browser, subject: &str) -> Page {
        self.says("fabrikam", subject);
        let page = browser.open(&self.at("/account")).await;
        browser.stop_at(&self.at("/connections/fabrikam/callback"));
        let page = browser.press(&page, "link-fabrikam").await;
        assert!(page.stopped, "{page}");
        browser.stop_no_more().stop_at(&self.world.shop.redirect_uri);
        page
    }

    /// The `sub` by which an application knows whoever signs in so.
    async fn sub_at(&self, connection: &str, subject: &str) -> String {
        self.sub_in(&mut self.world.shop.browser(), connection, subject).await
    }

    async fn sub_in(&self, browser: &mut Browser, connection: &str, subject: &str) -> String {
        self.says(connection, subject);
        let more = [("connection", connection), ("prompt", "login")];
        let tokens = self.world.shop.tokens(browser, &more).await;
        claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned()
    }

    async fn links(&self) -> usize {
        self.world.count("identity.linked", "success").await
    }

    /// Nothing came of it, and the log says why.
    async fn assert_refused(&self, page: &Page, status: u16, reason: &str) {
        page.assert_problem(status, reason);
        assert_eq!(self.links().await, 0);
    }
}
