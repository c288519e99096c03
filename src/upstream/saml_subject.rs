//! Who a verified SAML assertion is about.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::UpstreamError;
use super::saml::VerifiedAssertion;
use crate::connection::SamlSettings;
use crate::connection::certificate::fingerprint;
use crate::user::IdentityKey;

/// Bytes of an attribute that says who somebody is; a NameID has its own limit.
const LONGEST_SUBJECT: usize = 1024;

/// Who the person is at this provider, for good: the NameID, or the attribute that the connection names.
///
/// # Errors
/// `name_id_transient`, `subject_missing`, `subject_malformed`.
pub(super) fn of(
    settings: &SamlSettings,
    assertion: &VerifiedAssertion,
    claims: &Value,
    sp_entity_id: &str,
) -> Result<String, UpstreamError> {
    let Some(attribute) = &settings.subject else {
        return assertion.name_id.stable_subject(&assertion.issuer, sp_entity_id).ok_or_else(|| {
            let detail = "the NameID is transient: it names another person next time; let the provider send a \
                          persistent one, or name an attribute in the connection's `subject`";
            UpstreamError::invalid("name_id_transient", detail)
        });
    };
    let values = claims[attribute.as_str()].as_array().map(Vec::as_slice).unwrap_or_default();
    let [value] = values else {
        let detail = format!("attribute {attribute} has {} values; the subject needs one", values.len());
        return Err(UpstreamError::invalid("subject_missing", detail));
    };
    let value = value.as_str().map(str::trim).unwrap_or_default();
    if value.is_empty() {
        return Err(UpstreamError::invalid("subject_missing", format!("attribute {attribute} is empty")));
    }
    if value.len() > LONGEST_SUBJECT || value.contains(char::is_control) {
        let detail = format!("attribute {attribute} is too long or holds control characters");
        return Err(UpstreamError::invalid("subject_malformed", detail));
    }
    Ok(value.to_owned())
}

/// What was verified, for a trace.
pub(super) fn evidence(assertion: &VerifiedAssertion, key: &IdentityKey) -> Value {
    let time = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
    json!({
        "issuer": assertion.issuer,
        "subject": key.subject,
        "certificate_sha256": fingerprint(&assertion.signed_by_sha256),
        "id": assertion.assertion_id,
        "authn_instant": time(assertion.authn_instant),
        "authn_context": assertion.authn_context_class_ref,
        "not_on_or_after": time(assertion.not_on_or_after),
    })
}
