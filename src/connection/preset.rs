//! What is known beforehand of well-known providers.

use serde::{Deserialize, Serialize};

use super::mapping::Mapping;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    Entra,
    Okta,
    Google,
    Keycloak,
    Auth0,
    Adfs,
    Generic,
}

impl Preset {
    pub fn mapping(self) -> Mapping {
        Mapping::default()
    }
}
