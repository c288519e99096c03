//! Somebody created ahead: one person, and their name until they come.

pub mod pages;

use crate::admin::Trouble;
use crate::admin::form::given;
use crate::audit::Author;
use crate::broker::Broker;
use crate::ids::UserId;
use crate::provisioning::Problem;
use crate::user::import::is_email;
use crate::user::provision;

/// # Errors
/// [`Trouble::Invalid`], and what keeps this person from being changed here.
pub async fn change(
    broker: &Broker,
    author: &Author,
    sub: &UserId,
    expected: Option<&str>,
    email: Option<String>,
    name: Option<String>,
) -> Result<(), Trouble> {
    let (email, name) = (email.as_deref().and_then(given), name.as_deref().and_then(given));
    let mut problems = Vec::new();
    let mut wrong = |path: &str, reason: &str| problems.push(Problem { path: path.into(), reason: reason.into() });
    if email.as_deref().is_some_and(|email| !is_email(email) || email.len() > 254) {
        wrong("email", "This is not an e-mail address.");
    }
    if name.as_deref().is_some_and(|name| name.chars().count() > 200 || name.chars().any(char::is_control)) {
        wrong("name", "A name has 200 characters at most, on one line.");
    }
    if email.is_none() && name.is_none() {
        wrong("email", "Give an e-mail address or a name, so that somebody can find this person.");
    }
    if !problems.is_empty() {
        return Err(Trouble::Invalid(problems));
    }
    let edited = provision::edit(&broker.ctx, author, sub, expected, email.as_deref(), name.as_deref()).await?;
    super::edited(sub, edited)
}
