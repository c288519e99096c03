//! The headers that tell a browser what our pages never do. One strict policy for every answer; the only thing a page
//! may widen is where its forms lead.
//!
//! Two values differ from the usual advice, for reasons:
//! - `Referrer-Policy: same-origin`, not `no-referrer`: under the latter browsers send `Origin: null` with our own forms
//!   (Fetch, "append a request Origin header"), and [`super::csrf::same_origin`] would refuse them. No other site
//!   learns anything either way.
//! - no `Cross-Origin-Opener-Policy` on pages of a sign-in: clients that sign in inside a popup (Swagger UI,
//!   oidc-client-ts) talk to their opener afterwards, and one page with that header in between cuts them off for
//!   good. Pages nobody opens in a popup call [`isolate`].

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use url::Url;

use crate::urls::Urls;

/// Where the forms of one page may lead besides ourselves. Put into the *page's* response extensions: Chrome holds
/// every redirect after a form post against the policy of the page the form stood on, to the end of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormAction(Vec<String>);

impl FormAction {
    /// For a form whose answer redirects away. The hosts at the end cannot be listed (an IdP federates onwards, a
    /// client moves on from its callback), so it is the schemes that are: `https:`, and that of each target, which
    /// brings in loopback `http:` and the private-use schemes of native apps.
    pub fn onward<'a>(urls: &Urls, targets: impl IntoIterator<Item = &'a Url>) -> Self {
        let mut schemes = vec!["https:".to_owned()];
        let ours = if urls.is_https() { "https" } else { "http" };
        for scheme in targets.into_iter().map(Url::scheme).chain([ours]) {
            let source = format!("{scheme}:");
            if !schemes.contains(&source) {
                schemes.push(source);
            }
        }
        Self(schemes)
    }

    /// Marks `response` with it.
    pub fn on(self, mut response: HttpResponse) -> HttpResponse {
        response.extensions_mut().insert(self);
        response
    }
}

/// Middleware. Needs `Data<Urls>`. A header that the handler set itself stays.
pub async fn apply(
    urls: Data<Urls>,
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(req).await?;
    put(&urls, &mut response);
    Ok(response)
}

/// The same, for whoever is a middleware already.
pub fn put<B>(urls: &Urls, response: &mut ServiceResponse<B>) {
    let form_action = response.response().extensions().get::<FormAction>().cloned();
    let headers = response.headers_mut();
    set(headers, header::CONTENT_SECURITY_POLICY, content_security_policy(form_action.as_ref()));
    set(headers, header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set(headers, header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    set(headers, header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    set(
        headers,
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    );
    if urls.is_https() {
        // This host only: what else lives below its name is not ours to decide.
        set(headers, header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// Cuts the page off from whoever opened it. Not for pages of a sign-in; see the head of this file.
pub fn isolate(mut response: HttpResponse) -> HttpResponse {
    response
        .headers_mut()
        .insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}

fn content_security_policy(form_action: Option<&FormAction>) -> HeaderValue {
    const STRICT: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; \
                          frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
    let widened = form_action.and_then(|FormAction(sources)| {
        HeaderValue::from_maybe_shared([STRICT, " ", &sources.join(" ")].concat()).ok()
    });
    // what every answer but such a page has costs nothing to make
    widened.unwrap_or(const { HeaderValue::from_static(STRICT) })
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};

    async fn headers(issuer: &str, path: &str) -> HeaderMap {
        let urls = Data::new(Urls::new(issuer).unwrap());
        let app = init_service(
            App::new()
                .app_data(urls)
                .wrap(from_fn(apply))
                .route("/", web::get().to(async || "hello"))
                .route("/isolated", web::get().to(async || isolate(HttpResponse::Ok().finish())))
                .route(
                    "/leaves",
                    web::get().to(async |urls: Data<Urls>| {
                        let app = Url::parse("com.example.app:/callback").unwrap();
                        FormAction::onward(&urls, [&app]).on(HttpResponse::Ok().finish())
                    }),
                ),
        )
        .await;
        call_service(&app, TestRequest::get().uri(path).to_request()).await.headers().clone()
    }

    #[actix_web::test]
    async fn every_answer_is_strict_and_a_page_may_widen_its_forms_only() {
        let plain = headers("https://id.example", "/").await;
        let policy = plain.get("content-security-policy").unwrap().to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && policy.ends_with("form-action 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"));
        assert_eq!(plain.get("strict-transport-security").unwrap(), "max-age=31536000");
        assert!(!plain.contains_key("cross-origin-opener-policy"));

        let leaves = headers("https://id.example", "/leaves").await;
        let policy = leaves.get("content-security-policy").unwrap().to_str().unwrap();
        assert!(policy.ends_with("form-action 'self' https: com.example.app:"), "{policy}");
        assert_eq!(
            headers("https://id.example", "/isolated").await.get("cross-origin-opener-policy").unwrap(),
            "same-origin"
        );
    }

    #[actix_web::test]
    async fn plain_http_promises_no_https_and_forms_may_end_at_http() {
        let leaves = headers("http://localhost:8080", "/leaves").await;
        assert!(!leaves.contains_key("strict-transport-security"));
        let policy = leaves.get("content-security-policy").unwrap().to_str().unwrap();
        assert!(policy.ends_with("form-action 'self' https: com.example.app: http:"), "{policy}");
        let missing = headers("http://localhost:8080", "/missing").await;
        assert_eq!(missing.get("x-frame-options").unwrap(), "DENY");
    }
}
