//! The requests that a client of that system sends, sent to the issuer's address. No secret of a client is stored, so a
//! wrong one is sent and has to be refused in due form; nothing here can end in a token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CACHE_CONTROL, HeaderName, ORIGIN, WWW_AUTHENTICATE,
};
use url::Url;

use super::exchange::{Answer, FORM, form, send};
use super::finding::Finding;
use super::system::{Manner, System};
use crate::broker::Broker;
use crate::client::{Client, ClientKind};
use crate::oauth::grant_type::GrantType;
use crate::outbound::FetchError;
use crate::secret::{self, Kind};

const JSON: (HeaderName, &str) = (ACCEPT, "application/json");
const PASS_ON: &str =
    "let whatever stands in front pass /oauth/ on unchanged: method, body, Authorization, status and headers";

pub(super) async fn replay(broker: &Broker, client: &Client, system: &System) -> Vec<Finding> {
    let mut findings = Vec::new();
    if client.is_confidential() {
        findings.push(wrong_secret(broker, client, system).await);
    } else if client.may_use(GrantType::DeviceCode) {
        findings.push(device(broker, client, system).await);
    } else if client.may_use(GrantType::AuthorizationCode) {
        findings.push(wrong_code(broker, client).await);
    }
    if client.may_use(GrantType::AuthorizationCode) {
        findings.extend(authorize(broker, client, system).await);
    }
    if client.kind == ClientKind::Spa {
        findings.extend(cross_origin(broker, client).await);
    }
    findings
}

async fn token(
    broker: &Broker,
    authorization: Option<&str>,
    manner: Manner,
    body: String,
) -> Result<Answer, FetchError> {
    let mut headers = vec![FORM, JSON];
    headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
    if manner == Manner::Raw {
        headers.push((CACHE_CONTROL, "no-cache"));
    }
    send(&broker.ctx, Method::POST, &broker.ctx.urls.at("/oauth/token"), &headers, body).await
}

/// RFC 6749 §5.2: 401 `invalid_client`, with a challenge where Basic was used.
async fn wrong_secret(broker: &Broker, client: &Client, system: &System) -> Finding {
    let name = "token_request";
    let id = client.client_id.as_str();
    let wrong = secret::mint(Kind::ClientSecret, &broker.ctx.rng);
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{}", wrong.expose())));
    let grant = if client.may_use(GrantType::ClientCredentials) { "client_credentials" } else { "authorization_code" };
    let tried = if system.manner == Manner::Body {
        let audience = client.audiences.first().map(|audience| ("audience", audience.as_str()));
        let mut fields = vec![("client_id", id), ("client_secret", wrong.expose()), ("grant_type", grant)];
        fields.extend(audience);
        token(broker, None, system.manner, form(&fields)).await
    } else {
        // librdkafka encodes nothing
        let scope = if system.manner == Manner::Raw { "&scope=a b" } else { "" };
        token(broker, Some(&basic), system.manner, format!("grant_type={grant}{scope}&code=none")).await
    };
    let breaks = "the client cannot tell a wrong secret from a broken broker, and gets no token";
    let answer = match tried {
        Ok(answer) => answer,
        Err(error) => return unreached(name, &error),
    };
    let challenge = !answer.header(WWW_AUTHENTICATE).is_empty() || system.manner == Manner::Body;
    match (answer.status(), answer.error().as_str()) {
        (401, "invalid_client") if challenge => {
            Finding::ok(name, "a wrong secret is refused as it should be: 401 invalid_client")
        }
        (401, "invalid_client") => {
            let says = "a wrong secret in Basic is refused without WWW-Authenticate";
            Finding::warning(name, says, "clients that try Basic first may not try the body", PASS_ON)
        }
        (429, _) => too_often(name),
        (503, _) => {
            let change = "see the broker's log: its database cannot be reached";
            Finding::failure(name, "the token endpoint answers 503", "there are no tokens for anybody", change)
        }
        (status, error) => Finding::failure(name, odd("a wrong secret", status, error), breaks, PASS_ON),
    }
}

fn odd(what: &str, status: u16, error: &str) -> String {
    let error = if error.is_empty() { "and no OAuth error" } else { error };
    format!("{what} is answered with {status} {error}")
}

fn too_often(name: &'static str) -> Finding {
    let change = "ask again in a minute; if it stays, set AVOUCH_TRUSTED_PROXIES, so that callers are told apart";
    Finding::warning(
        name,
        "the broker answers 429: too many failed attempts from here",
        "who comes from the same address is refused too",
        change,
    )
}

fn unreached(name: &'static str, error: &FetchError) -> Finding {
    Finding::failure(name, error.to_string(), "the client gets no token", PASS_ON)
}

/// As golang.org/x/oauth2 does it: no secret, then each poll twice. Nobody is shown the code, so nobody can approve it.
async fn device(broker: &Broker, client: &Client, system: &System) -> Finding {
    let name = "device_request";
    let id = client.client_id.as_str();
    let mut fields = vec![("client_id", id), ("scope", system.scope)];
    fields.extend(client.audiences.first().map(|audience| ("audience", audience.as_str())));
    let url = broker.ctx.urls.at("/oauth/device/code");
    let begun = match send(&broker.ctx, Method::POST, &url, &[FORM, JSON], form(&fields)).await {
        Ok(answer) => answer,
        Err(error) => return unreached(name, &error),
    };
    let document = begun.json();
    let Some(code) = document["device_code"].as_str().filter(|_| begun.status() == 200) else {
        let description = document["error_description"].as_str().unwrap_or_default();
        let says = format!("{} {description}", odd("the device request", begun.status(), &begun.error()));
        return Finding::failure(
            name,
            says.trim().to_owned(),
            "nobody is shown a code to sign in with",
            "give the client the scopes and the audience that it asks for; else: let whatever stands in front pass /oauth/ on",
        );
    };
    let wire = GrantType::DeviceCode.wire();
    let poll = form(&[("client_id", id), ("device_code", code), ("grant_type", wire), ("scope", system.scope)]);
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:")));
    for authorization in [Some(basic.as_str()), None] {
        match token(broker, authorization, system.manner, poll.clone()).await {
            Ok(answer) if answer.error() == "authorization_pending" && answer.status() == 400 => {}
            Ok(answer) => {
                let says = odd("a poll for the device's token", answer.status(), &answer.error());
                return Finding::failure(name, says, "the sign-in ends before anybody could approve it", PASS_ON);
            }
            Err(error) => return unreached(name, &error),
        }
    }
    Finding::ok(name, "the device request is granted, and both polls that follow are told to wait")
}

async fn wrong_code(broker: &Broker, client: &Client) -> Finding {
    let name = "token_request";
    let redirect = client.redirect_uris.first().map(|uri| uri.as_str()).unwrap_or_default();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.client_id.as_str()),
        ("code", "none"),
        ("code_verifier", CHALLENGE),
        ("redirect_uri", redirect),
    ];
    match token(broker, None, Manner::Probing, form(&fields)).await {
        Ok(answer) => match (answer.status(), answer.error().as_str()) {
            (400, "invalid_grant") => {
                Finding::ok(name, "a code that never was is refused as it should be: 400 invalid_grant")
            }
            (429, _) => too_often(name),
            (status, error) => Finding::failure(
                name,
                odd("a code that never was", status, error),
                "no sign-in ends in a token",
                PASS_ON,
            ),
        },
        Err(error) => unreached(name, &error),
    }
}

/// As long as a challenge is.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// More are not looked at.
const MOST: usize = 10;

/// `prompt=none` from a browser that nobody signed in with: back to the client with `login_required`. Any page shown instead
/// is an error page, as for a redirect URI that is not registered.
async fn authorize(broker: &Broker, client: &Client, system: &System) -> Vec<Finding> {
    let name = "authorization_request";
    if client.settings.require_pushed_authorization_requests {
        return vec![Finding::ok(name, "its requests are pushed ahead, and not sent here")];
    }
    let ours = broker.ctx.urls.host();
    let change = format!("let whatever stands in front of {ours} pass /authorize on without a login of its own");
    let mut findings = Vec::new();
    for redirect in client.redirect_uris.iter().take(MOST).map(|uri| uri.as_str()) {
        let fields = form(&[
            ("access_type", "offline"),
            ("client_id", client.client_id.as_str()),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("nonce", "doctor"),
            ("prompt", "none"),
            ("redirect_uri", redirect),
            ("response_type", "code"),
            ("scope", system.scope_of_people()),
            ("state", "doctor"),
        ]);
        let url = format!("{}?{fields}", broker.ctx.urls.at("/authorize"));
        let says = match send(&broker.ctx, Method::GET, &url, &[], String::new()).await {
            Err(FetchError::Redirect { to, .. }) => {
                let host = Url::parse(redirect).ok().and_then(|url| url.host_str().map(str::to_owned));
                if host.is_none_or(|host| host == to) {
                    findings.push(Finding::ok(name, format!("the request comes back to {redirect}")));
                    continue;
                }
                format!("the request for {redirect} is sent to {to}")
            }
            Ok(answer) => {
                format!("the request for {redirect} is answered with {} and goes nowhere", answer.status())
            }
            Err(error) => error.to_string(),
        };
        let breaks = "sign-in stops at a page that is not the broker's, or at an error";
        findings.push(Finding::failure(name, says, breaks, change.as_str()));
    }
    findings
}

/// What a browser asks before it lets a page call the token endpoint (Fetch standard).
async fn cross_origin(broker: &Broker, client: &Client) -> Vec<Finding> {
    let name = "cors";
    let origin = |uri: &str| Url::parse(uri).ok().filter(|url| url.scheme().starts_with("http"));
    let mut origins: Vec<String> = client
        .redirect_uris
        .iter()
        .filter_map(|uri| origin(uri.as_str()))
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.dedup();
    let url = broker.ctx.urls.at("/oauth/token");
    let breaks =
        "the browser blocks the page: No 'Access-Control-Allow-Origin' header is present on the requested resource";
    let mut findings = Vec::new();
    for origin in origins.iter().take(MOST) {
        let preflight = [
            (ORIGIN, origin.as_str()),
            (ACCESS_CONTROL_REQUEST_METHOD, "POST"),
            (ACCESS_CONTROL_REQUEST_HEADERS, "content-type"),
        ];
        let asked = send(&broker.ctx, Method::OPTIONS, &url, &preflight, String::new()).await;
        let sent = send(&broker.ctx, Method::POST, &url, &[FORM, (ORIGIN, origin)], "grant_type=none".into()).await;
        findings.push(match (asked, sent) {
            (Ok(asked), Ok(sent)) => {
                let allowed = |answer: &Answer| answer.header(ACCESS_CONTROL_ALLOW_ORIGIN) == origin;
                let headers = asked.header(ACCESS_CONTROL_ALLOW_HEADERS).to_lowercase();
                if asked.status() < 300 && allowed(&asked) && allowed(&sent) && headers.contains("content-type") {
                    Finding::ok(name, format!("pages of {origin} may call the token endpoint"))
                } else {
                    let says = format!("the answers to pages of {origin} lack what this broker says: something in front answers itself or takes Access-Control-* away");
                    Finding::failure(name, says, breaks, "let it pass OPTIONS on, and Access-Control-* back, unchanged")
                }
            }
            (Err(error), _) | (_, Err(error)) => Finding::failure(name, error.to_string(), breaks, PASS_ON),
        });
    }
    findings
}
