//! What somebody looks for in the log, and how far they have read.

use time::OffsetDateTime;

use super::Outcome;
use crate::ids::AuditEventId;

/// Everything that is said has to hold; a default filter is the whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The action, or its beginning: `login` finds `login.refreshed` too.
    pub action: Option<String>,
    pub outcome: Option<Outcome>,
    pub reason: Option<String>,
    /// Whole, with its kind: `operator:ingrid@tidewater.example`.
    pub actor: Option<String>,
    pub client_id: Option<String>,
    pub connection: Option<String>,
    pub sub: Option<String>,
    pub trace_id: Option<String>,
    /// From then on.
    pub from: Option<OffsetDateTime>,
    /// Until then, and not then.
    pub until: Option<OffsetDateTime>,
    /// The beginning of who did it (with or without its kind) or of whom it was about, or a whole trace id.
    pub text: Option<String>,
}

/// The place of one event in the log, newest first. What comes after it stays the same however much is written meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub at: OffsetDateTime,
    pub id: AuditEventId,
}

/// A LIKE pattern for everything that begins with `text`.
pub(super) fn beginning(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 1);
    for c in text.chars().filter(|c| *c != '\0') {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn what_somebody_types_is_no_pattern() {
        assert_eq!(beginning(r"100%_\"), r"100\%\_\\%");
        assert_eq!(beginning("a\0b"), "ab%");
    }
}
