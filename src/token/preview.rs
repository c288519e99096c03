//! What a client's tokens would say of a person, without there being a token: whoever configures wants to see it before.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Granted, Person, access, id_token};
use crate::broker::{Broker, Catalog};
use crate::client::Client;
use crate::jose::Jwt;
use crate::oauth::error::OAuthError;
use crate::oauth::scope::Scope;

/// Claims only.
#[derive(Debug)]
pub struct Preview {
    pub scope: String,
    pub access_token: Value,
    pub id_token: Value,
}

/// Made as the real ones are, so that they say the same; the tokens themselves are dropped here, and nothing is stored.
/// For the client's first audience, and the scopes that it may have or else those of a usual sign-in.
///
/// # Errors
/// as [`access::mint`].
pub fn claims(broker: &Broker, catalog: &Catalog, client: &Client, person: &Person) -> Result<Preview, OAuthError> {
    let audiences = client.resolve_audiences::<&str>(&[])?;
    let usual = Scope::requested("openid profile email groups")?;
    let scope = catalog.narrowed(client, &audiences, client.scopes.clone().unwrap_or(usual));
    let granted = Granted { client, person: Some(person), scope: &scope, audiences: &audiences, key: None };
    let access = access::mint(broker, catalog, granted)?;
    let id_token = id_token::mint(broker, catalog, granted, person, None, &access.jwt, &[])?;
    Ok(Preview { scope: scope.to_string(), access_token: said(&access.jwt), id_token: said(&id_token) })
}

/// What of a token its readers judge: all but the signature, without which it opens nothing.
#[derive(Clone, Debug)]
pub struct Anatomy {
    pub header: Value,
    pub claims: Value,
    /// Of the whole token.
    pub bytes: usize,
}

/// What a client that asks for `wanted` would be given: the access token, and the ID token where there is a person. Made
/// as the real ones are but that the access token is over as it begins; the tokens themselves are dropped here.
///
/// # Errors
/// as [`access::mint`].
pub fn anatomy(
    broker: &Broker,
    catalog: &Catalog,
    client: &Client,
    person: Option<&Person>,
    wanted: Scope,
) -> Result<(Anatomy, Option<Anatomy>), OAuthError> {
    let audiences = client.resolve_audiences::<&str>(&[])?;
    let scope = catalog.narrowed(client, &audiences, wanted);
    let granted = Granted { client, person, scope: &scope, audiences: &audiences, key: None };
    let access = access::mint_until(broker, catalog, granted, 0)?;
    let id_token = person.filter(|_| scope.contains("openid"));
    let id_token =
        id_token.map(|person| id_token::mint(broker, catalog, granted, person, Some(NONCE), &access.jwt, &[]));
    Ok((parts(&access.jwt), id_token.transpose()?.map(|jwt| parts(&jwt))))
}

/// As long as those that browsers bring.
const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn parts(jwt: &str) -> Anatomy {
    let part = |at: usize| {
        let bytes = jwt.split('.').nth(at).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    };
    Anatomy { header: part(0), claims: part(1), bytes: jwt.len() }
}

/// What a token of ours says.
pub fn said(jwt: &str) -> Value {
    Jwt::parse(jwt).map(|jwt| Value::Object(jwt.claims)).unwrap_or_default()
}
