//! The pages of signing in: the chooser, the landing page at `/`, and "you are signed out". Element ids are stable:
//! tests and conformance suites drive these pages by them, without script.

use askama::Template;

use crate::web::brand::Brand;

/// "Sign in to APP": by e-mail domain, by provider, or as who one already is.
#[derive(Clone, Debug, Template)]
#[template(path = "login/chooser.html")]
pub struct ChooserPage {
    pub brand: Brand,
    pub csrf: String,
    /// Posts `csrf`, `email`.
    pub action_email: String,
    /// Posts `csrf`, `connection` (a slug).
    pub action_connection: String,
    pub app_name: String,
    /// Host of the redirect URI, where there is one to show.
    pub return_host: Option<String>,
    pub ask_email: bool,
    pub email_value: String,
    /// One sentence that does not tell whether the domain is known to us.
    pub email_error: Option<String>,
    /// In the order to be shown.
    pub connections: Vec<ChoiceView>,
    /// The account of the running session, with `prompt=select_account`.
    pub signed_in: Option<ContinueAs>,
}

impl ChooserPage {
    fn has_ways_in(&self) -> bool {
        self.ask_email || !self.connections.is_empty()
    }
}

/// A provider's button: `id="connection-SLUG"`.
#[derive(Clone, Debug)]
pub struct ChoiceView {
    pub slug: String,
    pub display_name: String,
    pub last_used: bool,
}

impl ChoiceView {
    fn monogram(&self) -> String {
        monogram(&self.display_name)
    }
}

/// The button `id="continue-as"`; posts `csrf`.
#[derive(Clone, Debug)]
pub struct ContinueAs {
    pub name: String,
    /// The e-mail address, where the name is something else.
    pub detail: Option<String>,
    pub action: String,
}

impl ContinueAs {
    fn monogram(&self) -> String {
        monogram(&self.name)
    }
}

/// Who is signed in, on pages that only say so.
#[derive(Clone, Debug)]
pub struct SignedInAs {
    pub name: String,
    pub detail: Option<String>,
}

/// `GET /` of `avouch serve`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/landing.html")]
pub struct LandingPage {
    pub brand: Brand,
    pub issuer: String,
    pub discovery_url: String,
    pub signed_in: Option<SignedInAs>,
}

#[derive(Clone, Debug, Template)]
#[template(path = "login/signed_out.html")]
pub struct SignedOutPage {
    pub brand: Brand,
}

/// The first letter or digit, in capitals.
fn monogram(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urls::Urls;

    fn chooser() -> ChooserPage {
        ChooserPage {
            brand: Brand::avouch(&Urls::new("https://id.example").unwrap()),
            csrf: "token".into(),
            action_email: "/login/atz_1/email".into(),
            action_connection: "/login/atz_1/connection".into(),
            app_name: "Grafana".into(),
            return_host: Some("grafana.example".into()),
            ask_email: true,
            email_value: String::new(),
            email_error: None,
            connections: vec![ChoiceView {
                slug: "contoso".into(),
                display_name: "Contoso".into(),
                last_used: true,
            }],
            signed_in: None,
        }
    }

    #[test]
    fn the_chooser_has_the_ids_that_suites_drive_it_by() {
        let html = chooser().render().unwrap();
        for id in [
            "email",
            "continue",
            "connection-contoso",
            "email-form",
            "connection-form",
            "return-host",
        ] {
            assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert_eq!(html.matches("name=\"csrf\" value=\"token\"").count(), 2);
        assert!(html.contains("Last used") && !html.contains("error-summary") && !html.contains("style="));
    }

    #[test]
    fn an_error_stands_in_title_summary_and_field_and_keeps_what_was_typed() {
        let mut page = chooser();
        page.email_value = "a\"><script>@b.example".into();
        page.email_error = Some("Enter your work e-mail address.".into());
        let html = page.render().unwrap();
        assert!(html.contains("<title>Error: Sign in to Grafana"));
        assert_eq!(html.matches("Enter your work e-mail address.").count(), 2);
        assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"email-help email-error\""));
        assert!(html.contains("a&#34;&#62;&#60;script&#62;@b.example"));
    }

    #[test]
    fn a_chooser_without_choices_says_what_to_do() {
        let mut page = chooser();
        (page.ask_email, page.connections) = (false, vec![]);
        assert!(page.render().unwrap().contains("What you can do"));
    }

    #[test]
    fn monograms_are_one_letter_or_none() {
        let table = [
            ("contoso", "C"),
            ("«Élan»", "É"),
            ("3M", "3"),
            ("…", ""),
            ("ßeta", "SS"),
        ];
        for (name, expected) in table {
            assert_eq!(monogram(name), expected);
        }
    }
}
