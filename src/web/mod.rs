//! HTTP manners: what every page and endpoint does alike, whatever it is about. Knows no product noun; the words it
//! knows are URLs, secrets, trace ids and protocol errors.
//!
//! | file | owns |
//! |---|---|
//! | `trace` | one trace id, span and log line a request |
//! | `security_headers` | CSP and its companions; how a page widens `form-action` |
//! | `client_addr` | who is really calling, through trusted proxies |
//! | `cookies` | the three cookies: names, attributes, reading only what is well formed |
//! | `csrf` | form tokens bound to a browser; is this request from our own page |
//! | `page`, `brand`, `error_page` | answering HTML |
//! | `oauth_error`, `problem` | answering errors in JSON: RFC 6749 §5.2, RFC 9457 |
//! | `redirect` | 303, and the page that posts for `response_mode=form_post` |
//! | `rate_limit` | how often one address may begin something |
//! | `assets` | stylesheet, script and icon, from memory |
//! | `tls`, `certificate_expiry` | our own TLS certificate, replaced without a restart |
//!
//! Wiring, outermost last, where no request counts; the broker's own server does the same in one layer:
//! ```ignore
//! App::new()
//!     .configure(|app| web::install(app, urls.clone(), rng.clone(), proxies.clone()))
//!     .wrap(from_fn(web::security_headers::apply))
//!     .wrap(from_fn(web::trace::apply))
//! ```

pub mod assets;
pub mod brand;
pub mod certificate_expiry;
pub mod client_addr;
pub mod cookies;
pub mod csrf;
pub mod error_page;
pub mod oauth_error;
pub mod page;
pub mod problem;
pub mod published;
pub mod qr;
pub mod rate_limit;
pub mod redirect;
pub mod security_headers;
pub mod tls;
pub mod trace;

use std::sync::Arc;

use actix_web::web::{Data, FormConfig, JsonConfig, PayloadConfig, ServiceConfig};

use crate::rng::Rng;
use crate::urls::Urls;
use client_addr::TrustedProxies;

/// The largest form or raw body we read: a form_post answer with a fat ID token fits many times over.
const FORM_LIMIT: usize = 256 << 10;
const JSON_LIMIT: usize = 1 << 20;

/// Registers what the extractors and middleware of this folder look for, and body limits.
pub fn install(app: &mut ServiceConfig, urls: Arc<Urls>, rng: Rng, proxies: TrustedProxies) {
    app.app_data(Data::from(urls))
        .app_data(Data::new(rng))
        .app_data(Data::new(proxies))
        .app_data(PayloadConfig::new(FORM_LIMIT))
        .app_data(FormConfig::default().limit(FORM_LIMIT))
        .app_data(JsonConfig::default().limit(JSON_LIMIT));
}
