//! What somebody wanted with their own account.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        &["account_session_over"],
        "The session in which the person began ended meanwhile, or another one took its place in their browser.",
        "They begin again at /account. Nothing was changed.",
    ),
    (
        &["signed_in_as_another"],
        "The person was asked to sign in once more and did so with an account that is somebody else's here, or nobody's.",
        "They choose an account that is linked to theirs. Most often another account is signed in at the provider.",
    ),
    (
        &["linking_off"],
        "The connection does not let people link it, or was disabled while somebody was at the provider.",
        "Set linking to true at the connection if people may link it by themselves.",
    ),
    (
        &["identity_of_another"],
        "The identity that was to be linked is another person's here: they signed in by it before.",
        "If both are one person, delete the account that is not needed, or take the identity away from it if it has others; then they link it again.",
    ),
    (
        &["identity_linked_already"],
        "The identity is linked to this person already.",
        "Nothing is wrong. To link another account of the same provider they have to choose it there.",
    ),
    (
        &["link_proof_over"],
        "The confirmation came too late, a second time, or from another session or browser than the one that began.",
        "They begin again at /account. If they say that they did not, somebody tried to use a proof that was not theirs: look at the audit log.",
    ),
    (
        &["identity_unknown"],
        "The person has no such identity.",
        "Look at their identities under Users: it was taken away before.",
    ),
    (
        &["identity_in_use"],
        "The person wanted to remove the identity by which they are signed in.",
        "They sign in by another one of theirs and remove it then, or you take it away.",
    ),
    (&["identity_last"], "It is the only identity of the person.", "They link another one first."),
    (
        &["identity_of_file"],
        "A resource file names the person by this identity.",
        "Change the file; the next avouch apply would make somebody new of it otherwise.",
    ),
];
