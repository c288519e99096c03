//! The settings at the desk.

pub mod api;
pub mod extract;
pub mod pages;

use serde_json::json;

use super::Trouble;
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::mail;
use crate::settings::{self, SettingsError};

impl From<SettingsError> for Trouble {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Changed => Self::Changed,
            SettingsError::Database(error) => error.into(),
        }
    }
}

/// A letter to everybody who is told by e-mail, now; waits until the mail server has taken them.
///
/// # Errors
/// `no_mail_server`, `nobody_to_tell`, `mail_not_sent` with the server's words; the database's.
async fn test_mail(ctx: &Ctx, author: &Author) -> Result<(), Trouble> {
    let mut conn = ctx.db.acquire().await?;
    let to = settings::store::load(&mut conn).await?.chosen.reminder_emails;
    drop(conn);
    let Some(mailer) = &ctx.mailer else {
        let said = "no mail server is set; set AVOUCH_SMTP_URL and AVOUCH_SMTP_FROM and start Avouch again";
        return Err(Trouble::Conflict("no_mail_server", said.into()));
    };
    if to.is_empty() {
        let said = "nobody is told by e-mail yet; enter an address and save it first";
        return Err(Trouble::Conflict("nobody_to_tell", said.into()));
    }
    let mut problem = None;
    for address in &to {
        let letter = mail::test(&ctx.urls, address, &ctx.rng.token(), ctx.now());
        if let Err(error) = mailer.send(&letter).await {
            problem = Some(format!("{} did not take the letter to {address}: {error}", mailer.host()));
            break;
        }
    }
    let detail = json!({ "to": to, "problem": problem });
    audit::record(ctx, &mut *ctx.db.acquire().await?, author.did("settings.mail_tested").detail(detail)).await?;
    problem.map_or(Ok(()), |problem| Err(Trouble::Conflict("mail_not_sent", problem)))
}
