//! OpenID Connect: an application is registered, its redirect URI is ours, and an id and a secret come back.

use super::{Addresses, Step};
use crate::admin::connection::provider::Provider;

/// What the console calls our callback.
pub(super) const fn redirect_uri(provider: Provider) -> &'static str {
    match provider {
        Provider::Entra => "Redirect URI, platform Web",
        Provider::Okta => "Sign-in redirect URIs",
        Provider::Google => "Authorized redirect URIs",
        Provider::Keycloak => "Valid redirect URIs",
        Provider::Auth0 => "Allowed Callback URLs",
        Provider::Adfs | Provider::Oidc | Provider::Saml => "Redirect URI",
    }
}

pub(super) fn steps(provider: Provider, at: &Addresses) -> Vec<Step> {
    let callback = redirect_uri(provider);
    match provider {
        Provider::Entra => vec![
            Step::new(
                "Create the application",
                "In the Entra admin center: *App registrations*, *New registration*, *Accounts in this organizational \
                 directory only*; for several tenants *Accounts in any organizational directory*. Choose the platform *Web* and \
                 paste the first; the other under *Authentication*, *Add URI*, so that people come back from signing out:",
            )
            .paste(callback, &at.callback)
            .paste("Redirect URI after signing out, platform Web", &at.logout_done),
            Step::new(
                "Let it say which groups people are in",
                "*Token configuration*, *Add groups claim*, *Security groups*, with *Group ID*. Also *Add optional claim*, \
                 *ID*: *email*, and *xms_edov*, which says whether an address is the tenant's own. For people in more \
                 than 200 groups: *API permissions*, *Add a permission*, *Microsoft Graph*, *Application permissions*, then *Grant \
                 admin consent*, in every tenant that may sign in:",
            )
            .paste("Permission of Microsoft Graph", "GroupMember.Read.All"),
            Step::new("Make a secret", "*Certificates & secrets*, *New client secret*, *Expires* in 12 months or more. Copy the column *Value*, not *Secret ID*; it is shown this once. Where policies allow no secrets, choose an assertion or a federated credential on the next page."),
            Step::new("Bring back three values", "From *Overview*: *Directory (tenant) ID* and *Application (client) ID*; and the secret's *Value*, with the day it expires. For several tenants: organizations, and their ids."),
        ],
        Provider::Okta => vec![
            Step::new(
                "Create the app integration",
                "In the Admin Console: *Applications*, *Create App Integration*, *OIDC - OpenID Connect*, *Web Application*. \
                 Grant types: *Authorization Code*, and *Refresh Token* to ask Okta again later. Paste:",
            )
            .paste(callback, &at.callback)
            .paste("Sign-out redirect URIs", &at.logout_done),
            Step::new("Let people in", "*Assignments*: the groups or people that may use it."),
            Step::new(
                "Let it say which groups people are in",
                "*Sign On*, *OpenID Connect ID Token*, *Edit*: *Groups claim type* Filter, *Groups claim filter* named groups, \
                 such as *Starts with*. Keep it narrow. We ask for the scope groups. An authorization server of your own (/oauth2/...) has \
                 none: add a scope and a claim of that name there, and the scope to this connection's settings.",
            ),
            Step::new("Bring back three values", "From *General*: *Client ID* and the secret under *Client Secrets*; and your Okta domain."),
        ],
        Provider::Google => vec![
            Step::new(
                "Create the client",
                "In the Google Cloud console: *Google Auth Platform*, *Audience*: *Internal*. Then *Clients*, *Create client*, \
                 *Web application*. Paste:",
            )
            .paste(callback, &at.callback),
            Step::new("Groups", "Google says no groups in its tokens. Where rules need them, connect by SAML instead."),
            Step::new("Bring back two values", "*Client ID* and *Client secret*."),
        ],
        Provider::Keycloak => vec![
            Step::new(
                "Create the client",
                "In the realm: *Clients*, *Create client*, *Client type* OpenID Connect. *Client authentication* on, *Standard \
                 flow* alone. Paste:",
            )
            .paste(callback, &at.callback)
            .paste("Valid post logout redirect URIs", &at.logout_done),
            Step::new("Let it tell us of logouts", "*Settings*, *Logout settings*: *Front channel logout* off, *Backchannel logout session required* on.")
                .paste("Backchannel logout URL", &at.backchannel_logout),
            Step::new(
                "Let it say which groups people are in",
                "*Client scopes*, the dedicated scope, *Add mapper*, *By configuration*, *Group Membership*: *Token Claim Name* \
                 groups, *Full group path* off. Without it the realm roles count as groups.",
            ),
            Step::new("Bring back three values", "The realm's URL, the *Client ID*, and *Credentials*, *Client Secret*."),
        ],
        Provider::Auth0 => vec![
            Step::new(
                "Create the application",
                "In the dashboard: *Applications*, *Create Application*, *Regular Web Applications*. On *Settings* paste:",
            )
            .paste(callback, &at.callback)
            .paste("Allowed Logout URLs", &at.logout_done),
            Step::new(
                "Let it say which groups people are in",
                "Auth0 says them only where an Action adds a claim, whose name is a URL: \
                 api.idToken.setCustomClaim('https://example.com/groups', ...). Under Claims and rules you then write \
                 claims['https://example.com/groups'].",
            ),
            Step::new("Bring back three values", "From *Settings*: *Domain*, *Client ID* and *Client Secret*."),
        ],
        Provider::Adfs => vec![
            Step::new(
                "Create the application group",
                "AD FS Management: *Application Groups*, *Add Application Group*, *Server application accessing a web API*. Paste:",
            )
            .paste(callback, &at.callback)
            .paste("Redirect URI after signing out", &at.logout_done),
            Step::new(
                "Let it say who people are",
                "For the web API: as *Identifier* the *Client Identifier* once more; *Permitted scopes* openid, profile, email and allatclaims; *Issuance Transform Rules*, *Send LDAP \
                 Attributes as Claims*: *E-Mail-Addresses*, *Display-Name*, *Token-Groups - Unqualified Names* as *groups*.",
            ),
            Step::new("Bring back three values", "The federation service name, the *Client Identifier*, and the secret of *Generate a shared secret*."),
        ],
        Provider::Oidc | Provider::Saml => vec![
            Step::new("Register an application there", "Of the kind that has a secret: a web application, a confidential client. It uses the authorization code flow. Paste:")
                .paste(callback, &at.callback)
                .paste("Post-logout redirect URI", &at.logout_done)
                .paste("Back-channel logout URI", &at.backchannel_logout),
            Step::new("Bring back three values", "Its issuer URL, the client id and the client secret. No secret is needed where it takes signed assertions (private_key_jwt); then give it our keys:")
                .paste("JWKS URL", &at.jwks),
        ],
    }
}
