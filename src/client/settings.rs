//! What few clients set, in the words of RFC 7591 and its extensions. Stored as JSON in `clients.settings`; what is at
//! its default is left out.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSettings {}
