//! Signing in: from /authorize through an upstream and back to a session and a code. Joins clients, connections,
//! upstreams, users, sessions, consents and authorizations. Owns the trips ("login attempts") and the pages.
//!
//! Every step ends in a [`Next`], every failure in a [`Problem`]; `endpoint` and `pages` only carry them out.

pub mod account;
pub mod answer;
pub mod arrive;
pub mod authorize;
pub mod chooser;
pub mod consent;
pub mod depart;
pub mod desk;
pub mod endpoint;
pub mod extract;
pub mod pages;
pub mod problem;
pub mod store;
pub mod told;
pub mod trial;
mod undecrypted;
pub mod unsolicited;
mod verified;

pub use answer::ClientAnswer;
pub use problem::{Problem, Refusal};

use std::net::IpAddr;

use url::Url;

use crate::authorization::Authorization;
use crate::ids::{AuthorizationId, LinkProofId, TraceId};
use crate::secret::{Secret, fingerprint};
use crate::trace::Recording;

/// The browser in front of us.
#[derive(Debug)]
pub struct Visitor {
    /// Binds authorizations and login attempts to this browser.
    pub browser: Secret<String>,
    /// The value behind the session cookie, if there is one.
    pub session: Option<Secret<String>>,
    pub trace_id: TraceId,
    pub addr: Option<IpAddr>,
    /// What the browser calls itself, cut short.
    pub user_agent: Option<String>,
    /// What this request has to tell of the login.
    pub trace: Recording,
}

impl Visitor {
    pub fn browser_hash(&self) -> [u8; 32] {
        fingerprint(self.browser.expose())
    }
}

/// What the browser does next.
#[derive(Debug)]
pub enum Next {
    /// Off to an upstream.
    Upstream { url: String },
    /// Off to an upstream, with a form.
    UpstreamForm { target: Url, fields: Vec<(String, String)> },
    /// The person picks a connection.
    Choose(Box<Authorization>),
    /// The person decides what a third-party client may have.
    Consent(Box<Authorization>),
    /// The person decides about a device.
    ApproveDevice(Box<Authorization>),
    /// Back to the client, with a code or an error.
    Client(ClientAnswer),
    /// Somebody just signed in: set the session cookie and go on, usually back to the authorization. `onward` is ours or
    /// an operator's, never a visitor's.
    SignedIn { onward: String, session: Secret<String>, connection: String, authorization: Option<AuthorizationId> },
    /// Somebody just came to the operator's desk: set the desk's cookie and go on to one of its pages.
    Seated { onward: String, session: Secret<String> },
    /// The person confirms that they want this identity linked.
    ConfirmLink { proof: LinkProofId },
    /// An operator's test is over; what came of it stands in this trace.
    Tested { trace: TraceId },
}
