//! Is this form one of ours, in the hands of the browser we gave it to? A token in the form is bound to the browser's
//! secret and to what the form is for; beside it the browser itself says where the request comes from.

use actix_web::HttpRequest;
use actix_web::http::header::ORIGIN;
use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::secret::Secret;
use crate::urls::Urls;
use crate::vault::Vault;

/// The token for a form. `purpose` names the form and the row it acts on, such as `consent/atz_01…`; `browser` is the
/// value of the browser cookie.
pub fn token(vault: &Vault, purpose: &str, browser: &Secret<String>) -> String {
    vault.tag(&["csrf", purpose, browser.expose()])
}

/// Whether `presented` is [`token`] for the same purpose and browser, in constant time.
pub fn check(vault: &Vault, purpose: &str, browser: &Secret<String>, presented: &str) -> bool {
    verify_slices_are_equal(token(vault, purpose, browser).as_bytes(), presented.as_bytes()).is_ok()
}

/// Whether nothing in the request speaks against its coming from our own page. Clients that send neither header are
/// left to the token. Not for endpoints that others may post to: callbacks, the token endpoint.
pub fn same_origin(req: &HttpRequest, urls: &Urls) -> bool {
    let header = |name: &str| req.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    header("sec-fetch-site") != Some("cross-site") && header(ORIGIN.as_str()).is_none_or(|o| o == urls.origin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::secret::{Kind, mint};
    use crate::vault::Keyring;
    use actix_web::test::TestRequest;

    #[test]
    fn a_token_fits_one_purpose_and_one_browser() {
        let rng = Rng::default();
        let vault = Vault::new(Keyring::parse(&Keyring::generate(&rng)).unwrap(), &rng.bytes());
        let (mine, yours) = (mint(Kind::Browser, &rng), mint(Kind::Browser, &rng));
        let good = token(&vault, "consent/atz_1", &mine);
        assert!(check(&vault, "consent/atz_1", &mine, &good));
        assert!(!check(&vault, "consent/atz_2", &mine, &good));
        assert!(!check(&vault, "consent/atz_1", &yours, &good));
        assert!(!check(&vault, "consent/atz_1", &mine, ""));
        assert!(!check(&vault, "consent/atz_1", &mine, &good[..good.len() - 1]));
        assert!(!good.contains(mine.expose().as_str()));
    }

    #[test]
    fn another_origin_is_refused_and_silence_is_not() {
        let urls = Urls::new("https://id.example/sso").unwrap();
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[], true),
            (&[("origin", "https://id.example")], true),
            (&[("origin", "https://id.example"), ("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://id.example"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://app.example"), ("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://id.example")], false),
            (&[("origin", "https://id.example:8443")], false),
            (&[("origin", "null")], false),
        ];
        for (headers, expected) in table {
            let request = headers.iter().fold(TestRequest::post(), |r, h| r.append_header(*h)).to_http_request();
            assert_eq!(same_origin(&request, &urls), *expected, "{headers:?}");
        }
    }
}
