//! A form filled in wrongly, past what the browser would check itself.

use super::furniture::{Desk, Who};

pub struct Form {
    pub name: &'static str,
    pub path: &'static str,
    pub who: Who,
    pub fill: &'static [(&'static str, &'static str)],
    /// The button.
    pub press: &'static str,
    pub errors: &'static [&'static str],
    pub kept: &'static [(&'static str, &'static str)],
}

impl Form {
    /// What is wrong with the answer. The first time, with script, it is pictured and looked at by axe-core as well.
    pub async fn fill_in_wrongly(&self, desk: &mut Desk, script: bool) -> Vec<String> {
        let origin = desk.open(self.who, self.path).await;
        let browser = &desk.browser;
        browser.script(script).await;
        browser.goto(&browser.url().await).await;
        browser.wait_for(self.press).await;
        browser.evaluate("for (const form of document.forms) form.noValidate = true").await;
        for (field, text) in self.fill {
            browser.fill(field, text).await;
        }
        browser.click(self.press).await;
        browser.wait_for(".error-summary").await;
        let mut wrong = Vec::new();
        let mut check = |holds: bool, what: &str| {
            if !holds {
                wrong.push(what.to_owned());
            }
        };
        let js = async |expression: String| browser.evaluate(&expression).await;
        let focused = js("document.activeElement.matches('.error-summary[role=alert]')".into()).await;
        check(focused == true, "the summary of errors has not the focus");
        check(js("document.title.startsWith('Error: ')".into()).await == true, "the title does not say it");
        for field in self.errors {
            let tied = js(format!(
                "(f => f?.matches('[aria-invalid=true]') && f.getAttribute('aria-describedby')?.split(' ').includes('{field}-error')
                   && !!document.getElementById('{field}-error')?.innerText.trim()
                   && !!document.querySelector('.error-summary a[href=\"#{field}\"]'))(document.getElementById('{field}'))"
            ));
            check(tied.await == true, &format!("the error of {field} is not tied to it"));
        }
        for (field, text) in self.kept {
            let value = js(format!("document.querySelector({}).value", serde_json::json!(field))).await;
            check(value == *text, &format!("{field} was {text:?} and is {value}"));
        }
        if script {
            wrong.extend(super::Look::Light.at(browser, self.name).await);
            wrong.extend(super::Look::Phone.at(browser, self.name).await);
        }
        browser.script(true).await;
        wrong.extend(browser.complaints(&origin).await);
        wrong
    }
}
