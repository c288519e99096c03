//! Pages: `/admin/signing-keys`, and the two that ask before a key is rotated or revoked.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::lane::{Span, Stroke};
use super::master_key::{self, MasterKeyRow};
use super::reader::{self, ReaderRow, believing, gate_line, refusing};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::{FieldErrors, given};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::when::When;
use crate::admin::{Own, Read, Right, Trouble};
use crate::broker::Broker;
use crate::jose::Alg;
use crate::life::Verdict;
use crate::signing_key::consumer::{Consumer, Gate};
use crate::signing_key::schedule::{self, Plan};
use crate::signing_key::{self, RotationError, SigningKey, State};
use crate::web::redirect::see_other;

/// Keys that are no more, of each algorithm.
const ENDED: usize = 5;
/// Those who read the JWKS that the page shows; the API has them all.
const READERS: usize = 100;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/signing-keys", web::get().to(list))
        .service(
            web::resource("/signing-keys/{alg}/rotate").route(web::get().to(ask_rotate)).route(web::post().to(rotate)),
        )
        .service(
            web::resource("/signing-keys/{kid}/revoke").route(web::get().to(ask_revoke)).route(web::post().to(revoke)),
        );
}

#[derive(Template)]
#[template(path = "admin/signing_key/list.html")]
struct ListPage {
    frame: Frame,
    minutes: u64,
    algorithms: Vec<Algorithm>,
    readers: Vec<ReaderRow>,
    more_readers: usize,
    master_keys: Vec<MasterKeyRow>,
}

struct Algorithm {
    name: &'static str,
    /// Who gets tokens under it.
    used: String,
    gate: String,
    plan: String,
    keys: Vec<Row>,
    axis: [String; 5],
}

struct Row {
    kid: String,
    state: &'static str,
    label: &'static str,
    published: When,
    signs: String,
    leaves: String,
    verdict: Option<Verdict>,
    strokes: Vec<Stroke>,
    may_be_revoked: bool,
}

async fn list(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    let consumers = reader::all(&desk.broker).await?;
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let (keys, schedule) = (signing_key::list(&mut conn).await?, schedule::store::load(&mut conn).await?);
    let now = desk.broker.ctx.now();
    let master_keys = master_key::rows(&desk.broker.ctx, &mut conn).await?;
    let algorithms = Alg::ALL.into_iter().map(|alg| algorithm(&desk.broker, alg, schedule.of(alg), &keys, &consumers));
    Ok(show(&ListPage {
        frame: desk.frame(Section::SigningKeys),
        minutes: schedule.max_age().as_secs() / 60,
        algorithms: algorithms.collect(),
        readers: consumers.iter().take(READERS).map(|one| ReaderRow::of(one, &keys, now)).collect(),
        more_readers: consumers.len().saturating_sub(READERS),
        master_keys,
    }))
}

/// When the schedule lets the next key sign.
pub(super) fn due(plan: Plan, alg: Alg, keys: &[SigningKey]) -> Option<time::OffsetDateTime> {
    let find = |state| keys.iter().find(|key| key.alg == alg && key.state == state);
    plan.due_at(find(State::Active)?, find(State::Next)?)
}

fn planned(plan: Plan, alg: Alg, keys: &[SigningKey], now: time::OffsetDateTime) -> String {
    let ahead = plan.publish_ahead_hours;
    match (plan.lifetime_days, due(plan, alg, keys).map(|at| When::new(at, now))) {
        (Some(days), Some(due)) if due.is_over() => {
            format!("Changes every {days} days: now, once nobody lacks the next key.")
        }
        (Some(days), Some(due)) => format!("Changes every {days} days: {}, {}.", due.minute(), due.relative()),
        (Some(days), None) => format!("Changes every {days} days, {ahead} hours after the next key appeared."),
        (None, _) => "Changes when somebody rotates it.".into(),
    }
}

fn algorithm(broker: &Broker, alg: Alg, plan: Plan, keys: &[SigningKey], consumers: &[Consumer]) -> Algorithm {
    let now = broker.ctx.now();
    let mut own: Vec<_> = keys.iter().filter(|key| key.alg == alg).collect();
    // the one that will sign first, then backwards in time
    own.sort_by_key(|key| {
        (key.state != State::Next, std::cmp::Reverse(key.activated_at), std::cmp::Reverse(key.published_at))
    });
    let mut ended = 0;
    own.retain(|key| {
        ended += usize::from(!key.state.is_published());
        key.state.is_published() || ended <= ENDED
    });
    let span = Span::of(own.iter().copied(), now);
    let next = own.iter().find(|key| key.state == State::Next);
    let next = next.map(|key| (When::new(key.ready_at(), now), Gate::of(key, consumers, now)));
    Algorithm {
        name: alg.as_str(),
        used: used(broker, alg),
        gate: match next {
            Some((ready, gate)) if ready.is_over() && gate.is_open() => {
                format!("The next key may sign. {}", gate_line(&gate, now))
            }
            Some((ready, gate)) if ready.is_over() => gate_line(&gate, now),
            Some((ready, _)) => {
                format!("The next key may sign from {}: until then a cached JWKS may lack it.", ready.minute())
            }
            None => "There is no next key. A restart of avouch makes one.".into(),
        },
        plan: planned(plan, alg, keys, now),
        keys: own.iter().map(|key| row(key, key.safe_to_retire(keys, consumers, now), &span, now)).collect(),
        axis: span.axis().map(|at| When::new(at, now).short_day()),
    }
}

fn used(broker: &Broker, alg: Alg) -> String {
    let catalog = broker.catalog.load();
    let resources = catalog.resources().filter(|resource| resource.access_token.alg == alg).count();
    let clients = catalog.clients().filter(|client| client.id_token_alg == alg).count();
    let some = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    match (resources, clients) {
        (0, 0) => "No resource and no client asks for it".into(),
        _ => format!("Access tokens of {}, ID tokens of {}", some(resources, "resource"), some(clients, "client")),
    }
}

fn row(key: &SigningKey, verdict: Option<Verdict>, span: &Span, now: time::OffsetDateTime) -> Row {
    let day = |at| When::new(at, now).minute();
    let since = key.activated_at.map(day);
    let signs = match (&since, key.state) {
        (None, State::Next) if When::new(key.ready_at(), now).is_over() => "As soon as somebody rotates".into(),
        (None, State::Next) => format!("From {} at the earliest", day(key.ready_at())),
        (None, _) => "Never did".into(),
        (Some(since), State::Active) => format!("Since {since}"),
        (Some(since), _) => {
            format!("From {since} to {}", key.retiring_at.or(key.ended_at).map(day).unwrap_or_default())
        }
    };
    let (label, leaves) = match key.state {
        State::Next => ("Next", "After its last token".into()),
        State::Active => ("Active", "After its last token".into()),
        State::Retiring => ("Retiring", key.leaves_at().map(day).unwrap_or_default()),
        State::Retired => ("Retired", format!("Left {}", key.ended_at.map(day).unwrap_or_default())),
        State::Revoked => ("Revoked", format!("Left {}, at once", key.ended_at.map(day).unwrap_or_default())),
    };
    Row {
        kid: key.kid.clone(),
        state: key.state.as_str(),
        label,
        published: When::new(key.published_at, now),
        signs,
        leaves,
        verdict,
        strokes: span.strokes(key),
        may_be_revoked: key.state.is_published(),
    }
}

/// Asks before something is done to a key, and for the reason.
#[derive(Template)]
#[template(path = "admin/signing_key/ask.html")]
struct AskPage {
    frame: Frame,
    question: String,
    explanation: &'static str,
    touches: Vec<(&'static str, String)>,
    /// What the reason's field is called.
    reason_label: &'static str,
    reason: String,
    errors: FieldErrors,
    action: String,
    button: String,
    harmless: bool,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    reason: String,
}

async fn ask_rotate(desk: Desk<Own>, alg: Path<String>) -> Result<HttpResponse, Trouble> {
    Ok(show(&rotate_page(&desk, parse(&alg)?, String::new(), FieldErrors::default()).await?))
}

fn parse(alg: &str) -> Result<Alg, Trouble> {
    Alg::parse(alg).ok_or_else(|| Trouble::Unknown(format!("algorithm {alg}")))
}

async fn rotate_page<R: Right>(
    desk: &Desk<R>,
    alg: Alg,
    reason: String,
    errors: FieldErrors,
) -> Result<AskPage, Trouble> {
    let consumers = reader::all(&desk.broker).await?;
    let keys = signing_key::list(&mut *desk.broker.ctx.db.acquire().await?).await?;
    let now = desk.broker.ctx.now();
    let find = |state| keys.iter().find(|key| key.alg == alg && key.state == state);
    let next = find(State::Next).ok_or(RotationError::NoNextKey(alg))?;
    let (ready, gate) = (When::new(next.ready_at(), now), Gate::of(next, &consumers, now));
    let harmless = ready.is_over() && gate.is_open();
    let active = find(State::Active).map_or_else(|| "None".into(), |key| key.kid.clone());
    let frame = desk.frame(Section::SigningKeys);
    Ok(AskPage {
        question: format!("Rotate {alg}?"),
        explanation: if harmless {
            "Everybody who was seen to read the JWKS has the next key, or must ask for it before it goes on. No token is refused."
        } else {
            "Whoever holds a JWKS without the next key refuses its tokens until it reads it anew. Wait, unless the active key must go now."
        },
        touches: vec![
            ("Signs from now on", next.kid.clone()),
            ("Signs no more", format!("{active}, which stays in the JWKS until its last token has ended")),
            ("In every cache that heeds max-age", format!("{}, {}", ready.minute(), ready.relative())),
            ("Readers of the JWKS", gate_line(&gate, now)),
            ("Refuse its tokens", refusing(&gate, now)),
            ("Used by", used(&desk.broker, alg)),
            ("Published as the next one", "A new key".into()),
        ],
        reason_label: if harmless { "Reason for the audit log (optional)" } else { "Why it cannot wait" },
        reason,
        errors,
        action: frame.to(&format!("/admin/signing-keys/{alg}/rotate")),
        button: format!("Rotate {alg}"),
        harmless,
        frame,
    })
}

async fn rotate(posted: Posted<Own, Answered>, alg: Path<String>) -> Result<HttpResponse, Trouble> {
    let (Posted { desk, form }, alg) = (posted, parse(&alg)?);
    let reason = given(&form.reason);
    desk.broker.write_fetches().await?;
    match signing_key::rotate(&desk.broker.ctx, &desk.author, alg, reason.as_deref()).await {
        Ok(_) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at("/admin/signing-keys")))),
        Err(RotationError::TooYoung { ready_at, .. }) => {
            let ready = When::new(ready_at, desk.broker.ctx.now());
            let errors = FieldErrors::one(
                "reason",
                format!("The next key may sign from {}. To rotate before that, say why.", ready.minute()),
            );
            Ok(show_again(&rotate_page(&desk, alg, form.reason, errors).await?))
        }
        Err(RotationError::Lacking { gate, .. }) => {
            let line = gate_line(&gate, desk.broker.ctx.now());
            let errors = FieldErrors::one("reason", format!("{line} To rotate before that, say why."));
            Ok(show_again(&rotate_page(&desk, alg, form.reason, errors).await?))
        }
        Err(error) => Err(error.into()),
    }
}

async fn ask_revoke(desk: Desk<Own>, kid: Path<String>) -> Result<HttpResponse, Trouble> {
    let consumers = reader::all(&desk.broker).await?;
    let keys = signing_key::list(&mut *desk.broker.ctx.db.acquire().await?).await?;
    let key = keys.iter().find(|key| key.kid == *kid).ok_or_else(|| Trouble::Unknown(format!("signing key {kid}")))?;
    let (now, alg) = (desk.broker.ctx.now(), key.alg);
    let next = keys.iter().find(|next| next.alg == alg && next.state == State::Next);
    let mut touches = vec![("Key", format!("{alg}, {}", key.state.as_str()))];
    if let Some(since) = key.activated_at {
        let until = key.retiring_at.map(|at| format!(" until {}", When::new(at, now).minute())).unwrap_or_default();
        touches.push((
            "Refused at once",
            format!("Every token that it signed since {}{until}", When::new(since, now).minute()),
        ));
    }
    if let (State::Active, Some(next)) = (key.state, next) {
        let ready = When::new(next.ready_at(), now);
        touches.push(("Signs from now on", next.kid.clone()));
        if !ready.is_over() {
            let text =
                format!("New tokens, wherever the JWKS was read before {}", When::new(next.published_at, now).minute());
            touches.push(("Refused for longer", text));
        }
        touches.push(("Who refuses new tokens", refusing(&Gate::of(next, &consumers, now), now)));
        touches.push(("Used by", used(&desk.broker, alg)));
    }
    if let Some(verdict) = key.safe_to_retire(&keys, &consumers, now).filter(|_| key.state == State::Retiring) {
        touches.push(("Safe to retire", verdict.to_string()));
    }
    touches.push(("Go on believing it", believing(&consumers, now)));
    touches.push(("Not affected", "Sessions, refresh tokens, tokens under other keys".into()));
    let frame = desk.frame(Section::SigningKeys);
    Ok(show(&AskPage {
        question: format!("Revoke {kid}?"),
        explanation: "For a key that may be in other hands. It leaves the JWKS now. Applications get new tokens by their refresh \
                      tokens, machines at their next request; nobody signs in anew. Those who hold the JWKS, such as Envoy, Istio and Grafana, believe the key until they read it \
                      anew; programs with go-oidc until they meet a token under a new key or restart: restart what must not wait. \
                      This cannot be undone.",
        touches,
        reason_label: "Reason for the audit log (optional)",
        reason: String::new(),
        errors: FieldErrors::default(),
        action: frame.to(&format!("/admin/signing-keys/{kid}/revoke")),
        button: "Revoke it".into(),
        harmless: false,
        frame,
    }))
}

async fn revoke(posted: Posted<Own, Answered>, kid: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    signing_key::revoke(&desk.broker.ctx, &desk.author, &kid, given(&form.reason).as_deref()).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at("/admin/signing-keys"))))
}
