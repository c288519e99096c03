//! Why a login went no further, and what helps: for every audit word that can end one, one sentence each, for the operator.
//! `tests/documents.rs` fails when a word has none.

mod account;
mod openid;
mod request;
mod saml;
mod token;

use serde::Serialize;

/// Both are sentences. Where a word belongs to both protocols they hold for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    pub cause: &'static str,
    pub fix: &'static str,
}

/// Words, the cause, what helps.
type Row = (&'static [&'static str], &'static str, &'static str);

const TABLES: [&[Row]; 5] = [account::ROWS, request::ROWS, openid::ROWS, saml::ROWS, token::ROWS];

/// `None` for a word that ends no login.
pub fn of(reason: &str) -> Option<Remedy> {
    let (_, cause, fix) = TABLES.into_iter().flatten().find(|(words, ..)| words.contains(&reason))?;
    Some(Remedy { cause, fix })
}

/// For a login that was neither refused nor finished: what it waits for, by its last step.
pub const fn unfinished(last: super::Word) -> Remedy {
    use super::Word;
    let (cause, fix) = match last {
        Word::UpstreamSent => (
            "They left for the provider and did not come back yet.",
            "If they saw an error page there, the provider refused our request: its own log says why. Most often our \
             callback or ACS URL is not registered there, or the account is not assigned to the application.",
        ),
        Word::ChooserShown => {
            ("They have not chosen a provider yet.", "Nothing is wrong; ask whether the right provider is on the page.")
        }
        Word::ConsentShown => ("They have not said yet whether the application may.", "Nothing is wrong."),
        Word::DeviceShown => ("They have not said yet whether the device may.", "Nothing is wrong."),
        Word::CodeIssued => (
            "The application was given a code and has not redeemed it.",
            "The application did not reach the token endpoint, or could not prove who it is there: look for \
             token.refused of this client in the audit log, and at the client's own log.",
        ),
        Word::Returned => ("They went back to the application without signing in.", "Look at the step before."),
        _ => ("It is under way, or was left.", "If it stays like this, the browser did not follow on: try again."),
    };
    Remedy { cause, fix }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_word_is_explained_once_and_in_sentences() {
        let mut seen = BTreeSet::new();
        for (words, cause, fix) in TABLES.into_iter().flatten() {
            for word in *words {
                assert!(seen.insert(word), "{word} stands twice");
            }
            for text in [cause, fix] {
                assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{words:?}: {text}");
            }
        }
    }
}
