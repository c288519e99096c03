//! Whose page this is: the operator's name, our host, and where stylesheet, script and icon are.

use crate::urls::Urls;
use crate::web::assets;

/// What every page's frame shows. Made once at start and cloned into each page.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The operator's name; "Avouch" until they choose one.
    pub name: String,
    /// Where the person is, as they can check it in the address bar.
    pub host: String,
    pub stylesheet: String,
    pub script: String,
    pub icon: String,
}

impl Brand {
    pub fn new(urls: &Urls, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: urls.host().to_owned(),
            stylesheet: assets::APP_CSS.url(urls),
            script: assets::APP_JS.url(urls),
            icon: assets::ICON.url(urls),
        }
    }

    /// Ours, for an operator who has not chosen a name.
    pub fn avouch(urls: &Urls) -> Self {
        Self::new(urls, "Avouch")
    }
}
