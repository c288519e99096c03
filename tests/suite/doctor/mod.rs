//! The doctor: told of a client and a system, it says before anybody signed in whether that will work. Every preset is
//! well, every planted fault is found by its name, with what breaks there and what to change.

mod addresses;
mod desk;
mod front;
mod healthy;
mod published;
mod secrecy;
mod tokens;

use serde_json::Value;

use crate::harness::Broker;

/// What `avouch doctor --json` said of a client.
pub struct Report(pub Value);

pub async fn examine(broker: &Broker, client: &str, system: &str, more: &[&str]) -> Report {
    let arguments = ["doctor", "--json", "--client", client, "--system", system];
    let (well, text) = broker.cli(&[&arguments, more].concat()).await;
    let first = serde_json::Deserializer::from_str(&text).into_iter().next();
    let report = Report(first.and_then(Result::ok).unwrap_or_else(|| panic!("{client} at {system}: {text}")));
    assert_eq!(well, report.checks("failure").is_empty(), "the exit code says whether anything will break: {text}");
    report
}

impl Report {
    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.0["findings"].as_array().expect("findings").iter()
    }

    /// The names of the checks that ended so.
    pub fn checks(&self, state: &str) -> Vec<&str> {
        self.findings().filter(|one| one["state"] == state).filter_map(|one| one["check"].as_str()).collect()
    }

    /// This check ended so: what was found, what breaks and what to change hold these words.
    pub fn has(&self, check: &str, state: &str, [says, breaks, change]: [&str; 3]) {
        let holds = |one: &Value, field: &str, words: &str| one[field].as_str().unwrap_or_default().contains(words);
        let found = self.findings().any(|one| {
            one["check"] == check
                && one["state"] == state
                && holds(one, "says", says)
                && holds(one, "breaks", breaks)
                && holds(one, "change", change)
        });
        assert!(found, "no {state} {check} of {says:?}, {breaks:?}, {change:?} in {:#}", self.0);
    }

    /// What is told of a failure is told of every one.
    pub fn is_helpful(&self) {
        for one in self.findings().filter(|one| one["state"] != "ok") {
            let told = |field: &str| one[field].as_str().is_some_and(|text| !text.is_empty());
            assert!(told("says") && told("breaks") && told("change"), "{one:#}");
        }
    }
}
