//! Why a sign-in went no further, in three languages: a word for audit, a page for the person, a code for the client.

use super::account;
use crate::authorization::Authorization;
use crate::authorization::request::TargetError;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::upstream::UpstreamError;

/// A problem with what is known of its request: the audit event and the way back need it.
#[derive(Debug)]
pub struct Refusal {
    pub problem: Problem,
    pub authorization: Option<Box<Authorization>>,
    pub connection: Option<String>,
    /// Somebody who is signed in asked for it at the account page.
    pub of_account: Option<Box<account::Asked>>,
}

#[derive(Debug)]
pub enum Problem {
    /// The request is not one we can answer by redirect.
    Target(TargetError),
    Malformed(OAuthError),
    /// No such authorization for this browser, or it took too long.
    Stale,
    /// The `state` of the answer is none of ours.
    StateUnknown,
    /// It is ours, but another browser left with it.
    StateOfAnotherBrowser,
    /// It came back before.
    StateReplayed,
    /// SAML: the assertion signed somebody in before.
    AssertionReplayed,
    /// SAML: the provider sends somebody on its own account, and the connection does not take that.
    Unsolicited {
        connection: String,
    },
    /// SAML: it does so again instead of answering us.
    UnsolicitedAgain {
        connection: String,
    },
    /// SAML: too many answers from this address did not decrypt.
    UndecryptedTooOften {
        connection: String,
    },
    /// It left by another connection.
    StateOfAnotherConnection,
    /// A form without its token, or from another site.
    ForeignForm,
    UnknownConnection,
    NoConnection {
        app: String,
    },
    Upstream {
        connection: String,
        error: UpstreamError,
    },
    /// The connection's allow rule said no, or could not be evaluated.
    NotAllowed {
        connection: String,
        app: String,
        failed: Option<String>,
    },
    Blocked,
    /// No operator rule lets this person to the desk, or an owner switched them off there.
    NoOperator {
        connection: String,
    },
    /// `prompt=login` was asked for, and the provider answered from an older sign-in of its own.
    NotAnew {
        connection: String,
    },
    /// What somebody wanted with their account went no further.
    Account(account::Fault),
    /// The database is away, so nothing is decided.
    NotLive,
    Database(sqlx::Error),
    Vault(String),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Problem::Database(error).into()
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, authorization: None, connection: None, of_account: None }
    }
}

impl Refusal {
    pub fn at(mut self, authorization: &Authorization) -> Self {
        self.authorization.get_or_insert_with(|| Box::new(authorization.clone()));
        self
    }

    pub fn asked(mut self, action: &'static str, actor: String) -> Self {
        self.of_account.get_or_insert_with(|| Box::new(account::Asked { action, actor }));
        self
    }

    pub fn by(mut self, connection: &str) -> Self {
        self.connection.get_or_insert_with(|| connection.into());
        self
    }
}

/// What the page says.
#[derive(Debug)]
pub struct Wording {
    pub status: u16,
    pub verdict: &'static str,
    pub heading: String,
    pub explanation: String,
    pub remedies: Vec<String>,
}

impl Problem {
    /// The audit word: stable, snake case.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Target(TargetError::ClientIdMissing) => "client_id_missing",
            Self::Target(TargetError::UnknownClient(_)) => "client_unknown",
            Self::Target(TargetError::ClientDisabled(_)) => "client_disabled",
            Self::Target(TargetError::RedirectUriMissing) => "redirect_uri_missing",
            Self::Target(TargetError::StateTooLong) => "state_too_long",
            Self::Target(TargetError::RequestUri(_)) => "invalid_request_uri",
            Self::Target(TargetError::RedirectUriNotRegistered { .. }) => "redirect_uri_not_registered",
            Self::Malformed(_) => "request_malformed",
            Self::Stale => "authorization_stale",
            Self::StateUnknown => "state_unknown",
            Self::StateOfAnotherBrowser => "state_of_another_browser",
            Self::StateReplayed => "state_replayed",
            Self::AssertionReplayed => "assertion_replayed",
            Self::Unsolicited { .. } => "unsolicited",
            Self::UnsolicitedAgain { .. } => "unsolicited_again",
            Self::UndecryptedTooOften { .. } => "undecrypted_too_often",
            Self::StateOfAnotherConnection => "state_of_another_connection",
            Self::ForeignForm => "form_foreign",
            Self::UnknownConnection => "connection_unknown",
            Self::NoConnection { .. } => "no_connection",
            Self::Upstream { error: UpstreamError::Unavailable { .. }, .. } => "upstream_unavailable",
            Self::Upstream { error: UpstreamError::Refused { .. }, .. } => "upstream_refused",
            Self::Upstream {
                error: UpstreamError::Invalid { reason, .. } | UpstreamError::Misconfigured { reason, .. },
                ..
            } => reason,
            Self::Upstream { error: UpstreamError::UnknownCertificate { .. }, .. } => "unknown_certificate",
            Self::NotAllowed { .. } => "not_allowed",
            Self::Blocked => "user_blocked",
            Self::NoOperator { .. } => "no_operator",
            Self::NotAnew { .. } => "auth_time_too_old",
            Self::Account(fault) => fault.reason(),
            Self::NotLive => "not_live",
            Self::Database(_) => "database",
            Self::Vault(_) => "vault",
        }
    }

    /// Whether it is a fault of ours or of an upstream rather than a refusal.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::NotLive
                | Self::Database(_)
                | Self::Vault(_)
                | Self::Upstream { error: UpstreamError::Unavailable { .. } | UpstreamError::Misconfigured { .. }, .. }
        )
    }

    /// What the client is told when the person goes back to it.
    pub fn for_client(&self) -> OAuthError {
        match self {
            Self::Upstream { error: UpstreamError::Unavailable { .. }, .. } | Self::NotLive | Self::Database(_) => {
                OAuthError::new(
                    ErrorCode::TemporarilyUnavailable,
                    "signing in is not possible just now; try again later",
                )
            }
            Self::Vault(_) | Self::Upstream { error: UpstreamError::Misconfigured { .. }, .. } => OAuthError::new(
                ErrorCode::ServerError,
                "signing in failed; the operator finds the cause by the trace id",
            ),
            Self::NotAnew { .. } => {
                OAuthError::new(ErrorCode::LoginRequired, "the person was not asked to sign in anew")
            }
            _ => OAuthError::new(ErrorCode::AccessDenied, "the person was not signed in"),
        }
    }

    /// For the operator's log and audit, never for the page.
    pub fn internal(&self) -> String {
        match self {
            Self::Upstream { error, .. } => error.to_string(),
            Self::NotAllowed { failed: Some(reason), .. } => reason.clone(),
            Self::Database(error) => error.to_string(),
            Self::Vault(error) => error.clone(),
            Self::Malformed(error) => error.to_string(),
            Self::Target(error) => shortened(&format!("{error:?}")),
            other => other.reason().into(),
        }
    }

    /// SHA-256 (lower-case hex) of the certificate that is not trusted, where that is the problem.
    pub fn unknown_certificate(&self) -> Option<&str> {
        match self {
            Self::Upstream { error: UpstreamError::UnknownCertificate { sha256, .. }, .. } => Some(sha256),
            _ => None,
        }
    }

    pub fn wording(&self) -> Wording {
        let page = |status, verdict, heading: &str, explanation: String, remedies: &[&str]| Wording {
            status,
            verdict,
            heading: heading.into(),
            explanation,
            remedies: remedies.iter().map(|&r| r.into()).collect(),
        };
        const TELL: &str = "If it happens again, send the trace id below to whoever runs this sign-in page.";
        const AGAIN: &str = "Go back to the application and start again from there.";
        match self {
            Self::Target(error) => target(error),
            Self::Malformed(error) => page(400, "Not understood", "The application sent a request we cannot read", format!("It says: {}.", error.description), &["Tell the people who run the application; the trace id below helps them."]),
            Self::Stale => page(400, "Not signed in", "This sign-in is over", "It took longer than an hour, was finished already, or began in another browser.".into(), &[AGAIN]),
            Self::StateUnknown => page(400, "Not signed in", "We do not know this sign-in", "The answer that arrived belongs to no sign-in that began here in the last minutes.".into(), &[AGAIN]),
            Self::StateOfAnotherBrowser => page(400, "Not signed in", "This sign-in began in another browser", "The answer that arrived belongs to a sign-in that did not begin in this browser, so it is not used here. Blocked cookies look the same.".into(), &["Start again from the application, in this browser, and let this site keep its cookies."]),
            Self::StateReplayed | Self::AssertionReplayed => page(400, "Not signed in", "This sign-in was used already", "The same answer arrived a second time; each counts once.".into(), &["If you are signed in by now, go back to the application. Otherwise start again from there."]),
            Self::Unsolicited { connection } => page(400, "Not signed in", "Sign-in begins at the application", format!("You came from {connection} without having begun here, which is how links to applications there often work. It does not sign you in here."), &["Open the application itself and sign in from there.", "If you came by a link, tell whoever runs this sign-in page, with the trace id below."]),
            Self::UnsolicitedAgain { connection } => page(400, "Not signed in", "This sign-in goes round in circles", format!("We asked {connection} to confirm who you are, and it sent you here again without answering that."), &["Open the application itself and sign in from there.", TELL]),
            Self::UndecryptedTooOften { connection } => page(429, "Not signed in", "Too many sign-ins failed in a row", format!("Answers of {connection} that came from your network could not be decrypted, so no more are looked at for ten minutes."), &["Wait ten minutes and start again from the application.", TELL]),
            Self::StateOfAnotherConnection => page(400, "Not signed in", "The answer came from the wrong place", "The sign-in left for one provider and the answer arrived at the address of another, so it is not used.".into(), &[AGAIN, TELL]),
            Self::ForeignForm => page(400, "Not done", "We could not check that this form was yours", "The page was open too long, or the form came from another site.".into(), &["Go back one page, reload it and try again."]),
            Self::UnknownConnection => page(404, "Not found", "There is no such way to sign in", "The address names a provider that does not exist here or is switched off.".into(), &[AGAIN]),
            Self::NoConnection { app } => page(403, "Not signed in", "There is no way to sign in yet", format!("No provider is switched on for {app}."), &["Ask whoever runs this sign-in page to connect one."]),
            Self::Upstream { connection, error } => upstream(connection, error, TELL),
            Self::NotAllowed { connection, app, .. } => Wording {
                status: 403,
                verdict: "Not signed in",
                heading: format!("Your account may not use {app}"),
                explanation: format!("{connection} confirmed who you are, but the rule for people from {connection} does not let your account in."),
                remedies: vec![format!("Ask your administrator which group or role is needed, and sign in again once you have it. Nothing needs to change here.")],
            },
            Self::NoOperator { connection } => page(403, "Not signed in", "You are not an operator here", format!("{connection} vouched for you, and none of the rules for operators lets you in."), &["Ask an owner to write a rule that names you or one of your groups, then sign in again."]),
            Self::Blocked => page(403, "Not signed in", "Your account is blocked", "An administrator has blocked it here; your provider has nothing to do with it.".into(), &["Ask whoever runs this sign-in page."]),
            Self::NotAnew { connection } => Wording {
                status: 403,
                verdict: "Not signed in",
                heading: format!("{connection} did not ask you to sign in again"),
                explanation: format!("You were to sign in anew, and {connection} answered from an earlier sign-in."),
                remedies: vec![format!("Sign out at {connection} first, then start again.")],
            },
            Self::Account(fault) => fault.wording(),
            Self::NotLive | Self::Database(_) => page(503, "Not signed in", "We cannot sign anybody in just now", "The part that remembers sign-ins does not answer. Nothing is lost.".into(), &["Try again in a minute.", TELL]),
            Self::Vault(_) => page(500, "Not signed in", "Something broke on our side", "A stored value could not be read. Nothing is lost.".into(), &[TELL]),
        }
    }
}

fn target(error: &TargetError) -> Wording {
    let (heading, explanation) = match error {
        TargetError::ClientIdMissing => {
            ("The application did not say who it is", "The parameter client_id is missing.".to_owned())
        }
        TargetError::UnknownClient(_) => {
            ("We do not know this application", "Its client_id is not registered here.".into())
        }
        TargetError::ClientDisabled(_) => {
            ("This application is switched off", "An administrator has disabled it here.".into())
        }
        TargetError::RedirectUriMissing => {
            ("The application did not say where to return", "The parameter redirect_uri is missing.".into())
        }
        TargetError::StateTooLong => {
            ("The application sent too much", "The parameter state is longer than 2048 bytes.".into())
        }
        TargetError::RequestUri(_) => (
            "This request is over",
            "The application announced it to us a while ago (request_uri). Since then it was answered, or waited too long, or it is another application's.".into(),
        ),
        TargetError::RedirectUriNotRegistered { redirect_uri, .. } => (
            "The application asks us to return to an address it did not register",
            format!(
                "The address {} is not among those registered for it. It must match byte for byte.",
                shortened(redirect_uri)
            ),
        ),
    };
    Wording {
        status: 400,
        verdict: "Not signed in",
        heading: heading.into(),
        explanation,
        remedies: vec!["Tell the people who run the application; the trace id below helps them.".into()],
    }
}

fn upstream(connection: &str, error: &UpstreamError, tell: &str) -> Wording {
    let (status, heading, explanation, remedy) = match error {
        UpstreamError::Unavailable { .. } => (
            502,
            format!("{connection} does not answer"),
            format!("We asked {connection} to sign you in and got no usable answer."),
            "Try again in a minute, or sign in another way.".to_owned(),
        ),
        UpstreamError::Refused { error, .. } if error == "access_denied" => (
            403,
            format!("{connection} did not sign you in"),
            "The sign-in was cancelled there, or your account may not use it.".into(),
            "Sign in again, or use another account.".into(),
        ),
        UpstreamError::Refused { error, .. } => (
            403,
            format!("{connection} did not sign you in"),
            format!("It answered \u{201c}{}\u{201d}.", shortened(error)),
            format!("Sign in again. If it stays, ask the administrator of {connection}."),
        ),
        UpstreamError::Invalid { .. } | UpstreamError::UnknownCertificate { .. } => (
            403,
            format!("We could not verify the answer of {connection}"),
            "It did not pass our checks, so you were not signed in. Your password is not the cause.".into(),
            "Sign in again.".into(),
        ),
        // the next time begins with the secret that works
        UpstreamError::Misconfigured { reason: "code_spent", .. } => (
            502,
            format!("{connection} did not finish the sign-in"),
            "It did not know us at first, and its answer counts only once. This is nothing you did.".into(),
            "Sign in once more: it works the second time.".into(),
        ),
        UpstreamError::Misconfigured { .. } => (
            500,
            format!("The connection to {connection} needs attention"),
            "Its settings or credentials do not work any more. This is nothing you did.".into(),
            "Tell whoever runs this sign-in page, with the trace id below.".into(),
        ),
    };
    Wording { status, verdict: "Not signed in", heading, explanation, remedies: vec![remedy, tell.into()] }
}

fn shortened(text: &str) -> String {
    let mut out: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
    if text.chars().count() > 120 {
        out.push('…');
    }
    out
}
