//! Lists of people: who is looked for, page by page. Newest first, because ids sort by birth: what comes meanwhile stands
//! on the first page and moves nobody on the ones after it.

pub mod store;

use time::OffsetDateTime;

use super::UserStatus;
use crate::ids::{ConnectionId, UserId};

/// Who is on the list; the default is everybody.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub search: Option<Search>,
    pub status: Option<UserStatus>,
    /// Only people who were created ahead and have not come yet.
    pub never_signed_in: bool,
    /// Only people with an identity there.
    pub connection: Option<ConnectionId>,
}

/// What somebody typed to find a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// These and nobody else.
    Subs(Vec<UserId>),
    /// What an upstream calls the person, or else beginnings of words of name and e-mail address.
    Text { subject: String, words: Vec<String> },
}

impl Search {
    pub fn of(typed: &str) -> Self {
        let typed = typed.trim();
        if UserId::is_well_formed(typed) {
            return Self::Subs(vec![UserId::from_stored(typed.into())]);
        }
        // as the column `words` is split: there is no quote or backslash left in a word
        let words = typed.split(|c: char| c.is_whitespace() || c.is_control() || c.is_ascii_punctuation());
        let words =
            words.filter(|word| !word.is_empty()).take(MOST_WORDS).map(|w| w.chars().take(LONGEST_WORD).collect());
        Self::Text { subject: typed.replace('\0', ""), words: words.collect() }
    }
}

const MOST_WORDS: usize = 8;
const LONGEST_WORD: usize = 100;

/// A `tsquery`: every word begins a word of the person. Each stands in two forms, because a database whose locale is C
/// folds the case of ASCII letters only.
fn query(words: &[String]) -> String {
    let forms = words.iter().map(|word| {
        let (folded, ascii) = (word.to_lowercase(), word.to_ascii_lowercase());
        if folded == ascii { format!("'{folded}':*") } else { format!("('{folded}':* | '{ascii}':*)") }
    });
    forms.collect::<Vec<_>>().join(" & ")
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub id: UserId,
    pub status: UserStatus,
    pub email: Option<String>,
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub managed_by: Option<String>,
    pub created_at: OffsetDateTime,
    pub last_login_at: Option<OffsetDateTime>,
    /// Slugs of the connections by which the person is known.
    pub connections: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_words_and_never_a_query() {
        let words = |typed: &str| match Search::of(typed) {
            Search::Text { words, .. } => query(&words),
            Search::Subs(ids) => ids[0].to_string(),
        };
        assert_eq!(words("Mart mcfly@ex"), "'mart':* & 'mcfly':* & 'ex':*");
        assert_eq!(words("x' | !('a\\:* <-> &"), "'x':* & 'a':*");
        assert_eq!(words("Émile"), "('émile':* | 'Émile':*)");
        assert_eq!(words(" '\" "), "");
        assert_eq!(words("usr_01jd00000000000000000000zz"), "usr_01jd00000000000000000000zz");
    }
}
