//! What each system demands of a token and of our keys, as a table: the facts are in REQUIREMENTS and in the documents under
//! docs/integrations; the checks that read the table know no system by name.

use crate::client::{Client, ClientKind};
use crate::oauth::grant_type::GrantType;

/// Which of our tokens a system reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    AccessToken,
    IdToken,
}

/// How much a claim matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Without it nothing works.
    Must,
    /// Without it people get in and are nobody in particular.
    Should,
    No,
}

/// How its requests to the token endpoint look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// golang.org/x/oauth2: Basic first, and the same in the body at once.
    Probing,
    /// librdkafka: Basic and a scope that are not encoded.
    Raw,
    /// Camunda's Java client: all of it in the body, with `audience`.
    Body,
}

pub struct System {
    pub name: &'static str,
    pub title: &'static str,
    pub reads: Reads,
    /// What it asks for, as far as the client may have it.
    pub scope: &'static str,
    pub manner: Manner,
    /// What it says to `at+jwt`: absent where it takes that; a warning only where nobody knows.
    pub refuses_at_jwt: Option<(Need, &'static str)>,
    pub algs: &'static [&'static str],
    /// Grave only where it is known that it refuses the others.
    pub wrong_alg: (Need, &'static str),
    pub wrong_issuer: &'static str,
    pub wrong_audience: &'static str,
    pub unknown_key: &'static str,
    /// What it says to a `scope` with nothing in it. Absent: it takes that.
    pub empty_scope: Option<&'static str>,
    pub groups: Need,
    pub without_groups: &'static str,
    /// What becomes of groups that are no list. Absent: it takes them.
    pub groups_as_text: Option<&'static str>,
    pub email: Need,
    pub without_email: &'static str,
    /// An e-mail address that is not verified is refused: its words.
    pub unverified_email: Option<&'static str>,
    /// Bytes of a token that it takes, and its words to a longer one.
    pub most: (usize, &'static str),
    pub keys: KeyCache,
    /// Substrings of redirect URIs by which a client of it is known.
    known_by: &'static [&'static str],
}

/// How a system keeps the JWKS, in seconds.
pub struct KeyCache {
    /// Where the answer says nothing.
    pub usual: u64,
    /// What it makes of `max-age`; absent: it does not look at it.
    pub follows: Option<(u64, u64)>,
}

const ALL_ALGS: &[&str] = &["RS256", "PS256", "ES256", "EdDSA"];
const JAVA: &[&str] = &["RS256", "PS256", "ES256"];
/// All headers of a request together, at Tomcat and nginx; what is left for others' headers is taken off.
const HEADERS: usize = 8192 - 1024;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

const GENERAL: System = System {
    name: "general",
    title: "any OpenID Connect application",
    reads: Reads::AccessToken,
    scope: "openid profile email groups offline_access",
    manner: Manner::Probing,
    refuses_at_jwt: None,
    algs: ALL_ALGS,
    wrong_alg: (Need::Must, "validators refuse algorithms that they do not know"),
    wrong_issuer: "iss is compared byte for byte: every token is refused",
    wrong_audience: "a validator that compares aud refuses every token",
    unknown_key: "no key fits the token's kid: every signature is refused",
    empty_scope: None,
    groups: Need::No,
    without_groups: "",
    groups_as_text: Some("programs that read a list fail or see no group"),
    email: Need::No,
    without_email: "",
    unverified_email: None,
    most: (HEADERS, "400 or 431: the request's headers are too large"),
    keys: KeyCache { usual: HOUR, follows: None },
    known_by: &[],
};

/// By name, in the order of their presets; the last is for whoever is none of them.
pub const SYSTEMS: &[System] = &[
    System {
        name: "influxdb",
        title: "InfluxDB Clustered",
        refuses_at_jwt: Some((
            Need::Should,
            "which types its validator takes is not published; a strict one answers Unauthorized",
        )),
        algs: &["RS256"],
        wrong_alg: (
            Need::Should,
            "which algorithms its validator takes is not published, RS256 is what its documented providers sign with: Unauthorized otherwise",
        ),
        wrong_audience: "Unauthorized: a cluster takes tokens for itself only",
        unknown_key: "Unauthorized: no key of jwksEndpoint fits",
        scope: "openid profile email offline_access",
        ..GENERAL
    },
    System {
        name: "influxctl",
        title: "influxctl",
        refuses_at_jwt: Some((
            Need::Should,
            "which types the cluster's validator takes is not published; a strict one answers Unauthorized",
        )),
        algs: &["RS256"],
        wrong_alg: (
            Need::Should,
            "which algorithms its validator takes is not published, RS256 is what its documented providers sign with: Unauthorized otherwise",
        ),
        wrong_audience: "Unauthorized: the cluster takes tokens for itself only",
        unknown_key: "Unauthorized: no key of jwksEndpoint fits",
        scope: "openid profile email offline_access",
        ..GENERAL
    },
    System {
        name: "kafka",
        title: "Kafka",
        scope: "",
        manner: Manner::Raw,
        algs: JAVA,
        wrong_alg: (
            Need::Should,
            "brokers on an old Java: InvalidAlgorithmException, and Authentication failed at the client",
        ),
        wrong_issuer: "JWT rejected due to invalid claims: Issuer (iss) claim value doesn't match expected value",
        wrong_audience: "JWT rejected due to invalid claims: Audience (aud) claim doesn't contain an acceptable identifier",
        empty_scope: Some("its broker takes no token with an empty scope: Authentication failed"),
        unknown_key: "UnresolvableKeyException: Unable to find a suitable verification key for JWS",
        most: (512 << 10, "sasl.server.max.receive.size: the broker closes the connection"),
        keys: KeyCache { usual: HOUR, follows: None },
        ..GENERAL
    },
    System {
        name: "confluent",
        title: "Confluent Cloud",
        scope: "",
        manner: Manner::Raw,
        algs: &["RS256"],
        wrong_alg: (Need::Should, "JWT_PROCESSING_FAILED where Confluent does not take that algorithm; RS256 it does"),
        wrong_issuer: "JWT_PROCESSING_FAILED: no identity provider of that issuer",
        wrong_audience: "no identity pool's filter on claims.aud matches: Authentication failed",
        unknown_key: "JWT_PROCESSING_FAILED until its JWKS is refreshed",
        keys: KeyCache { usual: DAY, follows: Some((300, 7 * DAY)) },
        ..GENERAL
    },
    System {
        name: "camunda",
        title: "Camunda 8",
        scope: "openid email profile offline_access",
        manner: Manner::Body,
        refuses_at_jwt: Some((
            Need::Must,
            "An error occurred while attempting to decode the Jwt: JOSE header typ (type) at+jwt not allowed",
        )),
        algs: &["RS256"],
        wrong_alg: (Need::Must, "Signed JWT rejected: Another algorithm expected, or no matching key(s) found"),
        wrong_issuer: "An error occurred while attempting to decode the Jwt: The iss claim is not valid",
        wrong_audience: "401: the required audience is missing",
        unknown_key: "Signed JWT rejected: Another algorithm expected, or no matching key(s) found",
        groups_as_text: Some("mapping rules that compare a list do not match"),
        most: (HEADERS, "400 Bad Request: Request header is too large (Tomcat)"),
        keys: KeyCache { usual: 300, follows: None },
        known_by: &["/sso-callback", "/auth/login-callback", "/api/authentication/callback", "/login-callback"],
        ..GENERAL
    },
    System {
        name: "kubernetes",
        title: "Kubernetes",
        reads: Reads::IdToken,
        scope: "openid email groups",
        algs: &["RS256"],
        wrong_alg: (
            Need::Should,
            "with the flags --oidc-*, which take RS256 unless --oidc-signing-algs says more: oidc: malformed jwt: unexpected signature algorithm",
        ),
        wrong_issuer: "oidc: id token issued by a different provider",
        wrong_audience: "oidc: verify token: oidc: expected audience in jwt.Claims.Audiences to match",
        unknown_key: "oidc: verify token: failed to verify signature: failed to verify id token signature",
        groups: Need::Should,
        without_groups: "forbidden: people are known by name only, and no RoleBinding to a group takes hold",
        groups_as_text: None,
        email: Need::Should,
        without_email: "with --oidc-username-claim=email: oidc: parse username claims: claim not present",
        unverified_email: Some("with --oidc-username-claim=email: oidc: email not verified"),
        most: (HEADERS, "431 or 400 of whatever stands in front of the API server"),
        known_by: &["localhost:8000", "localhost:18000"],
        ..GENERAL
    },
    System {
        name: "grafana",
        title: "Grafana",
        reads: Reads::IdToken,
        scope: "openid profile email groups",
        wrong_alg: (Need::Should, "with id_token validation: the ID token is refused"),
        wrong_issuer: "with id_token validation: the ID token is refused",
        unknown_key: "with id_token validation: Signing key not found",
        groups: Need::Should,
        without_groups: "role_attribute_path finds no groups: everybody is a Viewer, or is refused with role_attribute_strict",
        groups_as_text: Some(
            "contains(groups[*], ...) is null: everybody is a Viewer, or is refused with role_attribute_strict",
        ),
        email: Need::Must,
        without_email: "it asks for {api_url}/emails, which there is not: Error getting email address",
        known_by: &["/login/generic_oauth"],
        most: (64 << 10, "with MySQL, its database column holds no longer token: sign-in fails"),
        ..GENERAL
    },
    System {
        name: "argocd",
        title: "Argo CD",
        reads: Reads::IdToken,
        scope: "openid profile email groups",
        algs: &["RS256", "PS256", "ES256"],
        wrong_alg: (
            Need::Should,
            "old versions: failed to verify the token: oidc: malformed jwt: unexpected signature algorithm",
        ),
        wrong_issuer: "failed to verify the token: oidc: id token issued by a different provider",
        wrong_audience: "failed to verify the token: token has been issued for another audience",
        unknown_key: "failed to verify the token: failed to verify id token signature",
        groups: Need::Must,
        without_groups: "permission denied: policy.csv knows people by their groups",
        groups_as_text: Some("invalid argo claims: json: cannot unmarshal string into []string"),
        email: Need::Should,
        without_email: "people are shown by their sub",
        most: (20 * 4093, "the authentication token requires more than 20 cookies, the maximum"),
        known_by: &["localhost:8085", "/auth/callback"],
        ..GENERAL
    },
    GENERAL,
];

/// By the name that commands and addresses use.
pub fn named(name: &str) -> Option<&'static System> {
    SYSTEMS.iter().find(|system| system.name == name)
}

/// By the client's redirect URIs, or else what it may do. Machines of different systems look alike: general rules then.
pub fn guessed(client: &Client) -> &'static System {
    let is_of = |system: &&System| {
        let known = |uri: &str| system.known_by.iter().any(|mark| uri.contains(mark));
        client.redirect_uris.iter().any(|uri| known(uri.as_str()))
    };
    let by_device = client.may_use(GrantType::DeviceCode) && client.kind == ClientKind::Native;
    let found = SYSTEMS.iter().find(is_of);
    let found = found.or_else(|| if by_device && client.redirect_uris.is_empty() { named("influxctl") } else { None });
    found.unwrap_or(&SYSTEMS[SYSTEMS.len() - 1])
}
