//! Setting a connection up, step by step, each with an address of its own. After the first step it is stored, switched off:
//! the state of the way is the connection itself, and every step can be opened again.

pub mod pages;

use serde_json::json;

use super::form;
use super::provider::Provider;
use crate::admin::form::{FieldErrors, given};
use crate::connection::certificate::pem;
use crate::connection::{Connection, KeyUse, Slug};
use crate::provisioning::{ConnectionEntry, EntryProtocol};

pub const STEPS: [&str; 5] = ["Provider and name", "Register Avouch there", "Credentials", "Claims and access", "Test"];

/// The first step as it was typed.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Beginning {
    #[serde(default)]
    pub provider: String,
    #[serde(default)]
    pub protocol: String,
    #[serde(default)]
    pub display_name: String,
    #[serde(default)]
    pub slug: String,
    #[serde(default)]
    pub email_domains: String,
}

impl Beginning {
    /// A connection that is switched off and knows nothing of its provider yet. `taken` says whether a slug is.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn entry(&self, taken: impl Fn(&str) -> bool) -> Result<ConnectionEntry, FieldErrors> {
        let mut errors = FieldErrors::default();
        let provider = Provider::parse(&self.provider);
        if provider.is_none() {
            errors.add("provider", "Choose who runs the sign-in page.");
        }
        let provider = provider.unwrap_or(Provider::Oidc);
        let protocol = self.protocol(provider).unwrap_or_else(|message| {
            errors.add("protocol", message);
            provider.usual()
        });
        let name = given(&self.display_name);
        if name.is_none() {
            errors.add("display_name", "Write the name that people know the company by.");
        }
        let slug = self.slug(taken).unwrap_or_else(|message| {
            errors.add("slug", message);
            String::new()
        });
        let domains = form::domains(&self.email_domains).unwrap_or_else(|message| {
            errors.add("email_domains", message);
            Vec::new()
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut entry = json!({
            "slug": slug, "display_name": name, "protocol": protocol, "preset": provider.preset(), "enabled": false,
            "email_domains": domains,
        });
        if protocol == EntryProtocol::Oidc {
            entry["client_authentication"] = json!(provider.client_authentication());
            if let Some(issuer) = provider.issuer() {
                entry["issuer"] = issuer.into();
            }
        }
        serde_json::from_value(entry).map_err(|error| FieldErrors::one("slug", format!("That does not fit: {error}.")))
    }

    fn protocol(&self, provider: Provider) -> Result<EntryProtocol, &'static str> {
        match (self.protocol.as_str(), provider) {
            ("saml", Provider::Oidc) => Err("The choice above is OpenID Connect. Choose Other, SAML 2.0 there."),
            ("oidc", Provider::Saml) => Err("The choice above is SAML 2.0. Choose Other, OpenID Connect there."),
            ("oidc", _) => Ok(EntryProtocol::Oidc),
            ("saml", _) => Ok(EntryProtocol::Saml),
            _ => Ok(provider.usual()),
        }
    }

    fn slug(&self, taken: impl Fn(&str) -> bool) -> Result<String, String> {
        let made = || slug_of(&self.display_name);
        let free = |base: &str| {
            let numbered = (2..100).map(|number| format!("{base}-{number}"));
            [made(), base.to_owned()].into_iter().chain(numbered).find(|slug| Slug::parse(slug).is_ok() && !taken(slug))
        };
        let Some(typed) = given(&self.slug) else {
            return free(&made()).ok_or_else(|| "Write one: none can be made of the name.".into());
        };
        if Slug::parse(&typed).is_err() {
            return Err(format!(
                "{typed} cannot be part of an address. Use small letters, digits and dashes, at most 63, no dash at the ends."
            ));
        }
        if !taken(&typed) {
            return Ok(typed);
        }
        let instead = free(&typed).map(|slug| format!(" Try {slug}.")).unwrap_or_default();
        Err(format!("Another connection already uses {typed}.{instead}"))
    }
}

/// `Northwind Traders GmbH` becomes `northwind-traders-gmbh`.
fn slug_of(name: &str) -> String {
    let dashed: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(60).collect::<String>().trim_matches('-').to_owned()
}

/// Our certificates as files for a console that reads no metadata: the name of the use, and PEM.
pub fn certificates(one: &Connection) -> Vec<(&'static str, String)> {
    let uses = [(KeyUse::Signing, "Signing certificate"), (KeyUse::Encryption, "Encryption certificate")];
    let own = uses.into_iter().filter_map(|(usage, name)| {
        let key = one.active_key(usage).filter(|key| usage == KeyUse::Signing || key.key_use().is_some())?;
        Some((name, pem(&key.public.as_ref()?.certificate)))
    });
    own.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beginning(slug: &str) -> Beginning {
        Beginning {
            provider: "entra".into(),
            display_name: "Northwind Traders".into(),
            slug: slug.into(),
            ..Beginning::default()
        }
    }

    #[test]
    fn slugs_are_made_of_names_and_another_is_offered() {
        assert_eq!(slug_of("  Müller & Söhne -- GmbH "), "m-ller-s-hne-gmbh");
        assert_eq!(beginning("").entry(|_| false).unwrap().slug.as_str(), "northwind-traders");
        assert_eq!(
            beginning("").entry(|slug| slug == "northwind-traders").unwrap().slug.as_str(),
            "northwind-traders-2"
        );
        let errors = beginning("northwind").entry(|slug| slug == "northwind").unwrap_err();
        assert_eq!(errors.at("slug").unwrap(), "Another connection already uses northwind. Try northwind-traders.");
    }

    #[test]
    fn a_beginning_is_switched_off_and_unfinished() {
        let entry = beginning("n").entry(|_| false).unwrap();
        assert!(!entry.enabled && entry.issuer.is_none() && entry.protocol == EntryProtocol::Oidc);
        let errors = Beginning { protocol: "saml".into(), ..Beginning::default() }.entry(|_| false).unwrap_err();
        for field in ["provider", "display_name", "slug", "protocol"] {
            assert!(errors.at(field).is_some(), "{field}");
        }
    }
}
