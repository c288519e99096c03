//! The audit log at the desk: what may be asked of it, and what its words are called in front of people.

pub mod api;
pub mod pages;

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

use super::form::{FieldErrors, given};
use crate::audit::{Filter, Outcome, Position};
use crate::ids::AuditEventId;

/// The filters of a query, on pages and in the API.
#[derive(Clone, Debug, Default, Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Asked {
    pub q: String,
    pub action: String,
    pub outcome: String,
    pub reason: String,
    pub actor: String,
    pub client_id: String,
    pub connection: String,
    pub sub: String,
    pub trace_id: String,
    /// A day in UTC or a time in RFC 3339; the day that it begins with counts.
    pub from: String,
    /// The same; a whole day counts to its end, a time does not count itself.
    pub to: String,
}

impl Asked {
    fn fields(&self) -> [(&'static str, &str); 11] {
        [
            ("q", &self.q),
            ("action", &self.action),
            ("outcome", &self.outcome),
            ("reason", &self.reason),
            ("actor", &self.actor),
            ("client_id", &self.client_id),
            ("connection", &self.connection),
            ("sub", &self.sub),
            ("trace_id", &self.trace_id),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    /// # Errors
    /// what cannot be understood, by its parameter.
    fn filter(&self) -> Result<Filter, FieldErrors> {
        let mut errors = FieldErrors::default();
        let outcome = given(&self.outcome).map(|text| Outcome::parse(&text));
        if outcome == Some(None) {
            errors.add("outcome", "The outcome is success, refused or failed.");
        }
        let mut time = |name: &str, text: &str, whole_day: Duration| {
            let known = given(text).map(|text| point(&text, whole_day));
            if known == Some(None) {
                errors.add(name, "Write a day such as 2026-11-23, or a time such as 2026-11-23T09:00:00Z.");
            }
            known.flatten()
        };
        let from = time("from", &self.from, Duration::ZERO);
        let until = time("to", &self.to, Duration::DAY);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Filter {
            action: given(&self.action),
            outcome: outcome.flatten(),
            reason: given(&self.reason),
            actor: given(&self.actor),
            client_id: given(&self.client_id),
            connection: given(&self.connection),
            sub: given(&self.sub),
            trace_id: given(&self.trace_id),
            from,
            until,
            text: given(&self.q),
        })
    }

    /// What was asked, without what was left empty: for the query of a link.
    fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.fields().into_iter().filter(|(_, value)| !value.trim().is_empty()));
        query.finish()
    }

    /// The same for the audit log, which remembers what was exported.
    fn said(&self) -> serde_json::Value {
        let given = self.fields().into_iter().filter(|(_, value)| !value.trim().is_empty());
        given.map(|(name, value)| (name.to_owned(), serde_json::Value::from(value))).collect()
    }
}

fn point(text: &str, whole_day: Duration) -> Option<OffsetDateTime> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(time);
    }
    let day = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
    day.midnight().assume_utc().checked_add(whole_day)
}

/// From the parts of a cursor; `None` where it is not one of this list.
pub(super) fn position(parts: &[String]) -> Option<Position> {
    let [micros, id] = parts else { return None };
    let at = i128::from(micros.parse::<i64>().ok()?) * 1000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(at).ok()?;
    AuditEventId::is_well_formed(id).then(|| Position { at, id: AuditEventId::from_stored(id.clone()) })
}

/// Microseconds, which is what the database keeps, and the id.
pub(super) fn parts(at: OffsetDateTime, id: &AuditEventId) -> Vec<String> {
    vec![(at.unix_timestamp_nanos() / 1000).to_string(), id.to_string()]
}

/// What the page lets one choose, by the beginning of the action.
const KINDS: [(&str, &str); 16] = [
    ("", "Everything"),
    ("login", "Sign-ins"),
    ("logout", "Sign-outs"),
    ("token.", "Tokens"),
    ("authorization", "Authorization requests"),
    ("client.authentication", "Client authentication"),
    ("device.", "Devices"),
    ("connection.", "Connections"),
    ("saml.", "SAML metadata and certificates"),
    ("client.", "Clients"),
    ("resource", "Resources and resource files"),
    ("user.", "Users"),
    ("operator", "Operators and their keys"),
    ("signing_key.", "Signing keys"),
    ("settings.", "Settings"),
    ("webhook.", "Webhooks"),
];

/// What an action is called in front of people. Others go by their own word.
fn called(action: &str) -> Option<&'static str> {
    Some(match action {
        "login" => "Sign-in",
        "login.refreshed" => "Looked whether the person still may",
        "login.unsolicited" => "Sign-in that began at the provider",
        "logout" => "Sign-out",
        "logout.upstream" => "Sign-out at the provider",
        "logout.notification" => "Application told of a sign-out",
        "authorization" => "Authorization request",
        "authorization.push" => "Authorization request pushed ahead",
        "consent" => "Consent",
        "token.issued" => "Token issued",
        "token.refused" => "Token refused",
        "token.revoked" => "Token revoked",
        "client.authentication" => "Client authentication",
        "device.request" => "Device asked for a code",
        "device.code" => "Device code typed in",
        "device.approval" => "Device approval",
        "connection.created" => "Connection made",
        "connection.updated" => "Connection changed",
        "connection.deleted" => "Connection deleted",
        "connection.released" => "Connection released from its file",
        "connection.tested" => "Connection tested",
        "connection.secret_added" => "Client secret at a provider added",
        "connection.secret_rehearsed" => "Client secret tried at its provider",
        "connection.secret_promoted" => "Client secret at a provider took over",
        "connection.secret_restored" => "Former client secret put back",
        "connection.secret_withdrawn" => "Client secret at a provider removed",
        "connection.secret_fallback" => "Another secret stood in at a provider",
        "connection.drift_seen" => "A provider says something else",
        "connection.drift_approved" => "A provider's change approved",
        "connection.drift_rejected" => "A provider's change rejected",
        "client.created" => "Client made",
        "client.updated" => "Client changed",
        "client.deleted" => "Client deleted",
        "client.released" => "Client released from its file",
        "resource.created" => "Resource made",
        "resource.updated" => "Resource changed",
        "resource.deleted" => "Resource deleted",
        "resource.released" => "Resource released from its file",
        "role.created" => "Role made",
        "role.updated" => "Role changed",
        "role.deleted" => "Role deleted",
        "role.released" => "Role released from its file",
        "resources.applied" => "Resource file applied",
        "user.groups_asked" => "Directory asked for a person's groups",
        "settings.changed" => "Settings changed",
        "audit.exported" => "Audit log exported",
        "audit.retention_ended" => "Old events removed",
        "webhook.created" => "Webhook made",
        "webhook.changed" => "Webhook changed",
        "webhook.deleted" => "Webhook deleted",
        "webhook.disabled" => "Webhook switched off by Avouch",
        "webhook.secret_rotated" => "Webhook's secret renewed",
        "webhook.tested" => "Test sent to a webhook",
        "credential.expiring" => "A credential ends soon",
        "logins.refused_rising" => "More sign-ins refused than usual",
        "operator.signed_in" => "Operator sign-in",
        "operator.signed_out" => "Operator sign-out",
        "operator.locked" => "Operator locked",
        "operator.created" => "Operator made",
        "operator.password_changed" => "Operator's password changed",
        "operator.password_reset" => "Operator's password reset",
        "operator_key.created" => "Operator key made",
        "signing_key.rotated" => "Signing key rotated",
        "signing_key.schedule_changed" => "Schedule of signing keys changed",
        "connection.key_put_back" => "Connection's key put back",
        "connection.key_withdrawn" => "Connection's key withdrawn",
        "connection.key_takeover_planned" => "Connection's key given its date",
        "saml.metadata.refreshed" => "SAML metadata read anew",
        "saml.metadata.refused" => "SAML metadata refused",
        "saml.metadata.stale" => "SAML metadata has grown old",
        "saml.certificate.added" => "Provider's certificate added",
        "saml.certificate.activated" => "Provider's certificate activated",
        "saml.certificate.retired" => "Provider's certificate retired",
        "saml.certificate.refused" => "Provider's certificate refused",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_to_its_end_and_a_time_is_itself() {
        let asked = |from: &str, to: &str| Asked { from: from.into(), to: to.into(), ..Asked::default() }.filter();
        let filter = asked("2026-11-23", "2026-11-23").unwrap();
        assert_eq!(filter.until.unwrap() - filter.from.unwrap(), Duration::DAY);
        let filter = asked("2026-11-23T09:00:00+01:00", "2026-11-23T09:00:00Z").unwrap();
        assert_eq!(filter.until.unwrap() - filter.from.unwrap(), Duration::HOUR);
        let errors = asked("yesterday", "9999-12-31").unwrap_err();
        assert!(errors.at("from").is_some() && errors.at("to").is_some());
    }

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_795_426_268_123_456_000).unwrap();
        let here = Position { at, id: AuditEventId::new(at, &crate::rng::Rng::default()) };
        assert_eq!(position(&parts(here.at, &here.id)), Some(here));
        let id = "evt_00000000000000000000000000".to_owned();
        for bad in [
            vec![],
            vec![id.clone()],
            vec!["x".into(), id.clone()],
            vec![i64::MAX.to_string(), id],
            vec!["1".into(), "evt".into()],
        ] {
            assert_eq!(position(&bad), None, "{bad:?}");
        }
    }
}
