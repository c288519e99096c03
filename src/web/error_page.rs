//! The page that says no. Its heading is the answer in plain words; then why, what the person can do, and the trace id
//! by which the operator finds every step. It never says more about accounts or configuration than the person may know.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::brand::Brand;
use super::page;
use crate::ids::TraceId;

#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub brand: Brand,
    /// The state in two or three words: "Not signed in".
    pub verdict: String,
    /// The answer: "Your account may not use Grafana yet".
    pub heading: String,
    /// Why, in a sentence or two.
    pub explanation: String,
    /// "What you can do", one paragraph each. Empty: the section is left out.
    pub remedies: Vec<String>,
    /// The first is the one we would take.
    pub actions: Vec<Action>,
    pub trace_id: TraceId,
    pub at: OffsetDateTime,
    /// The protocol's or our own word for it, for whoever is asked for help: `access_denied`.
    pub code: String,
}

/// A link that looks like a button.
#[derive(Clone, Debug)]
pub struct Action {
    pub label: String,
    pub href: String,
}

impl ErrorPage {
    /// The page as an answer; [`askama::Template::render`] is the text alone.
    pub fn render(&self, status: StatusCode) -> HttpResponse {
        page::render(status, self)
    }

    fn machine_time(&self) -> String {
        let second = self.at.replace_nanosecond(0).unwrap_or(self.at);
        second.format(&Rfc3339).unwrap_or_default()
    }

    fn human_time(&self) -> String {
        let format = format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute]:[second]");
        self.at.format(format).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urls::Urls;

    #[test]
    fn it_answers_with_cause_remedy_and_trace_and_lets_no_markup_through() {
        let page = ErrorPage {
            brand: Brand::avouch(&Urls::new("https://id.example/sso").unwrap()),
            verdict: "Not signed in".into(),
            heading: "Your account may not use <Grafana> yet".into(),
            explanation: "Fabrikam confirmed who you are.".into(),
            remedies: vec!["Ask your administrator.".into()],
            actions: vec![Action { label: "Sign in again".into(), href: "/sso/\"><script>".into() }],
            trace_id: TraceId::from_stored("trc_7k2mfd4q9xw8".into()),
            at: OffsetDateTime::from_unix_timestamp(1_795_426_268).unwrap(),
            code: "access_denied".into(),
        };
        let response = page.render(StatusCode::FORBIDDEN);
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
        let html = Template::render(&page).unwrap();
        assert!(html.contains("trc_7k2mfd4q9xw8") && html.contains("What you can do"));
        assert!(
            html.contains("<time datetime=\"2026-11-23T09:31:08Z\">23 November 2026, 09:31:08 UTC</time>"),
            "{html}"
        );
        assert!(html.contains("/sso/static/app.css?v="));
        assert!(!html.contains("<Grafana>") && !html.contains("\"><script>"));
    }
}
