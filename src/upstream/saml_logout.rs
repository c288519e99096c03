//! SAML single logout (SAML profiles §4.4), service-provider side: our request and the provider's answer, its request
//! and ours. Everything is signed, in both directions.

use time::Duration;

use super::logout::{Departure, LogoutNotice, Onward, SamlMessage};
use super::saml::{
    self, Binding, Carried, Endpoint, Header, LogoutInput, LogoutMessage, NameId, Refusal, XmlSignatureEngine,
};
use super::saml_flow::{SKEW, Saml};
use super::{UpstreamError, authorization_url, saml_flow, saml_idp, saml_sp};
use crate::connection::{Connection, SamlSettings};
use crate::ctx::Ctx;
use crate::secret::{Kind, mint};
use crate::session::{EndedUpstream, NameIdAttributes, UpstreamSession};

/// How long a request of ours may be on its way (NotOnOrAfter).
const REQUEST_LIFE: Duration = Duration::minutes(5);
/// Longer than a message is accepted after its IssueInstant, which is ten minutes and twice the skew.
const REMEMBERED: Duration = Duration::minutes(15);

/// `None` where the provider has no single logout, or is another one than the person came from.
pub(super) fn leave(
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    session: &UpstreamSession,
) -> Result<Option<Departure>, UpstreamError> {
    let idp = saml_idp::of(connection, settings)?;
    let Some(endpoint) = idp.single_logout.as_ref().filter(|_| idp.entity_id == session.issuer) else {
        return Ok(None);
    };
    authorization_url::endpoint(&ctx.http, &endpoint.location)?;
    let said = session.name_id.clone().unwrap_or_default();
    let name_id = NameId {
        value: session.subject.clone(),
        format: said.format,
        name_qualifier: said.name_qualifier,
        sp_name_qualifier: said.sp_name_qualifier,
    };
    let message = LogoutMessage::Request {
        name_id: &name_id,
        session_indexes: &session.sids,
        not_on_or_after: ctx.now() + REQUEST_LIFE,
    };
    let handle = mint(Kind::UpstreamState, &ctx.rng);
    let id = saml::new_id(&ctx.rng);
    let onward =
        send(ctx, connection, settings, &message, &id, endpoint.binding, &endpoint.location, Some(handle.expose()))?;
    Ok(Some(Departure { onward, handle, request_id: Some(id) }))
}

pub(super) async fn request(
    saml: &Saml,
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    message: SamlMessage,
) -> Result<LogoutNotice, UpstreamError> {
    let unsigned_relay_state = match &message {
        SamlMessage::Post { relay_state, .. } => relay_state.clone(),
        SamlMessage::Redirect { .. } => None,
    };
    let (request, entity_id) = checked(saml, ctx, connection, settings, message, saml::verify_logout_request).await?;
    let NameId { value, format, name_qualifier, sp_name_qualifier } = request.name_id;
    Ok(LogoutNotice {
        message_id: request.id,
        until: ctx.now() + REMEMBERED,
        ended: EndedUpstream {
            issuer: entity_id,
            subject: Some(value),
            name_id: Some(NameIdAttributes { format, name_qualifier, sp_name_qualifier }),
            sids: request.session_indexes,
        },
        relay_state: request.relay_state.or(unsigned_relay_state),
    })
}

pub(super) fn answer(
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    notice: &LogoutNotice,
    success: bool,
) -> Result<Option<Onward>, UpstreamError> {
    let idp = saml_idp::of(connection, settings)?;
    let Some(Endpoint { binding, location, response_location }) = &idp.single_logout else { return Ok(None) };
    let destination = response_location.as_ref().unwrap_or(location);
    authorization_url::endpoint(&ctx.http, destination)?;
    let message = LogoutMessage::Response { in_response_to: &notice.message_id, success };
    let id = saml::new_id(&ctx.rng);
    send(ctx, connection, settings, &message, &id, *binding, destination, notice.relay_state.as_deref()).map(Some)
}

pub(super) async fn response(
    saml: &Saml,
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    message: SamlMessage,
    request_id: &str,
) -> Result<bool, UpstreamError> {
    let request_id = request_id.to_owned();
    let check = move |input: &LogoutInput<'_>, engine: &dyn XmlSignatureEngine| {
        saml::verify_logout_response(input, &request_id, engine)
    };
    Ok(checked(saml, ctx, connection, settings, message, check).await?.0.complete)
}

/// Signed always: an unsigned logout message is nobody's.
#[allow(clippy::too_many_arguments)] // all of them are the message's
fn send(
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    message: &LogoutMessage<'_>,
    id: &str,
    binding: Binding,
    destination: &str,
    relay_state: Option<&str>,
) -> Result<Onward, UpstreamError> {
    let issuer = saml_sp::entity_id(ctx, connection, settings);
    let header = Header { id, issue_instant: ctx.now(), issuer: &issuer, destination };
    let key = saml_sp::signing_key(ctx, connection)?;
    Ok(match binding {
        Binding::Redirect => message.redirect_url(&header, relay_state, &key).into(),
        Binding::Post => message.post_form(&header, relay_state, &key).into(),
    })
}

/// Verifies with the connection's certificates.
async fn checked<T: Send + 'static>(
    saml: &Saml,
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    message: SamlMessage,
    check: impl FnOnce(&LogoutInput<'_>, &dyn XmlSignatureEngine) -> Result<T, Refusal> + Send + 'static,
) -> Result<(T, String), UpstreamError> {
    let destination = ctx.urls.slo(connection.slug.as_str());
    let now = ctx.now();
    let mut idp = saml_idp::of(connection, settings)?;
    if settings.enforce_certificate_dates {
        idp.certificates.retain(|one| one.not_before() <= now && now < one.not_after());
    }
    let entity_id = idp.entity_id.clone();
    let verified = saml.checked(move |engine| {
        let carried = match &message {
            SamlMessage::Post { base64, .. } => Carried::Post { base64 },
            SamlMessage::Redirect { raw_query } => Carried::Redirect { raw_query },
        };
        let input = LogoutInput {
            carried,
            idp_entity_id: &idp.entity_id,
            certificates: &idp.certificates,
            destination: &destination,
            now,
            skew: SKEW,
        };
        check(&input, engine)
    });
    match verified.await? {
        Ok(verified) => Ok((verified, entity_id)),
        Err(refusal) => Err(saml_flow::refused(refusal, connection, settings)),
    }
}
