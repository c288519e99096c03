//! The page on which a person allows a client what it asks for. Element ids are stable: `allow`, `deny`.

use askama::Template;

use crate::web::brand::Brand;

#[derive(Clone, Debug, Template)]
#[template(path = "consent/consent.html")]
pub struct ConsentPage {
    pub brand: Brand,
    pub csrf: String,
    /// Posts `csrf` and `decision` (`allow` or `deny`).
    pub action: String,
    pub app_name: String,
    /// Who runs the application, where we know.
    pub asked_by: Option<String>,
    pub person: PersonView,
    pub grants: Vec<GrantView>,
    /// Scheme and host of the redirect URI.
    pub return_to: String,
    /// A link that begins the request again with another account.
    pub switch_account: Option<String>,
    /// Whether we will remember the answer.
    pub remembered: bool,
}

#[derive(Clone, Debug)]
pub struct PersonView {
    pub name: String,
    /// The e-mail address, where the name is something else.
    pub detail: Option<String>,
}

/// One thing asked for: "See your name and e-mail address", and what that is today.
#[derive(Clone, Debug)]
pub struct GrantView {
    pub title: String,
    pub detail: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urls::Urls;

    #[test]
    fn both_answers_stand_in_one_form_and_nothing_the_client_chose_is_markup() {
        let page = ConsentPage {
            brand: Brand::avouch(&Urls::new("https://id.example").unwrap()),
            csrf: "token".into(),
            action: "/consent/atz_1".into(),
            app_name: "<img src=x>".into(),
            asked_by: None,
            person: PersonView {
                name: "Mateo Álvarez".into(),
                detail: Some("mateo@contoso.com".into()),
            },
            grants: vec![GrantView {
                title: "See your name".into(),
                detail: None,
            }],
            return_to: "https://grafana.example".into(),
            switch_account: None,
            remembered: true,
        };
        let html = page.render().unwrap();
        assert!(html.contains("id=\"allow\" name=\"decision\" value=\"allow\""));
        assert!(html.contains("id=\"deny\" name=\"decision\" value=\"deny\""));
        assert!(!html.contains("<img") && !html.contains("switch-account") && !html.contains("Asked by"));
    }
}
