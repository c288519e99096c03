//! The trace of a login: what each request of it did, from the application's request to the token, for an operator who
//! wants to know why somebody did not get in. Owns the steps and their words, what is cut out of them, and why each
//! refusal happens and what helps. It decides nothing: a login goes on whether or not it can be written down.
//!
//! One login is several requests, each with a trace id of its own; every one of them leads to the whole. It is named by
//! the first. Steps are told to a [`Recording`] while a request is answered and written by the [`Sink`] afterwards.

pub mod read;
pub mod recording;
mod redact;
pub mod remedy;
pub mod replay;
mod sink;
pub mod store;

pub use read::{LoginTrace, Summary};
pub use recording::Recording;
pub use sink::Sink;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::ids::TraceId;

/// What was done. `word` is stable; `title` says it to an operator.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident $word:literal $title:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Word {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
            /// Written by another version.
            #[serde(other, rename = "other")]
            Other,
        }

        impl Word {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* Self::Other => "other" }
            }

            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* Self::Other => "Another step" }
            }
        }
    };
}

words! {
    AuthorizeReceived "authorize.received" "The application asked for a sign-in";
    /// An operator's test of a connection.
    TestStarted "test.started" "An operator began a test";
    SessionFound "session.found" "They were signed in already";
    ChooserShown "chooser.shown" "They were asked by which provider to sign in";
    UpstreamSent "upstream.sent" "We sent them to the provider";
    UpstreamCallback "upstream.callback" "They came back from the provider";
    Discovery "discovery" "The provider's discovery document";
    Metadata "metadata" "The provider's metadata";
    UpstreamAnswer "upstream.answer" "The provider's answer";
    UpstreamToken "upstream.token" "We redeemed the provider's code";
    AnswerVerified "answer.verified" "The signed answer was verified";
    UserInfo "userinfo" "We asked the provider for more about them";
    Groups "groups" "The provider's directory completed their groups";
    Claims "claims" "What the provider says about them";
    Mapping "mapping" "The mapping made a profile of it";
    Allow "allow" "The allow rule";
    User "user" "The user here";
    /// The assertion counts once; the sign-in is as new as the application wants it.
    SignedIn "signed_in" "They were signed in here";
    ConsentShown "consent.shown" "They were asked whether the application may";
    Consent "consent" "They decided about the application";
    DeviceShown "device.shown" "They were asked about the device";
    Device "device" "They decided about the device";
    CodeIssued "code.issued" "The application was given a code";
    TokenIssued "token.issued" "The application redeemed the code for tokens";
    /// In a test: what a token would say.
    TokenPreview "token.preview" "The token that the client would get";
    Returned "returned" "They went back to the application without having signed in";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Passed,
    /// We said no.
    Refused,
    /// Something else broke: an upstream, the network, a setting.
    Failed,
}

impl StepState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub at: OffsetDateTime,
    pub word: Word,
    pub state: StepState,
    /// The audit word; [`remedy::of`] explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// An object. Never a code, token, secret or assertion; see [`redact`].
    pub detail: Value,
}

/// How a login stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Under way, or left.
    Open,
    Success,
    Refused,
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 4] = [Self::Open, Self::Success, Self::Refused, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Login,
    /// An operator tested a connection; nobody was signed in.
    Test,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Test => "test",
        }
    }
}

/// Who it turned out to be, as far as the mapping said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Somebody {
    pub name: Option<String>,
    pub email: Option<String>,
}

/// What one request adds to the trace of one login. What is `None` stays as it was.
#[derive(Clone, Debug)]
pub struct Part {
    /// The trace id of the login's first request.
    pub login: TraceId,
    pub trace_id: TraceId,
    pub at: OffsetDateTime,
    pub kind: Kind,
    pub steps: Vec<Step>,
    /// With the reason, where it is a no.
    pub outcome: Option<(Outcome, Option<String>)>,
    pub client_id: Option<String>,
    pub connection: Option<String>,
    pub user_id: Option<String>,
    pub person: Option<Somebody>,
    pub remote_addr: Option<IpAddr>,
}
