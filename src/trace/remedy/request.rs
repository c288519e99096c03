//! What the application asked, the browser, and what is between them and us.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        &["client_id_missing"],
        "The application did not say which client it is.",
        "Set the client id in the application's sign-in settings.",
    ),
    (
        &["client_unknown"],
        "No client has the client id that the application sent.",
        "Compare the client id there with the ones under Clients: a typing mistake, or it was never made, or another environment's.",
    ),
    (&["client_disabled"], "The client is disabled here.", "Enable it under Clients, if it should be used again."),
    (
        &["redirect_uri_missing"],
        "The application did not say where to return.",
        "Set its callback address there and register the same one at the client.",
    ),
    (
        &["redirect_uri_not_registered"],
        "The address to return to is not registered for the client; they are compared byte for byte.",
        "Copy the address from the evidence into the client's redirect URIs, if it is really the application's; look for http instead of https and a slash at the end.",
    ),
    (
        &["state_too_long"],
        "The application sent a state of more than 2048 bytes.",
        "Let the application keep its data itself and send a short handle as state.",
    ),
    (
        &["invalid_request_uri"],
        "The pushed request was answered already, has expired, or is another client's.",
        "Begin anew in the application. If it happens every time, the application keeps old request URIs.",
    ),
    (
        &["request_malformed"],
        "The parameters could not be read, or one of them came twice.",
        "The evidence names the parameter; correct the application, or whatever rewrites its addresses on the way.",
    ),
    (
        &["invalid_request"],
        "A parameter is missing or cannot be right; the evidence names it.",
        "Correct the application's settings. The usual one is a missing code_challenge: turn PKCE with S256 on there.",
    ),
    (
        &["unauthorized_client"],
        "The client is not registered for this way of asking.",
        "Add the grant to the client here, or choose another flow in the application.",
    ),
    (
        &["unsupported_response_type"],
        "The application asked for something else than a code.",
        "Choose the authorization code flow there; implicit and hybrid flows do not exist here.",
    ),
    (
        &["invalid_scope"],
        "The client may not ask for one of these scopes.",
        "Add the scope to the client here, or leave it out in the application.",
    ),
    (
        &["invalid_target"],
        "The client may not ask for tokens for this audience, or the audiences cannot share one.",
        "Add the resource to the client's audiences, or ask for one audience at a time.",
    ),
    (
        &["request_not_supported", "request_uri_not_supported"],
        "The application sent a request object, which is not supported.",
        "Turn request objects off there; pushed requests (PAR) are the safer way to the same end.",
    ),
    (
        &["invalid_dpop_proof", "dpop_missing", "dpop_key_differs"],
        "The proof that the application holds its key (DPoP) is missing, broken, or of another key.",
        "Update the application's DPoP settings, or its clock; or turn the demand off at the client.",
    ),
    (
        &["login_required"],
        "The application forbade to ask (prompt=none) while nobody was signed in, or somebody else is than it named.",
        "Nothing is wrong if the application then asks openly. Otherwise its session outlives ours, or the browser keeps third-party cookies away.",
    ),
    (
        &["consent_required"],
        "The application forbade to ask (prompt=none), and the person has not allowed it yet.",
        "Let it ask openly once, or mark the client as first party if it is yours.",
    ),
    (
        &["interaction_required", "account_selection_required"],
        "The application forbade to ask (prompt=none), and a question was needed.",
        "Let it ask openly.",
    ),
    (
        &["unmet_authentication_requirements"],
        "The provider did not sign them in as strongly as the application calls essential (acr).",
        "Ask the provider for it with acr_values at the connection, or drop the demand in the application.",
    ),
    (&["access_denied"], "The person was not signed in.", "The step before says why."),
    (
        &["denied_by_person"],
        "The person said no.",
        "Nothing is wrong. If they did not mean to, let them sign in again.",
    ),
    (
        &["authorization_stale"],
        "The sign-in took longer than an hour, was finished before, or belongs to another browser.",
        "Begin anew in the application. Bookmarks of the sign-in page and the back button look like this.",
    ),
    (
        &["state_unknown"],
        "The answer belongs to no sign-in that left here in the last half hour.",
        "Begin anew in the application. If it happens to everybody, something on the way changes state or RelayState.",
    ),
    (
        &["state_of_another_browser"],
        "The answer came in another browser than the one that left.",
        "Are cookies blocked, or was the link opened elsewhere? If nobody did that, somebody was sent a foreign answer, which was kept out.",
    ),
    (
        &["state_of_another_connection"],
        "The answer came to the address of another connection than the one by which they left.",
        "Compare the callback or ACS URL at the provider with the one of this connection: the slug differs.",
    ),
    (
        &["state_replayed"],
        "The same answer came a second time.",
        "Nothing is wrong: the browser reloaded or went back.",
    ),
    (
        &["form_foreign"],
        "A form was sent that our page did not make for this browser, or that was open too long.",
        "Reload the page and try again. If it happens to everybody, a proxy drops cookies or the Origin header.",
    ),
    (
        &["connection_unknown"],
        "There is no such connection, it speaks another protocol, or it is disabled.",
        "Enable the connection, or correct the slug in the callback or ACS URL at the provider.",
    ),
    (
        &["no_connection"],
        "No enabled connection may be used for this client.",
        "Enable a connection, or add one to the client's connections.",
    ),
    (
        &["not_allowed"],
        "The provider vouched for them; your allow rule kept them out, or could not be evaluated.",
        "Compare the rule with the claims below: the name of a group, its capitals, or a claim that is absent. Edit the rule and replay it before you save.",
    ),
    (
        &["no_operator"],
        "The provider vouched for them; no operator rule of this connection lets them to the desk, or they are switched off there.",
        "Compare the rules under Operators with the claims below; look whether the operator is switched off.",
    ),
    (&["user_blocked"], "The user is blocked here.", "Unblock them under Users, if they should come in again."),
    (
        &["not_live"],
        "The database could not be reached, so nothing was decided.",
        "Nothing was lost. Look at the database and the network to it.",
    ),
    (
        &["database"],
        "The database refused or did not answer in time.",
        "The log of this trace id has its words. Nothing was lost.",
    ),
    (
        &["vault"],
        "A stored value did not open: the master key is another one, or the row was changed.",
        "Put the master key that the evidence names back into the key file.",
    ),
    (
        &["temporarily_unavailable"],
        "The database could not be reached in time, or too much was asked at once.",
        "Try again; if it stays, look at the database.",
    ),
    (
        &["server_error"],
        "Something here is not as it should be: most often no signing key of the wanted algorithm is active.",
        "Run `avouch keys rotate`, or look at the log lines of this trace id.",
    ),
];
