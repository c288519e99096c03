//! What a SAML answer or document can be refused for.

use super::Row;

/// Real providers send none of these.
const HOSTILE: &str = "Seen once, somebody may be trying something, or a proxy rewrites messages; seen always, tell the provider's vendor.";

pub(super) const ROWS: &[Row] = &[
    (
        &["audience"],
        "The answer is for another service provider.",
        "Compare the entity id or audience there with ours, byte for byte: look for a slash at the end.",
    ),
    (
        &["recipient", "destination"],
        "The answer was meant for another address.",
        "Enter our ACS URL there: host, https and the slug must be the same.",
    ),
    (
        &["issuer"],
        "Another provider answered, or the same one under another name.",
        "Compare its entity id with the connection's. Okta and Entra have one for each application or tenant.",
    ),
    (
        &["unknown_certificate"],
        "The provider signed with a certificate that is not trusted.",
        "Most often it has a new one. Compare the fingerprint in the evidence with its administrator, then add it to the connection.",
    ),
    (
        &["no_certificate", "no_usable_certificate"],
        "The connection has no certificate that could verify anything.",
        "Add the provider's signing certificate, RSA of 2048 bits or more, or P-256 to P-521.",
    ),
    (
        &["not_signed", "response_not_signed", "assertion_not_signed"],
        "Less is signed than the connection wants, or nothing.",
        "Turn signing on there, or let want_signed say what they do sign. Nothing signed is never taken.",
    ),
    (
        &["signature_algorithm", "digest_algorithm"],
        "It is signed with SHA-1 or something exotic.",
        "Choose RSA-SHA256 and SHA-256 there.",
    ),
    (
        &["status"],
        "The provider said no in its own words, which the evidence quotes.",
        "AuthnFailed: the person gave up. InvalidNameIDPolicy: name_id_format is not what they send. Requester or RequestDenied: they do not know us, or cannot verify our request.",
    ),
    (
        &["name_id_transient"],
        "The NameID is another one at every sign-in, and no attribute says who the person is.",
        "Let the provider send a persistent NameID, or name an attribute in the connection's subject.",
    ),
    (
        &["name_id_count", "name_id_malformed"],
        "There is no NameID, several, or one that is not plain text.",
        "Choose a source attribute there that everybody has.",
    ),
    (
        &["in_response_to"],
        "The answer is to another request, or to none.",
        "The sign-in began at the provider, or a form was sent again. Begin at the application.",
    ),
    (
        &["unsolicited"],
        "The sign-in began at the provider, and the connection does not take that.",
        "Let people begin at the application, or switch allow_idp_initiated on.",
    ),
    (
        &["unsolicited_again"],
        "The sign-in began at the provider, which answers our own request with no answer to it, round and round.",
        "The provider ignores our requests: look at its application's settings for a fixed relay or deep link.",
    ),
    (
        &["assertion_replayed"],
        "This assertion was used before.",
        "Nothing is wrong if the browser sent a form again. Otherwise somebody holds a copy of an answer; it was kept out.",
    ),
    (
        &["response_missing"],
        "The form has no SAMLResponse.",
        "They answer by Redirect or Artifact: set the POST binding for our ACS there.",
    ),
    (
        &["authn_context"],
        "They signed in less strongly than requested_authn_context asks.",
        "Require the second factor there, or drop the demand at the connection.",
    ),
    (
        &["authn_statement", "session_expired"],
        "The answer does not say that, or when, they signed in; or that session is over.",
        "Include the AuthnStatement there.",
    ),
    (
        &["encryption_missing", "encryption_not_allowed"],
        "The assertion is encrypted where the connection says never, or is not where it says require.",
        "Agree on one: the connection's encryption, or the provider's setting.",
    ),
    (
        &["key_algorithm", "data_algorithm"],
        "The assertion is encrypted in a way that is not safe.",
        "Choose RSA-OAEP with AES-128 or -256 there, GCM before CBC.",
    ),
    (
        &["no_decryption_key", "decryption_failed"],
        "It is encrypted to a key that is not ours, or no longer.",
        "Give the provider our encryption certificate again.",
    ),
    (
        &["undecrypted_too_often"],
        "Twenty answers from one network did not decrypt in ten minutes, so no more are looked at.",
        "Give the provider our encryption certificate again, then wait ten minutes.",
    ),
    (&["encrypted_key_count"], "It is encrypted for several readers.", "Let the provider encrypt for us alone."),
    (
        &["name_id_encrypted", "attribute_malformed"],
        "A NameID or attribute is encrypted by itself, or has no name.",
        "Let the provider encrypt the whole assertion instead.",
    ),
    (
        &["metadata_invalid"],
        "Stored metadata, or what was entered by hand, cannot work; the evidence says what.",
        "Import the provider's metadata anew.",
    ),
    (
        &["entity_missing", "idp_role_missing", "endpoint_missing"],
        "The metadata does not describe an identity provider that we can use, or not the one that was named.",
        "Is it the right document? If it describes several, name one in entity_id.",
    ),
    (
        &["entity_id_changed"],
        "The metadata no longer describes the provider that the connection is bound to.",
        "Another name is another provider: make a new connection.",
    ),
    (
        &["too_many_certificates"],
        "The metadata names more than 32 certificates.",
        "Is it the right document? Enter certificates by hand otherwise.",
    ),
    (
        &["protocol_mismatch"],
        "A SAML message came to a connection that speaks OpenID Connect.",
        "Correct the slug in the provider's URL.",
    ),
    (
        &["too_large", "not_base64", "not_utf8", "encoding", "deflate"],
        "What came is no UTF-8 document of sane size.",
        HOSTILE,
    ),
    (
        &["dtd", "comment", "cdata", "processing_instruction", "namespace"],
        "It has XML that parsers disagree about.",
        HOSTILE,
    ),
    (
        &["too_deep", "too_many_attributes", "too_many_nodes", "not_well_formed"],
        "It is no XML, or too much of it.",
        HOSTILE,
    ),
    (&["root", "version", "unexpected_element"], "It is no SAML 2.0 response, or has more in it.", HOSTILE),
    (
        &["assertion_count", "subject_count", "conditions_count"],
        "It has none or several of what there must be one of.",
        HOSTILE,
    ),
    (&["duplicate_id", "id_missing"], "Its IDs do not identify.", HOSTILE),
    (
        &["signature_count", "signature_position", "signature_child"],
        "It has a signature too many, in another place, or with more inside.",
        HOSTILE,
    ),
    (
        &["canonicalization", "transforms", "reference_count", "reference_uri", "verified_bytes"],
        "A signature is over something else than what would be read.",
        "If it is canonicalization alone: choose exclusive there. Otherwise somebody may be trying something.",
    ),
    (
        &["subject_confirmation", "condition_unknown", "instant_malformed"],
        "Who may use the answer, when and where, is missing or cannot be understood.",
        HOSTILE,
    ),
    (
        &["parameter_missing", "parameter_repeated", "parameter_encoding"],
        "A message by redirect has broken parameters.",
        HOSTILE,
    ),
    (&["internal"], "A bug of ours.", "Please report it with the log lines of this trace id."),
];
