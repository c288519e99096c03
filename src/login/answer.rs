//! The authorization response (RFC 6749 §4.1.2, RFC 9207): where it goes, how, and with which parameters.

use url::Url;

use crate::authorization::{AuthorizeRequest, Target};
use crate::oauth::error::OAuthError;
use crate::oauth::redirect_uri::RegisteredRedirectUri;
use crate::oauth::response_mode::ResponseMode;
use crate::secret::Secret;

#[derive(Clone, Debug)]
pub struct ClientAnswer {
    pub redirect_uri: RegisteredRedirectUri,
    pub response_mode: ResponseMode,
    /// In the order they are sent; nothing but what the RFCs name.
    pub params: Vec<(String, String)>,
}

impl ClientAnswer {
    pub fn code(request: &AuthorizeRequest, code: &Secret<String>, issuer: &str) -> Self {
        let params = vec![("code".to_owned(), code.expose().clone())];
        Self::new(&request.redirect_uri, request.response_mode, request.state.as_deref(), params, issuer)
    }

    pub fn error(request: &AuthorizeRequest, error: &OAuthError, issuer: &str) -> Self {
        Self::new(&request.redirect_uri, request.response_mode, request.state.as_deref(), described(error), issuer)
    }

    /// For a request that was refused before it became one.
    pub fn early_error(target: &Target, error: &OAuthError, issuer: &str) -> Self {
        Self::new(&target.redirect_uri, target.response_mode, target.state.as_deref(), described(error), issuer)
    }

    fn new(
        redirect_uri: &RegisteredRedirectUri,
        response_mode: ResponseMode,
        state: Option<&str>,
        mut params: Vec<(String, String)>,
        issuer: &str,
    ) -> Self {
        params.extend(state.map(|state| ("state".to_owned(), state.to_owned())));
        params.push(("iss".into(), issuer.into()));
        Self { redirect_uri: redirect_uri.clone(), response_mode, params }
    }

    /// The URL of `response_mode=query`. What the registered URI already holds stays byte for byte.
    pub fn url(&self) -> String {
        let uri = self.redirect_uri.as_str();
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.params).finish();
        let joint = if uri.ends_with(['?', '&']) {
            ""
        } else if uri.contains('?') {
            "&"
        } else {
            "?"
        };
        format!("{uri}{joint}{query}")
    }

    pub fn target(&self) -> Option<Url> {
        Url::parse(self.redirect_uri.as_str()).ok()
    }
}

fn described(error: &OAuthError) -> Vec<(String, String)> {
    vec![
        ("error".into(), error.code.as_str().into()),
        ("error_description".into(), error.description.clone().into_owned()),
    ]
}
