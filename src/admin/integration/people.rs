//! Who shall be known over there: people by their `sub`, as the query of an address names them.

use crate::admin::Trouble;
use crate::ids::UserId;

/// More are no list that somebody chose.
const MOST: usize = 200;

/// Every `user` of the query, each once.
///
/// # Errors
/// [`Trouble::Malformed`].
pub fn chosen(query: &str) -> Result<Vec<UserId>, Trouble> {
    let mut people: Vec<UserId> = Vec::new();
    for (_, sub) in url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "user") {
        if !UserId::is_well_formed(&sub) {
            return Err(Trouble::Malformed(format!("user must be the sub of a person, usr_..., not {sub:?}")));
        }
        let id = UserId::from_stored(sub.into_owned());
        if !people.contains(&id) {
            people.push(id);
        }
    }
    if people.len() > MOST {
        return Err(Trouble::Malformed(format!("these are more than {MOST} people")));
    }
    Ok(people)
}
