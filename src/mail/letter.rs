//! The words of a letter: what happened, what follows from it, what to do, and where.

use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use crate::audit::Recorded;
use crate::outbound::mailer::Letter;
use crate::urls::Urls;

/// All of these events in one letter, the most urgent first as they come. `None`: there is nothing to say any more.
pub(super) fn about(urls: &Urls, to: &str, events: &[Recorded], at: OffsetDateTime) -> Option<Letter> {
    let first = events.first()?;
    let subject = match events {
        [one] => headline(one),
        several => format!("{} things need you: {}, …", several.len(), headline(first)),
    };
    let items: Vec<String> = events.iter().map(|event| item(urls, event)).collect();
    let text = format!("{}\n{}", items.join("\n\n"), foot(urls));
    Some(Letter { to: to.into(), subject: marked(urls, &subject), text, id: id(urls, first.id.as_str(), to), at })
}

/// To see whether letters arrive.
pub fn test(urls: &Urls, to: &str, nonce: &str, at: OffsetDateTime) -> Letter {
    let text = format!(
        "E-mail from this Avouch arrives here.\n\nIt will say when a secret, a certificate or a key is about to end: 60, 30, 14, 7, 3 and 1 days before, and when it has.\n{}",
        foot(urls)
    );
    Letter { to: to.into(), subject: marked(urls, "a test"), text, id: id(urls, nonce, to), at }
}

fn marked(urls: &Urls, subject: &str) -> String {
    format!("[Avouch {}] {}", urls.host(), one_line(subject))
}

/// One for each event and address.
fn id(urls: &Urls, event: &str, to: &str) -> String {
    let to: String = to.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '.' }).collect();
    format!("<{event}.{to}@{}>", urls.host())
}

fn foot(urls: &Urls) -> String {
    format!(
        "\n-- \nEverything that ends, by date: {}\nWho gets these letters: {}\n",
        urls.at("/admin/calendar"),
        urls.at("/admin/settings")
    )
}

fn item(urls: &Urls, event: &Recorded) -> String {
    let text = |key: &str| event.detail[key].as_str().map(one_line).filter(|text| !text.is_empty());
    let mut lines = vec![format!("* {}", headline(event))];
    if let Some(end) = text("expires_at").and_then(|end| OffsetDateTime::parse(&end, &Rfc3339).ok()) {
        lines.push(format!("  End:     {}", moment(end)));
    }
    for (label, key) in [("Follows", "consequence"), ("Reason", "cause"), ("To do", "remedy")] {
        lines.extend(text(key).map(|said| format!("  {:<8} {said}", format!("{label}:"))));
    }
    let page = text("page").or_else(|| event.connection.as_ref().map(|slug| format!("/admin/connections/{slug}")));
    lines.extend(page.filter(|page| page.starts_with('/')).map(|page| format!("  Where:   {}", urls.at(&page))));
    lines.join("\n")
}

/// What happened, in a line.
fn headline(event: &Recorded) -> String {
    let detail = &event.detail;
    let whose = [&event.connection, &event.client_id].into_iter().flatten().next().cloned();
    let whose = whose.or_else(|| detail["owner"].as_str().map(Into::into)).unwrap_or_else(|| "Avouch".into());
    let what = match event.action.as_str() {
        "credential.expiring" => ending(detail),
        "connection.secret_fallback" => {
            "the provider refuses our client secret; sign-ins go on with the other one".into()
        }
        "connection.rotation_failed" => "the client secret could not be rotated; the former one stays in use".into(),
        "connection.drift_seen" => "the provider changed something that needs your approval".into(),
        other => other.replace(['.', '_'], " "),
    };
    one_line(&format!("{whose}: {what}"))
}

fn ending(detail: &Value) -> String {
    let what = detail["kind"].as_str().unwrap_or("credential").replace('_', " ");
    match detail["days"].as_i64() {
        Some(0) | None => format!("{what} has ended"),
        Some(1) => format!("{what} ends within a day"),
        Some(days) => format!("{what} ends within {days} days"),
    }
}

fn moment(at: OffsetDateTime) -> String {
    let shape = format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
    at.to_offset(UtcOffset::UTC).format(shape).unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}
