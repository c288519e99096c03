//! Whose page this is: the operator's name, logo and colour, our host, and where stylesheet, script and icon are. The
//! operator's choice may change while we run ([`Branding`]); its stylesheet and logo are served from our own origin, with
//! the content's hash in the URL as the assets have.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::urls::Urls;
use crate::web::assets;

/// What every page's frame shows. Made for each page.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The operator's name; "Avouch" until they choose one.
    pub name: String,
    /// Where the person is, as they can check it in the address bar.
    pub host: String,
    pub stylesheet: String,
    /// The operator's colour, after the stylesheet.
    pub accent: Option<String>,
    /// In place of our mark.
    pub logo: Option<LogoView>,
    pub script: String,
    pub icon: String,
    /// Whom people turn to.
    pub contact: Contact,
}

#[derive(Clone, Debug)]
pub struct LogoView {
    pub url: String,
    pub width: u32,
    pub height: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    pub email: Option<String>,
    pub url: Option<String>,
}

impl Brand {
    pub fn new(urls: &Urls, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: urls.host().to_owned(),
            stylesheet: assets::APP_CSS.url(urls),
            accent: None,
            logo: None,
            script: assets::APP_JS.url(urls),
            icon: assets::ICON.url(urls),
            contact: Contact::default(),
        }
    }

    /// Ours, for an operator who has not chosen a name.
    pub fn avouch(urls: &Urls) -> Self {
        Self::new(urls, "Avouch")
    }

    /// That of the server which answers `req`, where a handler has no more at hand.
    pub fn of(req: &HttpRequest, urls: &Urls) -> Self {
        req.app_data::<Data<Branding>>().map_or_else(|| Self::avouch(urls), |branding| branding.brand(urls))
    }
}

/// What an operator chose, ready to be served.
#[derive(Clone, Debug)]
pub struct Look {
    name: String,
    accent: Option<Served>,
    logo: Option<(Served, u32, u32)>,
    contact: Contact,
}

#[derive(Clone, Debug)]
struct Served {
    media_type: &'static str,
    body: Bytes,
    /// 96 bits of SHA-256 in base64url.
    hash: String,
}

impl Served {
    fn new(media_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let hash = URL_SAFE_NO_PAD.encode(&digest(&SHA256, &body).as_ref()[..12]);
        Self { media_type, body, hash }
    }
}

impl Look {
    /// `stylesheet` sets the accent tokens; a logo comes with its media type, width and height.
    pub fn new(
        name: &str,
        stylesheet: Option<String>,
        logo: Option<(Arc<[u8]>, &'static str, u32, u32)>,
        contact: Contact,
    ) -> Self {
        Self {
            name: name.to_owned(),
            accent: stylesheet.map(|css| Served::new("text/css; charset=utf-8", css)),
            logo: logo.map(|(bytes, media_type, width, height)| {
                (Served::new(media_type, Bytes::copy_from_slice(&bytes)), width, height)
            }),
            contact,
        }
    }

    /// Every page's frame by this look.
    pub fn brand(&self, urls: &Urls) -> Brand {
        let url = |name: &str, served: &Served| urls.local(&format!("/branding/{name}?v={}", served.hash));
        Brand {
            accent: self.accent.as_ref().map(|served| url(ACCENT, served)),
            logo: self.logo.as_ref().map(|(served, width, height)| LogoView {
                url: url(LOGO, served),
                width: *width,
                height: *height,
            }),
            contact: self.contact.clone(),
            ..Brand::new(urls, &self.name)
        }
    }
}

/// The present look, replaced when an operator chooses another.
#[derive(Debug)]
pub struct Branding(ArcSwap<Look>);

const ACCENT: &str = "accent.css";
const LOGO: &str = "logo";

impl Branding {
    pub fn new(look: Look) -> Self {
        Self(ArcSwap::from_pointee(look))
    }

    pub fn replace(&self, look: Look) {
        self.0.store(Arc::new(look));
    }

    pub fn brand(&self, urls: &Urls) -> Brand {
        self.0.load().brand(urls)
    }
}

/// `GET /branding/{name}`.
pub fn routes(app: &mut ServiceConfig) {
    app.service(web::resource("/branding/{name}").route(web::get().to(serve)));
}

/// An upload is shown as the image it was found to be and is nothing else: no type is guessed (`nosniff`, on every answer
/// of ours), and opened by itself it may do nothing.
async fn serve(branding: Data<Branding>, req: HttpRequest, name: Path<String>) -> HttpResponse {
    let look = branding.0.load();
    let served = match name.as_str() {
        ACCENT => look.accent.as_ref(),
        LOGO => look.logo.as_ref().map(|(served, ..)| served),
        _ => None,
    };
    let Some(served) = served else { return HttpResponse::NotFound().finish() };
    let exact = req.query_string().strip_prefix("v=") == Some(&served.hash);
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, served.media_type))
        .insert_header((CACHE_CONTROL, if exact { "public, max-age=31536000, immutable" } else { "no-cache" }))
        .insert_header(("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"))
        .insert_header(("cross-origin-resource-policy", "same-origin"))
        .body(served.body.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service};

    #[actix_web::test]
    async fn what_was_chosen_is_kept_for_ever_under_its_own_hash_only() {
        let logo: Arc<[u8]> = Arc::from(&b"png"[..]);
        let look = |css: &str| {
            Look::new("Tidewater", Some(css.into()), Some((logo.clone(), "image/png", 64, 32)), Contact::default())
        };
        let branding = Data::new(Branding::new(look("a")));
        let app = App::new().app_data(branding.clone()).service(web::scope("/sso").configure(routes));
        let app = init_service(app).await;
        let urls = Urls::new("https://id.example/sso").unwrap();
        let first = branding.brand(&urls);
        assert_eq!((first.name.as_str(), first.logo.as_ref().unwrap().width), ("Tidewater", 64));
        let get = async |url: &str| call_service(&app, TestRequest::get().uri(url).to_request()).await;
        let answer = get(first.accent.as_ref().unwrap()).await;
        assert_eq!(answer.headers().get("cache-control").unwrap(), "public, max-age=31536000, immutable");
        let answer = get(&first.logo.unwrap().url).await;
        assert_eq!(answer.headers().get("content-type").unwrap(), "image/png");
        assert!(answer.headers().get("content-security-policy").unwrap().to_str().unwrap().contains("sandbox"));

        branding.replace(look("b"));
        let answer = get(first.accent.as_ref().unwrap()).await;
        assert_eq!(answer.headers().get("cache-control").unwrap(), "no-cache");
        assert_ne!(branding.brand(&urls).accent, first.accent);
        assert_eq!(get("/sso/branding/other").await.status(), 404);
    }
}
