//! What a connection knows of its SAML identity provider: its name, where to send people, and the certificates that
//! vouch. From storage alone; what stands there is fetched by [`super::saml_metadata`] and believed elsewhere.

use super::UpstreamError;
use super::saml::{Binding, Endpoint, IdpMetadata, KeyKind, TrustedCertificate, read_idp_metadata};
use crate::connection::saml::{IdpSource, SsoBinding};
use crate::connection::{Connection, SamlSettings, certificate, metadata, untrusted};

/// What a connection trusts and uses.
#[derive(Debug)]
pub(super) struct Idp {
    pub(super) entity_id: String,
    pub(super) single_sign_on: Endpoint,
    pub(super) single_logout: Option<Endpoint>,
    pub(super) certificates: Vec<TrustedCertificate>,
}

/// # Errors
/// `Unavailable` when metadata was never fetched, `metadata_invalid` when what was stored or entered cannot work.
pub(super) fn of(connection: &Connection, settings: &SamlSettings) -> Result<Idp, UpstreamError> {
    let invalid = |detail: String| UpstreamError::misconfigured("metadata_invalid", detail);
    let (entity_id, single_sign_on, single_logout) = match &settings.source {
        IdpSource::MetadataUrl { .. } => {
            let known = connection
                .metadata()
                .ok_or_else(|| UpstreamError::unavailable("the provider's metadata", "it was never fetched"))?;
            let endpoints: Vec<Endpoint> = known.single_sign_on.iter().map(endpoint).collect();
            let logout: Vec<Endpoint> = known.single_logout.iter().map(endpoint).collect();
            (known.entity_id.clone(), preferred(&endpoints), preferred(&logout))
        }
        IdpSource::Metadata { xml } => {
            let metadata = read_idp_metadata(xml.as_bytes(), settings.entity_id.as_deref(), None)
                .map_err(|refusal| invalid(refusal.to_string()))?;
            let (sign_on, logout) = (preferred(&metadata.single_sign_on), preferred(&metadata.single_logout));
            (metadata.entity_id, sign_on, logout)
        }
        IdpSource::Manual { sso_url, sso_binding } => {
            let entity_id = settings.entity_id.clone().ok_or_else(|| invalid("the entity id is missing".into()))?;
            let endpoint =
                metadata::Endpoint { binding: *sso_binding, location: sso_url.clone(), response_location: None };
            let logout = settings.slo.as_ref().map(|slo| Endpoint {
                binding: match slo.binding {
                    SsoBinding::Redirect => Binding::Redirect,
                    SsoBinding::Post => Binding::Post,
                },
                location: slo.url.clone(),
                response_location: slo.response_url.clone(),
            });
            (entity_id, Some(self::endpoint(&endpoint)), logout)
        }
    };
    let single_sign_on = single_sign_on.ok_or_else(|| invalid("there is no single sign-on service".into()))?;
    let usable = connection.certificates.iter().filter(|certificate| certificate.is_usable());
    let certificates = usable
        .map(|certificate| TrustedCertificate::from_der(&certificate.der))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| invalid(error.to_string()))?;
    Ok(Idp { entity_id, single_sign_on, single_logout, certificates })
}

/// Redirect where it is offered: shorter, and no page in between.
fn preferred(endpoints: &[Endpoint]) -> Option<Endpoint> {
    endpoints.iter().find(|endpoint| endpoint.binding == Binding::Redirect).or(endpoints.first()).cloned()
}

fn endpoint(stored: &metadata::Endpoint) -> Endpoint {
    Endpoint {
        binding: match stored.binding {
            SsoBinding::Redirect => Binding::Redirect,
            SsoBinding::Post => Binding::Post,
        },
        location: stored.location.clone(),
        response_location: stored.response_location.clone(),
    }
}

impl From<&Endpoint> for metadata::Endpoint {
    fn from(read: &Endpoint) -> Self {
        Self {
            binding: match read.binding {
                Binding::Redirect => SsoBinding::Redirect,
                Binding::Post => SsoBinding::Post,
            },
            location: read.location.clone(),
            response_location: read.response_location.clone(),
        }
    }
}

impl From<&TrustedCertificate> for certificate::Facts {
    fn from(read: &TrustedCertificate) -> Self {
        Self {
            der: read.der().to_vec(),
            sha256: read.sha256().to_owned(),
            key_type: match read.kind() {
                KeyKind::Rsa => "rsa",
                KeyKind::Ec => "ec",
            },
            key_bits: read.bits(),
            not_before: read.not_before(),
            not_after: read.not_after(),
        }
    }
}

impl From<&TrustedCertificate> for untrusted::Signer {
    fn from(read: &TrustedCertificate) -> Self {
        Self {
            der: read.der().to_vec(),
            sha256: read.sha256().to_owned(),
            subject: read.subject(),
            not_before: read.not_before(),
            not_after: read.not_after(),
        }
    }
}

impl IdpMetadata {
    /// Its signing certificates, as they are stored.
    pub fn certificate_facts(&self) -> Vec<certificate::Facts> {
        self.signing_certificates.iter().map(certificate::Facts::from).collect()
    }
}
