//! What few clients set, in the words of RFC 7591 and its extensions. Stored as JSON in `clients.settings`; what is at
//! its default is left out.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSettings {
    /// Whether devices get a `verification_uri_complete` (RFC 8628 §3.3.1). Off by default: who has to type the code has
    /// seen the device, and a link can be sent to anybody.
    #[serde(skip_serializing_if = "is_false")]
    pub complete_verification_uri: bool,
}

const fn is_false(value: &bool) -> bool {
    !*value
}
