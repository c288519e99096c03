//! What a client's tokens would say of a person, without there being a token: whoever configures wants to see it before.

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

/// What a token of ours says.
pub fn said(jwt: &str) -> Value {
    Jwt::parse(jwt).map(|jwt| Value::Object(jwt.claims)).unwrap_or_default()
}
