//! Which fields there are, with the words around them.

use super::{Field, Kind, Plan};
use crate::admin::connection::provider::Provider;
use crate::provisioning::EntryProtocol;

const fn field(key: &'static str, kind: Kind, label: &'static str, help: &'static str) -> Field {
    Field { key, label, help, kind }
}

const BINDINGS: &[(&str, &str)] = &[("", "HTTP-Redirect (usual)"), ("post", "HTTP-POST")];
const AUTHENTICATION: &[(&str, &str)] = &[
    ("client_secret_basic", "A secret, in the Authorization header"),
    ("client_secret_post", "A secret, in the body"),
    ("private_key_jwt", "A signed assertion: no secret to renew"),
    ("federated_credential", "Federated credential of Entra ID: nothing to renew"),
];

const NAME: Field = field(
    "display_name",
    Kind::Line,
    "Name on the sign-in page",
    "People choose by this name. You can change it later.",
);
const DOMAINS: Field = field(
    "email_domains",
    Kind::Domains,
    "E-mail domains (optional)",
    "People who type such an address go straight to this provider, and its word on addresses counts for these domains only. One per line.",
);

/// What comes back from the provider.
pub fn provider(provider: Provider, protocol: EntryProtocol) -> Vec<Plan> {
    match protocol {
        EntryProtocol::Oidc => vec![("", "", false, oidc(provider))],
        EntryProtocol::Saml => saml(true),
    }
}

fn oidc(provider: Provider) -> Vec<Field> {
    let (label, help) = provider.asks();
    let client = match provider {
        Provider::Entra => "Application (client) ID",
        Provider::Adfs => "Client Identifier",
        _ => "Client ID",
    };
    let mut fields = Vec::new();
    if provider.issuer().is_none() {
        fields.push(field("issuer", Kind::Issuer, label, help));
    }
    if provider == Provider::Entra {
        let help =
            "Only where the tenant above is organizations or common: who of all of Entra may come in. One id per line.";
        fields.push(field("tenants", Kind::Lines, "Tenants (optional)", help));
    }
    fields.push(field("client_id", Kind::Line, client, ""));
    fields.push(field("client_authentication", Kind::Choice(AUTHENTICATION), "How we prove ourselves", ""));
    fields
}

/// `certificates`: to be entered here; they have a life of their own later.
fn saml(certificates: bool) -> Vec<Plan> {
    let mut by_hand = vec![
        field(
            "entity_id",
            Kind::Line,
            "Entity ID of the provider",
            "Beside metadata that describes several it says which one. By hand it has to be known.",
        ),
        field("sso_url", Kind::Line, "Single sign-on URL", "Where it takes sign-in requests."),
        field("sso_binding", Kind::Choice(BINDINGS), "Binding", ""),
    ];
    if certificates {
        let help = "PEM, or the base64 alone. Several may stand below each other; all of them are trusted.";
        by_hand.push(field("certificates", Kind::Certificates, "Certificates", help));
    }
    vec![
        (
            "",
            "",
            false,
            vec![field(
                "metadata_url",
                Kind::Line,
                "Metadata URL",
                "The best way: we read it again and again, and follow its certificates.",
            )],
        ),
        (
            "Or paste the metadata itself",
            "",
            true,
            vec![field(
                "metadata",
                Kind::Text,
                "Metadata, XML",
                "Where there is no URL. Certificates are then added here before the provider changes them.",
            )],
        ),
        ("Or by hand", "", true, by_hand),
    ]
}

/// What is decided of people who come.
pub fn claims() -> Vec<Plan> {
    let expression = |key, label, help| field(key, Kind::Expression, label, help);
    vec![
        (
            "Who may come in",
            "",
            false,
            vec![expression(
                "allow",
                "Rule (optional)",
                "CEL over claims, such as 'staff' in claims.groups. Empty: everybody that the provider vouches for. A rule that cannot be evaluated refuses.",
            )],
        ),
        (
            "What becomes of their claims",
            "CEL over claims. These are what the preset says; empty takes the preset again, null leaves an attribute out.",
            false,
            vec![
                expression("mapping.email", "E-mail address", ""),
                expression(
                    "mapping.email_verified",
                    "Whether it is verified",
                    "Counts for the connection's own domains only.",
                ),
                expression("mapping.name", "Name", ""),
                expression("mapping.given_name", "Given name", ""),
                expression("mapping.family_name", "Family name", ""),
                expression("mapping.preferred_username", "User name", ""),
                expression("mapping.groups", "Groups", "A list of strings."),
                field(
                    "mapping.attributes",
                    Kind::Attributes,
                    "More attributes (optional)",
                    "One per line: employee_id = claims.employeeid. Rules and applications read them as user.attributes.NAME.",
                ),
            ],
        ),
    ]
}

/// All but claims, credentials and whether it is on.
pub fn settings(of: Provider, protocol: EntryProtocol) -> Vec<Plan> {
    let listed = "Off: it is reached by e-mail domain or by a hint of the application only.";
    let linking = "Whoever is signed in may then sign in here as well and be the same person by both, at /account. Off: only you join identities.";
    let mut out = vec![(
        "Name",
        "",
        false,
        vec![
            NAME,
            DOMAINS,
            field("listed", Kind::Switch(true), "Show it on the sign-in page", listed),
            field("linking", Kind::Switch(false), "People may link it to their account", linking),
        ],
    )];
    match protocol {
        EntryProtocol::Oidc => {
            out.push(("Provider", "", false, oidc(of)));
            out.extend(more_oidc());
        }
        EntryProtocol::Saml => {
            out.extend(saml(false));
            out[1].0 = "Provider";
            out.extend(more_saml());
        }
    }
    out
}

fn more_oidc() -> Vec<Plan> {
    const AUDIENCE: &[(&str, &str)] =
        &[("", "As the preset knows it"), ("issuer", "Its issuer"), ("token_endpoint", "Its token endpoint")];
    const POLICY: &[(&str, &str)] = &[
        ("", "Best effort (usual): ask where it can be asked"),
        ("best_effort", "Best effort"),
        ("require", "Require: no new tokens unless it vouches again"),
        ("login_only", "Login only: what it said then holds"),
    ];
    let line = |key, label, help| field(key, Kind::Line, label, help);
    vec![
        (
            "How it is asked",
            "",
            true,
            vec![
                field(
                    "scopes",
                    Kind::Lines,
                    "Scopes",
                    "One per line. Empty: openid, profile, email, and what the provider needs to say groups.",
                ),
                line("prompt", "Prompt", "Such as login or select_account, at every sign-in."),
                field("max_age", Kind::Number, "Longest time since the person signed in there, in seconds", ""),
                line("acr_values", "acr_values", ""),
                line("domain_hint", "Domain hint", "The organisation to offer first."),
                field("assertion_audience", Kind::Choice(AUDIENCE), "Audience of our assertions", ""),
            ],
        ),
        (
            "Refreshes and sign-out",
            "",
            true,
            vec![
                field("refresh.policy", Kind::Choice(POLICY), "When an application refreshes its tokens", ""),
                field(
                    "refresh.max_age",
                    Kind::Number,
                    "Ask again what is older, in seconds",
                    "Empty: the policy's own.",
                ),
                field(
                    "upstream_logout",
                    Kind::Switch(false),
                    "Sign out there too",
                    "Who signs out here is sent on to the provider's sign-out.",
                ),
            ],
        ),
        (
            "Endpoints by hand",
            "Only for a provider without a discovery document. The first three belong together.",
            true,
            vec![
                line("authorization_endpoint", "Authorization endpoint", ""),
                line("token_endpoint", "Token endpoint", ""),
                line("jwks_uri", "JWKS URI", ""),
                line("userinfo_endpoint", "UserInfo endpoint (optional)", ""),
                line("end_session_endpoint", "End-session endpoint (optional)", ""),
            ],
        ),
    ]
}

fn more_saml() -> Vec<Plan> {
    const SIGNED: &[(&str, &str)] = &[
        ("", "The response or the assertion (usual)"),
        ("response", "The response"),
        ("assertion", "The assertion"),
        ("both", "Both"),
    ];
    const ENCRYPTION: &[(&str, &str)] =
        &[("", "Taken where it comes (usual)"), ("require", "Required"), ("never", "Refused")];
    let line = |key, label, help| field(key, Kind::Line, label, help);
    let switch = |key, usual, label, help| field(key, Kind::Switch(usual), label, help);
    vec![
        (
            "What its answers must be",
            "",
            true,
            vec![
                field("want_signed", Kind::Choice(SIGNED), "What must be signed", ""),
                field("encryption", Kind::Choice(ENCRYPTION), "Encrypted assertions", ""),
                switch(
                    "enforce_certificate_dates",
                    false,
                    "Certificates count within their dates only",
                    "SAML pins keys; dates lapse unnoticed.",
                ),
                line(
                    "subject",
                    "Attribute that says who somebody is",
                    "Empty: the NameID. Changing it makes everybody a new person.",
                ),
                switch(
                    "end_with_idp_session",
                    true,
                    "End our session with theirs",
                    "Where the answer says when theirs ends.",
                ),
            ],
        ),
        (
            "How it is asked",
            "",
            true,
            vec![
                switch("sign_requests", true, "Sign our requests", ""),
                line("name_id_format", "NameID format", ""),
                field(
                    "requested_authn_context",
                    Kind::Lines,
                    "Authentication contexts",
                    "One per line; one of them has to be met.",
                ),
                switch("force_authn", false, "Ask the person anew at every sign-in", ""),
                switch(
                    "send_login_hint",
                    false,
                    "Tell it whom the application expects",
                    "As login_hint in the query of its URL.",
                ),
            ],
        ),
        (
            "Trust in its metadata",
            "",
            true,
            vec![
                switch(
                    "trust_metadata",
                    true,
                    "Trust certificates that appear in it",
                    "Off: new ones are reported, and a person adds them.",
                ),
                field(
                    "metadata_signing_certificate",
                    Kind::Text,
                    "Who must have signed it",
                    "PEM or base64. Empty: its URL vouches for it.",
                ),
            ],
        ),
        (
            "Sign-in that begins there, and sign-out",
            "",
            true,
            vec![
                switch(
                    "allow_idp_initiated",
                    false,
                    "Take sign-ins that begin at the provider",
                    "Each begins a sign-in of ours.",
                ),
                line(
                    "initiate_login_uri",
                    "Where such a sign-in goes on",
                    "An application's page that begins a sign-in.",
                ),
                switch("single_logout", false, "Sign out there too", ""),
                line("slo_url", "Single logout URL", "By hand only; metadata says it itself."),
                field("slo_binding", Kind::Choice(BINDINGS), "Its binding", ""),
                line("slo_response_url", "Where answers to it go", "If elsewhere."),
            ],
        ),
        (
            "Ourselves",
            "",
            true,
            vec![
                line("sp_entity_id", "Our entity id", "Empty: the URL of our metadata."),
                switch("sign_metadata", true, "Sign our metadata", "Off for products that cannot read it so."),
            ],
        ),
    ]
}
