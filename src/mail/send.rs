//! The task that sends what is owed: one letter to an address at a time, again later when that fails. Replicas need no
//! agreement but the rows. One without a mail server leaves them to the others.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{Bundle, LEASE, Mail, PAUSES, letter, store};
use crate::audit;
use crate::broker::Broker;
use crate::db;
use crate::errand::{self, Errands, Standing};
use crate::outbound::mailer::{MailError, Mailer};

/// Runs until the pool is closed.
pub async fn run(broker: Arc<Broker>) {
    let Some(mailer) = broker.ctx.mailer.clone() else { return };
    errand::keep_up(Arc::new(Mails { broker, mailer, bell: Notify::new() })).await;
}

struct Mails {
    broker: Arc<Broker>,
    mailer: Mailer,
    /// Nobody rings it: a letter may wait for the next look.
    bell: Notify,
}

impl Errands for Mails {
    type Errand = Bundle;
    const TROUBLE: &'static str = "nobody can be told by e-mail";

    fn bell(&self) -> &Notify {
        &self.bell
    }

    fn standing(&self) -> Standing {
        self.broker.standing()
    }

    async fn take(&self, limit: usize) -> Result<Vec<Bundle>, sqlx::Error> {
        let now = self.broker.ctx.now();
        store::take(&mut *self.broker.ctx.db.acquire().await?, limit, now + LEASE, now).await
    }

    async fn run(self: Arc<Self>, bundle: Bundle) {
        let done = async {
            let sent = self.attempt(&bundle).await?;
            self.settle(&bundle.mails, sent).await
        };
        if let Err(error) = done.await {
            tracing::warn!(%error, "what became of a letter was not written; it is sent again");
        }
    }
}

impl Mails {
    async fn attempt(&self, bundle: &Bundle) -> Result<Result<(), MailError>, sqlx::Error> {
        let ctx = &self.broker.ctx;
        let mut events = Vec::new();
        {
            let mut conn = ctx.db.acquire().await?;
            for mail in &bundle.mails {
                events.extend(audit::store::get(&mut conn, &mail.event_id).await?);
            }
        }
        let Some(letter) = letter::about(&ctx.urls, &bundle.recipient, &events, ctx.now()) else {
            let detail = "the retention of the event is over".into();
            return Ok(Err(MailError { again: false, detail }));
        };
        Ok(self.mailer.send(&letter).await)
    }

    async fn settle(&self, mails: &[Mail], sent: Result<(), MailError>) -> Result<(), sqlx::Error> {
        let now = self.broker.ctx.now();
        if let Err(error) = &sent {
            tracing::warn!(%error, again = error.again, "an e-mail was not taken by the mail server");
        }
        db::in_tx(&self.broker.ctx.db, async |conn| {
            for mail in mails {
                let outcome = match &sent {
                    Ok(()) => ("delivered", None, None),
                    Err(error) => match PAUSES.next(mail.attempts, now).filter(|_| error.again) {
                        Some(next) => ("owed", Some(next), Some(error.detail.as_str())),
                        None => ("given_up", None, Some(error.detail.as_str())),
                    },
                };
                store::settle(conn, mail, outcome, now).await?;
            }
            Ok(())
        })
        .await
    }
}
