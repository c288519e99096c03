//! A person without a screen, who answers oidc-provider's two questions: who it is, and whether we may know.

use crate::harness::Browser;

pub struct Person {
    login: &'static str,
    browser: Browser,
}

impl Person {
    /// In a browser without cookies.
    pub fn new(login: &'static str) -> Self {
        Self { login, browser: Browser::new() }
    }

    /// In the browser of [`Person::travel`], without answering anything.
    pub fn browser(&mut self) -> &mut Browser {
        &mut self.browser
    }

    /// Goes to `start` and on, until somebody sends them to an address that begins with `goal`; returns that address.
    pub async fn travel(&mut self, start: &str, goal: &str) -> String {
        self.browser.stop_no_more().stop_at(goal);
        let mut page = self.browser.open(start).await;
        for _question in 0..4 {
            if page.stopped {
                return page.url.into();
            }
            let form = page.forms().into_iter().next().unwrap_or_else(|| panic!("{} is lost at {page}", self.login));
            let asks_who = form.fields.iter().any(|(name, _)| name == "login");
            let answers: &[_] = if asks_who { &[("login", self.login), ("password", "any")] } else { &[] };
            page = self.browser.submit(&page, &form.id, answers).await;
        }
        panic!("{} is asked too much; the last was {page}", self.login);
    }
}
