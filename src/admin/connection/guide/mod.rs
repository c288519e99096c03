//! What somebody has to do in the provider's own console, in that console's words: which pages, which fields, and what to
//! paste there. Words only; what is pasted follows from the issuer and the slug, so it is known before anything is entered.

mod oidc;
mod saml;

use super::provider::Provider;
use crate::connection::Slug;
use crate::provisioning::EntryProtocol;
use crate::urls::Urls;

/// One thing to do there.
#[derive(Clone, Debug)]
pub struct Step {
    pub title: &'static str,
    /// Words of the console stand between asterisks.
    text: &'static str,
    pub paste: Vec<Paste>,
}

/// A value to paste, under the name that the console has for its field.
#[derive(Clone, Debug)]
pub struct Paste {
    pub label: &'static str,
    pub value: String,
}

impl Step {
    const fn new(title: &'static str, text: &'static str) -> Self {
        Self { title, text, paste: Vec::new() }
    }

    fn paste(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.paste.push(Paste { label, value: value.into() });
        self
    }

    /// The text in pieces, those of the console marked.
    pub fn pieces(&self) -> impl Iterator<Item = (bool, &'static str)> {
        self.text.split('*').enumerate().map(|(index, piece)| (index % 2 == 1, piece))
    }
}

/// Where everything of a connection is. The addresses never change, whatever it is called.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub callback: String,
    pub acs: String,
    /// The entity id too, unless the connection says otherwise.
    pub metadata: String,
    pub slo: String,
    pub backchannel_logout: String,
    pub logout_done: String,
    pub jwks: String,
}

impl Addresses {
    pub fn of(urls: &Urls, slug: &Slug) -> Self {
        let slug = slug.as_str();
        Self {
            callback: urls.callback(slug),
            acs: urls.acs(slug),
            metadata: urls.sp_metadata(slug),
            slo: urls.slo(slug),
            backchannel_logout: urls.at(&format!("/connections/{slug}/backchannel-logout")),
            logout_done: urls.upstream_logout_done(),
            jwks: urls.at(&format!("/connections/{slug}/jwks.json")),
        }
    }
}

/// What to do at the provider, in order.
pub fn steps(provider: Provider, protocol: EntryProtocol, at: &Addresses) -> Vec<Step> {
    match protocol {
        EntryProtocol::Oidc => oidc::steps(provider, at),
        EntryProtocol::Saml => saml::steps(provider, at),
    }
}

/// Everything that may have to be pasted later, when the connection stands.
pub fn addresses(provider: Provider, protocol: EntryProtocol, at: &Addresses) -> Vec<Paste> {
    let paste = |label, value: &String| Paste { label, value: value.clone() };
    match protocol {
        EntryProtocol::Oidc => vec![
            paste(oidc::redirect_uri(provider), &at.callback),
            paste("Address after signing out", &at.logout_done),
            paste("Back-channel logout URL", &at.backchannel_logout),
        ],
        EntryProtocol::Saml => vec![
            paste("Metadata URL", &at.metadata),
            paste(saml::entity_id(provider), &at.metadata),
            paste(saml::acs(provider), &at.acs),
            paste("Single logout URL", &at.slo),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_begins_with_what_to_paste_and_ends_with_what_to_bring_back() {
        let urls = Urls::new("https://id.example.com").unwrap();
        let at = Addresses::of(&urls, &Slug::parse("contoso").unwrap());
        for provider in Provider::ALL {
            for protocol in [EntryProtocol::Oidc, EntryProtocol::Saml] {
                let steps = steps(provider, protocol, &at);
                let first = &steps[0].paste[0].value;
                let expected = [&at.callback, &at.acs, &at.metadata];
                assert!(expected.contains(&first), "{provider:?} {protocol:?}: {first}");
                assert!(steps.last().unwrap().title.starts_with("Bring back"), "{provider:?} {protocol:?}");
                for step in &steps {
                    assert_eq!(step.text.matches('*').count() % 2, 0, "{}", step.text);
                }
            }
        }
    }

    /// What a sign-in, its groups or its end would fail without, in the consoles' own words.
    #[test]
    fn each_console_is_told_what_works_only_with_its_help() {
        let urls = Urls::new("https://id.example.com").unwrap();
        let at = Addresses::of(&urls, &Slug::parse("contoso").unwrap());
        for (provider, words) in [
            (Provider::Entra, &["GroupMember.Read.All", "*Application permissions*", "*Grant admin consent*"][..]),
            (Provider::Entra, &["*Accounts in any organizational directory*", "in every tenant", "organizations"]),
            (Provider::Entra, &["*Value*, not *Secret ID*", "12 months or more", "the day it expires"]),
            (Provider::Entra, &["*Security groups*, with *Group ID*", "*xms_edov*", &at.logout_done]),
            (Provider::Okta, &["*Groups claim filter*", "the scope groups", "/oauth2/", &at.logout_done]),
            (Provider::Google, &["*Internal*", "no groups in its tokens"]),
            (Provider::Auth0, &["setCustomClaim", "*Regular Web Applications*", &at.logout_done]),
            (Provider::Adfs, &["allatclaims", "as *Identifier* the *Client Identifier* once more", &at.logout_done]),
        ] {
            let steps = steps(provider, EntryProtocol::Oidc, &at);
            let told = |step: &Step| {
                let pasted = step.paste.iter().map(|paste| format!(" {} {}", paste.label, paste.value));
                format!("{}{}", step.text, pasted.collect::<String>())
            };
            let told = steps.iter().map(told).collect::<Vec<_>>().join("\n");
            for word in words {
                assert!(told.contains(word), "{provider:?}: {word}");
            }
        }
    }

    /// The list in Markdown, where the words of a console stand between asterisks too.
    fn markdown(steps: &[Step]) -> String {
        let mut out = String::new();
        for (index, step) in steps.iter().enumerate() {
            out += &format!("{}. **{}.** {}\n", index + 1, step.title, step.text);
            for paste in &step.paste {
                out += &format!("   - {}: `{}`\n", paste.label, paste.value);
            }
        }
        out
    }

    /// After a change that is meant: `AVOUCH_DOCUMENTS=write cargo test --lib -- guide`.
    #[test]
    fn the_document_says_what_the_desk_says() {
        const END: &str = "<!-- end -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/integrations/connect-an-oidc-idp.md");
        let urls = Urls::new("https://id.example.com").unwrap();
        let document = std::fs::read_to_string(path).unwrap();
        let mut out = String::new();
        let mut lines = document.lines();
        let mut guides = 0;
        while let Some(line) = lines.next() {
            out += &format!("{line}\n");
            let marker = line.strip_prefix("<!-- guide ").and_then(|rest| rest.strip_suffix(" -->"));
            let Some(provider) = marker.map(|word| Provider::parse(word).expect("a provider")) else { continue };
            let at = Addresses::of(&urls, &Slug::parse("contoso").unwrap());
            out += &format!("{}{END}\n", markdown(&steps(provider, EntryProtocol::Oidc, &at)));
            assert!(lines.by_ref().any(|line| line == END), "{marker:?} has no end");
            guides += 1;
        }
        assert_eq!(guides, Provider::ALL.len() - 1, "each but SAML's");
        if std::env::var("AVOUCH_DOCUMENTS").is_ok_and(|mode| mode == "write") {
            std::fs::write(path, out).unwrap();
        } else {
            assert!(out == document, "{path} is stale; see above this test");
        }
    }
}
