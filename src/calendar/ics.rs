//! iCalendar (RFC 5545), as far as a list of moments needs it.

use std::fmt::Write as _;

use time::OffsetDateTime;
use time::macros::format_description;

use crate::broker::expiry::{Expiry, People, Successor};
use crate::secret::fingerprint;
use crate::urls::Urls;

/// §3.1: octets of a line, its end not counted.
const LINE: usize = 75;

/// Each end as an event, with an alarm two weeks before if somebody has to do something.
pub(super) fn write(urls: &Urls, name: &str, all: &[Expiry], people: &People, now: OffsetDateTime) -> String {
    let mut out = Lines::default();
    out.plain("BEGIN:VCALENDAR");
    out.plain("VERSION:2.0");
    out.plain("PRODID:-//Avouch//Expiry watch//EN");
    out.plain("CALSCALE:GREGORIAN");
    out.plain("METHOD:PUBLISH");
    out.text("NAME", name);
    out.text("X-WR-CALNAME", name);
    out.plain("REFRESH-INTERVAL;VALUE=DURATION:PT6H");
    for one in all {
        event(&mut out, urls, one, people, now);
    }
    out.plain("END:VCALENDAR");
    out.0
}

fn event(out: &mut Lines, urls: &Urls, one: &Expiry, people: &People, now: OffsetDateTime) {
    let ends = if one.is_over(now) { "has ended" } else { "ends" };
    let summary = format!("{}: {} {ends}", one.name, one.kind.words());
    out.plain("BEGIN:VEVENT");
    out.plain(&format!("UID:{}@{}", uid(one), urls.host()));
    out.plain(&format!("DTSTAMP:{}", utc(now)));
    out.plain(&format!("DTSTART:{}", utc(one.at)));
    out.text("SUMMARY", &summary);
    out.text("DESCRIPTION", &format!("{}\n{}", one.consequence(people), one.advice()));
    out.plain(&format!("URL:{}", urls.at(&one.path)));
    out.plain("TRANSP:TRANSPARENT");
    if one.successor != Successor::Working {
        out.plain("BEGIN:VALARM");
        out.plain("ACTION:DISPLAY");
        out.plain("TRIGGER:-P14D");
        out.text("DESCRIPTION", &summary);
        out.plain("END:VALARM");
    }
    out.plain("END:VEVENT");
}

/// Of what it is and not of when it ends, so that a date that moves moves the entry.
fn uid(one: &Expiry) -> String {
    let hash = fingerprint(&format!("{}\n{}\n{}", one.kind.as_str(), one.owner, one.id));
    hash[..16].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// §3.3.5, form 2.
fn utc(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
        .unwrap_or_default()
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    /// §3.3.11.
    fn text(&mut self, name: &str, value: &str) {
        let mut line = format!("{name}:");
        for letter in value.chars() {
            match letter {
                '\\' | ';' | ',' => line.extend(['\\', letter]),
                '\n' => line.push_str("\\n"),
                letter if letter.is_control() => {}
                letter => line.push(letter),
            }
        }
        self.plain(&line);
    }

    /// Folded, and no letter in two.
    fn plain(&mut self, line: &str) {
        let mut octets = 0;
        for letter in line.chars() {
            if octets + letter.len_utf8() > LINE {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(letter);
            octets += letter.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_between_letters_and_texts_are_escaped() {
        let mut out = Lines::default();
        out.text("SUMMARY", &format!("a;b,c\\d\r\ne{}", "ü".repeat(100)));
        assert!(out.0.starts_with("SUMMARY:a\\;b\\,c\\\\d\\neü"), "{}", out.0);
        let lines: Vec<_> = out.0.split_terminator("\r\n").collect();
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= LINE && !line.contains(['\r', '\n'])));
        assert!(lines[1..].iter().all(|line| line.starts_with(' ')));
        assert_eq!(lines.concat().matches('ü').count(), 100);
    }
}
