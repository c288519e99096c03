//! What is wrong with where a client wants to hear of logouts (OIDC Back-Channel Logout 1.0 §2.2).

use url::Url;

use super::check::Findings;
use super::client_entry::ClientEntry;
use crate::client::ClientKind;
use crate::urls::is_loopback;

const FIELD: &str = "backchannel_logout_uri";

impl ClientEntry {
    pub(super) fn check_logout(&self, out: &mut Findings) {
        let Some(uri) = &self.backchannel_logout_uri else {
            if self.backchannel_logout_session_required {
                out.add("backchannel_logout_session_required", format!("says nothing without {FIELD}"));
            }
            return;
        };
        if self.kind == ClientKind::Machine {
            out.add(FIELD, "nobody signs in at a machine client, so nobody signs out");
        }
        match Url::parse(uri) {
            Ok(url) if url.fragment().is_some() => out.add(FIELD, "must not have a fragment"),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                out.add(FIELD, "must not hold a user name or password");
            }
            Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {}
            _ => out.add(FIELD, "must be an https URL; plain http is for loopback hosts only"),
        }
    }
}
