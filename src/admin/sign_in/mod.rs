//! Signing in at the desk: with e-mail, password and a code, or through a connection; and choosing a password of one's own.

pub mod code;
pub mod pages;
pub mod password;

use crate::urls::Urls;

/// The path of a page of the sign-in (`/sign-in`) that leads back to `from` afterwards, when that is a page of the desk.
pub fn path(page: &str, from: &str, urls: &Urls) -> String {
    match then(from, urls) {
        Some(then) => {
            format!("/admin{page}?then={}", url::form_urlencoded::byte_serialize(then.as_bytes()).collect::<String>())
        }
        None => format!("/admin{page}"),
    }
}

/// Where to go after the sign-in: only ever a page of the desk, so that nobody can be led elsewhere.
pub fn then<'a>(from: &'a str, urls: &Urls) -> Option<&'a str> {
    let desk = urls.local("/admin");
    let below = from.strip_prefix(desk.as_str())?;
    let harmless = from.len() <= 1000 && !from.contains(['\\', '\r', '\n']) && !below.starts_with("/sign-");
    (harmless && (below.is_empty() || below.starts_with(['/', '?']))).then_some(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leads_to_the_desk_only() {
        let urls = Urls::new("https://id.example/sso").unwrap();
        assert_eq!(then("/sso/admin/clients?q=a", &urls), Some("/sso/admin/clients?q=a"));
        for other in
            ["//evil.example", "https://evil.example/sso/admin", "/sso/admin\\@evil", "/admin", "/sso/administer", ""]
        {
            assert_eq!(then(other, &urls), None, "{other}");
        }
    }
}
