//! Stylesheet, script and icon: in the binary, served from memory, no build step. The URL carries the content's hash,
//! and only a request with the right hash may be kept for ever: while two versions run side by side, the other
//! one's page must not fasten our content to its URL.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::urls::Urls;

pub struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
    /// 96 bits of SHA-256 in base64url.
    hash: String,
}

impl Asset {
    fn new(name: &'static str, content_type: &'static str, content: &'static [u8]) -> Self {
        let hash = URL_SAFE_NO_PAD.encode(&digest(&SHA256, content).as_ref()[..12]);
        Self { name, content_type, content, hash }
    }

    /// For links on our pages; knows the issuer's path.
    pub fn url(&self, urls: &Urls) -> String {
        urls.local(&format!("/static/{}?v={}", self.name, self.hash))
    }
}

pub static APP_CSS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("app.css", "text/css; charset=utf-8", include_bytes!("../../static/app.css")));
pub static APP_JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("app.js", "text/javascript; charset=utf-8", include_bytes!("../../static/app.js")));
pub static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon.svg", "image/svg+xml", include_bytes!("../../static/icon.svg")));

/// `GET /static/{name}`. Compressed here, where nothing is secret, and not on pages that hold a form token (BREACH).
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/static/{name}").wrap(Compress::default()).route(web::get().to(serve)));
}

async fn serve(req: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let Some(asset) = [&APP_CSS, &APP_JS, &ICON].into_iter().find(|asset| asset.name == name.as_str()) else {
        return HttpResponse::NotFound().finish();
    };
    let exact = req.query_string().strip_prefix("v=") == Some(&asset.hash);
    let etag = format!("W/\"{}\"", asset.hash); // weak: the same content leaves us with and without gzip
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CACHE_CONTROL, if exact { "public, max-age=31536000, immutable" } else { "no-cache" }))
        .insert_header((ETAG, etag.as_str()))
        .insert_header((VARY, "accept-encoding"));
    if req.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return answer.status(actix_web::http::StatusCode::NOT_MODIFIED).finish();
    }
    answer.insert_header((CONTENT_TYPE, asset.content_type)).body(asset.content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service};

    #[actix_web::test]
    async fn only_the_right_hash_is_kept_for_ever() {
        let app = init_service(App::new().service(web::scope("/sso").configure(routes))).await;
        let urls = Urls::new("https://id.example/sso").unwrap();
        let exact = call_service(&app, TestRequest::get().uri(&APP_CSS.url(&urls)).to_request()).await;
        assert_eq!(exact.status(), 200);
        assert_eq!(exact.headers().get("cache-control").unwrap(), "public, max-age=31536000, immutable");
        assert_eq!(exact.headers().get("content-type").unwrap(), "text/css; charset=utf-8");
        let etag = exact.headers().get(ETAG).unwrap().clone();
        let other = call_service(&app, TestRequest::get().uri("/sso/static/app.css?v=older").to_request()).await;
        assert_eq!(
            (other.status().as_u16(), other.headers().get(CACHE_CONTROL).unwrap()),
            (200, &"no-cache".parse().unwrap())
        );
        let known = TestRequest::get().uri("/sso/static/app.css").insert_header((IF_NONE_MATCH, etag));
        assert_eq!(call_service(&app, known.to_request()).await.status(), 304);
        let missing = call_service(&app, TestRequest::get().uri("/sso/static/..%2fapp.css").to_request()).await;
        assert_eq!(missing.status(), 404);
    }
}
