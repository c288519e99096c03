//! How a client proves itself in a request: HTTP Basic, body parameters, or its name alone (RFC 6749 §2.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ClientId;
use super::authentication::Presented;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::secret::Secret;

/// Reads the proof. Go's x/oauth2 probes with Basic and an empty secret, librdkafka sends Basic unencoded, others
/// percent-encode it: both readings become candidates.
///
/// # Errors
/// `invalid_request` or `invalid_client` when it is malformed, contradicts itself or is absent.
pub fn presented(authorization: Option<&str>, params: &Params) -> Result<Presented, OAuthError> {
    let refuse = |code, text: &'static str| Err(OAuthError::new(code, text));
    if params.get("client_assertion").is_some() || params.get("client_assertion_type").is_some() {
        return refuse(ErrorCode::InvalidClient, "client assertions are not supported yet; use a client secret");
    }
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
        return Ok(Presented { client_id: client_id(id)?, secrets });
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
    let mut secrets: Vec<_> = params.get("client_secret").map(|s| Secret::new(s.to_owned())).into_iter().collect();
    if decoded != raw_secret {
        secrets.push(Secret::new(decoded));
    }
    secrets.push(Secret::new(raw_secret));
    Ok(Presented { client_id: client_id(&id)?, secrets })
}

fn client_id(text: &str) -> Result<ClientId, OAuthError> {
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
}
