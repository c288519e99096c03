//! What was looked at, how it stands, what will break and what to change.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// It may break, or could not be looked at.
    Warning,
    /// It will break.
    Failure,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word: `issuer`, `typ`, `jwks_cache`.
    pub check: &'static str,
    pub state: State,
    /// What was found.
    pub says: String,
    /// What happens there, in that system's own words where they are known. Absent where all is well.
    pub breaks: Option<String>,
    pub change: Option<String>,
}

impl Finding {
    pub fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, state: State::Ok, says: says.into(), breaks: None, change: None }
    }

    pub fn warning(
        check: &'static str,
        says: impl Into<String>,
        breaks: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self {
            check,
            state: State::Warning,
            says: says.into(),
            breaks: Some(breaks.into()),
            change: Some(change.into()),
        }
    }

    pub fn failure(
        check: &'static str,
        says: impl Into<String>,
        breaks: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self { state: State::Failure, ..Self::warning(check, says, breaks, change) }
    }
}

/// Everything that was looked at, in the order of looking.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// By whose rules; absent: the broker itself was looked at.
    pub system: Option<&'static str>,
    /// The worst of it.
    pub state: State,
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn of(system: Option<&'static str>, findings: Vec<Finding>) -> Self {
        let state = findings.iter().map(|one| one.state).max().unwrap_or(State::Ok);
        Self { system, state, findings }
    }

    pub fn count(&self, state: State) -> usize {
        self.findings.iter().filter(|one| one.state == state).count()
    }
}

/// As a terminal shows it: what is well in one line, the rest with what follows.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for one in &self.findings {
            let mark = match one.state {
                State::Ok => "ok     ",
                State::Warning => "warning",
                State::Failure => "FAILURE",
            };
            writeln!(f, "{mark}  {}: {}", one.check, one.says)?;
            if let Some(breaks) = &one.breaks {
                writeln!(f, "         breaks: {breaks}")?;
            }
            if let Some(change) = &one.change {
                writeln!(f, "         change: {change}")?;
            }
        }
        let (failures, warnings) = (self.count(State::Failure), self.count(State::Warning));
        write!(f, "{} looked at, {failures} will break, {warnings} may", self.findings.len())
    }
}
