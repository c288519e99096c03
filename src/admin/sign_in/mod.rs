//! Signing in at the desk with e-mail and password, and choosing a password of one's own.

pub mod pages;

use crate::urls::Urls;

/// Of a password that a person chooses. Length is what counts (NIST SP 800-63B §3.1.1.2); no rule on its characters.
pub const SHORTEST: usize = 12;
pub const LONGEST: usize = 200;

/// The path of the sign-in page that leads back to `from` afterwards, when that is a page of the desk.
pub fn path(from: &str, urls: &Urls) -> String {
    match then(from, urls) {
        Some(then) => {
            format!("/admin/sign-in?then={}", url::form_urlencoded::byte_serialize(then.as_bytes()).collect::<String>())
        }
        None => "/admin/sign-in".into(),
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
