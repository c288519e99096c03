//! What a request of a login hands over to its trace when it has been answered, and what a login tells at its turns.

use serde_json::{Value, json};

use super::{Next, Problem, Refusal, Visitor};
use crate::authorization::{Authorization, AuthorizeRequest};
use crate::broker::Broker;
use crate::connection::mapping::Mapped;
use crate::connection::{Connection, Profile};
use crate::session::Session;
use crate::trace::{Outcome, Somebody, Word};

/// The end of a request: whatever was told is written, with how it ended.
pub fn ended(broker: &Broker, visitor: &Visitor, next: &Result<Next, Refusal>, action: &str) {
    match next {
        Err(refusal) => refused(visitor, refusal, action),
        // nobody asked for this sign-in but the provider, so there are no tokens to come
        Ok(Next::SignedIn { authorization: None, .. }) => visitor.trace.succeeded(),
        Ok(_) => {}
    }
    hand_over(broker, visitor);
}

/// A page of the login was shown.
pub fn shown(broker: &Broker, visitor: &Visitor, authorization: &Authorization, word: Word) {
    visitor.trace.of(&authorization.trace_id);
    visitor.trace.passed(word, json!({}));
    hand_over(broker, visitor);
}

pub fn hand_over(broker: &Broker, visitor: &Visitor) {
    if let Some(part) = visitor.trace.take(&visitor.trace_id, visitor.addr) {
        broker.traces.record(part);
    }
}

fn refused(visitor: &Visitor, refusal: &Refusal, action: &str) {
    if let Some(authorization) = &refusal.authorization {
        visitor.trace.of(&authorization.trace_id);
        visitor.trace.client(&authorization.client_id);
    }
    if let Some(connection) = &refusal.connection {
        visitor.trace.connection(connection);
    }
    problem(visitor, &refusal.problem, action);
}

pub fn problem(visitor: &Visitor, problem: &Problem, action: &str) {
    let word = match action {
        "login" => Word::UpstreamCallback,
        "consent" => Word::Consent,
        "device.approval" => Word::Device,
        _ => Word::AuthorizeReceived,
    };
    let outcome = if problem.is_failure() { Outcome::Failed } else { Outcome::Refused };
    let mut detail = json!({ "detail": problem.internal() });
    if let Some(sha256) = problem.unknown_certificate() {
        detail["certificate_sha256"] = sha256.into();
    }
    visitor.trace.stopped(word, outcome, problem.reason(), detail);
}

pub fn received(visitor: &Visitor, client_id: &str, request: &AuthorizeRequest) {
    let prompt = &request.prompt;
    let prompts = [
        (prompt.none, "none"),
        (prompt.login, "login"),
        (prompt.consent, "consent"),
        (prompt.select_account, "select_account"),
    ];
    let prompts: Vec<_> = prompts.into_iter().filter_map(|(set, word)| set.then_some(word)).collect();
    visitor.trace.client(client_id);
    visitor.trace.passed(
        Word::AuthorizeReceived,
        json!({
            "client_id": client_id,
            "redirect_uri": request.redirect_uri.as_str(),
            "scope": request.scope.to_string(),
            "audiences": request.audiences,
            "pkce": request.code_challenge.is_some(),
            "pushed": request.pushed.is_some(),
            "device": request.device.is_some(),
            "prompt": prompts,
            "max_age": request.max_age,
            "login_hint": request.login_hint,
            "connection_hint": request.connection_hint,
        }),
    );
}

pub fn session(visitor: &Visitor, session: &Session) {
    visitor.trace.connection(&session.connection_slug);
    visitor.trace.user(&session.user_id);
    let detail = json!({ "connection": session.connection_slug, "user": session.user_id, "session": session.id });
    visitor.trace.passed(Word::SessionFound, detail);
}

/// Each expression with its result, and what became of it.
pub fn mapped(visitor: &Visitor, mapped: &Mapped) {
    let person = Somebody { name: mapped.profile.name.clone(), email: mapped.profile.email.clone() };
    visitor.trace.person(person);
    let evaluated: Vec<Value> = mapped
        .evaluated
        .iter()
        .map(|one| match &one.result {
            Ok(value) => json!({ "attribute": one.attribute, "expression": one.expression, "result": value }),
            Err(error) => json!({ "attribute": one.attribute, "expression": one.expression, "error": error }),
        })
        .collect();
    let warnings: Vec<_> = mapped.warnings.iter().map(|w| format!("{}: {}", w.attribute, w.detail)).collect();
    let detail = json!({ "evaluated": evaluated, "warnings": warnings, "profile": profile(&mapped.profile) });
    visitor.trace.passed(Word::Mapping, detail);
}

fn profile(profile: &Profile) -> Value {
    json!({
        "email": profile.email,
        "email_verified": profile.email_verified,
        "name": profile.name,
        "given_name": profile.given_name,
        "family_name": profile.family_name,
        "preferred_username": profile.preferred_username,
        "groups": profile.groups,
        "attributes": profile.attributes,
    })
}

/// The allow rule is asked next.
pub fn asks_rule(visitor: &Visitor, connection: &Connection) {
    visitor.trace.begin(Word::Allow);
    visitor.trace.evidence(json!({ "rule": connection.allow.as_ref().map(|rule| rule.source()) }));
}
