//! The cookies. Names carry the `__Host-` prefix wherever https allows it, so that neither a sibling host nor a
//! plain-http page can plant one; on http (loopback only) they go without, as Safari refuses `Secure` there. `Path` is
//! always `/`, which the prefix demands, also below an issuer with a path.
//!
//! | cookie | holds | SameSite | life |
//! |---|---|---|---|
//! | session | the single sign-on session's secret | Lax | as the session |
//! | operator | an operator's session at the admin pages | Lax | 12 h |
//! | operator's device | that an operator signed in here before: wrong guesses elsewhere do not keep them out | Strict | 180 days |
//! | browser | binds authorizations and login attempts to the browser that began them | None on https, for IdPs answer by cross-site POST; Lax on http, where None is not allowed | 1 day |
//! | last connection | a slug, for "Last used" | Lax | 180 days |

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use crate::secret::{Kind, Secret, is_well_formed};
use crate::urls::Urls;

const BROWSER_LIFE: Duration = Duration::days(1);
const OPERATOR_DEVICE_LIFE: Duration = Duration::days(180);
const LAST_CONNECTION_LIFE: Duration = Duration::days(180);

/// `(with __Host-, without)`.
type Name = (&'static str, &'static str);
const SESSION: Name = ("__Host-avouch-session", "avouch-session");
const OPERATOR: Name = ("__Host-avouch-operator", "avouch-operator");
const OPERATOR_DEVICE: Name = ("__Host-avouch-operator-device", "avouch-operator-device");
const BROWSER: Name = ("__Host-avouch-browser", "avouch-browser");
const LAST_CONNECTION: Name = ("__Host-avouch-last", "avouch-last");

/// The session's secret, when the request brings a well-formed one. Well-formed is not yet valid.
pub fn session(req: &HttpRequest, urls: &Urls) -> Option<Secret<String>> {
    secret(req, urls, SESSION, Kind::Session)
}

/// `life` is the session's absolute lifetime.
pub fn set_session(urls: &Urls, secret: &Secret<String>, life: Duration) -> Cookie<'static> {
    build(urls, SESSION, secret.expose().clone(), SameSite::Lax, life)
}

pub fn clear_session(urls: &Urls) -> Cookie<'static> {
    build(urls, SESSION, String::new(), SameSite::Lax, Duration::ZERO)
}

/// The secret of an operator's session, when the request brings a well-formed one. Well-formed is not yet valid.
pub fn operator(req: &HttpRequest, urls: &Urls) -> Option<Secret<String>> {
    secret(req, urls, OPERATOR, Kind::OperatorSession)
}

/// `life` is the session's absolute lifetime.
pub fn set_operator(urls: &Urls, secret: &Secret<String>, life: Duration) -> Cookie<'static> {
    build(urls, OPERATOR, secret.expose().clone(), SameSite::Lax, life)
}

pub fn clear_operator(urls: &Urls) -> Cookie<'static> {
    build(urls, OPERATOR, String::new(), SameSite::Lax, Duration::ZERO)
}

/// What [`set_operator_device`] put there, or anything else that is as short.
pub fn operator_device(req: &HttpRequest, urls: &Urls) -> Option<String> {
    let cookie = req.cookie(name(urls, OPERATOR_DEVICE))?;
    Some(cookie.value().to_owned()).filter(|value| value.len() <= 200)
}

pub fn set_operator_device(urls: &Urls, value: String) -> Cookie<'static> {
    build(urls, OPERATOR_DEVICE, value, SameSite::Strict, OPERATOR_DEVICE_LIFE)
}

/// The browser's secret, when the request brings a well-formed one.
pub fn browser(req: &HttpRequest, urls: &Urls) -> Option<Secret<String>> {
    secret(req, urls, BROWSER, Kind::Browser)
}

pub fn set_browser(urls: &Urls, secret: &Secret<String>) -> Cookie<'static> {
    build(urls, BROWSER, secret.expose().clone(), cross_site(urls), BROWSER_LIFE)
}

pub fn clear_browser(urls: &Urls) -> Cookie<'static> {
    build(urls, BROWSER, String::new(), cross_site(urls), Duration::ZERO)
}

/// The slug this browser used last. A hint to sort by, never a permission.
pub fn last_connection(req: &HttpRequest, urls: &Urls) -> Option<String> {
    let cookie = req.cookie(name(urls, LAST_CONNECTION))?;
    let slug_shaped = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let value = cookie.value();
    ((1..=63).contains(&value.len()) && value.chars().all(slug_shaped)).then(|| value.to_owned())
}

pub fn set_last_connection(urls: &Urls, slug: &str) -> Cookie<'static> {
    build(urls, LAST_CONNECTION, slug.to_owned(), SameSite::Lax, LAST_CONNECTION_LIFE)
}

fn name(urls: &Urls, (on_https, on_http): Name) -> &'static str {
    if urls.is_https() { on_https } else { on_http }
}

fn cross_site(urls: &Urls) -> SameSite {
    if urls.is_https() { SameSite::None } else { SameSite::Lax }
}

fn secret(req: &HttpRequest, urls: &Urls, cookie: Name, kind: Kind) -> Option<Secret<String>> {
    let cookie = req.cookie(name(urls, cookie))?;
    is_well_formed(kind, cookie.value()).then(|| Secret::new(cookie.value().to_owned()))
}

/// A `life` of zero takes the cookie away: with `Max-Age=0` the attributes must still match those it was set with.
fn build(urls: &Urls, cookie: Name, value: String, same_site: SameSite, life: Duration) -> Cookie<'static> {
    Cookie::build(name(urls, cookie), value)
        .path("/")
        .http_only(true)
        .secure(urls.is_https())
        .same_site(same_site)
        .max_age(life)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::secret::mint;
    use actix_web::test::TestRequest;

    fn https() -> Urls {
        Urls::new("https://id.example/sso").unwrap()
    }
    fn http() -> Urls {
        Urls::new("http://localhost:8080").unwrap()
    }

    #[test]
    fn attributes_are_as_the_table_says() {
        let value = mint(Kind::Browser, &Rng::default());
        let text = value.expose();
        assert_eq!(
            set_browser(&https(), &value).to_string(),
            format!("__Host-avouch-browser={text}; HttpOnly; SameSite=None; Secure; Path=/; Max-Age=86400")
        );
        assert_eq!(
            set_browser(&http(), &value).to_string(),
            format!("avouch-browser={text}; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400")
        );
        let session = set_session(&https(), &value, Duration::hours(12)).to_string();
        assert!(session.starts_with("__Host-avouch-session="));
        assert!(session.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=43200"), "{session}");
        assert!(clear_session(&http()).to_string().starts_with("avouch-session=; "));
        assert!(clear_session(&http()).to_string().ends_with("Max-Age=0"));
    }

    #[test]
    fn only_a_well_formed_value_of_the_right_kind_and_name_is_read() {
        let rng = Rng::default();
        let value = mint(Kind::Session, &rng);
        let with = |cookie: Cookie<'static>| TestRequest::get().cookie(cookie).to_http_request();
        let request = with(set_session(&https(), &value, Duration::HOUR));
        assert_eq!(session(&request, &https()), Some(value.clone()));
        assert!(session(&request, &http()).is_none(), "the names differ");
        assert!(session(&with(Cookie::new("__Host-avouch-session", "avo_ss_garbage")), &https()).is_none());
        let other_kind = Cookie::new("__Host-avouch-browser", value.expose().clone());
        assert!(browser(&with(other_kind), &https()).is_none());
        assert_eq!(last_connection(&with(set_last_connection(&http(), "contoso-2")), &http()).unwrap(), "contoso-2");
        assert!(last_connection(&with(Cookie::new("avouch-last", "<b>")), &http()).is_none());
    }
}
