//! The ways in which people have a page before them.

use crate::harness::Chromium;

#[derive(Clone, Copy, Debug)]
pub enum Look {
    Light,
    Dark,
    Phone,
    /// On a phone, with the navigation open.
    PhoneMenu,
}

impl Look {
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::Phone];

    /// Takes the picture of the present page, and says what is wrong with it.
    pub async fn at(self, browser: &Chromium, name: &str) -> Vec<String> {
        match self {
            Self::Light => {}
            Self::Dark => browser.dark(true).await,
            Self::Phone => browser.window(390, 844).await,
            Self::PhoneMenu => {
                browser.window(390, 844).await;
                browser.click(".menu > summary").await;
            }
        }
        let word = format!("{self:?}").to_lowercase();
        browser.screenshot(&format!("admin/{name}-{word}")).await;
        let mut wrong: Vec<_> = browser.axe().await.into_iter().map(|found| format!("{word}: {found}")).collect();
        let overflow = browser.overflow().await;
        if overflow > 0 {
            wrong.push(format!("{word}: to be scrolled sideways by {overflow} px; {}", widest(browser).await));
        }
        browser.dark(false).await;
        browser.window(1280, 900).await;
        wrong
    }
}

/// Which element sticks out furthest.
async fn widest(browser: &Chromium) -> String {
    let found = browser
        .evaluate(
            "[...document.querySelectorAll('main *')].map(e => [e.getBoundingClientRect().right, e.outerHTML.slice(0, 120)])
             .sort((a, b) => b[0] - a[0])[0].join(' px: ')",
        )
        .await;
    found.as_str().unwrap_or_default().to_owned()
}
