//! Why a change of one's own account went no further, in two languages: a word for audit and a page for the person. No page
//! says whose an identity is.

use crate::login::problem::Wording;

/// What audit calls it, and who asked.
#[derive(Debug)]
pub struct Asked {
    pub action: &'static str,
    pub actor: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The session in which it began is not the one of this browser any more.
    SessionOver,
    /// Whoever signed in once more is somebody else.
    AnotherPerson { connection: String },
    /// The connection does not let people link it by themselves.
    LinkingOff { connection: String },
    /// The identity is somebody else's.
    Taken { connection: String },
    /// It is this person's already.
    AlreadyLinked { connection: String },
    /// The proof was used, is too old, or another account's, session's or browser's.
    ProofOver,
    /// There is no such identity of this person.
    UnknownIdentity,
    /// The person is signed in by it.
    InUse,
    /// Nothing would be left to sign in by.
    Last,
    /// A resource file names the person by it.
    OfFile,
}

impl Fault {
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::SessionOver => "account_session_over",
            Self::AnotherPerson { .. } => "signed_in_as_another",
            Self::LinkingOff { .. } => "linking_off",
            Self::Taken { .. } => "identity_of_another",
            Self::AlreadyLinked { .. } => "identity_linked_already",
            Self::ProofOver => "link_proof_over",
            Self::UnknownIdentity => "identity_unknown",
            Self::InUse => "identity_in_use",
            Self::Last => "identity_last",
            Self::OfFile => "identity_of_file",
        }
    }

    pub fn wording(&self) -> Wording {
        let page = |status, verdict, heading: String, explanation: String, remedies: &[&str]| Wording {
            status,
            verdict,
            heading,
            explanation,
            remedies: remedies.iter().map(|&remedy| remedy.into()).collect(),
        };
        const NOT_LINKED: &str = "Not linked";
        const NOT_REMOVED: &str = "Not removed";
        match self {
            Self::SessionOver => page(
                403,
                "Nothing changed",
                "You are not signed in as you were".into(),
                "The sign-in in which you began has ended, or another one took its place in this browser. Your account is as it was.".into(),
                &["Go to your account and begin there again."],
            ),
            Self::AnotherPerson { connection } => page(
                403,
                "Nothing changed",
                "That is not the account you are signed in to".into(),
                format!("You were to sign in once more as who you are here, and {connection} vouched for somebody else."),
                &["Sign in again with an account that is linked to yours.", "To change to the other account, sign out here first."],
            ),
            Self::LinkingOff { connection } => page(
                403,
                NOT_LINKED,
                format!("{connection} cannot be linked here"),
                "Whoever runs this sign-in page does not let people link it by themselves.".into(),
                &["Ask whoever runs this sign-in page if you need both."],
            ),
            Self::Taken { connection } => page(
                409,
                NOT_LINKED,
                "This sign-in belongs to another account here".into(),
                format!("What you signed in with at {connection} is in use here by itself, so it cannot be linked to a second account."),
                &[
                    "If both accounts are yours, sign out here, sign in with that one, and go on there.",
                    "To have the two joined, ask whoever runs this sign-in page.",
                ],
            ),
            Self::AlreadyLinked { connection } => page(
                409,
                "Nothing changed",
                "This is linked already".into(),
                format!("What you signed in with at {connection} is one of the ways into your account."),
                &["To link another one, sign out there first, or choose another account there."],
            ),
            Self::ProofOver => page(
                400,
                NOT_LINKED,
                "This confirmation is over".into(),
                "It counts once, for five minutes, in the browser and the sign-in in which it began.".into(),
                &["Go to your account and begin there again."],
            ),
            Self::UnknownIdentity => page(
                404,
                "Not found",
                "This is not among the ways into your account".into(),
                "It was removed already, or never was there.".into(),
                &["Go to your account to see which there are."],
            ),
            Self::InUse => page(
                409,
                NOT_REMOVED,
                "You are signed in by this one".into(),
                "The way by which you came in just now cannot be removed.".into(),
                &["Sign out, sign in by another one that is linked, and remove it then."],
            ),
            Self::Last => page(
                409,
                NOT_REMOVED,
                "This is the only way into the account".into(),
                "Without it nobody could sign in to the account any more.".into(),
                &["Link another one first."],
            ),
            Self::OfFile => page(
                409,
                NOT_REMOVED,
                "This one is kept by whoever runs this page".into(),
                "The account was made from their configuration, which names this way in. It would come back as a new account.".into(),
                &["Ask whoever runs this sign-in page to change it in their configuration."],
            ),
        }
    }
}
