//! The providers that the desk knows by name: what they are called, what they speak, and how what an administrator copies
//! from their pages becomes an issuer. How claims become a profile is the preset's.

use url::Url;

use crate::connection::{ClientAuthentication, Connection, Preset, Protocol};
use crate::provisioning::EntryProtocol;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Entra,
    Okta,
    Google,
    Keycloak,
    Auth0,
    Adfs,
    Oidc,
    Saml,
}

impl Provider {
    pub const ALL: [Self; 8] =
        [Self::Entra, Self::Okta, Self::Google, Self::Keycloak, Self::Auth0, Self::Adfs, Self::Oidc, Self::Saml];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::Google => "google",
            Self::Keycloak => "keycloak",
            Self::Auth0 => "auth0",
            Self::Adfs => "adfs",
            Self::Oidc => "oidc",
            Self::Saml => "saml",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.word() == word)
    }

    /// As the wizard's choice names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entra => "Microsoft Entra ID",
            Self::Okta => "Okta",
            Self::Google => "Google Workspace",
            Self::Keycloak => "Keycloak",
            Self::Auth0 => "Auth0",
            Self::Adfs => "AD FS",
            Self::Oidc => "Other, OpenID Connect",
            Self::Saml => "Other, SAML 2.0",
        }
    }

    /// Within a sentence: "Register Avouch at Entra ID".
    pub const fn place(self) -> &'static str {
        match self {
            Self::Entra => "Entra ID",
            Self::Okta => "Okta",
            Self::Google => "Google",
            Self::Keycloak => "Keycloak",
            Self::Auth0 => "Auth0",
            Self::Adfs => "AD FS",
            Self::Oidc | Self::Saml => "the provider",
        }
    }

    pub const fn about(self) -> &'static str {
        match self {
            Self::Entra => "OpenID Connect or SAML; was Azure AD",
            Self::Okta | Self::Google | Self::Keycloak | Self::Auth0 => "OpenID Connect or SAML",
            Self::Adfs => "SAML from metadata, or OpenID Connect",
            Self::Oidc => "You know its issuer URL",
            Self::Saml => "You have its metadata",
        }
    }

    pub const fn preset(self) -> Preset {
        match self {
            Self::Entra => Preset::Entra,
            Self::Okta => Preset::Okta,
            Self::Google => Preset::Google,
            Self::Keycloak => Preset::Keycloak,
            Self::Auth0 => Preset::Auth0,
            Self::Adfs => Preset::Adfs,
            Self::Oidc | Self::Saml => Preset::Generic,
        }
    }

    /// What it speaks best.
    pub const fn usual(self) -> EntryProtocol {
        match self {
            Self::Adfs | Self::Saml => EntryProtocol::Saml,
            _ => EntryProtocol::Oidc,
        }
    }

    /// What a stored connection was made for.
    pub const fn of(connection: &Connection) -> Self {
        match (connection.preset, &connection.protocol) {
            (Some(Preset::Entra), _) => Self::Entra,
            (Some(Preset::Okta), _) => Self::Okta,
            (Some(Preset::Google), _) => Self::Google,
            (Some(Preset::Keycloak), _) => Self::Keycloak,
            (Some(Preset::Auth0), _) => Self::Auth0,
            (Some(Preset::Adfs), _) => Self::Adfs,
            (Some(Preset::Generic) | None, Protocol::Oidc(_)) => Self::Oidc,
            (Some(Preset::Generic) | None, Protocol::Saml(_)) => Self::Saml,
        }
    }

    /// How its console has clients prove themselves unless told otherwise.
    pub const fn client_authentication(self) -> ClientAuthentication {
        match self {
            Self::Entra | Self::Auth0 | Self::Adfs => ClientAuthentication::ClientSecretPost,
            _ => ClientAuthentication::ClientSecretBasic,
        }
    }

    /// The one issuer that there is.
    pub const fn issuer(self) -> Option<&'static str> {
        match self {
            Self::Google => Some("https://accounts.google.com"),
            _ => None,
        }
    }

    /// What is asked for in place of an issuer: the label, and the help below it.
    pub const fn asks(self) -> (&'static str, &'static str) {
        match self {
            Self::Entra => (
                "Directory (tenant) ID",
                "On the application's Overview page. For several tenants write organizations, and list them below.",
            ),
            Self::Okta => ("Okta domain", "In the menu at the top right, such as contoso.okta.com."),
            Self::Google => ("Issuer", "Google has one for everybody."),
            Self::Keycloak => {
                ("Realm URL", "Such as https://keycloak.example.com/realms/contoso, as Realm settings has it.")
            }
            Self::Auth0 => ("Domain", "On the application's Settings tab, such as contoso.eu.auth0.com."),
            Self::Adfs => ("Federation service name", "Such as adfs.contoso.com; Get-AdfsProperties says HostName."),
            Self::Oidc | Self::Saml => (
                "Issuer URL",
                "As the provider writes it, byte for byte. We read /.well-known/openid-configuration below it.",
            ),
        }
    }

    /// The issuer behind what was typed: a URL as it stands, and what this provider's console shows in place of one.
    ///
    /// # Errors
    /// A sentence for beside the field.
    pub fn issuer_of(self, typed: &str) -> Result<String, String> {
        let typed = typed.trim();
        if let Some(issuer) = self.issuer() {
            return Ok(issuer.into());
        }
        if typed.starts_with("https://") || typed.starts_with("http://") {
            return match Url::parse(typed) {
                Ok(_) => Ok(typed.into()),
                Err(_) => Err(format!("{typed} is not a complete URL. Write it like https://idp.example.com.")),
            };
        }
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
        match self {
            Self::Entra if plain(typed) => Ok(format!("https://login.microsoftonline.com/{typed}/v2.0")),
            Self::Okta if is_host(typed) => Ok(format!("https://{typed}")),
            // the slash at the end is part of it
            Self::Auth0 if is_host(typed) => Ok(format!("https://{typed}/")),
            Self::Adfs if is_host(typed) => Ok(format!("https://{typed}/adfs")),
            Self::Entra => {
                Err("Copy the id as Entra shows it: 32 hex digits with dashes, or the domain of the tenant.".into())
            }
            Self::Okta | Self::Auth0 | Self::Adfs => {
                Err(format!("{typed} is not a host name. Write it as its own page shows it, or the whole issuer URL."))
            }
            Self::Google | Self::Keycloak | Self::Oidc | Self::Saml => {
                Err(format!("{typed} is not a complete URL. Write it like https://idp.example.com."))
            }
        }
    }

    /// [`Self::issuer_of`] backwards, where that loses nothing.
    pub fn typed_of(self, issuer: &str) -> String {
        let inside = match self {
            Self::Entra => {
                issuer.strip_prefix("https://login.microsoftonline.com/").and_then(|rest| rest.strip_suffix("/v2.0"))
            }
            Self::Okta => issuer.strip_prefix("https://"),
            Self::Auth0 => issuer.strip_prefix("https://").and_then(|rest| rest.strip_suffix('/')),
            Self::Adfs => issuer.strip_prefix("https://").and_then(|rest| rest.strip_suffix("/adfs")),
            Self::Google | Self::Keycloak | Self::Oidc | Self::Saml => None,
        };
        let short = inside.filter(|short| self.issuer_of(short).as_deref() == Ok(issuer));
        short.unwrap_or(issuer).to_owned()
    }
}

fn is_host(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_console_shows_becomes_the_issuer_and_back() {
        for (provider, typed, issuer) in [
            (Provider::Entra, "11111111-2222", "https://login.microsoftonline.com/11111111-2222/v2.0"),
            (Provider::Entra, "organizations", "https://login.microsoftonline.com/organizations/v2.0"),
            (Provider::Okta, "contoso.okta.com", "https://contoso.okta.com"),
            (Provider::Okta, "https://contoso.okta.com/oauth2/default", "https://contoso.okta.com/oauth2/default"),
            (Provider::Auth0, "contoso.eu.auth0.com", "https://contoso.eu.auth0.com/"),
            (Provider::Auth0, "https://login.contoso.com", "https://login.contoso.com"),
            (Provider::Adfs, "adfs.contoso.com", "https://adfs.contoso.com/adfs"),
            (Provider::Google, "https://accounts.google.com", "https://accounts.google.com"),
            (Provider::Keycloak, "https://k.example/realms/a", "https://k.example/realms/a"),
        ] {
            assert_eq!(provider.issuer_of(typed).unwrap(), issuer);
            assert_eq!(provider.typed_of(issuer), typed);
        }
        for (provider, typed) in [
            (Provider::Entra, "a/b"),
            (Provider::Okta, "contoso"),
            (Provider::Auth0, "<script>.com"),
            (Provider::Oidc, "idp.example.com"),
            (Provider::Oidc, "https://"),
        ] {
            assert!(provider.issuer_of(typed).is_err(), "{typed}");
        }
    }
}
