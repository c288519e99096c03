//! The session at the identity provider that a session of ours came from: kept to sign out there too, and to know which
//! of ours are meant when the provider says that one of its own ended.

use serde::{Deserialize, Serialize};

use crate::ids::SessionId;
use crate::vault::{Place, Sealed};

/// SAML core §8.3.1: what an absent Format means.
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// As the provider named it when the person signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSession {
    /// OIDC: `iss`. SAML: the entity id.
    pub issuer: String,
    /// OIDC: `sub`. SAML: the NameID's value.
    pub subject: String,
    /// SAML: what else the NameID said.
    pub name_id: Option<NameIdAttributes>,
    /// OIDC: `sid`. SAML: each SessionIndex. Empty: the provider does not tell its sessions apart.
    pub sids: Vec<String>,
}

/// A NameID without its value, as received (SAML core §2.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameIdAttributes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_qualifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sp_name_qualifier: Option<String>,
}

/// [`UpstreamSession`] as it is stored, with the ID token that began it.
#[derive(Clone, Debug)]
pub struct StoredUpstreamSession {
    pub session: UpstreamSession,
    pub id_token: Option<Sealed>,
}

/// What a provider said: these sessions of its own are over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedUpstream {
    pub issuer: String,
    /// Absent: `sids` alone say whose.
    pub subject: Option<String>,
    pub name_id: Option<NameIdAttributes>,
    /// Empty: every session of that subject.
    pub sids: Vec<String>,
}

impl EndedUpstream {
    /// Whether `session` is one of those.
    pub fn includes(&self, session: &UpstreamSession) -> bool {
        let named = match &self.subject {
            Some(subject) => *subject == session.subject && self.name_id_matches(session),
            None => !self.sids.is_empty(),
        };
        // A provider that numbers its sessions only when it ends them means the person's, whichever it is.
        let unnumbered = session.sids.is_empty() && self.subject.is_some();
        let listed = self.sids.is_empty() || unnumbered || self.sids.iter().any(|sid| session.sids.contains(sid));
        self.issuer == session.issuer && named && listed
    }

    /// SAML core §3.3.4: the format must be the same, and each qualifier where both sides have one (absent, it stands
    /// for the two parties, §8.3.7).
    fn name_id_matches(&self, session: &UpstreamSession) -> bool {
        let (Some(theirs), Some(ours)) = (&self.name_id, &session.name_id) else {
            return self.name_id.is_none() && session.name_id.is_none();
        };
        let format = |name_id: &NameIdAttributes| name_id.format.clone().unwrap_or_else(|| UNSPECIFIED.into());
        let agree = |one: &Option<String>, other: &Option<String>| one.is_none() || other.is_none() || one == other;
        format(theirs) == format(ours)
            && agree(&theirs.name_qualifier, &ours.name_qualifier)
            && agree(&theirs.sp_name_qualifier, &ours.sp_name_qualifier)
    }
}

pub fn id_token_place(id: &SessionId) -> Place<'_> {
    Place { table: "upstream_sessions", column: "id_token", row: id.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(sids: &[&str]) -> UpstreamSession {
        UpstreamSession { issuer: "i".into(), subject: "s".into(), name_id: None, sids: owned(sids) }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).into()).collect()
    }

    #[test]
    fn a_sid_means_one_session_and_a_subject_all_of_them() {
        let ended = |subject: Option<&str>, sids: &[&str]| EndedUpstream {
            issuer: "i".into(),
            subject: subject.map(Into::into),
            name_id: None,
            sids: owned(sids),
        };
        for (subject, sids, of, expected) in [
            (Some("s"), &[][..], &["1"][..], true),
            (Some("s"), &["1"], &["1", "2"], true),
            (Some("s"), &["3"], &["1", "2"], false),
            (Some("s"), &["3"], &[], true),
            (Some("x"), &["1"], &["1"], false),
            (None, &["1"], &["1"], true),
            (None, &["1"], &[], false),
            (None, &[], &["1"], false),
        ] {
            assert_eq!(ended(subject, sids).includes(&session(of)), expected, "{subject:?} {sids:?} {of:?}");
        }
        let elsewhere = EndedUpstream { issuer: "j".into(), ..ended(Some("s"), &[]) };
        assert!(!elsewhere.includes(&session(&[])));
    }

    #[test]
    fn a_name_id_is_more_than_its_value() {
        let name_id = |format: Option<&str>, name_qualifier: Option<&str>, sp: Option<&str>| {
            Some(NameIdAttributes {
                format: format.map(Into::into),
                name_qualifier: name_qualifier.map(Into::into),
                sp_name_qualifier: sp.map(Into::into),
            })
        };
        let matches = |theirs, ours| {
            let ended = EndedUpstream { issuer: "i".into(), subject: Some("s".into()), name_id: theirs, sids: vec![] };
            ended.includes(&UpstreamSession { name_id: ours, ..session(&[]) })
        };
        let persistent = name_id(Some("p"), Some("idp"), Some("sp"));
        assert!(matches(persistent.clone(), persistent.clone()));
        assert!(matches(name_id(Some("p"), None, None), persistent.clone()));
        assert!(matches(name_id(None, None, None), name_id(Some(UNSPECIFIED), None, None)));
        assert!(!matches(name_id(Some("q"), Some("idp"), Some("sp")), persistent.clone()));
        assert!(!matches(name_id(Some("p"), Some("x"), Some("sp")), persistent.clone()));
        assert!(!matches(name_id(Some("p"), Some("idp"), Some("x")), persistent.clone()));
        assert!(!matches(None, persistent));
    }
}
