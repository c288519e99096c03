//! The table as CSV (RFC 4180): a header that names its columns in any order, and one person a line.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{Fault, Row};

/// `email` or `name`, `connection` and `subject` are needed, `issuer` where the connection has several.
pub const COLUMNS: [&str; 5] = ["email", "name", "connection", "subject", "issuer"];
pub const MOST_ROWS: usize = 10_000;
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// # Errors
/// what keeps the table from being read, by line.
pub fn parse(bytes: &[u8]) -> Result<Vec<Row>, Vec<Fault>> {
    let fault = |line, reason: String| vec![Fault { line, column: "", reason }];
    if bytes.len() > MOST_BYTES {
        return Err(fault(1, format!("the table is larger than {} MiB; bring it in pieces", MOST_BYTES >> 20)));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(fault(1, "the table is not UTF-8; save it as \"CSV UTF-8\"".into()));
    };
    // spreadsheets begin with a byte order mark, and write semicolons where the comma is a decimal sign
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|d| first.bytes().filter(|b| b == d).count());
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter.filter(|d| first.as_bytes().contains(d)).unwrap_or(b','))
        .trim(Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| fault(1, error.to_string()))?.clone();
    let columns = columns(&header).map_err(|reason| fault(1, reason))?;
    let (mut rows, mut faults, mut lines) = (Vec::new(), Vec::new(), Lines::of(text));
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                return Err(fault(lines.at(error.position()), "cannot be read".into()));
            }
        };
        let line = lines.at(record.position());
        if record.iter().all(str::is_empty) {
            continue;
        }
        if record.len() != header.len() {
            let reason = format!("has {} fields, and the header {}", record.len(), header.len());
            faults.push(Fault { line, column: "", reason });
            continue;
        }
        if rows.len() == MOST_ROWS {
            return Err(fault(line, format!("a table has {MOST_ROWS} people at most; bring the rest in another one")));
        }
        let field = |column: &str| {
            let at = columns.iter().find(|(name, _)| *name == column).map(|(_, at)| *at);
            at.and_then(|at| record.get(at)).map(plain).unwrap_or_default()
        };
        rows.push(Row {
            line,
            email: field("email"),
            name: field("name"),
            connection: field("connection"),
            subject: field("subject"),
            issuer: field("issuer"),
        });
    }
    if rows.is_empty() && faults.is_empty() {
        faults = fault(1, "there is nobody in this table".into());
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// Lines as an editor counts them, blank ones too: [`csv::Position`] is one behind after CRLF.
pub struct Lines<'a> {
    text: &'a str,
    passed: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub const fn of(text: &'a str) -> Self {
        Self { text, passed: 0, line: 1 }
    }

    /// Of records in their order.
    pub fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let bytes = self.text.as_bytes();
        let begin = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.passed);
        let blank = bytes.iter().skip(begin).take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let passed = bytes.get(self.passed..begin + blank).unwrap_or_default();
        self.line += passed.iter().filter(|b| **b == b'\n').count() as u64;
        self.passed += passed.len();
        self.line
    }
}

/// Our own export writes an apostrophe before what a spreadsheet would take for a formula.
fn plain(field: &str) -> String {
    match field.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.into(),
        _ => field.into(),
    }
}

fn columns(header: &StringRecord) -> Result<Vec<(&'static str, usize)>, String> {
    let mut out: Vec<(&'static str, usize)> = Vec::new();
    for (at, written) in header.iter().enumerate() {
        let Some(column) = COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(written)) else {
            return Err(format!("column {written:?} is unknown; the header names {}", COLUMNS.join(", ")));
        };
        if out.iter().any(|(known, _)| *known == column) {
            return Err(format!("column {column} stands twice in the header"));
        }
        out.push((column, at));
    }
    for needed in ["connection", "subject"] {
        if !out.iter().any(|(known, _)| *known == needed) {
            return Err(format!("the header has no column {needed}; it names {}", COLUMNS.join(", ")));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &[u8]) -> (u64, String) {
        let faults = parse(text).unwrap_err();
        (faults[0].line, faults[0].reason.clone())
    }

    #[test]
    fn columns_come_in_any_order_and_as_spreadsheets_write_them() {
        let text = "\u{feff}Subject;Name;connection\r\n\r\n42;\"Weaver;\nAda\";contoso\r\n'=1;x;contoso\r\n";
        let rows = parse(text.as_bytes()).unwrap();
        assert_eq!((rows[0].line, &*rows[0].name, &*rows[0].subject), (3, "Weaver;\nAda", "42"));
        assert_eq!((rows[1].line, &*rows[1].subject, &*rows[1].email), (5, "=1", ""));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_line() {
        assert_eq!(fault(b"email,connection,subject\na,b\n").0, 2);
        assert!(fault(b"email,connection,subject,groups\n").1.contains("groups"));
        assert!(fault(b"email,email,connection,subject\n").1.contains("twice"));
        assert!(fault(b"email,name\n").1.contains("connection"));
        assert!(fault(b"email,connection,subject\n\n").1.contains("nobody"));
        assert!(fault(b"\xff\xfe").1.contains("UTF-8"));
        let many = format!("connection,subject\n{}", "c,s\n".repeat(MOST_ROWS + 1));
        assert_eq!(fault(many.as_bytes()).0, MOST_ROWS as u64 + 2);
    }
}
