//! A connection in the middle of a hand-over: the secret in use is refused, the former one stands in, and a next one was
//! rehearsed.

use avouch::audit::Author;
use avouch::connection::Slug;
use avouch::connection::credential::client_secret::{self, Ground};
use avouch::connection::credential::handover::store::{self, Used};
use avouch::connection::credential::rehearsal::{self, Method, Rehearsal, Verdict};
use avouch::secret::Secret;
use serde_json::json;
use time::Duration;

use super::furniture::HOSTILE;
use crate::harness::Broker;

/// The ids of the former secret and the next one.
pub async fn under_way(broker: &Broker, slug: &str) -> (String, String) {
    let (ctx, author) = (broker.ctx(), Author { actor: format!("operator:{HOSTILE}"), ..Author::cli() });
    let slug = Slug::parse(slug).expect("a slug");
    let add = async |value: &str| {
        client_secret::add(ctx, &author, &slug, &Secret::new(value.to_owned()), None).await.expect("a secret").id
    };
    let active = add("the-second-secret-0123456789").await;
    let ground = Ground::Override("for a look".into());
    let promoted = client_secret::promote(ctx, &author, &slug, active.as_str(), &ground).await.expect("a promotion");
    let (former, next) = (promoted.retiring.expect("a former one"), add("the-third-secret-0123456789").await);
    let mut conn = ctx.db.acquire().await.expect("a database");
    let now = ctx.now();
    let last = now - Duration::minutes(5);
    store::used(&mut conn, &[(former.clone(), Used { times: 1234, last })]).await.expect("uses");
    store::refused(&mut conn, &active, now, Duration::HOUR).await.expect("a refusal");
    let said = |status: u16, error: &str| json!({ "status": status, "error": error });
    let evidence = json!([{ "method": "authorization_code", "control": said(401, "invalid_client"), "candidate": said(400, "invalid_grant") }]);
    let (verdict, method) = (Verdict::Proven, Method::AuthorizationCode);
    let rehearsal = Rehearsal { verdict, method, at: last, by: author.actor.clone(), evidence };
    rehearsal::store::keep(&mut conn, &next, &rehearsal).await.expect("a rehearsal");
    (former.to_string(), next.to_string())
}
