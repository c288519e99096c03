//! The lives of keys as lines side by side, today at three quarters of the width.

use time::{Duration, OffsetDateTime};

use crate::signing_key::{SigningKey, State};

/// A quarter of the width, at least.
const QUARTER: Duration = Duration::days(10);

/// From when until when the lines go.
pub struct Span {
    now: OffsetDateTime,
    quarter: Duration,
}

/// A part of a line, of a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stroke {
    pub class: &'static str,
    pub from: i64,
    pub to: i64,
}

impl Span {
    pub fn of<'a>(keys: impl Iterator<Item = &'a SigningKey>, now: OffsetDateTime) -> Self {
        let earliest = keys.map(|key| key.published_at).min().unwrap_or(now);
        let third: Duration = (now - earliest) / 3_i32;
        Self { now, quarter: third.max(QUARTER) }
    }

    /// The moments at nothing, a quarter, a half, three quarters and the end.
    pub fn axis(&self) -> [OffsetDateTime; 5] {
        [-3_i32, -2, -1, 0, 1].map(|quarters| self.now + self.quarter * quarters)
    }

    fn place(&self, at: OffsetDateTime) -> i64 {
        let start = self.now - self.quarter * 3_i32;
        let passed: Duration = at - start;
        (passed.whole_seconds() * 250 / self.quarter.whole_seconds().max(1)).clamp(0, 1000)
    }

    /// Thin while it is only shown to the world, thick while it signs, broken where that is to come.
    pub fn strokes(&self, key: &SigningKey) -> Vec<Stroke> {
        let stroke = |class, from, to| Stroke { class, from: self.place(from), to: self.place(to) };
        let over = key.ended_at.unwrap_or(self.now);
        let mut strokes = vec![stroke("thin", key.published_at, key.activated_at.unwrap_or(over))];
        if let Some(activated) = key.activated_at {
            let until = key.retiring_at.unwrap_or(over);
            strokes.push(stroke("", activated, until));
            strokes.extend(key.retiring_at.map(|from| stroke("thin", from, over)));
        }
        match key.state {
            State::Next => strokes.push(stroke("planned", self.now, self.now + self.quarter)),
            State::Retiring => strokes.extend(key.leaves_at().map(|at| stroke("planned", self.now, at))),
            State::Active | State::Retired | State::Revoked => {}
        }
        // what is too short to be seen still was
        strokes.iter_mut().for_each(|stroke| stroke.to = stroke.to.max(stroke.from + 2));
        strokes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Alg;

    #[test]
    fn a_key_is_thin_while_shown_and_thick_while_it_signs() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(1000);
        let ago = |days| now - Duration::days(days);
        let mut key = SigningKey {
            kid: "k".into(),
            number: 1,
            alg: Alg::RS256,
            state: State::Active,
            published_at: ago(300),
            activated_at: Some(ago(100)),
            retiring_at: None,
            ended_at: None,
        };
        let span = Span::of([&key].into_iter(), now);
        let thin = Stroke { class: "thin", from: 0, to: 500 };
        assert_eq!(span.strokes(&key), [thin, Stroke { class: "", from: 500, to: 750 }]);
        (key.state, key.activated_at) = (State::Next, None);
        assert_eq!(span.strokes(&key)[1], Stroke { class: "planned", from: 750, to: 1000 });
        assert_eq!(span.axis()[4], now + Duration::days(100));
    }
}
