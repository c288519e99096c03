//! Settings: what an operator chooses for the whole instance. Owns the branding of the pages people see, how long evidence
//! is kept, and whom people turn to. What is needed to start at all (addresses, database, keys) is the configuration's.

pub mod accent;
pub mod logo;
pub mod store;

use serde_json::{Value, json};
use url::Url;

use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db;
use crate::web::brand::{Contact, Look};
use accent::Colour;
use logo::Logo;

#[derive(Clone, Debug)]
pub struct Settings {
    /// One more with each change.
    pub version: i64,
    pub chosen: Chosen,
    pub logo: Option<Logo>,
}

/// Everything but the logo, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Above every page people see.
    pub name: String,
    pub accent: Option<Colour>,
    pub support_email: Option<String>,
    pub support_url: Option<String>,
    /// Who is told by e-mail of what somebody has to do something about.
    pub reminder_emails: Vec<String>,
    /// Days.
    pub audit_retention: i32,
    /// Days.
    pub trace_retention: i32,
}

/// The same as somebody wrote it; empty texts are absent.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub name: String,
    #[serde(default)]
    pub accent: Option<String>,
    #[serde(default)]
    pub support_email: Option<String>,
    #[serde(default)]
    pub support_url: Option<String>,
    #[serde(default)]
    pub reminder_emails: Vec<String>,
    pub audit_retention_days: i64,
    pub trace_retention_days: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the settings were changed by somebody else meanwhile; read them again")]
    Changed,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

const NAME: std::ops::RangeInclusive<usize> = 1..=60;
pub const AUDIT_RETENTION: std::ops::RangeInclusive<i64> = 30..=3650;
pub const TRACE_RETENTION: std::ops::RangeInclusive<i64> = 1..=400;
/// Characters of an address.
const LONGEST: usize = 254;
const MOST_EMAILS: usize = 20;

impl Wanted {
    /// # Errors
    /// every fault there is: the field, and what is wrong with it.
    pub fn check(self) -> Result<Chosen, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let mut fault = |field, message: String| faults.push((field, message));
        let name = self.name.trim().to_owned();
        if !NAME.contains(&name.chars().count()) || name.contains(char::is_control) {
            fault("name", "Enter a name of 1 to 60 characters, as people know your organisation.".into());
        }
        let present = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let accent = present(self.accent).map(|text| Colour::parse(&text).ok_or(text));
        if let Some(Err(text)) = &accent {
            fault("accent", format!("{text:?} is no colour; write six hexadecimal digits, such as #0b5c77."));
        }
        let (support_email, support_url) = (present(self.support_email), present(self.support_url));
        if support_email.as_deref().is_some_and(|email| !is_email(email)) {
            fault("support_email", "Enter one e-mail address, such as help@example.com.".into());
        }
        if support_url.as_deref().is_some_and(|url| !is_web_page(url)) {
            fault("support_url", "Enter the address of a web page, beginning with https://.".into());
        }
        let mut reminder_emails: Vec<String> = Vec::new();
        for email in self.reminder_emails.iter().map(|email| email.trim()).filter(|email| !email.is_empty()) {
            if !is_email(email) {
                fault("reminder_emails", format!("{email:?} is no e-mail address; write one on each line."));
            } else if !reminder_emails.iter().any(|known| known.eq_ignore_ascii_case(email)) {
                reminder_emails.push(email.to_owned());
            }
        }
        if reminder_emails.len() > MOST_EMAILS {
            fault(
                "reminder_emails",
                format!("Enter {MOST_EMAILS} addresses at most; a list of your mail server reaches more."),
            );
        }
        let mut days = |field, days, range: std::ops::RangeInclusive<i64>| {
            if !range.contains(&days) {
                fault(field, format!("Enter a number of days from {} to {}.", range.start(), range.end()));
            }
            i32::try_from(days).unwrap_or_default()
        };
        let audit_retention = days("audit_retention_days", self.audit_retention_days, AUDIT_RETENTION);
        let trace_retention = days("trace_retention_days", self.trace_retention_days, TRACE_RETENTION);
        if !faults.is_empty() {
            return Err(faults);
        }
        let accent = accent.and_then(Result::ok);
        Ok(Chosen { name, accent, support_email, support_url, reminder_emails, audit_retention, trace_retention })
    }
}

/// What may stand in a `mailto:` as it is.
fn is_email(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-@".contains(c);
    let shaped = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.contains('@') && !domain.starts_with('.')
    });
    shaped && text.len() <= LONGEST && text.chars().all(plain)
}

fn is_web_page(text: &str) -> bool {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.username().is_empty());
    url.is_some_and(|url| url.host_str().is_some()) && text.len() <= LONGEST && !text.contains(char::is_control)
}

impl Settings {
    /// How the pages look by these.
    pub fn look(&self) -> Look {
        let Chosen { name, accent, support_email, support_url, .. } = &self.chosen;
        let logo = self.logo.as_ref();
        Look::new(
            name,
            accent.map(|accent| accent::Palette::of(accent).stylesheet()),
            logo.map(|logo| (logo.bytes.clone(), logo.format.media_type(), logo.width, logo.height)),
            Contact { email: support_email.clone(), url: support_url.clone() },
        )
    }
}

impl Chosen {
    /// Field by field, by the names of the API.
    fn fields(&self) -> [(&'static str, Value); 7] {
        [
            ("name", json!(self.name)),
            ("accent", json!(self.accent.map(|accent| accent.to_string()))),
            ("support_email", json!(self.support_email)),
            ("support_url", json!(self.support_url)),
            ("reminder_emails", json!(self.reminder_emails)),
            ("audit_retention_days", json!(self.audit_retention)),
            ("trace_retention_days", json!(self.trace_retention)),
        ]
    }
}

/// Changes everything but the logo. `expected`: only if the settings are at this version.
///
/// # Errors
/// [`SettingsError::Changed`] and the database's.
pub async fn change(
    ctx: &Ctx,
    author: &Author,
    expected: Option<i64>,
    chosen: &Chosen,
) -> Result<Settings, SettingsError> {
    db::in_tx(&ctx.db, async |conn| {
        let before = current(conn, expected).await?;
        let pairs = before.chosen.fields().into_iter().zip(chosen.fields());
        let changes = pairs.filter(|((_, old), (_, new))| old != new);
        let changes: serde_json::Map<_, _> =
            changes.map(|((name, old), (_, new))| (name.to_owned(), json!([old, new]))).collect();
        if changes.is_empty() {
            return Ok(before);
        }
        let version = store::update(conn, chosen, ctx.now()).await?;
        audit::record(ctx, conn, author.did("settings.changed").detail(json!({ "changes": changes }))).await?;
        Ok(Settings { version, chosen: chosen.clone(), logo: before.logo })
    })
    .await
}

/// Another logo, or none.
///
/// # Errors
/// as [`change`].
pub async fn set_logo(
    ctx: &Ctx,
    author: &Author,
    expected: Option<i64>,
    logo: Option<Logo>,
) -> Result<Settings, SettingsError> {
    db::in_tx(&ctx.db, async |conn| {
        let before = current(conn, expected).await?;
        let said = |logo: &Option<Logo>| logo.as_ref().map(ToString::to_string);
        if said(&before.logo) == said(&logo) {
            return Ok(before);
        }
        let version = store::set_logo(conn, logo.as_ref(), ctx.now()).await?;
        let changes = json!({ "changes": { "logo": [said(&before.logo), said(&logo)] } });
        audit::record(ctx, conn, author.did("settings.changed").detail(changes)).await?;
        Ok(Settings { version, logo, ..before })
    })
    .await
}

/// Locked until the end of the transaction.
async fn current(conn: &mut db::Conn, expected: Option<i64>) -> Result<Settings, SettingsError> {
    let current = store::locked(conn).await?;
    match expected {
        Some(version) if version != current.version => Err(SettingsError::Changed),
        _ => Ok(current),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted { name: "Tidewater".into(), audit_retention_days: 400, trace_retention_days: 30, ..Wanted::default() }
    }

    #[test]
    fn every_fault_is_said_at_once_and_beside_its_field() {
        assert!(wanted().check().is_ok());
        let faults = Wanted {
            name: " ".into(),
            accent: Some("red; } body { display: none".into()),
            support_email: Some("help@example.com?bcc=x@evil.example".into()),
            support_url: Some("javascript:alert(1)".into()),
            reminder_emails: vec!["a@b.example\r\nBcc: c@d.example".into()],
            audit_retention_days: 29,
            trace_retention_days: i64::MAX,
        };
        let fields: Vec<_> = faults.check().unwrap_err().into_iter().map(|(field, _)| field).collect();
        let all = [
            "name",
            "accent",
            "support_email",
            "support_url",
            "reminder_emails",
            "audit_retention_days",
            "trace_retention_days",
        ];
        assert_eq!(fields, all);
    }

    #[test]
    fn addresses_are_such_as_a_link_can_carry() {
        for (email, good) in [("help@example.com", true), ("a+b@x.example", true), ("a@b", false), ("a b@x.y", false)] {
            assert_eq!(is_email(email), good, "{email}");
        }
        for (url, good) in [("https://help.example/x", true), ("http://help.example", false), ("https://", false)] {
            assert_eq!(is_web_page(url), good, "{url}");
        }
        let emptied = Wanted { accent: Some(String::new()), support_url: Some("  ".into()), ..wanted() };
        assert_eq!(emptied.check().unwrap(), wanted().check().unwrap());
    }
}
