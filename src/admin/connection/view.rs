//! What every page of one connection shows of it.

use time::OffsetDateTime;

use super::provider::Provider;
use crate::admin::frame::Frame;
use crate::admin::moment::Moment;
use crate::connection::listing::Arrivals;
use crate::connection::saml::IdpSource;
use crate::connection::version::Drift;
use crate::connection::{Connection, CredentialKind, Protocol};
use crate::provisioning::EntryProtocol;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Credentials,
    Claims,
    Settings,
    Versions,
}

/// The head of the page, its tabs included.
#[derive(Clone, Debug)]
pub struct Head {
    pub name: String,
    pub slug: String,
    /// Of its page, for links.
    pub path: String,
    pub protocol: &'static str,
    pub provider: &'static str,
    pub enabled: bool,
    pub managed_by: Option<String>,
    /// What it still needs before anybody can sign in, in sentences.
    pub missing: Vec<&'static str>,
    pub last: Option<Moment>,
    /// The provider says something else than was approved since then, and whether it says to be another one.
    pub drift: Option<(Moment, bool)>,
    people: i64,
    tab: Option<Tab>,
    traces: String,
}

#[derive(Clone, Debug)]
pub struct TabLink {
    pub label: &'static str,
    pub href: String,
    pub current: bool,
}

impl Head {
    pub fn of(frame: &Frame, one: &Connection, arrivals: Arrivals, tab: Option<Tab>, now: OffsetDateTime) -> Self {
        let slug = one.slug.to_string();
        Self {
            name: one.display_name.clone(),
            path: frame.to(&super::path(&slug)),
            traces: frame.to(&format!("/admin/traces?connection={slug}")),
            slug,
            protocol: protocol_name(protocol(one)),
            provider: Provider::of(one).name(),
            enabled: one.enabled,
            managed_by: one.managed_by.clone(),
            missing: missing(one),
            last: arrivals.last.map(|at| Moment::new(at, now)),
            drift: None,
            people: arrivals.people,
            tab,
        }
    }

    pub fn with_drift(mut self, drift: Option<Drift>, now: OffsetDateTime) -> Self {
        self.drift = drift.map(|drift| (Moment::new(drift.since, now), drift.blocked));
        self
    }

    /// On every page of the connection but the one that shows it whole.
    pub fn announces_drift(&self) -> bool {
        self.drift.is_some() && self.tab != Some(Tab::Versions)
    }

    /// The pill: its tone, and its word.
    pub fn state(&self) -> (&'static str, &'static str) {
        match (self.enabled, self.missing.is_empty()) {
            (true, true) => ("active", "On"),
            (true, false) => ("failing", "On, unfinished"),
            (false, true) => ("off", "Off"),
            (false, false) => ("waiting", "Being set up"),
        }
    }

    pub fn people(&self) -> String {
        match self.people {
            0 => "Nobody yet".into(),
            1 => "1 person".into(),
            many => format!("{many} people"),
        }
    }

    /// What a file owns is changed there.
    pub fn may_change(&self, frame: &Frame) -> bool {
        frame.may_edit() && self.managed_by.is_none()
    }

    pub fn tabs(&self) -> Vec<TabLink> {
        let tab =
            |tab, label, tail| TabLink { label, href: format!("{}{tail}", self.path), current: self.tab == Some(tab) };
        vec![
            tab(Tab::Overview, "Overview", ""),
            tab(Tab::Credentials, "Credentials", "/credentials"),
            tab(Tab::Claims, "Claims and rules", "/claims"),
            tab(Tab::Settings, "Settings", "/settings"),
            tab(Tab::Versions, "Versions", "/versions"),
            TabLink { label: "Sign-ins", href: self.traces.clone(), current: false },
        ]
    }
}

pub const fn protocol(one: &Connection) -> EntryProtocol {
    match one.protocol {
        Protocol::Oidc(_) => EntryProtocol::Oidc,
        Protocol::Saml(_) => EntryProtocol::Saml,
    }
}

pub const fn protocol_name(protocol: EntryProtocol) -> &'static str {
    match protocol {
        EntryProtocol::Oidc => "OpenID Connect",
        EntryProtocol::Saml => "SAML 2.0",
    }
}

fn missing(one: &Connection) -> Vec<&'static str> {
    let mut out = Vec::new();
    match &one.protocol {
        Protocol::Oidc(settings) => {
            if settings.issuer.is_empty() {
                out.push("Who the provider is: its issuer is not known yet.");
            }
            if settings.client_id.is_empty() {
                out.push("Who we are there: the client id is not known yet.");
            }
            let by_secret = settings.client_authentication.by_secret();
            if by_secret && one.active(CredentialKind::ClientSecret).is_none() {
                out.push("How we prove ourselves: there is no client secret in use.");
            }
        }
        Protocol::Saml(settings) => {
            if let IdpSource::Manual { sso_url, .. } = &settings.source {
                if sso_url.is_empty() {
                    out.push("Where the provider is: there is neither metadata nor a single sign-on URL.");
                } else if settings.entity_id.is_none() {
                    out.push("Who the provider is: its entity id is not known yet.");
                }
            }
            let usable = one.certificates.iter().any(|certificate| certificate.is_usable());
            match &settings.source {
                IdpSource::MetadataUrl { .. } if one.metadata().is_none() => {
                    out.push("The provider's metadata was not read yet.");
                }
                _ if !usable => out.push("What the provider signs with: no certificate of it is trusted."),
                _ => {}
            }
        }
    }
    out
}
