//! The NameID: who somebody is at an identity provider, in one of several senses.

use roxmltree::Node;

use super::refusal::{Refusal, refuse};
use super::xml::{self, SAML};

pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
pub const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// Bytes. SAML core §8.3.7 allows 256 characters for a persistent one.
const LONGEST: usize = 1024;

/// As received: qualifiers are kept to be sent back in a logout request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameId {
    pub value: String,
    /// Absent means [`UNSPECIFIED`] (SAML core §8.3.1).
    pub format: Option<String>,
    pub name_qualifier: Option<String>,
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    pub fn format(&self) -> &str {
        self.format.as_deref().unwrap_or(UNSPECIFIED)
    }

    /// Who this is within its connection, stable from login to login; none if the identity provider says that it is not
    /// (a transient one), so that an attribute must name the person. Qualifiers that say what their absence says are
    /// left out (SAML core §8.3.7), for identity providers begin and cease to send those.
    pub fn stable_subject(&self, idp_entity_id: &str, sp_entity_id: &str) -> Option<String> {
        if self.format() == TRANSIENT {
            return None;
        }
        let qualifier = |value: &Option<String>, implied: &str| {
            value.as_deref().filter(|value| !value.is_empty() && *value != implied).map(str::to_owned)
        };
        let by_idp = qualifier(&self.name_qualifier, idp_entity_id);
        let by_sp = qualifier(&self.sp_name_qualifier, sp_entity_id);
        Some(match (by_idp, by_sp) {
            (None, None) => self.value.clone(),
            // the separator cannot be part of a value: controls are refused
            (idp, sp) => [idp.unwrap_or_default(), sp.unwrap_or_default(), self.value.clone()].join("\u{1f}"),
        })
    }
}

/// The one identifier among the children of a Subject or a LogoutRequest.
///
/// # Errors
/// `name_id_count`, `name_id_encrypted`, `name_id_malformed`.
pub(super) fn read(parent: Node<'_, '_>) -> Result<NameId, Refusal> {
    if xml::child(parent, SAML, "EncryptedID").is_some() {
        return refuse("name_id_encrypted", "the NameID is encrypted by itself; let the whole assertion be encrypted");
    }
    let found: Vec<_> = xml::elements(parent).filter(|node| ["NameID", "BaseID"].contains(&xml::name(*node))).collect();
    let [node] = found[..] else {
        return refuse("name_id_count", format!("there are {} identifiers; there must be one NameID", found.len()));
    };
    let value = xml::text(node);
    let malformed = !xml::is(node, SAML, "NameID")
        || xml::elements(node).next().is_some()
        || value.is_empty()
        || value.len() > LONGEST
        || value.trim() != value
        || value.chars().any(char::is_control);
    if malformed {
        let wanted = "text of 1 to 1024 bytes without control characters or spaces around it";
        return refuse("name_id_malformed", format!("the NameID is not {wanted}"));
    }
    let attribute = |name| match node.attribute(name) {
        Some(value) if value.len() > LONGEST || value.chars().any(char::is_control) => {
            refuse("name_id_malformed", format!("{name} of the NameID is too long or has control characters"))
        }
        other => Ok(other.map(str::to_owned)),
    };
    Ok(NameId {
        value,
        format: attribute("Format")?,
        name_qualifier: attribute("NameQualifier")?,
        sp_name_qualifier: attribute("SPNameQualifier")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_id(format: &str, idp: Option<&str>, sp: Option<&str>) -> NameId {
        NameId {
            value: "u1".into(),
            format: Some(format.into()),
            name_qualifier: idp.map(Into::into),
            sp_name_qualifier: sp.map(Into::into),
        }
    }

    #[test]
    fn a_subject_is_stable_and_qualified_only_where_that_says_something() {
        let subject = |name_id: NameId| name_id.stable_subject("idp", "sp");
        assert_eq!(subject(name_id(PERSISTENT, None, None)).as_deref(), Some("u1"));
        assert_eq!(subject(name_id(PERSISTENT, Some("idp"), Some("sp"))).as_deref(), Some("u1"));
        assert_eq!(subject(name_id(PERSISTENT, Some("x"), None)).as_deref(), Some("x\u{1f}\u{1f}u1"));
        assert_eq!(subject(name_id(PERSISTENT, None, Some("x"))).as_deref(), Some("\u{1f}x\u{1f}u1"));
        assert_eq!(subject(name_id(TRANSIENT, None, None)), None);
    }
}
