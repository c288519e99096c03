//! What was typed into a form, and what is wrong with it: errors stand beside their fields, and nothing typed is lost.

use crate::provisioning::Problem;

/// Messages by field, in the order of the summary.
#[derive(Clone, Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

#[derive(Clone, Debug)]
pub struct FieldError {
    /// The `name` and `id` of the input.
    pub field: String,
    pub message: String,
}

impl FieldErrors {
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    /// From what the nouns found wrong: the path's last word names the field, unless `field_of` knows better.
    pub fn of(problems: &[Problem], field_of: impl Fn(&str) -> Option<&'static str>) -> Self {
        let mut errors = Self::default();
        for problem in problems {
            let plain: String = problem.path.split(['[', ']']).step_by(2).collect();
            let last = plain.rsplit('.').find(|word| !word.is_empty()).unwrap_or("form").to_owned();
            errors.add(field_of(&problem.path).map_or(last, Into::into), problem.reason.clone());
        }
        errors
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether something is wrong with one of these fields.
    pub fn any_of(&self, fields: &[&str]) -> bool {
        self.0.iter().any(|error| fields.contains(&error.field.as_str()))
    }

    /// The messages of one field, joined.
    pub fn at(&self, field: &str) -> Option<String> {
        let messages: Vec<_> = self.0.iter().filter(|e| e.field == field).map(|e| e.message.as_str()).collect();
        (!messages.is_empty()).then(|| messages.join(" "))
    }
}

/// Lines of a text area: without blanks around them, empty ones left out.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect()
}

/// What was typed, unless it is blank.
pub fn given(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(Into::into)
}
