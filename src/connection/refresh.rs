//! How fresh a provider's word on a person has to be when an application refreshes its tokens. OpenID Connect only: a
//! SAML provider cannot be asked without the person's browser.

use serde::{Deserialize, Serialize};
use time::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    #[serde(default)]
    pub policy: RefreshPolicy,
    /// Seconds. What the provider said longer ago is asked anew; absent: the policy's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshPolicy {
    /// No tokens unless the provider has vouched again.
    Require,
    /// The provider is asked where it can be; what it said last holds where it cannot.
    #[default]
    BestEffort,
    /// What it said at the sign-in holds as long as the refresh tokens do.
    LoginOnly,
}

impl Refresh {
    pub fn max_age(self) -> Duration {
        let seconds = self.max_age.unwrap_or(match self.policy {
            RefreshPolicy::Require => 300,
            RefreshPolicy::BestEffort | RefreshPolicy::LoginOnly => 3600,
        });
        Duration::seconds(seconds.into())
    }
}

impl RefreshPolicy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::BestEffort => "best_effort",
            Self::LoginOnly => "login_only",
        }
    }
}
