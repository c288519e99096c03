//! A client's tokens, judged by a system's rules. They are taken apart before they come here: nobody can use what is left.

use serde_json::Value;

use super::finding::Finding;
use super::published::Served;
use super::system::{Need, Reads, System};
use crate::client::Client;
use crate::token::preview::Anatomy;

/// What the other side has configured, as far as somebody said.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub issuer: Option<String>,
    pub audience: Option<String>,
    /// Where it looks for groups, if not in `groups`.
    pub groups_claim: Option<String>,
}

pub(super) struct Sample<'a> {
    pub client: &'a Client,
    /// What a token without an audience says in `aud`.
    pub userinfo: &'a str,
    /// Of somebody in a single group.
    pub token: &'a Anatomy,
    /// Of whoever has the most to be said.
    pub longest: (&'a Anatomy, &'a str),
    /// None: a machine.
    pub is_person: bool,
}

pub(super) fn judge(
    system: &System,
    sample: &Sample<'_>,
    expected: &Expected,
    served: Option<&Served>,
) -> Vec<Finding> {
    let mut findings = vec![audience(system, sample, expected)];
    findings.extend(header(system, sample, served));
    findings.extend(scope(system, sample));
    if sample.is_person {
        findings.extend(groups(system, sample, expected));
        findings.extend(email(system, sample));
    }
    findings.push(size(system, sample));
    findings
}

fn kind(system: &System) -> &'static str {
    match system.reads {
        Reads::AccessToken => "the access token",
        Reads::IdToken => "the ID token",
    }
}

fn audience(system: &System, sample: &Sample<'_>, expected: &Expected) -> Finding {
    let aud = &sample.token.claims["aud"];
    let holds = |wanted: &str| aud == wanted || aud.as_array().is_some_and(|all| all.iter().any(|one| one == wanted));
    let name = "audience";
    let said = aud.as_str().map_or_else(|| aud.to_string(), Into::into);
    if system.reads == Reads::AccessToken && aud == sample.userinfo {
        let says = "the client has no audience: its access tokens are for UserInfo alone";
        let change = "add the resource that the system is to the client's audiences";
        return Finding::failure(name, says, system.wrong_audience, change);
    }
    match &expected.audience {
        Some(wanted) if !holds(wanted) => {
            let says = format!("{} expects {wanted}, aud of {} is {said}", system.title, kind(system));
            let change = match system.reads {
                Reads::AccessToken if sample.client.audiences.contains(wanted) => {
                    format!("let it ask for audience={wanted}, or make that the client's first audience")
                }
                Reads::AccessToken => {
                    format!("make {wanted} the client's first audience, or set the audience there to {said}")
                }
                Reads::IdToken => format!("set the client id there to {said}"),
            };
            Finding::failure(name, says, system.wrong_audience, change)
        }
        _ => Finding::ok(name, format!("aud of {} is {said}", kind(system))),
    }
}

fn header(system: &System, sample: &Sample<'_>, served: Option<&Served>) -> Vec<Finding> {
    let told = |name: &str| sample.token.header[name].as_str().unwrap_or_default().to_owned();
    let mut findings = Vec::new();
    let typ = told("typ");
    let refusal = system.refuses_at_jwt.filter(|_| system.reads == Reads::AccessToken && typ != "JWT");
    findings.push(match refusal {
        Some((need, words)) => {
            let says = format!("typ of {} is {typ}", kind(system));
            let change = format!("set access_token.typ of the resource{} to JWT", resource(sample));
            judged(need)("typ", says, words.to_owned(), change)
        }
        None => Finding::ok("typ", format!("typ of {} is {typ}", kind(system))),
    });
    let alg = told("alg");
    findings.push(if system.algs.contains(&alg.as_str()) {
        Finding::ok("alg", format!("{} is signed with {alg}", kind(system)))
    } else {
        let change = match system.reads {
            Reads::AccessToken => {
                format!("set access_token.alg of the resource{} to {}", resource(sample), system.algs[0])
            }
            Reads::IdToken => format!("set id_token_alg of the client to {}", system.algs[0]),
        };
        let says = format!("{} is signed with {alg}, {} takes {}", kind(system), system.title, system.algs.join(", "));
        let (need, words) = system.wrong_alg;
        judged(need)("alg", says, words.to_owned(), change)
    });
    if let Some(served) = served {
        let kid = told("kid");
        findings.push(if served.kids.contains(&kid) {
            Finding::ok("kid", format!("the key {kid} is in the JWKS as it is served"))
        } else {
            let says = format!("{} is signed by the key {kid}, which the JWKS as it is served lacks", kind(system));
            let change = "let the proxy in front follow our Cache-Control, or not keep /.well-known/ at all; until then empty its cache";
            Finding::failure("kid", says, system.unknown_key, change)
        });
    }
    findings
}

fn scope(system: &System, sample: &Sample<'_>) -> Option<Finding> {
    let words = system.empty_scope?;
    let said = sample.token.claims["scope"].as_str().unwrap_or_default();
    if said.is_empty() {
        let change = format!("give the resource{} a scope, any will do, and let the client have it", resource(sample));
        return Some(Finding::failure("scope", "scope of the access token is empty", words, change));
    }
    Some(Finding::ok("scope", format!("scope of the access token is {said}")))
}

/// ` kafka`: whose settings the access token follows, where it has one audience.
fn resource(sample: &Sample<'_>) -> String {
    sample.token.claims["aud"].as_str().map(|aud| format!(" {aud}")).unwrap_or_default()
}

/// How grave it is that what is needed so much is not there.
fn judged(need: Need) -> fn(&'static str, String, String, String) -> Finding {
    if need == Need::Must { Finding::failure } else { Finding::warning }
}

fn groups(system: &System, sample: &Sample<'_>, expected: &Expected) -> Option<Finding> {
    let name = expected.groups_claim.as_deref().unwrap_or("groups");
    let claims = &sample.token.claims;
    let list = match system.reads {
        Reads::AccessToken => "access_token",
        Reads::IdToken => "id_token",
    };
    let asked = expected.groups_claim.is_some();
    let need = if asked && system.groups == Need::No { Need::Should } else { system.groups };
    match &claims[name] {
        Value::Array(_) => {}
        Value::Null => {
            let words = if system.without_groups.is_empty() {
                "whatever looks for groups finds none"
            } else {
                system.without_groups
            };
            let says = format!("{} has no {name}", kind(system));
            let change = if name == "groups" {
                format!(
                    "let the client have the scope groups and the system ask for it, or add groups to claims.{list} of the client"
                )
            } else {
                format!("add {name} to claims.{list} of the client, or look for groups there")
            };
            return match need {
                Need::Must => Some(Finding::failure("groups", says, words, change)),
                Need::Should => Some(Finding::warning("groups", says, words, change)),
                Need::No => no_list(system, claims),
            };
        }
        _ => return Some(text(system, name)),
    }
    no_list(system, claims).or_else(|| Some(Finding::ok("groups", format!("{name} is a list, of a single group too"))))
}

/// A claim of the client's own that by its name has groups, and with one group is text.
fn no_list(system: &System, claims: &Value) -> Option<Finding> {
    let named = |name: &str| name.to_lowercase().contains("group");
    let wrong = claims.as_object()?.iter().find(|(name, value)| named(name) && value.is_string());
    wrong.filter(|_| system.groups_as_text.is_some()).map(|(name, _)| text(system, name))
}

fn text(system: &System, name: &str) -> Finding {
    let says = format!("{name} is text where somebody is in a single group, not a list");
    match system.groups_as_text {
        Some(words) => {
            let change = format!(
                "let {name} of claims.custom yield a list always, like user.groups, or use groups itself, which is one"
            );
            Finding::failure("groups", says, words, change)
        }
        None => Finding::ok("groups", format!("{says}, which {} takes", system.title)),
    }
}

fn email(system: &System, sample: &Sample<'_>) -> Option<Finding> {
    let claims = &sample.token.claims;
    let change = match system.reads {
        Reads::AccessToken => "add email to claims.access_token of the client",
        Reads::IdToken => "add email and email_verified to claims.id_token of the client",
    };
    if claims["email"].is_null() {
        let says = format!("{} has no email", kind(system));
        return match system.email {
            // it asks UserInfo too, where the scope brings it
            Need::Must if sample.client.scopes.as_ref().is_none_or(|scopes| scopes.contains("email")) => {
                Some(Finding::ok("email", format!("{says}, UserInfo does")))
            }
            Need::Must => {
                let change = "let the client have the scope email";
                Some(Finding::failure("email", says, system.without_email, change))
            }
            Need::Should => Some(Finding::warning("email", says, system.without_email, change)),
            Need::No => None,
        };
    }
    Some(match system.unverified_email {
        Some(words) if claims["email_verified"] != true => {
            let says = "email_verified of this person is not true";
            let change =
                "list the provider's domains in email_domains of the connection, or choose another claim for names";
            Finding::warning("email", says, words, change)
        }
        _ => Finding::ok("email", format!("{} has an e-mail address", kind(system))),
    })
}

fn size(system: &System, sample: &Sample<'_>) -> Finding {
    let (longest, whose) = sample.longest;
    let ((most, words), budget) = (system.most, sample.client.claims.token_budget());
    let says = format!("{} is {} bytes long {whose}", kind(system), longest.bytes);
    let change = "narrow the groups by claims.groups_filter of the client, or leave claims out of the token";
    if longest.bytes > most {
        return Finding::failure("size", format!("{says}; {most} is the most"), words, change);
    }
    if longest.bytes > budget.min(most) {
        let says = format!("{says}; the client's token_budget is {budget}");
        return Finding::warning("size", says, format!("with some more groups: {words}"), change);
    }
    Finding::ok("size", says)
}
