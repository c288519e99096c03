//! Versions of an OpenID provider's discovery document. The approved one is what sign-ins use, across restarts and while
//! the provider is down; one that moves an endpoint or takes strength away waits for an operator. Reading the document is
//! done elsewhere. Keys are not versions: whatever stands at the approved `jwks_uri` counts.

pub mod store;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{Connection, Protocol, Slug};
use crate::audit::{self, Author, Event};
use crate::ctx::Ctx;
use crate::db::{self, Conn};

/// Bytes of JSON; what is larger is not kept, and so never used as approved.
const LARGEST: usize = 16 * 1024;

/// What we use of the document (OIDC Discovery 1.0 §3). Everything else may change as it likes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    pub userinfo_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
    #[serde(default)]
    pub introspection_endpoint: Option<String>,
    #[serde(default)]
    pub revocation_endpoint: Option<String>,
    /// RFC 9207: every authorization response names its issuer.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub id_token_signing_alg_values_supported: BTreeSet<String>,
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: BTreeSet<String>,
    #[serde(default)]
    pub code_challenge_methods_supported: BTreeSet<String>,
}

/// The version in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// It counts while this is the connection's issuer: another one is another provider.
    pub source: String,
    pub surface: Surface,
}

#[derive(Clone, Debug)]
pub struct Version {
    pub id: i64,
    pub source: String,
    pub surface: Surface,
    pub state: State,
    pub first_seen_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    pub decided: Option<(OffsetDateTime, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Approved,
    Pending,
    Rejected,
    Superseded,
}

impl State {
    const ALL: [Self; 4] = [Self::Approved, Self::Pending, Self::Rejected, Self::Superseded];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    #[error("cannot change the versions: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no connection {0}")]
    Unknown(Slug),
    #[error("the connection {0} has no such version that waits for a decision")]
    NothingToDecide(Slug),
}

impl Surface {
    fn places(&self) -> [Option<&str>; 8] {
        [
            Some(&self.issuer),
            Some(&self.authorization_endpoint),
            Some(&self.token_endpoint),
            Some(&self.jwks_uri),
            self.userinfo_endpoint.as_deref(),
            self.end_session_endpoint.as_deref(),
            self.introspection_endpoint.as_deref(),
            self.revocation_endpoint.as_deref(),
        ]
    }

    /// Whether going over from `self` to `new` is an operator's decision: another issuer or endpoint, or less strength.
    pub fn needs_approval(&self, new: &Self) -> bool {
        let weak = |alg: &&String| *alg == "none" || alg.starts_with("HS");
        let (algs, new_algs) =
            (&self.id_token_signing_alg_values_supported, &new.id_token_signing_alg_values_supported);
        self.places() != new.places()
            || (self.authorization_response_iss_parameter_supported
                && !new.authorization_response_iss_parameter_supported)
            || !algs.is_subset(new_algs)
            || new_algs.difference(algs).any(|alg| weak(&alg))
            || !self.token_endpoint_auth_methods_supported.is_subset(&new.token_endpoint_auth_methods_supported)
            || !self.code_challenge_methods_supported.is_subset(&new.code_challenge_methods_supported)
    }

    /// `{"token_endpoint": [before, after]}`.
    pub fn changes(&self, new: &Self) -> Value {
        let (old, new) = (self.json(), new.json());
        let members = old.as_object().into_iter().flatten().filter(|(name, value)| new[name.as_str()] != **value);
        let changed: Map<_, _> = members.map(|(name, value)| (name.clone(), json!([value, new[name]]))).collect();
        Value::Object(changed)
    }

    fn json(&self) -> Value {
        serde_json::to_value(self).expect("a plain struct")
    }
}

/// The provider has just said this. Nothing, if the connection is about another issuer by now.
///
/// # Errors
/// the database's.
pub async fn seen(ctx: &Ctx, slug: &Slug, source: &str, surface: &Surface) -> Result<(), sqlx::Error> {
    if surface.json().to_string().len() > LARGEST {
        tracing::warn!(connection = %slug, "the discovery document names too much to be kept as a version");
        return Ok(());
    }
    let now = ctx.now();
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(connection) = super::store::lock_by_slug(conn, slug).await? else { return Ok(()) };
        if issuer(&connection) != Some(source) {
            return Ok(());
        }
        let id = &connection.id;
        let known = store::of(conn, id, source).await?;
        let approved = known.iter().find(|version| version.state == State::Approved);
        let open = [State::Pending, State::Rejected];
        let same = |version: &&Version| version.surface == *surface && open.contains(&version.state);
        let (state, ended) = match approved {
            None => (State::Approved, vec![State::Pending]),
            Some(approved) if approved.surface == *surface => {
                // it took back what somebody was asked about: should it come again, it is asked anew
                for open in open {
                    store::supersede(conn, id, source, open, now).await?;
                }
                return store::seen_again(conn, approved.id, now).await;
            }
            Some(approved) if !approved.surface.needs_approval(surface) => {
                (State::Approved, vec![State::Approved, State::Pending])
            }
            Some(approved) => {
                if let Some(same) = known.iter().find(same) {
                    if same.state == State::Rejected {
                        store::supersede(conn, id, source, State::Pending, now).await?;
                    }
                    return store::seen_again(conn, same.id, now).await;
                }
                let event = Event::failed("connection.drift_seen", "approval_needed", "system").connection(slug);
                let detail = json!({
                    "changes": approved.surface.changes(surface),
                    "cause": "The provider's discovery document names another endpoint or fewer algorithms than were approved.",
                    "remedy": "Ask its administrator whether the change is theirs, then approve or reject it. What was approved counts until then.",
                    "page": format!("/admin/connections/{slug}/versions"),
                });
                audit::record(ctx, conn, event.detail(detail)).await?;
                (State::Pending, vec![State::Pending])
            }
        };
        for ended in ended {
            store::supersede(conn, id, source, ended, now).await?;
        }
        store::insert(conn, id, source, &surface.json(), state, now).await?;
        store::trim(conn, id).await
    })
    .await
}

/// The versions under the connection's present issuer, the newest first.
///
/// # Errors
/// [`VersionError::Unknown`] and the database's.
pub async fn list(conn: &mut Conn, slug: &Slug) -> Result<Vec<Version>, VersionError> {
    let connection = super::store::by_slug(conn, slug).await?.ok_or_else(|| VersionError::Unknown(slug.clone()))?;
    match issuer(&connection) {
        Some(source) => Ok(store::of(conn, &connection.id, source).await?),
        None => Ok(Vec::new()),
    }
}

/// Sign-ins use it from now on. One that was rejected before may be approved after all.
///
/// # Errors
/// [`VersionError`]; then nothing has changed.
pub async fn approve(ctx: &Ctx, author: &Author, slug: &Slug, version: i64) -> Result<(), VersionError> {
    decide(ctx, author, slug, version, State::Approved).await
}

/// It is not asked about again while the provider says the same.
///
/// # Errors
/// [`VersionError`]; then nothing has changed.
pub async fn reject(ctx: &Ctx, author: &Author, slug: &Slug, version: i64) -> Result<(), VersionError> {
    decide(ctx, author, slug, version, State::Rejected).await
}

async fn decide(ctx: &Ctx, author: &Author, slug: &Slug, version: i64, to: State) -> Result<(), VersionError> {
    let now = ctx.now();
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = super::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| VersionError::Unknown(slug.clone()))?;
        let nothing = || VersionError::NothingToDecide(slug.clone());
        let source = issuer(&connection).ok_or_else(nothing)?;
        let known = store::of(conn, &connection.id, source).await?;
        let open = |one: &&Version| {
            one.id == version
                && (one.state == State::Pending || (one.state == State::Rejected && to == State::Approved))
        };
        let chosen = known.iter().find(open).ok_or_else(nothing)?;
        let used = known.iter().find(|one| one.state == State::Approved).ok_or_else(nothing)?;
        let action = if to == State::Approved {
            store::supersede(conn, &connection.id, source, State::Approved, now).await?;
            "connection.drift_approved"
        } else {
            "connection.drift_rejected"
        };
        store::decided(conn, version, to, &author.actor, now).await?;
        let detail = json!({ "version": version, "changes": used.surface.changes(&chosen.surface) });
        Ok(audit::record(ctx, conn, author.did(action).connection(slug).detail(detail)).await?)
    })
    .await
}

/// `None` where nothing is discovered: SAML, and endpoints entered by hand.
fn issuer(connection: &Connection) -> Option<&str> {
    match &connection.protocol {
        Protocol::Oidc(settings) if settings.endpoints.is_none() => Some(&settings.issuer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_and_weaknesses_are_decided_by_people_and_additions_are_not() {
        let old: Surface = serde_json::from_value(json!({
            "issuer": "https://a", "authorization_endpoint": "https://a/auth", "token_endpoint": "https://a/token",
            "jwks_uri": "https://a/jwks", "authorization_response_iss_parameter_supported": true,
            "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"],
        }))
        .unwrap();
        let table = [
            ("token_endpoint", json!("https://b/token"), true),
            ("jwks_uri", json!("https://b/jwks"), true),
            ("userinfo_endpoint", json!("https://a/me"), true),
            ("end_session_endpoint", json!("https://a/end"), true),
            ("authorization_response_iss_parameter_supported", json!(false), true),
            ("id_token_signing_alg_values_supported", json!(["ES256"]), true),
            ("id_token_signing_alg_values_supported", json!(["RS256", "none"]), true),
            ("id_token_signing_alg_values_supported", json!(["RS256", "HS256"]), true),
            ("id_token_signing_alg_values_supported", json!(["RS256", "ES256"]), false),
            ("code_challenge_methods_supported", json!([]), true),
            ("code_challenge_methods_supported", json!(["S256", "plain"]), false),
            ("scopes_supported", json!(["more"]), false),
        ];
        for (name, value, expected) in table {
            let mut new = old.json();
            new[name] = value.clone();
            let new: Surface = serde_json::from_value(new).unwrap();
            assert_eq!(old.needs_approval(&new), expected, "{name} {value}");
        }
    }
}
