//! How a client proves itself in a request: HTTP Basic, body parameters, its name alone (RFC 6749 §2.3), or a client
//! assertion (RFC 7521 §4.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ClientId;
use super::assertion::ASSERTION_TYPE;
use super::authentication::Presented;
use super::settings::AuthMethod;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::secret::Secret;

/// One way to prove itself, never two (RFC 6749 §2.3).
#[derive(Debug)]
pub enum Proof {
    Named(Presented),
    Assertion {
        /// Absent: the assertion says it.
        client_id: Option<ClientId>,
        jwt: Secret<String>,
    },
}

/// Reads the proof, whichever it is.
///
/// # Errors
/// As [`presented`]; `invalid_request` for two at once.
pub fn proof(authorization: Option<&str>, params: &Params) -> Result<Proof, OAuthError> {
    let (assertion, kind) = (params.get("client_assertion"), params.get("client_assertion_type"));
    let refuse = |text: &'static str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    let jwt = match (assertion, kind) {
        (None, None) => return presented(authorization, params).map(Proof::Named),
        (Some(jwt), Some(ASSERTION_TYPE)) => Secret::new(jwt.to_owned()),
        (_, Some(ASSERTION_TYPE)) => return refuse("client_assertion_type was sent without client_assertion"),
        _ => {
            return refuse(
                "client_assertion goes with client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            );
        }
    };
    if authorization.is_some() || params.get("client_secret").is_some() {
        return refuse("a client assertion and a client secret were sent; prove yourself in one way");
    }
    Ok(Proof::Assertion { client_id: params.get("client_id").map(client_id).transpose()?, jwt })
}

/// Reads what is not an assertion. Go's x/oauth2 probes with Basic and an empty secret, librdkafka sends Basic unencoded, others
/// percent-encode it: both readings become candidates.
///
/// # Errors
/// `invalid_request` or `invalid_client` when it is malformed, contradicts itself or is absent.
pub fn presented(authorization: Option<&str>, params: &Params) -> Result<Presented, OAuthError> {
    let refuse = |code, text: &'static str| Err(OAuthError::new(code, text));
    let in_body = params.get("client_id");
    let basic = authorization.map(basic).transpose()?;
    let Some((raw_id, raw_secret)) = basic else {
        let Some(id) = in_body else {
            return refuse(
                ErrorCode::InvalidClient,
                "no client_id was sent; use HTTP Basic or the parameter client_id",
            );
        };
        let secrets = params.get("client_secret").map(|s| Secret::new(s.to_owned())).into_iter().collect();
        return Ok(Presented { client_id: client_id(id)?, secrets, method: AuthMethod::ClientSecretPost });
    };
    let id = percent_decoded(&raw_id);
    if in_body.is_some_and(|other| other != raw_id && other != id) {
        return refuse(ErrorCode::InvalidRequest, "client_id in the body differs from the one in HTTP Basic");
    }
    if params.get("client_secret").is_some_and(|_| !raw_secret.is_empty()) {
        return refuse(
            ErrorCode::InvalidRequest,
            "the client secret was sent twice; send it by HTTP Basic or in the body",
        );
    }
    let decoded = percent_decoded(&raw_secret);
    let method = if raw_secret.is_empty() { AuthMethod::ClientSecretPost } else { AuthMethod::ClientSecretBasic };
    let mut secrets: Vec<_> = params.get("client_secret").map(|s| Secret::new(s.to_owned())).into_iter().collect();
    if decoded != raw_secret {
        secrets.push(Secret::new(decoded));
    }
    secrets.push(Secret::new(raw_secret));
    Ok(Presented { client_id: client_id(&id)?, secrets, method })
}

/// A client id as a request names it.
///
/// # Errors
/// `invalid_client`.
pub fn client_id(text: &str) -> Result<ClientId, OAuthError> {
    ClientId::parse(text)
        .map_err(|_| OAuthError::new(ErrorCode::InvalidClient, "unknown client, or its secret is wrong"))
}

fn basic(header: &str) -> Result<(String, String), OAuthError> {
    let malformed = || {
        OAuthError::new(
            ErrorCode::InvalidClient,
            "the Authorization header is not HTTP Basic with client_id:client_secret",
        )
    };
    let (scheme, encoded) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (id, secret) = text.split_once(':').ok_or_else(malformed)?;
    Ok((id.into(), secret.into()))
}

/// `application/x-www-form-urlencoded` of one value, as RFC 6749 §2.3.1 wants it.
fn percent_decoded(text: &str) -> String {
    let pair = format!("v={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn what_real_clients_send_is_understood() {
        let read = |auth: Option<&str>, body: &str| presented(auth, &Params::decode(body.as_bytes()).unwrap());
        // influxctl's probe: Basic with an empty secret and the id again in the body
        let probe = read(Some(&header("influxctl:")), "client_id=influxctl").unwrap();
        assert_eq!((probe.client_id.as_str(), probe.secrets.len()), ("influxctl", 1));
        // librdkafka: not encoded; others: encoded
        let both = read(Some(&header("app:a%2Bb")), "").unwrap();
        assert!(
            both.secrets.contains(&Secret::new("a+b".to_owned()))
                && both.secrets.contains(&Secret::new("a%2Bb".to_owned()))
        );
        assert_eq!(read(None, "client_id=x&client_secret=y").unwrap().secrets, [Secret::new("y".to_owned())]);
        for (auth, body) in [
            (None, "grant_type=x"),
            (Some("Bearer x".to_owned()), ""),
            (Some(header("nocolon")), ""),
            (Some(header("a:b")), "client_id=c"),
            (Some(header("a:b")), "client_secret=b"),
        ] {
            assert!(read(auth.as_deref(), body).is_err(), "{auth:?} {body}");
        }
    }

    #[test]
    fn a_client_proves_itself_in_one_way() {
        let read = |auth: Option<&str>, body: &str| proof(auth, &Params::decode(body.as_bytes()).unwrap());
        let typed = format!("client_assertion_type={ASSERTION_TYPE}");
        let both = format!("client_assertion=a.b.c&{typed}");
        assert!(matches!(read(None, &both).unwrap(), Proof::Assertion { client_id: None, .. }));
        assert!(matches!(
            read(None, &format!("{both}&client_id=zeebe")).unwrap(),
            Proof::Assertion { client_id: Some(_), .. }
        ));
        assert!(matches!(read(None, "client_id=x").unwrap(), Proof::Named(_)));
        let refused = [
            (None, "client_assertion=a".to_owned()),
            (None, "client_assertion=a&client_assertion_type=x".to_owned()),
            (None, typed),
            (None, format!("{both}&client_secret=s")),
            (Some(header("a:b")), both),
        ];
        for (auth, body) in refused {
            assert_eq!(read(auth.as_deref(), &body).unwrap_err().code, ErrorCode::InvalidRequest, "{auth:?} {body}");
        }
    }
}
