//! A rule tried on people before it is kept: who has the role by the stored rule, and who would by the new one.

use crate::cel::Expression;
use crate::user::User;

/// One person under both rules.
#[derive(Clone, Debug)]
pub struct Tried {
    pub user: User,
    pub before: bool,
    pub after: bool,
    /// Why the new rule could not be decided; it grants nothing then.
    pub error: Option<String>,
}

impl Tried {
    pub const fn changes(&self) -> bool {
        self.before != self.after
    }
}

/// `stored` is none for a role that is not there yet. Whom it changes come first, in the order of `people` otherwise.
pub fn on(people: Vec<User>, stored: Option<&Expression>, new: &Expression) -> Vec<Tried> {
    let tried = people.into_iter().map(|user| {
        let facts = user.for_rules();
        let before = stored.is_some_and(|rule| rule.is_true(&[("user", &facts)]).unwrap_or(false));
        let after = new.is_true(&[("user", &facts)]);
        let error = after.as_ref().err().map(ToString::to_string);
        Tried { before, after: after.unwrap_or(false), error, user }
    });
    let mut tried: Vec<Tried> = tried.collect();
    tried.sort_by_key(|one| !one.changes());
    tried
}
