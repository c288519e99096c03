//! Discovery and JWKS as they are served at the issuer's address, against what the broker itself has and what the system
//! makes of it.

use http::header::AGE;
use serde_json::Value;

use super::exchange::{self, Answer, is_guarded};
use super::finding::Finding;
use super::system::System;
use crate::broker::Broker;
use crate::jose::Alg;
use crate::outbound::FetchError;
use crate::signing_key::schedule;

const OPEN_PRIVATE: &str = "set AVOUCH_ALLOW_PRIVATE_UPSTREAMS=true where the issuer's address is meant to be private, or ask from outside: curl ISSUER/.well-known/openid-configuration";

const PROXY: &str =
    "let the proxy in front follow our Cache-Control, or not keep /.well-known/ at all; until then empty its cache";

/// What is served there; none where it could not be reached, which the findings say.
pub(super) struct Served {
    pub kids: Vec<String>,
}

pub(super) async fn look(broker: &Broker, system: &System, expected: Option<&str>) -> (Vec<Finding>, Option<Served>) {
    let mut findings = issuer(broker, system, expected);
    let urls = &broker.ctx.urls;
    let document = match exchange::get(&broker.ctx, &urls.at("/.well-known/openid-configuration")).await {
        Ok(answer) => answer,
        Err(error) => {
            findings.push(unreached("discovery", &error));
            return (findings, None);
        }
    };
    findings.push(discovery(&document, system, urls.issuer(), &urls.at("/.well-known/jwks.json")));
    match exchange::get(&broker.ctx, &urls.at("/.well-known/jwks.json")).await {
        Ok(answer) if answer.status() == 200 => {
            let kids = kids(&answer.json());
            let ahead = ahead(broker).await;
            findings.extend(jwks(broker, system, &answer, &kids, ahead));
            (findings, Some(Served { kids }))
        }
        Ok(answer) => {
            let says = format!("the JWKS is answered with {}", answer.status());
            findings.push(Finding::failure(
                "jwks",
                says,
                system.unknown_key,
                "let whatever stands in front pass /.well-known/jwks.json on",
            ));
            (findings, None)
        }
        Err(error) => {
            findings.push(unreached("jwks", &error));
            (findings, None)
        }
    }
}

fn unreached(check: &'static str, error: &FetchError) -> Finding {
    if is_guarded(error) {
        let breaks = "nothing by itself: the checks over HTTP could not be made from here";
        return Finding::warning(check, format!("not looked at: {error}"), breaks, OPEN_PRIVATE);
    }
    let change = "make AVOUCH_ISSUER the address that leads here from everywhere, by DNS, certificate and proxy";
    Finding::failure(check, error.to_string(), "nothing that is configured by the issuer finds this broker", change)
}

/// The issuer as it is set here against what is set there.
fn issuer(broker: &Broker, system: &System, expected: Option<&str>) -> Vec<Finding> {
    let ours = broker.ctx.urls.issuer();
    match expected {
        Some(theirs) if theirs != ours => {
            let says = format!("{} has {theirs}, tokens say {ours}{}", system.title, difference(theirs, ours));
            vec![Finding::failure(
                "issuer",
                says,
                system.wrong_issuer,
                format!("set the issuer there to exactly {ours}"),
            )]
        }
        None if ours.ends_with('/') => {
            let says = format!("the issuer {ours} ends with a slash, which is part of it");
            let change = format!(
                "set the issuer there to exactly {ours}, or AVOUCH_ISSUER without the slash before anybody uses it"
            );
            vec![Finding::warning(
                "issuer",
                says,
                format!("where the slash is left out: {}", system.wrong_issuer),
                change,
            )]
        }
        _ => vec![Finding::ok("issuer", format!("iss is {ours}"))],
    }
}

/// In what two issuers differ, where it is easily overlooked.
fn difference(theirs: &str, ours: &str) -> &'static str {
    let bare = |text: &str| text.split_once("://").map_or(text, |(_, rest)| rest).to_owned();
    if theirs.trim_end_matches('/') == ours.trim_end_matches('/') {
        return if theirs.ends_with('/') { ": a trailing slash too many" } else { ": the trailing slash is missing" };
    }
    if bare(theirs) == bare(ours) {
        return ": http instead of https, or the reverse";
    }
    if theirs.eq_ignore_ascii_case(ours) { ": upper and lower case differ" } else { "" }
}

fn discovery(answer: &Answer, system: &System, ours: &str, jwks: &str) -> Finding {
    let document = answer.json();
    let told = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    if answer.status() != 200 || !document.is_object() {
        let says = format!("discovery is answered with {}, and is no document of ours", answer.status());
        let change = "let whatever stands in front pass /.well-known/ on, without a login";
        return Finding::failure("discovery", says, "nothing that is configured by the issuer can be set up", change);
    }
    let issuer = told("issuer");
    if issuer != ours {
        let says =
            format!("discovery at that address says issuer {issuer}, tokens say {ours}{}", difference(&issuer, ours));
        let change = "let the proxy pass the document on unchanged, and to this broker";
        return Finding::failure("discovery", says, system.wrong_issuer, change);
    }
    if told("jwks_uri") != jwks {
        let says = format!("discovery names {} for the keys, not {jwks}", told("jwks_uri"));
        return Finding::failure("discovery", says, system.unknown_key, "let the proxy pass the document on unchanged");
    }
    Finding::ok("discovery", "the document names this issuer and its keys")
}

/// Of the algorithm whose keys are shown for the shortest time.
async fn ahead(broker: &Broker) -> u64 {
    let loaded = async { schedule::store::load(&mut *broker.ctx.db.acquire().await?).await }.await;
    let schedule = loaded.unwrap_or_default();
    let seconds = Alg::ALL.into_iter().map(|alg| schedule.of(alg).publish_ahead().whole_seconds().unsigned_abs());
    seconds.min().unwrap_or_default()
}

fn kids(document: &Value) -> Vec<String> {
    let keys = document["keys"].as_array().into_iter().flatten();
    keys.filter_map(|key| key["kid"].as_str().map(Into::into)).collect()
}

/// The keys themselves, then how long they are kept, on the way and over there. `ahead`: seconds for which a new key is
/// shown before the schedule lets it sign.
fn jwks(broker: &Broker, system: &System, answer: &Answer, served: &[String], ahead: u64) -> Vec<Finding> {
    let own = broker.keys.load();
    let published = kids(&serde_json::from_slice(&own.jwks().body).unwrap_or_default());
    let missing: Vec<&str> = published.iter().filter(|kid| !served.contains(kid)).map(String::as_str).collect();
    let age: u64 = answer.header(AGE).parse().unwrap_or_default();
    let mut findings = Vec::new();
    if missing.is_empty() {
        findings.push(Finding::ok("jwks", format!("all {} published keys are served", published.len())));
    } else {
        let aged = if age > 0 { format!(", {age} s old") } else { String::new() };
        let says = format!("a copy of the keys is served{aged} that lacks {}", missing.join(", "));
        findings.push(if own.signs_with_any(&missing) {
            Finding::failure("jwks", says, system.unknown_key, PROXY)
        } else {
            let breaks = format!("if that copy is still served when they begin to sign: {}", system.unknown_key);
            Finding::warning("jwks", says, breaks, PROXY)
        });
    }
    let ours = own.jwks().max_age.as_secs();
    let Some(told) = answer.max_age() else {
        let says = format!("the keys are served without max-age, ours says {ours}");
        let breaks = format!("where they are kept for long, after a rotation: {}", system.unknown_key);
        findings.push(Finding::warning("jwks_cache", says, breaks, PROXY));
        return findings;
    };
    let kept = system.keys.follows.map_or(system.keys.usual, |(least, most)| told.clamp(least, most));
    let held = format!("max-age={told}; {} keeps the keys for {kept} s", system.title);
    let breaks = format!("after a rotation: {}", system.unknown_key);
    findings.push(if kept.max(told) > ahead && told > ours {
        let says = format!("{held}; ours says {ours}, and a new key begins to sign {ahead} s after it was shown");
        Finding::failure("jwks_cache", says, breaks, PROXY)
    } else if kept > ahead {
        let says = format!("{held}, and a new key begins to sign {ahead} s after it was shown");
        let change = "show the next key for longer before it signs: publish_ahead_hours of the signing keys' schedule";
        Finding::failure("jwks_cache", says, breaks, change)
    } else if told > ours || age > ours {
        let says = format!("the keys are served with max-age={told} and are {age} s old; ours says {ours}");
        Finding::warning("jwks_cache", says, format!("soon {breaks}"), PROXY)
    } else {
        Finding::ok("jwks_cache", held)
    });
    findings
}
