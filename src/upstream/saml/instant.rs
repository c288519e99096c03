//! Points and lengths of time as XML Schema writes them.

use time::format_description::well_known::Rfc3339;
use time::macros::{datetime, format_description};
use time::{Duration, OffsetDateTime, UtcOffset};

use super::refusal::{Refusal, refuse};

/// What "for ever" is taken for. Products write the last second of the year 9999, which no skew can be added to and
/// which some time zones put outside the calendar.
const LAST: OffsetDateTime = datetime!(9000-01-01 00:00 UTC);

/// `xs:dateTime` with a time zone (SAML core §1.3.3: UTC), in UTC.
pub(super) fn parse(text: &str) -> Option<OffsetDateTime> {
    let instant = OffsetDateTime::parse(text.trim(), &Rfc3339).ok()?;
    Some(if instant.year() < LAST.year() { instant.to_offset(UtcOffset::UTC) } else { LAST })
}

/// An attribute, if there.
///
/// # Errors
/// `instant_malformed`.
pub(super) fn attribute(node: roxmltree::Node<'_, '_>, name: &str) -> Result<Option<OffsetDateTime>, Refusal> {
    match node.attribute(name).map(parse) {
        None => Ok(None),
        Some(Some(instant)) => Ok(Some(instant)),
        Some(None) => refuse("instant_malformed", format!("{name} is not a date and time with a time zone")),
    }
}

/// Whole seconds in UTC, as we write them.
pub(super) fn write(instant: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    instant.to_offset(UtcOffset::UTC).format(&format).expect("a date between year 0 and 9999")
}

/// `xs:duration`, of which years and months are taken as 365 and 30 days. Negative ones are nothing.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (date, time) = match text.trim().strip_prefix('P')?.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (text.trim().strip_prefix('P')?, ""),
    };
    let sum = |text: &str, units: &[(char, i64)]| {
        let mut rest = text;
        let mut seconds = 0_i64;
        for (unit, size) in units {
            if let Some((number, after)) = rest.split_once(*unit) {
                let whole = number.split('.').next().unwrap_or_default();
                seconds = seconds.checked_add(whole.parse::<u32>().ok().map(i64::from)?.checked_mul(*size)?)?;
                rest = after;
            }
        }
        rest.is_empty().then_some(seconds)
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = sum(date, &[('Y', 365 * 86_400), ('M', 30 * 86_400), ('D', 86_400)])?;
    let clock = sum(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    days.checked_add(clock).map(Duration::seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_identity_providers_write() {
        for text in ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", "2026-01-02T04:04:05+01:00"] {
            assert_eq!(parse(text), Some(datetime!(2026-01-02 03:04:05 UTC)), "{text}");
        }
        assert!(parse("2026-01-02T03:04:05.1234567Z").is_some());
        for text in ["2026-01-02T03:04:05", "2026-01-02", "", "2026-13-02T03:04:05Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:00", "9999-01-01T00:00:00+14:00"] {
            assert_eq!(parse(text), Some(LAST), "{text}");
        }
        assert!(parse("0000-01-01T00:00:00+14:00").is_some());
        assert_eq!(write(datetime!(2026-01-02 04:04:05.5 +1)), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn durations_of_metadata() {
        for (text, seconds) in [("PT1H", 3_600), ("P7D", 604_800), ("PT604800.000S", 604_800), ("P1DT12H", 129_600)] {
            assert_eq!(duration(text), Some(Duration::seconds(seconds)), "{text}");
        }
        for text in ["", "P", "PT", "-P1D", "1H", "PT1X", "P99999999999D"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
