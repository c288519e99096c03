//! Somebody who works at one of the companies.

#[derive(Debug)]
pub(super) struct Person {
    /// The company's own name for them, never given to anybody else.
    pub subject: &'static str,
    pub given_name: &'static str,
    pub family_name: &'static str,
    pub email: &'static str,
    pub groups: &'static [&'static str],
    /// What this person is there to show.
    pub story: &'static str,
}

impl Person {
    pub fn find(people: &'static [Self], subject: &str) -> Option<&'static Self> {
        people.iter().find(|person| person.subject == subject)
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    pub fn monogram(&self) -> &'static str {
        &self.given_name[..1]
    }
}
