//! What a provider's answer can be refused for, with OpenID Connect and in general.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        &["upstream_unavailable", "unavailable"],
        "The provider could not be reached, or what it answered could not be read.",
        "The evidence says which address and why: name, network, TLS, status, size. A provider in a private network needs AVOUCH_ALLOW_PRIVATE_UPSTREAMS.",
    ),
    (
        &["upstream_refused", "refused"],
        "The provider itself said no; the evidence has its words.",
        "With access_denied the person gave up, or is not assigned to the application there; with invalid_grant the code was too old or our redirect URI differs. Otherwise its log has more.",
    ),
    (
        &["issuer_key_missing"],
        "The connection proves itself by our own issuer's word, and our issuer has no RS256 key to sign it with.",
        "Entra takes RS256 alone: give the algorithm RS256 a key at the desk, under Signing keys, or let the connection prove itself by a key of its own.",
    ),
    (&["issuer_changed"], "The connection was changed while the person was at the provider.", "Begin anew."),
    (
        &["iss_parameter_missing"],
        "The provider promises to name itself in its answers and did not (RFC 9207).",
        "A proxy before the provider drops parameters, or somebody mixes providers up. Ask the provider's administrator.",
    ),
    (
        &["iss_parameter_mismatch"],
        "The answer comes from another provider than the one that was asked.",
        "Two connections share a callback, or somebody tries to mix providers up. Register each connection's own callback URL at its provider alone.",
    ),
    (
        &["code_missing"],
        "The provider's answer has neither a code nor an error.",
        "Choose the authorization code flow and response type code for our client there.",
    ),
    (
        &["id_token_missing"],
        "The provider gave tokens, but no ID token.",
        "Allow the scope openid for our client there, and let the connection's scopes contain it.",
    ),
    (
        &["id_token_malformed"],
        "The ID token cannot be read: it is no JWT, or lacks iss, exp or iat.",
        "Ask the provider's administrator; standard providers do not send such tokens.",
    ),
    (
        &["header_not_supported"],
        "The ID token is encrypted, or has a typ or crit that is not understood.",
        "Turn ID token encryption off for our client there.",
    ),
    (
        &["alg_not_allowed"],
        "The ID token is not signed with RS*, PS*, ES256, ES384 or EdDSA.",
        "Choose RS256 for our client there. HS256 and none are never taken.",
    ),
    (
        &["unknown_key"],
        "No key that the provider publishes has the key id of the ID token, even after looking again.",
        "The provider signs with a key that it has not published, or the issuer leads to another tenant's keys. Compare kid with its jwks_uri.",
    ),
    (
        &["ambiguous_key"],
        "Several published keys could have signed the ID token, which does not say which.",
        "Let the provider put a kid into its tokens.",
    ),
    (
        &["signature_invalid"],
        "The signature does not hold under any key or certificate that is trusted.",
        "A wrong certificate was entered, the keys at jwks_uri are another environment's, or something on the way changes messages.",
    ),
    (
        &["issuer_mismatch"],
        "The ID token comes from another issuer than the connection's.",
        "Set the connection's issuer to what iss says, byte for byte, if that is really who should answer.",
    ),
    (
        &["audience_mismatch"],
        "The ID token is meant for another client.",
        "Compare the connection's client id with the one registered at the provider.",
    ),
    (
        &["azp_mismatch"],
        "The ID token was issued to another client (azp).",
        "Let the provider issue it for our client alone.",
    ),
    (
        &["issued_in_future"],
        "The ID token was issued in the future.",
        "A clock is wrong by more than a minute: there or here.",
    ),
    (
        &["expired", "not_yet_valid", "issue_instant"],
        "The answer is outside its time.",
        "A clock is wrong, there or here; or the person came back to a page that was open for long.",
    ),
    (
        &["nonce_mismatch"],
        "The ID token answers another request than ours.",
        "Begin anew. If it happens every time, the provider ignores the nonce and is not usable; if once, somebody tried to slip an old answer in.",
    ),
    (
        &["auth_time_missing"],
        "A fresh sign-in was asked for, and the ID token does not say when they signed in.",
        "Let the provider send auth_time, or drop max_age at the connection or in the application.",
    ),
    (
        &["auth_time_too_old"],
        "They signed in at the provider longer ago than was asked for.",
        "The provider answered from its own session: let it honour prompt=login, max_age or ForceAuthn.",
    ),
    (
        &["subject_missing"],
        "The answer does not say who signed in: sub, or the attribute that the connection names, is absent, empty or has several values.",
        "Release it for everybody at the provider, or name another attribute in the connection's subject.",
    ),
    (
        &["subject_malformed", "subject_too_long"],
        "What says who signed in is too long or holds control characters.",
        "Choose another source for the subject at the provider.",
    ),
    (
        &["tid_missing", "oid_missing"],
        "The token does not name its Entra tenant or the person's object id.",
        "Add the scope profile to the connection, and do not remove tid and oid in Entra's token configuration.",
    ),
    (
        &["groups_forbidden"],
        "They are in more groups than Entra's token holds, and Microsoft Graph does not let us read the rest.",
        "Give our application the application permission GroupMember.Read.All at Entra, and grant an administrator's consent. Or let Entra send only the groups assigned to the application.",
    ),
    (
        &["groups_unavailable"],
        "They are in more groups than Entra's token holds, and Microsoft Graph did not tell the rest in time. Nothing younger than a day is known.",
        "Try again in a minute. Where it stays, see whether this server reaches graph.microsoft.com.",
    ),
    (
        &["groups_left_out"],
        "They are in more groups than a SAML assertion of Entra holds (150), and SAML has no way to ask for the rest.",
        "In Entra, choose \"Groups assigned to the application\" for the group claim, or take the claim out. Or connect by OpenID Connect.",
    ),
    (
        &["tenant_not_allowed"],
        "They come from an Entra tenant that the connection does not list.",
        "Add the tenant id to the connection's tenants, if that company should come in.",
    ),
    (
        &["tenants_missing"],
        "The connection's issuer serves every Entra tenant, and it lists none.",
        "List the tenants that may come in, or use the issuer of one tenant.",
    ),
    (
        &["subject_changed", "userinfo_subject_mismatch"],
        "A later answer of the provider speaks of another person than the first.",
        "Never to be accepted. Ask the provider's administrator; a shared account or a broken UserInfo endpoint looks like this.",
    ),
    (
        &["discovery_issuer_mismatch"],
        "The discovery document names another issuer than the connection.",
        "Copy the issuer from the document into the connection, byte for byte: look for a slash at the end.",
    ),
    (
        &["endpoint_invalid"],
        "An address of the provider is none that we may send anybody to.",
        "It must be https, and not in a private network unless that is allowed.",
    ),
    (&["credential_missing"], "The connection has no active secret or key.", "Add one to the connection."),
    (
        &["credential_unreadable"],
        "The connection's secret or key does not open.",
        "Put the master key back into the key file, or enter the secret anew.",
    ),
    (
        &["invalid_client"],
        "The provider does not accept our secret or key.",
        "The secret has expired, was replaced, or is another client's; or the way of authentication differs. Enter the new secret and test the connection.",
    ),
    (
        &["code_spent"],
        "The provider refused our secret, and had used up the code when we showed it another secret that it takes.",
        "Whoever signs in again gets in. Promote the secret that the provider takes, or put the former one back.",
    ),
];
