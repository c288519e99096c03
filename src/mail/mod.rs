//! What operators are told of by e-mail: events of the audit log that somebody has to do something about (the table
//! `mail_events` says which ones), to the addresses in the settings. Each is owed from the transaction that writes the event;
//! what is owed to one address at one time is one letter. How mail leaves the house is [`crate::outbound::mailer`]'s.

mod letter;
pub mod send;
pub mod store;

pub use letter::test;

use time::{Duration, OffsetDateTime};

use crate::errand::Pauses;
use crate::ids::AuditEventId;

/// One event that one address was to be told of.
#[derive(Clone, Debug)]
pub struct Mail {
    pub recipient: String,
    pub event_id: AuditEventId,
    pub attempts: i32,
}

/// What is due to one address.
#[derive(Debug)]
pub struct Bundle {
    pub recipient: String,
    pub mails: Vec<Mail>,
}

/// What became of the last letter.
#[derive(Clone, Debug)]
pub struct LastMail {
    pub recipient: String,
    pub state: String,
    pub at: OffsetDateTime,
    /// In the mail server's words.
    pub problem: Option<String>,
}

/// Events in one letter; more come in another.
const TOGETHER: i64 = 200;
/// Whoever took it and is not heard of for so long has died: longer than a letter may take.
const LEASE: Duration = Duration::minutes(2);
/// Two days in all: a mail server is back by then.
const PAUSES: Pauses = Pauses(&[
    Duration::minutes(1),
    Duration::minutes(10),
    Duration::hours(1),
    Duration::hours(4),
    Duration::hours(12),
    Duration::hours(30),
]);
/// What was settled, or could not be sent at all.
const KEPT: Duration = Duration::days(30);
