//! Groups beyond the token: Entra puts at most 200 into one, and else only says that there are more. Graph is asked with a
//! token of our own, by the object id that the verified token names; the address in the token is never used, because it may be one
//! that is retired, and no token of ours goes to where a token says. What comes back are the same ids as below the limit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

use super::identity::is_entra;
use super::{UpstreamError, Upstreams, token_request};
use crate::connection::{Connection, Graph, GraphGroups, OidcSettings, Protocol};
use crate::ctx::Ctx;
use crate::secret::Secret;
use crate::user::IdentityKey;

const WHAT: &str = "the provider's directory";
/// Somebody waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// They live an hour or longer.
const TOKEN_KEPT: time::Duration = time::Duration::minutes(10);
/// The attribute that a SAML assertion has in place of more than 150 groups.
const SAML_LINK: &str = "http://schemas.microsoft.com/claims/groups.link";

/// Who is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUser {
    pub tenant: String,
    pub object_id: String,
}

impl DirectoryUser {
    /// # Errors
    /// `oid_missing`, `tid_missing`: a token that says so little about a person cannot be completed. `groups_left_out`: nor can an
    /// assertion.
    pub fn of(connection: &Connection, claims: &Value) -> Result<Self, UpstreamError> {
        if let Protocol::Saml(_) = connection.protocol {
            return Err(UpstreamError::invalid(
                "groups_left_out",
                "the person is in more groups than an assertion holds, and SAML has no way to ask for them",
            ));
        }
        Self::named_by(claims)
    }

    /// Somebody who is known by an identity of Entra's: its subject is the object id, and its issuer names the tenant.
    pub fn known_as(connection: &Connection, key: &IdentityKey) -> Option<Self> {
        let Protocol::Oidc(settings) = &connection.protocol else { return None };
        let tenant = key.issuer.trim_end_matches("/v2.0").rsplit('/').next().filter(|tenant| is_plain(tenant));
        let tenant = match tenant {
            None if settings.is_multi_tenant() => return None,
            // there is but one
            None => "",
            Some(tenant) => tenant,
        };
        let known = is_entra(connection, &key.issuer) && is_plain(&key.subject);
        known.then(|| Self { tenant: tenant.to_owned(), object_id: key.subject.clone() })
    }

    fn named_by(claims: &Value) -> Result<Self, UpstreamError> {
        let text = |name: &str, reason| {
            let found = claims[name].as_str().filter(|text| is_plain(text));
            found.map(str::to_owned).ok_or_else(|| {
                UpstreamError::invalid(reason, "groups were left out, and the token does not say of whom (tid, oid)")
            })
        };
        Ok(Self { tenant: text("tid", "tid_missing")?, object_id: text("oid", "oid_missing")? })
    }
}

/// What may become part of an address.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Whether groups were left out of these claims because there are too many. No groups and no such mark: there are none.
pub fn is_marked(claims: &Value) -> bool {
    claims["_claim_names"].get("groups").is_some()
        || matches!(&claims["hasgroups"], Value::Bool(true))
        || claims["hasgroups"] == "true"
        || claims.get(SAML_LINK).is_some()
}

/// The claims as they would be if the token had had room.
pub fn filled(mut claims: Value, groups: &[String]) -> Value {
    claims["groups"] = groups.into();
    if let Some(object) = claims.as_object_mut() {
        for name in ["_claim_names", "_claim_sources", "hasgroups"] {
            object.remove(name);
        }
    }
    claims
}

/// By tenant and client: what Graph lets us in with.
#[derive(Default)]
pub(super) struct GraphTokens(Mutex<HashMap<String, (OffsetDateTime, Secret<String>)>>);

impl GraphTokens {
    fn known(&self, key: &str, now: OffsetDateTime) -> Option<Secret<String>> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(key).filter(|(until, _)| now < *until).map(|(_, token)| token.clone())
    }

    fn keep(&self, key: String, token: Secret<String>, now: OffsetDateTime) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, (until, _)| now < *until);
        tokens.insert(key, (now + TOKEN_KEPT, token));
    }

    fn forget(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[derive(Deserialize)]
struct Members {
    value: Vec<String>,
}

impl Upstreams {
    /// Every group of the person, transitively: ids, as tokens have them.
    ///
    /// # Errors
    /// `groups_forbidden`, `groups_unavailable`, and what our own authentication fails with.
    pub async fn groups_of(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        person: &DirectoryUser,
    ) -> Result<Vec<String>, UpstreamError> {
        let Protocol::Oidc(settings) = &connection.protocol else {
            return Err(unavailable("a SAML provider has none"));
        };
        let looked = tokio::time::timeout(PATIENCE, self.ask_graph(ctx, connection, settings, person)).await;
        looked.unwrap_or_else(|_| Err(unavailable(format!("no answer within {} s", PATIENCE.as_secs()))))
    }

    async fn ask_graph(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        settings: &OidcSettings,
        person: &DirectoryUser,
    ) -> Result<Vec<String>, UpstreamError> {
        let graph = Graph::url_of(settings.graph.as_ref(), &settings.issuer);
        let url = format!("{graph}/users/{}/getMemberGroups", person.object_id);
        let kinds = settings.graph.as_ref().map(|graph| graph.groups).unwrap_or_default();
        let body = json!({ "securityEnabledOnly": kinds == GraphGroups::Security }).to_string();
        let key = format!("{} {}", connection.id, person.tenant);
        let mut tries = 0;
        loop {
            tries += 1;
            let token = self.graph_token(ctx, connection, settings, (&graph, person), &key).await?;
            let request = http::Request::post(&url)
                .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone().into_bytes())
                .map_err(|_| unavailable("its address is no URL"))?;
            let answer = ctx.http.send(request).await.map_err(|error| unavailable(error.to_string()))?;
            match answer.status() {
                StatusCode::OK => {
                    let members: Members = serde_json::from_slice(answer.body())
                        .map_err(|_| unavailable("its answer is no list of groups"))?;
                    return Ok(members.value);
                }
                // consent, or the credential, changed since
                StatusCode::UNAUTHORIZED if tries == 1 => self.graph_tokens.forget(&key),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    return Err(UpstreamError::misconfigured(
                        "groups_forbidden",
                        "Microsoft Graph does not let our application read groups: it needs the application permission \
                         GroupMember.Read.All, with an administrator's consent",
                    ));
                }
                status => return Err(unavailable(format!("it answered with status {}", status.as_u16()))),
            }
        }
    }

    async fn graph_token(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        settings: &OidcSettings,
        (graph, person): (&str, &DirectoryUser),
        key: &str,
    ) -> Result<Secret<String>, UpstreamError> {
        if let Some(token) = self.graph_tokens.known(key, ctx.now()) {
            return Ok(token);
        }
        let provider = self.discovery.get(ctx, connection, settings).await?;
        let mut provider = (*provider).clone();
        // a token of our own comes from one tenant: the person's
        for shared in ["/organizations/", "/common/"].into_iter().filter(|_| settings.is_multi_tenant()) {
            provider.token_endpoint = provider.token_endpoint.replacen(shared, &format!("/{}/", person.tenant), 1);
        }
        let origin = Url::parse(graph).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        let parties = token_request::Parties { upstreams: self, connection, settings, provider: &provider };
        let tokens = token_request::for_ourselves(ctx, &parties, &format!("{origin}/.default")).await?;
        let token = tokens.access_token.ok_or_else(|| unavailable("we were given no token for it"))?;
        self.graph_tokens.keep(key.to_owned(), token.clone(), ctx.now());
        Ok(token)
    }
}

fn unavailable(detail: impl Into<String>) -> UpstreamError {
    UpstreamError::invalid("groups_unavailable", format!("{WHAT}: {}", detail.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_says_that_groups_were_left_out() {
        for (claims, marked) in [
            (json!({}), false),
            (json!({ "groups": ["a"] }), false),
            (json!({ "_claim_names": { "address": "src1" } }), false),
            (json!({ "_claim_names": { "groups": "src1" } }), true),
            (json!({ "hasgroups": true }), true),
            (json!({ "hasgroups": "true" }), true),
            (json!({ "hasgroups": false }), false),
            (json!({ (SAML_LINK): ["https://graph.windows.net/t/users/o/getMemberObjects"] }), true),
        ] {
            assert_eq!(is_marked(&claims), marked, "{claims}");
        }
    }

    #[test]
    fn whom_the_token_names_goes_into_an_address_only_if_it_is_plain() {
        for oid in ["", "../me", "a/b", "a%2Fb", "a?b"] {
            assert!(DirectoryUser::named_by(&json!({ "tid": "t", "oid": oid })).is_err(), "{oid}");
        }
        assert!(DirectoryUser::named_by(&json!({ "tid": "t-1", "oid": "0f2-A" })).is_ok());
    }
}
