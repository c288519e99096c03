//! The SAML side of a connection entry: its keys to and from settings, and what is wrong with them.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::check::Findings;
use super::connection_entry::{ConnectionEntry, EntryProtocol};
use crate::connection::certificate::Facts;
use crate::connection::saml::{IdpSource, Slo, WantSigned};
use crate::connection::{Connection, SamlSettings};
use crate::upstream::saml::{TrustedCertificate, read_idp_metadata};

/// Bytes of an entity id (SAML core §8.3.6 has 1024 characters).
const LONGEST_ENTITY_ID: usize = 1024;

/// Keys that mean nothing in another protocol.
pub(super) const KEYS: &[&str] = &[
    "trust_metadata",
    "metadata_signing_certificate",
    "enforce_certificate_dates",
    "metadata_url",
    "metadata_file",
    "metadata",
    "entity_id",
    "sso_url",
    "sso_binding",
    "certificates",
    "sp_entity_id",
    "sign_requests",
    "want_assertions_signed",
    "want_signed",
    "encryption",
    "sign_metadata",
    "force_authn",
    "send_login_hint",
    "end_with_idp_session",
    "allow_idp_initiated",
    "initiate_login_uri",
    "name_id_format",
    "requested_authn_context",
    "subject",
    "single_logout",
    "slo_url",
    "slo_binding",
    "slo_response_url",
];

impl ConnectionEntry {
    pub(super) fn of_saml(connection: &Connection, settings: &SamlSettings) -> Self {
        let settings = settings.clone();
        let mut entry = Self {
            protocol: EntryProtocol::Saml,
            entity_id: settings.entity_id,
            sp_entity_id: settings.sp_entity_id,
            sign_requests: (!settings.sign_requests).then_some(false),
            want_assertions_signed: (settings.want_signed == WantSigned::Assertion).then_some(true),
            want_signed: Some(settings.want_signed)
                .filter(|wanted| matches!(wanted, WantSigned::Response | WantSigned::Both)),
            encryption: Some(settings.encryption).filter(|encryption| *encryption != Default::default()),
            sign_metadata: (!settings.sign_metadata).then_some(false),
            force_authn: settings.force_authn.then_some(true),
            send_login_hint: settings.send_login_hint.then_some(true),
            end_with_idp_session: (!settings.end_with_idp_session).then_some(false),
            allow_idp_initiated: settings.allow_idp_initiated.then_some(true),
            initiate_login_uri: settings.initiate_login_uri,
            name_id_format: settings.name_id_format,
            requested_authn_context: settings.requested_authn_context,
            subject: settings.subject,
            enforce_certificate_dates: settings.enforce_certificate_dates.then_some(true),
            single_logout: settings.single_logout.then_some(true),
            slo_url: settings.slo.as_ref().map(|slo| slo.url.clone()),
            slo_binding: settings.slo.as_ref().map(|slo| slo.binding).filter(|binding| *binding != Default::default()),
            slo_response_url: settings.slo.and_then(|slo| slo.response_url),
            ..Self::bare(connection)
        };
        match settings.source {
            IdpSource::MetadataUrl { url, trust, signed_by } => {
                entry.metadata_url = Some(url);
                entry.trust_metadata = (!trust).then_some(false);
                entry.metadata_signing_certificate = signed_by;
            }
            IdpSource::Metadata { xml } => entry.metadata = Some(xml),
            IdpSource::Manual { sso_url, sso_binding } => {
                entry.sso_url = Some(sso_url).filter(|url| !url.is_empty());
                entry.sso_binding = Some(sso_binding).filter(|binding| *binding != Default::default());
                let usable = connection.certificates.iter().filter(|certificate| certificate.is_usable());
                entry.certificates = usable.map(|certificate| STANDARD.encode(&certificate.der)).collect();
            }
        }
        entry
    }

    pub(super) fn saml_settings(&self) -> SamlSettings {
        let source = match (&self.metadata_url, &self.metadata) {
            (Some(url), _) => IdpSource::MetadataUrl {
                url: url.clone(),
                trust: self.trust_metadata.unwrap_or(true),
                signed_by: self.metadata_signing_certificate.clone(),
            },
            (None, Some(xml)) => IdpSource::Metadata { xml: xml.clone() },
            (None, None) => IdpSource::Manual {
                sso_url: self.sso_url.clone().unwrap_or_default(),
                sso_binding: self.sso_binding.unwrap_or_default(),
            },
        };
        let want_signed = match self.want_assertions_signed {
            Some(true) => WantSigned::Assertion,
            _ => self.want_signed.unwrap_or_default(),
        };
        SamlSettings {
            source,
            entity_id: self.entity_id.clone(),
            sp_entity_id: self.sp_entity_id.clone(),
            sign_requests: self.sign_requests.unwrap_or(true),
            want_signed,
            encryption: self.encryption.unwrap_or_default(),
            sign_metadata: self.sign_metadata.unwrap_or(true),
            force_authn: self.force_authn.unwrap_or_default(),
            send_login_hint: self.send_login_hint.unwrap_or_default(),
            end_with_idp_session: self.end_with_idp_session.unwrap_or(true),
            allow_idp_initiated: self.allow_idp_initiated.unwrap_or_default(),
            initiate_login_uri: self.initiate_login_uri.clone(),
            name_id_format: self.name_id_format.clone(),
            requested_authn_context: self.requested_authn_context.clone(),
            subject: self.subject.clone(),
            enforce_certificate_dates: self.enforce_certificate_dates.unwrap_or_default(),
            slo: self.slo_url.as_ref().map(|url| Slo {
                url: url.clone(),
                binding: self.slo_binding.unwrap_or_default(),
                response_url: self.slo_response_url.clone(),
            }),
            single_logout: self.single_logout.unwrap_or_default(),
        }
    }

    /// The provider's certificates as far as this entry lists them, itself or in its metadata. `None`: it does not.
    pub(super) fn listed_certificates(&self) -> Option<Vec<Facts>> {
        if self.protocol != EntryProtocol::Saml || self.metadata_url.is_some() {
            return None;
        }
        let Some(xml) = &self.metadata else {
            let read = |text: &String| TrustedCertificate::from_text(text).ok().map(|one| Facts::from(&one));
            return Some(self.certificates.iter().filter_map(read).collect());
        };
        let metadata = read_idp_metadata(xml.as_bytes(), self.entity_id.as_deref(), None).ok()?;
        Some(metadata.certificate_facts())
    }

    /// Puts the text of `metadata_file` into `metadata`, which is what is stored.
    pub(super) fn read_metadata_file(&mut self, base_dir: &Path) -> Result<(), String> {
        let Some(path) = self.metadata_file.take() else { return Ok(()) };
        if self.metadata.is_some() {
            return Err("stands beside metadata; write one of them".into());
        }
        let text = std::fs::read_to_string(base_dir.join(&path))
            .map_err(|error| format!("the file {} cannot be read: {error}", path.display()))?;
        self.metadata = Some(text);
        Ok(())
    }

    /// `metadata_file` has been read by now.
    pub(super) fn check_saml(&self, out: &mut Findings) {
        let by_hand = self.sso_url.is_some() || self.sso_binding.is_some() || !self.certificates.is_empty();
        match (&self.metadata_url, &self.metadata, by_hand) {
            (Some(_), None, false) => {}
            (None, Some(xml), false) => {
                if let Err(refusal) = read_idp_metadata(xml.as_bytes(), self.entity_id.as_deref(), None) {
                    out.add("metadata", refusal.to_string());
                }
            }
            (None, None, true) => self.check_by_hand(out),
            // what is switched off may be unfinished
            (None, None, false) if !self.enabled => {}
            (None, None, false) => out.add(
                "metadata_url",
                "is missing: a SAML provider comes by metadata_url, by metadata_file, or by hand with entity_id, sso_url and certificates",
            ),
            _ => out.add(
                "metadata_url",
                "one source only: metadata_url, or metadata_file, or entity_id with sso_url and certificates",
            ),
        }
        let of_url = [
            ("trust_metadata", self.trust_metadata.is_some()),
            ("metadata_signing_certificate", self.metadata_signing_certificate.is_some()),
        ];
        for (field, _) in of_url.into_iter().filter(|(_, written)| *written && self.metadata_url.is_none()) {
            out.add(field, "means something beside metadata_url only");
        }
        if let Some(Err(error)) = self.metadata_signing_certificate.as_deref().map(TrustedCertificate::from_text) {
            out.add("metadata_signing_certificate", error.to_string());
        }
        self.check_slo(out);
        if self.refresh.is_some() {
            out.add(
                "refresh",
                "belongs to connections of protocol oidc: a SAML provider cannot be asked again without the person, so what it said at the sign-in holds",
            );
        }
        if self.want_signed.is_some() && self.want_assertions_signed.is_some() {
            out.add("want_signed", "stands beside want_assertions_signed; write one of them");
        }
        if self.initiate_login_uri.is_some() && self.allow_idp_initiated != Some(true) {
            out.add("initiate_login_uri", "means nothing without allow_idp_initiated: true");
        }
        if self.initiate_login_uri.as_ref().is_some_and(|uri| uri.contains('#')) {
            out.add("initiate_login_uri", "must not have a fragment");
        }
        for (field, id) in [("entity_id", &self.entity_id), ("sp_entity_id", &self.sp_entity_id)] {
            let fine = |id: &String| {
                (1..=LONGEST_ENTITY_ID).contains(&id.len())
                    && !id.contains(|c: char| c.is_whitespace() || c.is_control())
            };
            if id.as_ref().is_some_and(|id| !fine(id)) {
                out.add(field, "must have 1 to 1024 bytes without white space");
            }
        }
    }

    fn check_slo(&self, out: &mut Findings) {
        let in_metadata = self.metadata_url.is_some() || self.metadata.is_some();
        if self.slo_url.is_some() && in_metadata {
            out.add("slo_url", "stands beside metadata, which says it itself; leave it out");
        }
        if self.slo_url.is_none() && (self.slo_binding.is_some() || self.slo_response_url.is_some()) {
            out.add("slo_url", "is missing: where the provider takes logout messages");
        }
        if self.single_logout == Some(true) && self.slo_url.is_none() && !in_metadata {
            out.add("single_logout", "needs slo_url: where the provider takes logout requests");
        }
    }

    fn check_by_hand(&self, out: &mut Findings) {
        if self.enabled {
            self.check_whole(out);
        }
        for (index, text) in self.certificates.iter().enumerate() {
            if let Err(error) = TrustedCertificate::from_text(text) {
                out.add(&format!("certificates[{index}]"), error.to_string());
            }
        }
    }

    fn check_whole(&self, out: &mut Findings) {
        if self.entity_id.is_none() {
            out.add("entity_id", "is missing: by hand, the provider's entity id must be known");
        }
        if self.sso_url.is_none() {
            out.add("sso_url", "is missing: where the provider takes sign-in requests");
        }
        if self.certificates.is_empty() {
            out.add("certificates", "is empty: without a certificate of the provider nobody could sign in");
        }
    }
}

/// The issuer of everybody's identity at this provider, as far as it is known without asking.
pub(super) fn entity_id(settings: &SamlSettings) -> Option<String> {
    let in_metadata = || match &settings.source {
        IdpSource::Metadata { xml } => read_idp_metadata(xml.as_bytes(), None, None).ok().map(|idp| idp.entity_id),
        _ => None,
    };
    settings.entity_id.clone().or_else(in_metadata)
}
