//! A client's settings: changing them, switching it on and off, and its end.

pub mod pages;

/// Where the form has another name for it than the file.
pub fn field_of(path: &str) -> Option<&'static str> {
    const ELSEWHERE: [(&str, &str); 4] = [
        (".claims", "id_token"),
        (".backchannel_logout_session_required", "backchannel_logout_uri"),
        (".client_secret", "kind"),
        (".first_party", "third_party"),
    ];
    ELSEWHERE.into_iter().find(|(end, _)| path.ends_with(end)).map(|(_, field)| field)
}
