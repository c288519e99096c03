//! The bars of the hand-over: credentials that are valid beside each other, with today as a line through all of them.

use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::life::State;

/// To each side of today, which stands in the middle.
const REACH: Duration = Duration::days(180);

#[derive(Clone, Debug)]
pub struct Lane {
    pub label: String,
    pub state: &'static str,
    /// In thousandths of the whole width.
    pub from: i64,
    pub to: i64,
}

#[derive(Clone, Debug)]
pub struct Lanes {
    pub lanes: Vec<Lane>,
    /// Dates at equal distances.
    pub axis: Vec<String>,
}

/// A credential as far as its bar needs it: its label, its state, since when and until when it is valid.
pub type Bar = (String, State, OffsetDateTime, Option<OffsetDateTime>);

impl Lanes {
    pub fn of(bars: Vec<Bar>, now: OffsetDateTime) -> Self {
        let x = |at: OffsetDateTime| {
            let since = at - (now - REACH);
            (since.whole_minutes() * 1000 / (REACH.whole_minutes() * 2)).clamp(0, 1000)
        };
        let lane = |(label, state, from, until): Bar| Lane {
            label,
            state: state.as_str(),
            from: x(from),
            // a bar that begins today has to be seen
            to: until.map_or(1000, x).max(x(from) + 4),
        };
        let format = format_description!("[day padding:none] [month repr:short]");
        let date = |at: OffsetDateTime| at.format(format).unwrap_or_default();
        let quarters = [-REACH, -REACH / 2, Duration::ZERO, REACH / 2, REACH];
        let axis = quarters.map(|off| if off.is_zero() { "today".to_owned() } else { date(now + off) });
        Self { lanes: bars.into_iter().map(lane).collect(), axis: axis.to_vec() }
    }
}

impl Lane {
    pub fn state_word(&self) -> &'static str {
        match self.state {
            "next" => "Next",
            "active" => "Active",
            "retiring" => "Retiring",
            _ => "Retired",
        }
    }

    /// How its line is drawn.
    pub fn class(&self) -> &'static str {
        match self.state {
            "next" => "planned",
            "retiring" => "thin",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_is_in_the_middle_and_nothing_leaves_the_frame() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(9000);
        let bar = |from: i64, until: Option<i64>| {
            ("x".to_owned(), State::Active, now + Duration::days(from), until.map(|days| now + Duration::days(days)))
        };
        let lanes = Lanes::of(vec![bar(-1000, Some(0)), bar(0, None), bar(-90, Some(90)), bar(0, Some(-5))], now);
        let ends: Vec<_> = lanes.lanes.iter().map(|lane| (lane.from, lane.to)).collect();
        assert_eq!(ends, [(0, 500), (500, 1000), (250, 750), (500, 504)]);
        assert_eq!(lanes.axis[2], "today");
    }
}
