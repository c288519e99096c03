//! Sending the browser on: by 303, or by a page that posts (OAuth 2.0 Form Post Response Mode).

use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use url::Url;

use super::brand::Brand;
use super::page;
use super::security_headers::FormAction;
use crate::urls::Urls;

/// 303, never 302 or 307: the browser is to fetch with GET and without the body it posted to us (RFC 9700 §4.12).
/// `url` is already percent-encoded; one that cannot stand in a header is our mistake and answers 500.
pub fn see_other(url: &str) -> HttpResponse {
    let Ok(location) = HeaderValue::from_str(url) else {
        tracing::error!("a redirect target is no header value");
        return HttpResponse::InternalServerError().finish();
    };
    HttpResponse::SeeOther().insert_header((LOCATION, location)).insert_header((CACHE_CONTROL, "no-store")).finish()
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    brand: Brand,
    target: &'a str,
    /// The host that the person goes to; none where it is ours.
    onward: Option<&'a str>,
    fields: &'a [(String, String)],
}

/// A page whose form carries `fields` to `target`: sent by script, or by the person where there is none.
pub fn form_post(urls: &Urls, brand: Brand, target: &Url, fields: &[(String, String)]) -> HttpResponse {
    let ours = target.origin().ascii_serialization() == urls.origin();
    let onward = (!ours).then(|| target.host_str().unwrap_or("the application"));
    let page = FormPostPage { brand, target: target.as_str(), onward, fields };
    FormAction::onward(urls, [target]).on(page::render(StatusCode::OK, &page))
}

/// Says that a post was sent again already, so that a browser that hides its cookies does not go round in circles.
const AGAIN: &str = "again=1";
/// Fields that are sent again; the decoder refuses more anyhow.
const MOST_FIELDS: usize = 65;

/// A form post that comes from another site arrives without our SameSite=Lax cookies. It is answered once with a page
/// that posts the same to `path` again, now from our own site and with cookies. `None`: go on, the cookies are here.
pub fn post_again(req: &HttpRequest, body: &[u8], urls: &Urls, path: &str) -> Option<HttpResponse> {
    let cross_site = req.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if req.method() != Method::POST || !cross_site || req.query_string() == AGAIN {
        return None;
    }
    let target = Url::parse(&urls.at(&format!("{path}?{AGAIN}"))).ok()?;
    let fields: Vec<_> = url::form_urlencoded::parse(body).into_owned().take(MOST_FIELDS).collect();
    Some(form_post(urls, Brand::of(req, urls), &target, &fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    #[test]
    fn a_redirect_cannot_smuggle_a_header() {
        assert_eq!(
            see_other("https://app.example/cb?code=x").headers().get("location").unwrap(),
            "https://app.example/cb?code=x"
        );
        assert_eq!(see_other("https://app.example/\r\nset-cookie: a=b").status(), 500);
    }

    #[actix_web::test]
    async fn the_posting_page_works_by_hand_and_escapes_what_it_carries() {
        let urls = Urls::new("https://id.example").unwrap();
        let target = Url::parse("https://app.example/cb").unwrap();
        let fields = [("state".to_owned(), "\"><script>alert(1)</script>".to_owned())];
        let response = form_post(&urls, Brand::avouch(&urls), &target, &fields);
        assert_eq!(response.extensions().get::<FormAction>(), Some(&FormAction::onward(&urls, [&target])));
        let html = to_bytes(response.into_body()).await.unwrap();
        let html = std::str::from_utf8(&html).unwrap();
        assert!(html.contains("action=\"https://app.example/cb\"") && html.contains("id=\"continue\""));
        assert!(html.contains("data-auto-submit") && !html.contains("<script>"));
        assert!(html.contains("Continue to <bdi>app.example</bdi>"));
    }

    #[actix_web::test]
    async fn whoever_stays_here_is_not_told_to_go_elsewhere() {
        let urls = Urls::new("https://id.example").unwrap();
        let target = Url::parse("https://id.example/connections/fabrikam/acs").unwrap();
        let html = to_bytes(form_post(&urls, Brand::avouch(&urls), &target, &[]).into_body()).await.unwrap();
        let html = std::str::from_utf8(&html).unwrap();
        assert!(html.contains("One moment") && !html.contains("Continue to"), "{html}");
    }
}
