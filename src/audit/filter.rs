//! What somebody looks for in the log, and how far they have read.

use std::fmt;

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

impl Position {
    /// From [`Position`]'s `Display`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, id) = text.split_once('.')?;
        let nanos = micros.parse::<i64>().ok().map(|micros| i128::from(micros) * 1000)?;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
        AuditEventId::is_well_formed(id).then(|| Self { at, id: AuditEventId::from_stored(id.into()) })
    }
}

impl fmt::Display for Position {
    /// Microseconds, which is what the database keeps, and the id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.unix_timestamp_nanos() / 1000, self.id)
    }
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
    use crate::rng::Rng;

    #[test]
    fn a_position_is_read_back_and_nothing_else_is_one() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_795_426_268_123_456_000).unwrap();
        let position = Position { at, id: AuditEventId::new(at, &Rng::default()) };
        assert_eq!(Position::parse(&position.to_string()), Some(position));
        for text in ["", ".", "1.evt_x", "x.evt_00000000000000000000000000", "99999999999999999999.evt_"] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
        assert_eq!(Position::parse(&format!("{}.evt_00000000000000000000000000", i64::MAX)), None);
    }

    #[test]
    fn what_somebody_types_is_no_pattern() {
        assert_eq!(beginning(r"100%_\"), r"100\%\_\\%");
        assert_eq!(beginning("a\0b"), "ab%");
    }
}
