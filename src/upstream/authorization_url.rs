//! The authorization request (OIDC Core §3.1.2.1) as a URL.

use url::Url;

use super::{StartHints, UpstreamError};
use crate::connection::{Connection, OidcSettings, Preset, RefreshPolicy};
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::scope::Scope;
use crate::outbound;

/// What makes this one request unlike all others.
pub(super) struct Unique<'a> {
    pub(super) state: &'a str,
    pub(super) nonce: &'a str,
    pub(super) code_challenge: &'a CodeChallenge,
    pub(super) max_age: Option<u32>,
}

/// The smaller of what the connection and the request ask for: neither may weaken the other.
pub(super) fn max_age(settings: &OidcSettings, asked: Option<u32>) -> Option<u32> {
    settings.max_age.into_iter().chain(asked).min()
}

/// The endpoint, checked: a person's browser goes there.
///
/// # Errors
/// `endpoint_invalid`.
pub(super) fn endpoint(http: &outbound::Client, endpoint: &str) -> Result<Url, UpstreamError> {
    let invalid =
        |detail: String| UpstreamError::misconfigured("endpoint_invalid", format!("authorization_endpoint: {detail}"));
    let url = Url::parse(endpoint).map_err(|_| invalid("it is not a URL".into()))?;
    http.admits(&url).map_err(|error| invalid(error.to_string()))?;
    Ok(url)
}

/// Hints of the downstream request win over the connection's defaults.
pub(super) fn build(
    mut url: Url,
    connection: &Connection,
    settings: &OidcSettings,
    hints: &StartHints,
    redirect_uri: &str,
    unique: &Unique<'_>,
) -> String {
    let preset = connection.preset.unwrap_or(Preset::Generic);
    // asked for only where refreshes depend on it: some providers then ask the person for consent
    let offline = settings.refresh.policy == RefreshPolicy::Require;
    let by_parameter = offline && preset.offline_by_parameter();
    let more = (offline && !by_parameter).then_some("offline_access");
    let scope =
        Scope::from_tokens(["openid"].into_iter().chain(settings.scopes.iter().map(String::as_str)).chain(more))
            .to_string();
    let max_age = unique.max_age.map(|seconds| seconds.to_string());
    let domain_hint = preset.domain_hint_parameter();
    let prompt = hints.prompt.as_ref().or(settings.prompt.as_ref()).map(|words| preset.prompt(words));
    let prompt = if by_parameter { Some(with_consent(prompt.as_deref())) } else { prompt };
    let access_type = by_parameter.then(|| "offline".to_owned());
    let optional = [
        ("login_hint", hints.login_hint.as_ref()),
        (domain_hint, hints.domain_hint.as_ref().or(settings.domain_hint.as_ref())),
        ("prompt", prompt.as_ref()),
        ("max_age", max_age.as_ref()),
        ("acr_values", hints.acr_values.as_ref().or(settings.acr_values.as_ref())),
        ("ui_locales", hints.ui_locales.as_ref()),
        ("access_type", access_type.as_ref()),
    ];
    url.set_fragment(None);
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &scope)
        .append_pair("state", unique.state)
        .append_pair("nonce", unique.nonce)
        .append_pair("code_challenge", unique.code_challenge.as_str())
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(optional.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| !v.is_empty())?))));
    url.into()
}

fn with_consent(prompt: Option<&str>) -> String {
    let words = prompt.unwrap_or_default().split_ascii_whitespace();
    Scope::from_tokens(words.chain(["consent"])).to_string()
}
