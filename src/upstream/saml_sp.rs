//! Ourselves as a SAML service provider at one connection: our names and addresses, our keys, our metadata.

use time::Duration;

use super::UpstreamError;
use super::saml::{SpKey, SpMetadata, name_id, new_id};
use crate::connection::saml::WantSigned;
use crate::connection::{Connection, Credential, CredentialState, KeyUse, SamlSettings};
use crate::ctx::Ctx;
use crate::ids::CredentialId;

/// How long identity providers may work with a copy of our metadata.
const METADATA_LIFE: Duration = Duration::days(7);

pub(super) fn entity_id(ctx: &Ctx, connection: &Connection, settings: &SamlSettings) -> String {
    settings.sp_entity_id.clone().unwrap_or_else(|| ctx.urls.sp_metadata(connection.slug.as_str()))
}

/// The keys that open what is encrypted to us: the active one, the one before, for as long as providers go by an old copy
/// of our metadata, and the next one, for those that take it from the new copy already.
///
/// # Errors
/// `credential_unreadable`.
pub(super) fn decryption_keys(ctx: &Ctx, connection: &Connection) -> Result<Vec<(CredentialId, SpKey)>, UpstreamError> {
    use CredentialState::{Active, Next, Retiring};
    let keys = [Active, Retiring, Next].into_iter().flat_map(|state| connection.keys(state));
    let keys = keys.filter(|key| key.key_use() != Some(KeyUse::Signing));
    keys.map(|key| Ok((key.id.clone(), open(ctx, key)?))).collect()
}

/// The key that signs.
///
/// # Errors
/// `credential_missing`, `credential_unreadable`.
pub(super) fn signing_key(ctx: &Ctx, connection: &Connection) -> Result<SpKey, UpstreamError> {
    let credential = connection.active_key(KeyUse::Signing).ok_or_else(|| {
        UpstreamError::misconfigured("credential_missing", "the connection has no active signing key; create one")
    })?;
    open(ctx, credential)
}

/// Signed, unless the connection says otherwise or there is no key to sign with.
///
/// # Errors
/// `credential_unreadable`.
pub(super) fn metadata(ctx: &Ctx, connection: &Connection, settings: &SamlSettings) -> Result<String, UpstreamError> {
    let formats = match settings.name_id_format.as_deref() {
        Some(format) => vec![format],
        None => vec![name_id::PERSISTENT, name_id::EMAIL_ADDRESS, name_id::UNSPECIFIED],
    };
    let metadata = SpMetadata {
        entity_id: &entity_id(ctx, connection, settings),
        acs_url: &ctx.urls.acs(connection.slug.as_str()),
        slo_url: Some(&ctx.urls.slo(connection.slug.as_str())),
        signing_certificates: &published(connection, KeyUse::Signing),
        encryption_certificates: &published(connection, KeyUse::Encryption),
        authn_requests_signed: settings.sign_requests,
        // a provider that signs on request only must be asked, also where we would take a signed response instead
        want_assertions_signed: settings.want_signed != WantSigned::Response,
        name_id_formats: &formats,
        valid_until: ctx.now() + METADATA_LIFE,
    };
    if !settings.sign_metadata || connection.active_key(KeyUse::Signing).is_none() {
        return Ok(metadata.write(None));
    }
    Ok(metadata.write(Some((&new_id(&ctx.rng), &signing_key(ctx, connection)?))))
}

/// Certificates of the key in use and of the next one. A key that retires follows only where it signed: it may be put back at any
/// time, and the provider has to know it then. Nothing new is to be encrypted to it.
fn published(connection: &Connection, usage: KeyUse) -> Vec<&[u8]> {
    use CredentialState::{Next, Retiring};
    let others: &[_] = if usage == KeyUse::Signing { &[Next, Retiring] } else { &[Next] };
    let others = others.iter().flat_map(|state| connection.keys(*state));
    let others = others.filter(|key| key.key_use().is_none_or(|own| own == usage));
    let keys = connection.active_key(usage).into_iter().chain(others);
    keys.filter_map(|key| key.public.as_ref()).map(|public| public.certificate.as_slice()).collect()
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
