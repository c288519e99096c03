//! A user's claims, by scope for UserInfo and by the client's choice for tokens. Groups and roles are arrays always.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{ClaimName, Client, UserClaim};
use crate::oauth::scope::Scope;
use crate::user::User;

/// OIDC Core §5.1, plus `groups`, `roles` and the client's own. Absent members are left out.
#[derive(Debug, Default, Serialize)]
pub struct UserClaims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Cow<'a, [String]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<&'a [String]>,
    #[serde(flatten)]
    pub custom: BTreeMap<&'a str, Value>,
}

impl<'a> UserClaims<'a> {
    /// `user` is absent where the client speaks for itself: only its custom claims then have anything to say.
    pub fn select(
        client: &'a Client,
        user: Option<&'a User>,
        roles: &'a [String],
        wanted: &'a BTreeSet<ClaimName>,
        more: &[UserClaim],
    ) -> Self {
        let mut out = Self::default();
        if let Some(user) = user {
            let listed = wanted.iter().filter_map(|name| match name {
                ClaimName::User(claim) => Some(claim),
                ClaimName::Custom(_) => None,
            });
            for claim in listed.chain(more) {
                out.add(*claim, client, user, roles);
            }
        }
        out.custom = custom(client, user, wanted);
        out
    }

    fn add(&mut self, claim: UserClaim, client: &Client, user: &'a User, roles: &'a [String]) {
        let profile = &user.profile;
        match claim {
            UserClaim::Email => {
                self.email = profile.email.as_deref();
                self.email_verified = profile.email.is_some().then_some(profile.email_verified);
            }
            UserClaim::EmailVerified => self.email_verified = profile.email.is_some().then_some(profile.email_verified),
            UserClaim::Name => self.name = profile.name.as_deref(),
            UserClaim::GivenName => self.given_name = profile.given_name.as_deref(),
            UserClaim::FamilyName => self.family_name = profile.family_name.as_deref(),
            UserClaim::PreferredUsername => self.preferred_username = profile.preferred_username.as_deref(),
            UserClaim::Groups => self.groups = Some(groups(client, &profile.groups)),
            UserClaim::Roles => self.roles = Some(roles),
        }
    }
}

/// Those that the client's filter lets through. Where it fails it keeps the group back: it cannot have said yes.
fn groups<'a>(client: &Client, all: &'a [String]) -> Cow<'a, [String]> {
    let Some(filter) = &client.claims.groups_filter else { return Cow::Borrowed(all) };
    let about = about(client);
    let passes = |group: &&String| {
        let group = Value::String((*group).clone());
        filter.is_true(&[("group", &group), ("client", &about)]).unwrap_or_else(|error| {
            tracing::debug!(client_id = client.client_id.as_str(), %error, "the groups filter could not be evaluated");
            false
        })
    };
    Cow::Owned(all.iter().filter(passes).cloned().collect())
}

/// A claim that fails or yields null is left out: not every user has every attribute, and a machine has none.
fn custom<'a>(client: &'a Client, user: Option<&User>, wanted: &'a BTreeSet<ClaimName>) -> BTreeMap<&'a str, Value> {
    let mut out = BTreeMap::new();
    if client.claims.custom.is_empty() {
        return out;
    }
    let (user, about) = (user.map(User::for_rules), about(client));
    let mut variables = vec![("client", &about)];
    variables.extend(user.as_ref().map(|user| ("user", user)));
    for name in wanted {
        let ClaimName::Custom(name) = name else { continue };
        let Some(expression) = client.claims.custom.get(name) else { continue };
        match expression.evaluate(&variables) {
            Ok(Value::Null) => {}
            Ok(value) => drop(out.insert(name.as_str(), value)),
            Err(error) => {
                tracing::debug!(client_id = client.client_id.as_str(), %error, "a custom claim could not be evaluated");
            }
        }
    }
    out
}

/// What expressions see as `client`.
fn about(client: &Client) -> Value {
    json!({ "client_id": client.client_id.as_str(), "name": client.name, "kind": client.kind.as_str() })
}

/// OIDC Core §5.4: what a scope brings to UserInfo.
pub fn by_scope(scope: &Scope) -> Vec<UserClaim> {
    UserClaim::ALL.into_iter().filter(|claim| claim.scope().is_some_and(|word| scope.contains(word))).collect()
}
