//! What a trial of a credential at its provider is worth to whoever wants to promote it, be it a secret or a key.

use crate::admin::Trouble;
use crate::broker::Broker;
use crate::connection::Slug;
use crate::upstream::SecretTrial;

/// Whether the provider may be asked now.
///
/// # Errors
/// [`Trouble::Conflict`] `not_rehearsed` when it was asked too often just now.
pub fn may_try(broker: &Broker, slug: &Slug) -> Result<(), Trouble> {
    broker.may_try_credential(slug).map_err(|wait| {
        let tries = Broker::CREDENTIAL_TRIES;
        let said = format!("it was tried {tries} times in a minute; try again in {} s", wait.whole_seconds() + 1);
        Trouble::Conflict("not_rehearsed", said)
    })
}

/// # Errors
/// [`Trouble::Conflict`]: `code` where the provider refused `what`, with what may `help`; `not_rehearsed` where nothing is proven.
pub fn proven(trial: SecretTrial, code: &'static str, what: &str, help: &str) -> Result<(), Trouble> {
    let (code, sentence) = match trial {
        SecretTrial::Proven => return Ok(()),
        SecretTrial::Refused(said) => {
            (code, format!("the provider does not take this {what}; it answered {said} ({help})"))
        }
        SecretTrial::Unclear(why) => {
            ("not_rehearsed", format!("nothing is proven: {why}; say in override why it may take over all the same"))
        }
        SecretTrial::Unreachable(why) => {
            ("not_rehearsed", format!("the provider cannot be asked now: {why}; try again, or say in override why not"))
        }
    };
    Err(Trouble::Conflict(code, sentence))
}
