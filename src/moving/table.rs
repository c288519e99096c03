//! The table as CSV (RFC 4180): `old_subject,new_subject`, and the issuers where a connection has several.

use std::collections::HashMap;

use csv::{ReaderBuilder, Trim};

use super::Pair;
use crate::user::IdentityKey;
use crate::user::import::{Fault, Lines};

pub const COLUMNS: [&str; 4] = ["old_subject", "new_subject", "old_issuer", "new_issuer"];
pub const MOST_ROWS: usize = 50_000;
/// Of one subject or issuer.
const LONGEST: usize = 1000;

/// `old` and `new` are the issuers of the connections, where all their people have the same.
///
/// # Errors
/// everything that is wrong, by line.
pub fn read(bytes: &[u8], old: Option<&str>, new: Option<&str>) -> Result<Vec<Pair>, Vec<Fault>> {
    let one = |line, reason: String| vec![Fault { line, column: "", reason }];
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(one(1, "the table is not UTF-8; save it as \"CSV UTF-8\"".into()));
    };
    let text = text.trim_start_matches('\u{feff}');
    let semicolons = text.lines().next().is_some_and(|header| header.contains(';'));
    let mut reader = ReaderBuilder::new()
        .delimiter(if semicolons { b';' } else { b',' })
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| one(1, error.to_string()))?.clone();
    if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
        return Err(one(1, format!("column {unknown:?} is unknown; the header names {}", COLUMNS.join(", "))));
    }
    let column = |name: &str| header.iter().position(|written| written == name);
    let (Some(old_at), Some(new_at)) = (column(COLUMNS[0]), column(COLUMNS[1])) else {
        return Err(one(1, "the header names old_subject and new_subject".into()));
    };
    let (old_issuer_at, new_issuer_at) = (column(COLUMNS[2]), column(COLUMNS[3]));
    let (mut pairs, mut faults) = (Vec::new(), Vec::new());
    let (mut seen, mut lines) = (HashMap::new(), Lines::of(text));
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = lines.at(error.position());
            one(line, "has more or fewer fields than the header, or cannot be read".into())
        })?;
        let line = lines.at(record.position());
        if pairs.len() == MOST_ROWS {
            return Err(one(line, format!("a table has {MOST_ROWS} people at most; plan another move for the rest")));
        }
        let mut side = |subject, issuer: Option<usize>, usual: Option<&str>, columns: [&'static str; 2]| {
            let mut fault = |column, reason: &str| faults.push(Fault { line, column, reason: reason.into() });
            let subject = record.get(subject).unwrap_or_default();
            let issuer = issuer.and_then(|at| record.get(at)).filter(|text| !text.is_empty()).or(usual);
            let Some(issuer) = issuer else {
                fault(columns[1], "the connection has several issuers: write the one of this person's tenant");
                return None;
            };
            let fits = |text: &str| text.len() <= LONGEST && !text.chars().any(char::is_control);
            if subject.is_empty() || !fits(subject) || !fits(issuer) {
                fault(columns[0], "is empty, too long, or holds a control character");
                return None;
            }
            let key = IdentityKey { issuer: issuer.into(), subject: subject.into() };
            if seen.insert((columns[0], key.clone()), line).is_some() {
                fault(columns[0], "stands in the table twice");
                return None;
            }
            Some(key)
        };
        let old = side(old_at, old_issuer_at, old, [COLUMNS[0], COLUMNS[2]]);
        let new = side(new_at, new_issuer_at, new, [COLUMNS[1], COLUMNS[3]]);
        if let (Some(old), Some(new)) = (old, new) {
            pairs.push(Pair { line: i32::try_from(line).unwrap_or(i32::MAX), old, new });
        }
    }
    if pairs.is_empty() && faults.is_empty() {
        faults = one(1, "there is nobody in this table".into());
    }
    if faults.is_empty() { Ok(pairs) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(u64, &'static str)> {
        let faults = read(text.as_bytes(), Some("https://old"), None).unwrap_err();
        faults.into_iter().map(|fault| (fault.line, fault.column)).collect()
    }

    #[test]
    fn a_table_is_read_as_spreadsheets_write_it() {
        let text = "\u{feff}new_subject;old_subject\r\nn1;o1\r\n";
        let pairs = read(text.as_bytes(), Some("https://old"), Some("https://new")).unwrap();
        let key = |issuer: &str, subject: &str| IdentityKey { issuer: issuer.into(), subject: subject.into() };
        assert_eq!(pairs, [Pair { line: 2, old: key("https://old", "o1"), new: key("https://new", "n1") }]);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_nobody_stands_in_it_twice() {
        assert_eq!(faults("old_subject\n1\n"), [(1, "")]);
        assert_eq!(faults("old_subject,new_subject,email\n"), [(1, "")]);
        assert_eq!(faults("old_subject,new_subject\n1\n"), [(2, "")]);
        let head = "old_subject,new_subject,new_issuer\n";
        assert_eq!(faults(head), [(1, "")]);
        assert_eq!(faults(&format!("{head}1,2,\n")), [(2, "new_issuer")]);
        assert_eq!(
            faults(&format!("{head}1,2,i\n1,3,i\n4,2,i\n,5,i\n")),
            [(3, "old_subject"), (4, "new_subject"), (5, "old_subject")]
        );
        // the same subject at two issuers are two people
        assert!(read(format!("{head}1,2,i\n3,2,j\n").as_bytes(), Some("https://old"), None).is_ok());
    }
}
