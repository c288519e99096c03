//! Ourselves as a SAML service provider at one connection: our names and addresses, our keys, our metadata.

use time::Duration;

use super::UpstreamError;
use super::saml::{SpKey, SpMetadata, name_id, new_id};
use crate::connection::saml::WantSigned;
use crate::connection::{Connection, Credential, CredentialKind, CredentialState, SamlSettings};
use crate::ctx::Ctx;

/// How long identity providers may work with a copy of our metadata.
const METADATA_LIFE: Duration = Duration::days(7);

pub(super) fn entity_id(ctx: &Ctx, connection: &Connection, settings: &SamlSettings) -> String {
    settings.sp_entity_id.clone().unwrap_or_else(|| ctx.urls.sp_metadata(connection.slug.as_str()))
}

/// Every living key, the active one first: identity providers encrypt to an old one for a while, and to a new one as
/// soon as they have seen it.
///
/// # Errors
/// `credential_unreadable`.
pub(super) fn keys(ctx: &Ctx, connection: &Connection) -> Result<Vec<SpKey>, UpstreamError> {
    living(connection).into_iter().map(|credential| open(ctx, credential)).collect()
}

/// The key that signs.
///
/// # Errors
/// `credential_missing`, `credential_unreadable`.
pub(super) fn signing_key(ctx: &Ctx, connection: &Connection) -> Result<SpKey, UpstreamError> {
    let credential = connection.active(CredentialKind::PrivateKey).ok_or_else(|| {
        UpstreamError::misconfigured("credential_missing", "the connection has no active private key; create one")
    })?;
    open(ctx, credential)
}

/// Signed if there is a key to sign with.
///
/// # Errors
/// `credential_unreadable`.
pub(super) fn metadata(ctx: &Ctx, connection: &Connection, settings: &SamlSettings) -> Result<String, UpstreamError> {
    let certificates: Vec<&[u8]> = living(connection)
        .into_iter()
        .filter_map(|credential| credential.public.as_ref())
        .map(|public| public.certificate.as_slice())
        .collect();
    let formats = match settings.name_id_format.as_deref() {
        Some(format) => vec![format],
        None => vec![name_id::PERSISTENT, name_id::EMAIL_ADDRESS, name_id::UNSPECIFIED],
    };
    let metadata = SpMetadata {
        entity_id: &entity_id(ctx, connection, settings),
        acs_url: &ctx.urls.acs(connection.slug.as_str()),
        slo_url: Some(&ctx.urls.slo(connection.slug.as_str())),
        signing_certificates: &certificates,
        encryption_certificates: &certificates,
        authn_requests_signed: settings.sign_requests,
        want_assertions_signed: settings.want_signed != WantSigned::Response,
        name_id_formats: &formats,
        valid_until: ctx.now() + METADATA_LIFE,
    };
    if connection.active(CredentialKind::PrivateKey).is_none() {
        return Ok(metadata.write(None));
    }
    Ok(metadata.write(Some((&new_id(&ctx.rng), &signing_key(ctx, connection)?))))
}

fn living(connection: &Connection) -> Vec<&Credential> {
    let mut living: Vec<_> = connection
        .credentials
        .iter()
        .filter(|credential| credential.kind() == CredentialKind::PrivateKey)
        .filter(|credential| credential.state.is_published())
        .collect();
    living.sort_by_key(|credential| match credential.state {
        CredentialState::Active => 0,
        CredentialState::Next => 1,
        _ => 2,
    });
    living
}

fn open(ctx: &Ctx, credential: &Credential) -> Result<SpKey, UpstreamError> {
    let unreadable = |detail: String| UpstreamError::misconfigured("credential_unreadable", detail);
    let der = ctx
        .vault
        .open(Credential::place(&credential.id), &credential.sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    let certificate = credential.public.as_ref().map(|public| public.certificate.as_slice()).unwrap_or_default();
    SpKey::from_pkcs8(der.expose(), certificate).map_err(|error| unreadable(error.to_string()))
}
