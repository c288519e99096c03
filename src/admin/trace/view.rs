//! A trace in an operator's words: what it is called, why it ended as it did, and each step with its evidence.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::broker::Catalog;
use crate::connection::certificate::fingerprint;
use crate::trace::remedy::{self, Remedy};
use crate::trace::{Kind, LoginTrace, Outcome, Step, StepState, Summary, Word};

/// One step, ready to be shown.
#[derive(Clone, Debug)]
pub struct StepView {
    pub state: &'static str,
    /// For who cannot see the mark: "Passed".
    pub said: &'static str,
    pub title: &'static str,
    pub sentence: String,
    /// "+4.2 s" after the first step.
    pub offset: String,
    pub at: String,
    pub evidence: Vec<(String, String)>,
    /// Unfolded: where it stopped.
    pub open: bool,
}

/// `data-state` of a pill, and its words.
pub const fn pill(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Success => ("passed", "Passed"),
        Outcome::Refused => ("refused", "Refused"),
        Outcome::Failed => ("failing", "Failed"),
        Outcome::Open => ("waiting", "Not finished"),
    }
}

/// "Sign-in to Grafana, refused".
pub fn heading(summary: &Summary, catalog: &Catalog) -> String {
    let how = match summary.outcome {
        Outcome::Success => "passed",
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
        Outcome::Open => "not finished",
    };
    match (summary.kind, &summary.client_id) {
        (Kind::Test, _) => {
            format!("Test of {}, {how}", connection_name(summary, catalog).unwrap_or_else(|| "a connection".into()))
        }
        (Kind::Login, Some(_)) => format!("Sign-in to {}, {how}", app_name(summary, catalog).unwrap_or_default()),
        (Kind::Login, None) => format!("Sign-in, {how}"),
    }
}

pub fn app_name(summary: &Summary, catalog: &Catalog) -> Option<String> {
    let id = summary.client_id.as_ref()?;
    Some(catalog.client(id).map_or_else(|| id.clone(), |client| client.name.clone()))
}

pub fn connection_name(summary: &Summary, catalog: &Catalog) -> Option<String> {
    let slug = summary.connection.as_ref()?;
    Some(catalog.connection(slug).map_or_else(|| slug.clone(), |connection| connection.display_name.clone()))
}

/// Name and address, as far as they are known.
pub fn who(summary: &Summary) -> Option<String> {
    let known: Vec<&str> = [&summary.name, &summary.email].into_iter().flatten().map(String::as_str).collect();
    (!known.is_empty()).then(|| known.join(", "))
}

/// Why it ended so, and what helps; none for a login that succeeded.
pub fn remedy(trace: &LoginTrace) -> Option<Remedy> {
    match trace.summary.outcome {
        Outcome::Success => None,
        Outcome::Open => trace.steps.last().map(|last| remedy::unfinished(last.word)),
        Outcome::Refused | Outcome::Failed => remedy::of(trace.summary.reason.as_deref()?),
    }
}

/// The answer in one sentence, with names where they are known.
pub fn cause(trace: &LoginTrace, catalog: &Catalog) -> Option<String> {
    let general = remedy(trace)?.cause;
    let by = connection_name(&trace.summary, catalog);
    match (trace.summary.reason.as_deref(), by) {
        (Some("not_allowed"), Some(by)) => {
            let whom = trace.summary.name.as_deref().or(trace.summary.email.as_deref()).unwrap_or("them");
            let rule = match found(trace) {
                Some(_) => "your rule could not be evaluated, so it kept them out",
                None => "your rule kept them out",
            };
            Some(format!("{by} vouched for {whom}; {rule}."))
        }
        _ => Some(general.into()),
    }
}

/// What was found where it stopped, in the words of whoever found it.
pub fn found(trace: &LoginTrace) -> Option<&str> {
    let stop = trace.stop()?;
    let found =
        stop.detail["detail"].as_str().filter(|text| !text.is_empty() && Some(*text) != stop.reason.as_deref())?;
    // "nonce_mismatch: the ID token answers another request"
    let reason = stop.reason.as_deref().unwrap_or_default();
    Some(found.strip_prefix(reason).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(found))
}

/// The end that a refused login did not come to.
fn not_reached(trace: &LoginTrace) -> Option<StepView> {
    let ends = [Word::TokenIssued, Word::TokenPreview];
    let came = trace.steps.iter().any(|step| ends.contains(&step.word));
    let is_over = matches!(trace.summary.outcome, Outcome::Refused | Outcome::Failed);
    (is_over && !came).then(|| StepView {
        state: "off",
        said: "Not reached",
        title: "Code and tokens",
        sentence: "Not reached.".into(),
        offset: String::new(),
        at: String::new(),
        evidence: Vec::new(),
        open: false,
    })
}

pub fn steps(trace: &LoginTrace) -> Vec<StepView> {
    let began = trace.steps.first().map(|step| step.at);
    let stop = trace.stop();
    let view = |step: &Step| StepView {
        state: step.state.as_str(),
        said: match step.state {
            StepState::Passed => "Passed",
            StepState::Refused => "Refused",
            StepState::Failed => "Failed",
        },
        title: step.word.title(),
        sentence: sentence(step),
        offset: began.map(|began| offset(step.at - began)).unwrap_or_default(),
        at: machine_time(step.at),
        evidence: evidence(step),
        open: stop.is_some_and(|stop| std::ptr::eq(stop, step)),
    };
    trace.steps.iter().map(view).chain(not_reached(trace)).collect()
}

/// What can be said in one line.
fn sentence(step: &Step) -> String {
    let text = |name: &str| step.detail[name].as_str().unwrap_or_default();
    let count = |name: &str| step.detail[name].as_array().map_or(0, Vec::len);
    if let Some(reason) = &step.reason {
        return format!("It went no further: {reason}.");
    }
    match step.word {
        Word::AuthorizeReceived => format!("The redirect URI is registered; it asked for {}.", text("scope")),
        Word::TestStarted => format!("{}. Nobody is signed in, no user is made.", text("by")),
        Word::SessionFound => format!("They had signed in through {} before.", text("connection")),
        Word::UpstreamSent => format!("To {}.", text("to")),
        Word::UpstreamCallback => "The answer belongs to a sign-in that left in this browser.".into(),
        Word::Discovery => format!("Issuer {}.", text("issuer")),
        Word::Metadata => {
            format!("Entity id {}, {} trusted.", text("entity_id"), certificates(count("trusted_certificates")))
        }
        Word::UpstreamAnswer => "It brought a code, and came from who was asked.".into(),
        Word::AnswerVerified => "Signature, issuer, audience, times and the request it answers were checked.".into(),
        Word::Mapping => {
            let failed =
                step.detail["evaluated"].as_array().into_iter().flatten().filter(|one| one["error"].is_string());
            format!("{} expressions were evaluated, {} failed.", count("evaluated"), failed.count())
        }
        Word::Allow if step.detail["rule"].is_null() => {
            "There is none: whoever the provider vouches for comes in.".into()
        }
        Word::Allow => "The rule gave true.".into(),
        Word::User if step.detail["known"] == false => "They are new here.".into(),
        Word::Consent | Word::Device => format!("They said: {}.", text("decision")),
        Word::CodeIssued => "To be redeemed within a minute.".into(),
        Word::TokenPreview => "Nothing was issued.".into(),
        _ => String::new(),
    }
}

fn certificates(count: usize) -> String {
    if count == 1 { "1 certificate".into() } else { format!("{count} certificates") }
}

/// Everything that was told of a step, one line a fact.
fn evidence(step: &Step) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in step.detail.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("detail", Value::String(text)) if step.reason.as_deref() == Some(text) => {}
            ("evaluated", Value::Array(all)) => out.extend(all.iter().map(evaluated)),
            ("certificate_sha256", Value::String(hex)) if hex.len() == 64 => {
                out.push((name.clone(), format!("SHA-256 {}", fingerprint(hex))));
            }
            ("claims" | "profile" | "says" | "header" | "access_claims" | "id_claims", Value::Object(members)) => {
                out.extend(members.iter().map(|(member, value)| (format!("{name}.{member}"), shown(value))));
            }
            _ => out.push((name.clone(), shown(value))),
        }
    }
    out.retain(|(_, value)| !value.is_empty());
    out
}

fn evaluated(one: &Value) -> (String, String) {
    let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let expression = text("expression");
    match one["error"].as_str() {
        Some(error) => (text("attribute"), format!("{expression}  failed: {error}")),
        None => (text("attribute"), format!("{expression}  gives  {}", one["result"])),
    }
}

pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => String::new(),
        other => other.to_string(),
    }
}

fn offset(after: time::Duration) -> String {
    match after.whole_milliseconds().max(0) {
        millis @ 0..1000 => format!("+{millis} ms"),
        millis @ 1000..120_000 => format!("+{}.{} s", millis / 1000, millis % 1000 / 100),
        millis => format!("+{} min", millis / 60_000),
    }
}

pub fn machine_time(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// "23 Nov 2026, 09:31:08 UTC".
pub fn human_time(at: OffsetDateTime) -> String {
    let format = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC");
    at.format(format).unwrap_or_default()
}
