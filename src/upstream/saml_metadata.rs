//! Asking an identity provider for its SAML metadata: conditionally where it was read before, with a limit of its own,
//! and read by the guard. Whether what it says is taken is not decided here.

use http::header::{ACCEPT, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{Request, StatusCode};

use super::saml::{IdpMetadata, MetadataSigner, Refusal, TrustedCertificate, XmlSec, read_idp_metadata};
use crate::connection::SamlSettings;
use crate::connection::metadata::Refreshing;
use crate::ctx::Ctx;

/// Bytes: aggregates of a federation are larger than anything else that is fetched.
const LARGEST: usize = 5 << 20;
/// Certificates of one provider. Each costs a row, and time at every sign-in.
const MOST_CERTIFICATES: usize = 32;
/// Longer validators are not kept.
const LONGEST_VALIDATOR: usize = 1024;

/// What the provider has answered.
#[derive(Debug)]
pub enum Fetched {
    /// It is what it was (304).
    Unchanged,
    Document(Box<Document>),
}

#[derive(Debug)]
pub struct Document {
    pub metadata: IdpMetadata,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// Why there is no document, in a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum FetchFailure {
    #[error("{0}")]
    Unreachable(String),
    /// It was answered, and what it says is not taken.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// Asks `url`. `known` is what was read from there before: it makes the question conditional, and pins the entity id.
///
/// # Errors
/// [`FetchFailure::Unreachable`]; [`FetchFailure::Refused`] with a word of [`super::saml`], `entity_id_changed` or
/// `too_many_certificates`.
pub async fn fetch(
    ctx: &Ctx,
    settings: &SamlSettings,
    url: &str,
    signed_by: Option<&str>,
    known: Option<&Refreshing>,
) -> Result<Fetched, FetchFailure> {
    let unreachable = |detail: String| FetchFailure::Unreachable(detail);
    let mut request = Request::get(url).header(ACCEPT, "application/samlmetadata+xml, application/xml, text/xml");
    let known = known.filter(|known| known.metadata.is_some());
    for (name, value) in known.into_iter().flat_map(validators) {
        request = request.header(name, value);
    }
    let request = request.body(Vec::new()).map_err(|_| unreachable("its address is not a URL".into()))?;
    let response = ctx.http.send_up_to(LARGEST, request).await.map_err(|error| unreachable(error.to_string()))?;
    match response.status() {
        StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Fetched::Unchanged),
        StatusCode::OK => {}
        other => return Err(unreachable(format!("the provider answered with status {}", other.as_u16()))),
    }
    let header = |name: HeaderName| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.filter(|value| value.len() <= LONGEST_VALIDATOR).map(str::to_owned)
    };
    let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
    let pinned = known.and_then(|known| known.metadata.as_ref()).map(|metadata| metadata.entity_id.clone());
    let (configured, signed_by) = (settings.entity_id.clone(), signed_by.map(str::to_owned));
    // the largest takes a good part of a second
    let read = move || read(response.body(), configured, pinned, signed_by.as_deref());
    let metadata = tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| unreachable("reading it ended unexpectedly; please report this".into()))??;
    Ok(Fetched::Document(Box::new(Document { metadata, etag, last_modified })))
}

fn read(
    bytes: &[u8],
    configured: Option<String>,
    pinned: Option<String>,
    signed_by: Option<&str>,
) -> Result<IdpMetadata, Refusal> {
    let engine = XmlSec::new();
    let certificate = signed_by
        .map(TrustedCertificate::from_text)
        .transpose()
        .map_err(|error| Refusal::new("no_certificate", format!("metadata_signing_certificate: {error}")))?;
    let certificates: Vec<_> = certificate.into_iter().collect();
    let signer = signed_by.map(|_| MetadataSigner { engine: &engine, certificates: &certificates });
    let wanted = configured.or_else(|| pinned.clone());
    let read = read_idp_metadata(bytes, wanted.as_deref(), signer);
    if let Ok(metadata) = &read
        && metadata.signing_certificates.len() > MOST_CERTIFICATES
    {
        let count = metadata.signing_certificates.len();
        let detail = format!("the metadata names {count} certificates; at most {MOST_CERTIFICATES} are taken");
        return Err(Refusal::new("too_many_certificates", detail));
    }
    read.map_err(|refusal| match (refusal.reason, &pinned) {
        ("entity_missing", Some(pinned)) => Refusal::new(
            "entity_id_changed",
            format!(
                "the metadata no longer describes {pinned}, which this connection is bound to; if the provider has \
                 really changed its name, make a new connection, for its people are others ({})",
                refusal.detail
            ),
        ),
        _ => refusal,
    })
}

/// RFC 9110 §13.1.
fn validators(known: &Refreshing) -> impl Iterator<Item = (HeaderName, &str)> {
    let etag = known.etag.as_deref().map(|value| (IF_NONE_MATCH, value));
    etag.into_iter().chain(known.last_modified.as_deref().map(|value| (IF_MODIFIED_SINCE, value)))
}
