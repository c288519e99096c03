//! What becomes of the code.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        &["code_unknown"],
        "Nobody was given the code that the application shows.",
        "It was cut short on the way, is from another environment, or is older than a day.",
    ),
    (
        &["code_of_another_client"],
        "The code was given to another client than the one that shows it.",
        "Compare the client id of the sign-in with the one at the token endpoint: the application mixes two up.",
    ),
    (
        &["redirect_uri_differs"],
        "The token request names another redirect URI than the sign-in, or none.",
        "Set the same callback address in both places of the application; behind a proxy it often builds one with http.",
    ),
    (
        &["pkce_failed"],
        "The code verifier does not fit the challenge of the sign-in, or one of the two is missing.",
        "The application lost its session between both steps, or several of its instances do not share one.",
    ),
    (
        &["code_already_redeemed"],
        "The code was redeemed a moment before.",
        "Nothing is wrong if the first time worked: the application asks twice at once.",
    ),
    (
        &["code_reused"],
        "The code was redeemed before, and came again later. The tokens that it made are revoked.",
        "The application must not keep codes. If it does not, somebody got hold of one.",
    ),
    (
        &["code_expired"],
        "The code was not redeemed within a minute.",
        "Look at the application's way to the token endpoint: it is slow, or tries again late.",
    ),
    (&["session_ended"], "They signed out before the code was redeemed.", "Nothing is wrong."),
    (
        &["connection_disabled"],
        "The connection by which they signed in was disabled in the meantime.",
        "Enable it, if it should be used again.",
    ),
    (
        &["audience_withdrawn"],
        "The client may not have tokens for this audience any more.",
        "Add the resource to the client's audiences, or let the application ask for another.",
    ),
    (&["invalid_grant"], "What the application shows for a token does not hold.", "Begin anew in the application."),
];
