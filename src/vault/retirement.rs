//! Whether a master key's line can go from the key file without anybody noticing.

use super::Keyring;
use super::store::KnownKey;
use crate::life::Verdict;

impl KnownKey {
    /// Of one that seals nothing new, as long as it is in the file or something needs it. `every`: all values under it, what
    /// sign-ins leave behind included, where they were counted.
    pub fn safe_to_retire(&self, keyring: &Keyring, every: Option<i64>) -> Option<Verdict> {
        if keyring.newest().0.as_str() == self.id {
            return None;
        }
        let here = keyring.find(&self.id).is_some();
        let count = every.unwrap_or(self.values);
        let sealed = match count {
            1 => "1 value is".into(),
            count => format!("{count} values are"),
        };
        match (here, count, every) {
            (true, 1.., _) => {
                Some(Verdict::not_yet(format!("{sealed} still sealed with it: run `avouch keys rewrap`.")))
            }
            (true, _, None) => Some(Verdict::not_yet(
                "Nothing lasting is sealed with it; `avouch keys rewrap` seals the rest anew and says when its line may go.",
            )),
            (true, _, Some(_)) => Some(Verdict::safe("Nothing is sealed with it: its line may go.")),
            (false, 1.., _) => Some(Verdict::not_yet(format!(
                "{sealed} sealed with it, and it is not in the key file: put its line back and run `avouch keys rewrap`."
            ))),
            (false, ..) => None,
        }
    }
}
