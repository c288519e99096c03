//! SAML 2.0: the provider is told who we are, by our metadata or field by field, and its metadata comes back.

use super::{Addresses, Step};
use crate::admin::connection::provider::Provider;

/// What the console calls our entity id.
pub(super) const fn entity_id(provider: Provider) -> &'static str {
    match provider {
        Provider::Entra => "Identifier (Entity ID)",
        Provider::Okta => "Audience URI (SP Entity ID)",
        Provider::Keycloak => "Client ID",
        Provider::Adfs => "Relying party identifier",
        _ => "Entity ID",
    }
}

/// What it calls the assertion consumer service.
pub(super) const fn acs(provider: Provider) -> &'static str {
    match provider {
        Provider::Entra => "Reply URL (Assertion Consumer Service URL)",
        Provider::Okta => "Single sign-on URL",
        Provider::Keycloak => "Valid redirect URIs, and Assertion Consumer Service POST Binding URL",
        Provider::Auth0 => "Application Callback URL",
        _ => "ACS URL",
    }
}

pub(super) fn steps(provider: Provider, at: &Addresses) -> Vec<Step> {
    let told = |step: Step| step.paste(entity_id(provider), &at.metadata).paste(acs(provider), &at.acs);
    match provider {
        Provider::Entra => vec![
            told(Step::new(
                "Create the enterprise application",
                "In the Entra admin center: *Enterprise apps*, *New application*, *Create your own application*, *Integrate any \
                 other application you don't find in the gallery (Non-gallery)*. Then *Single sign-on*, *SAML*, *Basic SAML \
                 Configuration*. Leave *Sign on URL* and *Relay State* empty. Paste:",
            ))
            .paste("Logout Url (Optional)", &at.slo),
            Step::new(
                "Attributes & Claims",
                "*Unique User Identifier (Name ID)*: source attribute user.objectid, name identifier format *Persistent*. *Add a \
                 group claim*: *Groups assigned to the application*, source attribute *Group ID*, and in the advanced options \
                 *Customize the name of the group claim*: groups, without a namespace.",
            ),
            Step::new(
                "SAML Certificates",
                "*Signing Option*: *Sign SAML response and assertion*. *Signing Algorithm*: *SHA-256*; SHA-1 is refused here. Then assign \
                 people under *Users and groups*.",
            ),
            Step::new("Bring back its metadata", "*SAML Certificates*: copy *App Federation Metadata Url*."),
        ],
        Provider::Okta => vec![
            told(Step::new(
                "Create the app integration",
                "In the Admin Console: *Applications*, *Create App Integration*, *SAML 2.0*. Tick *Use this for Recipient URL and \
                 Destination URL*, leave *Default RelayState* empty. Paste:",
            )),
            Step::new(
                "Who somebody is",
                "*Name ID format*: *Persistent*. *Application username*: *Custom*, and paste:",
            )
            .paste("Application username", "user.getInternalProperty(\"id\")"),
            Step::new(
                "Show Advanced Settings",
                "*Response* and *Assertion Signature*: *Signed*. *RSA-SHA256*, *SHA256*. *Attribute Statements*: email, firstName, lastName and \
                 displayName from user.email and so on. *Group Attribute Statements*: groups, with a narrow filter.",
            ),
            Step::new("Bring back its metadata", "Assign people or groups, then copy *Metadata URL* from *Sign On*."),
        ],
        Provider::Google => vec![
            told(Step::new(
                "Add the app",
                "In the Admin console: *Apps*, *Web and mobile apps*, *Add app*, *Add custom SAML app*. On *Google Identity Provider details* \
                 press *Download metadata*. Then, on *Service provider details*, leave *Start URL* empty, tick *Signed response*, and paste:",
            )),
            Step::new(
                "Who somebody is",
                "*Name ID format*: *EMAIL*. *Name ID*: *Basic Information > Primary email*. *Attribute mapping*: Primary email as email, First name as \
                 firstName, Last name as lastName; *Group membership* as groups.",
            ),
            Step::new("Bring back its metadata", "The file of *Download metadata*: open it and paste what it holds. Turn the app on under *User access*."),
        ],
        Provider::Keycloak => vec![
            told(Step::new(
                "Create the client",
                "In the realm: *Clients*, *Import client* with our metadata, or *Create client*, *Client type* SAML. Leave *Master SAML Processing \
                 URL* empty. Paste:",
            ))
            .paste("Logout Service POST (and Redirect) Binding URL", &at.slo),
            Step::new(
                "SAML capabilities",
                "*Name ID format* persistent, *Force name ID format* on, *Force POST binding* on, *Include AuthnStatement* on. *Sign documents* and *Sign \
                 assertions* on, *Signature algorithm* RSA_SHA256, *Canonicalization method* EXCLUSIVE. Let it follow our keys:",
            )
            .paste("Metadata descriptor URL", &at.metadata),
            Step::new(
                "Client scopes",
                "The dedicated scope, *Add predefined mapper*: *X500 email*, *X500 givenName*, *X500 surname*. *Add mapper*, *By configuration*, *Group \
                 list*: *Group attribute name* groups, *Single Group Attribute* on, *Full group path* off.",
            ),
            Step::new("Bring back its metadata", "*Realm settings*, *General*, *SAML 2.0 Identity Provider Metadata*: copy the link."),
        ],
        Provider::Adfs => vec![
            Step::new(
                "Add the relying party trust",
                "AD FS Management: *Relying Party Trusts*, *Add Relying Party Trust*, *Claims aware*, *Import data about the relying party published \
                 online or on a local network*. It follows our key changes by itself from then on. Paste:",
            )
            .paste("Federation metadata address", &at.metadata),
            Step::new(
                "Edit Claim Issuance Policy",
                "*Send LDAP Attributes as Claims*, attribute store *Active Directory*: *E-Mail-Addresses* as *E-Mail Address*, *Display-Name* as \
                 displayName (typed), *Given-Name*, *Surname*, *User-Principal-Name* as *UPN*, *Token-Groups - Unqualified Names* as groups. And \
                 *Transform an Incoming Claim*: *UPN* to *Name ID*, *Persistent Identifier*; better, objectGUID by a custom rule.",
            ),
            Step::new("Sign with SHA-256", "*Properties*, *Advanced*, *Secure hash algorithm*: *SHA-256*."),
            Step::new("Bring back its metadata", "Its URL is https://HOST/FederationMetadata/2007-06/FederationMetadata.xml, with your federation service name."),
        ],
        Provider::Auth0 => vec![
            told(Step::new(
                "Create the application",
                "In the dashboard: *Applications*, *Create Application*, *Regular Web Applications*, then *Addons*, *SAML2 Web App*, *Settings*. The \
                 entity id is audience there. Paste:",
            )),
            Step::new("Sign the whole answer", "In the add-on's settings: signResponse true, signatureAlgorithm rsa-sha256, digestAlgorithm sha256."),
            Step::new("Bring back its metadata", "*Addons*, *SAML2 Web App*, *Usage*: *Identity Provider Metadata*."),
        ],
        Provider::Oidc | Provider::Saml => vec![
            told(Step::new("Give it our metadata", "The URL is enough where it reads metadata; the rest follows from it, and our key changes too. Field by field:")).paste("Single logout URL", &at.slo),
            Step::new(
                "What its answers must be",
                "By *HTTP-POST*, signed with SHA-256 or longer, with one assertion. The NameID is persistent, or an attribute says who somebody is. Attributes \
                 such as mail, displayName and groups.",
            ),
            Step::new("Bring back its metadata", "By URL, which follows its certificates; or as a file; or its entity id, SSO URL and certificates by hand."),
        ],
    }
}
