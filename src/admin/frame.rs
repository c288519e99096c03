//! What stands around every page of the desk: the navigation, who is signed in, and what was just done.

use crate::operator::{Operator, OperatorRole};
use crate::urls::Urls;
use crate::web::brand::Brand;

/// Where a page belongs in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Overview,
    Connections,
    Clients,
    Resources,
    Users,
    Roles,
    SigningKeys,
    Calendar,
    Traces,
    Audit,
    Operators,
    Webhooks,
    Settings,
    /// The operator's own account.
    Account,
}

/// One line of the navigation: the section, its words, its path, and the strokes of its icon in a square of 16.
type Entry = (Section, &'static str, &'static str, &'static str);
/// `(id, heading, entries)`; the first group has no heading.
type Group = (&'static str, &'static str, &'static [Entry]);

const NAVIGATION: &[Group] = &[
    (
        "nav-overview",
        "",
        &[(
            Section::Overview,
            "Overview",
            "/admin",
            "M2.5 2.5h4v5h-4zM9.5 2.5h4v3h-4zM9.5 8.5h4v5h-4zM2.5 10.5h4v3h-4z",
        )],
    ),
    (
        "nav-sign-in",
        "Sign-in",
        &[
            (
                Section::Connections,
                "Connections",
                "/admin/connections",
                "M6.5 9.5l3-3M7 4.5l1.2-1.2a3 3 0 0 1 4.5 4.2L11.5 9M9 11.5l-1.2 1.2a3 3 0 0 1-4.5-4.2L4.5 7",
            ),
            (Section::Clients, "Clients", "/admin/clients", "M2 3.5h12v9H2zM2 6.5h12"),
            (
                Section::Resources,
                "Resources",
                "/admin/resources",
                "M8 1.8L14 5v6l-6 3.2L2 11V5zM2 5l6 3.2L14 5M8 8.2v6",
            ),
            (
                Section::Users,
                "Users",
                "/admin/users",
                "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.75 13.5c.6-2.3 2.7-3.5 5.25-3.5s4.65 1.2 5.25 3.5",
            ),
            (Section::Roles, "Roles", "/admin/roles", "M2.5 2.5h5l6 6-5 5-6-6zM5.5 5.5h.01"),
        ],
    ),
    (
        "nav-credentials",
        "Credentials",
        &[
            (Section::Calendar, "Calendar", "/admin/calendar", "M2.5 4h11v9.5h-11zM2.5 7h11M5.5 2.5V5M10.5 2.5V5"),
            (
                Section::SigningKeys,
                "Signing keys",
                "/admin/signing-keys",
                "M10.5 9a3.5 3.5 0 1 0-3.3-2.3L2 12v2h2.5v-1.5H6V11l1.7-1.7A3.5 3.5 0 0 0 10.5 9zM11 5h.01",
            ),
        ],
    ),
    (
        "nav-evidence",
        "Evidence",
        &[
            (
                Section::Traces,
                "Login traces",
                "/admin/traces",
                "M4 5.5A1.75 1.75 0 1 0 4 2a1.75 1.75 0 0 0 0 3.5zM12 14a1.75 1.75 0 1 0 0-3.5A1.75 1.75 0 0 0 12 14zM4 5.5v3.75a3 3 0 0 0 3 3h3.25",
            ),
            (Section::Audit, "Audit log", "/admin/audit", "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01"),
        ],
    ),
    (
        "nav-instance",
        "Instance",
        &[
            (
                Section::Operators,
                "Operators",
                "/admin/operators",
                "M8 1.8l5 1.7v4c0 3.2-2 5.4-5 6.7-3-1.3-5-3.5-5-6.7v-4z",
            ),
            (Section::Webhooks, "Webhooks", "/admin/webhooks", "M2.5 8h8M7.5 4.5L11 8l-3.5 3.5M13.5 3v10"),
            (
                Section::Settings,
                "Settings",
                "/admin/settings",
                "M2 4.5h7M12.5 4.5H14M2 11.5h1.5M7 11.5h7M10.75 6.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5zM5.25 13.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5z",
            ),
        ],
    ),
];

/// A group of the navigation as the template writes it.
#[derive(Clone, Debug)]
pub struct NavGroup {
    pub id: &'static str,
    pub heading: &'static str,
    pub links: Vec<NavLink>,
}

#[derive(Clone, Debug)]
pub struct NavLink {
    pub label: &'static str,
    pub href: String,
    pub icon: &'static str,
    pub current: bool,
}

/// Something that the page before did, said once on the page that it leads to. A closed list, so that a link cannot put
/// words into our mouth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Created,
    Saved,
    Deleted,
    Enabled,
    Disabled,
    Added,
    Removed,
    Sent,
    Released,
    /// Somebody elsewhere, whose answer stands on the page.
    Asked,
}

impl Done {
    const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::Created, "created", "Created."),
        (Self::Saved, "saved", "Saved. It counts from now on."),
        (Self::Deleted, "deleted", "Deleted."),
        (Self::Enabled, "enabled", "Switched on."),
        (Self::Disabled, "disabled", "Switched off."),
        (Self::Added, "added", "Added."),
        (Self::Removed, "removed", "Removed."),
        (Self::Sent, "sent", "Sent."),
        (Self::Released, "released", "Released from its file. It can be changed here from now on."),
        (Self::Asked, "asked", "Asked. What came back stands below."),
    ];

    /// From `done=WORD` in a query.
    pub fn of(query: &str) -> Option<Self> {
        let word = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done")?.1;
        Self::ALL.into_iter().find(|(_, known, _)| *known == word).map(|(done, _, _)| done)
    }

    /// `path` with the word.
    pub fn at(self, path: &str) -> String {
        let word = Self::ALL.into_iter().find(|(done, _, _)| *done == self).map_or("", |(_, word, _)| word);
        format!("{path}{}done={word}", if path.contains('?') { '&' } else { '?' })
    }

    fn sentence(self) -> &'static str {
        Self::ALL.into_iter().find(|(done, _, _)| *done == self).map_or("", |(_, _, sentence)| sentence)
    }
}

#[derive(Clone, Debug)]
pub struct Frame {
    pub brand: Brand,
    pub groups: Vec<NavGroup>,
    pub operator: String,
    pub role: OperatorRole,
    pub csrf: String,
    /// For `role=status`.
    pub said: Option<&'static str>,
    urls: Urls,
}

impl Frame {
    pub(super) fn new(
        brand: Brand,
        urls: &Urls,
        operator: &Operator,
        section: Section,
        csrf: String,
        done: Option<Done>,
    ) -> Self {
        let link = |(own, label, path, icon): &Entry| NavLink {
            label,
            href: urls.local(path),
            icon,
            current: *own == section,
        };
        let group =
            |(id, heading, entries): &Group| NavGroup { id, heading, links: entries.iter().map(link).collect() };
        Self {
            brand,
            groups: NAVIGATION.iter().map(group).collect(),
            operator: operator.email.clone(),
            role: operator.role,
            csrf,
            said: done.map(Done::sentence),
            urls: urls.clone(),
        }
    }

    /// A link to a page of ours: `{{ frame.to("/admin/clients") }}`.
    pub fn to(&self, path: &str) -> String {
        self.urls.local(path)
    }

    pub fn may_edit(&self) -> bool {
        self.role.covers(OperatorRole::Editor)
    }

    pub fn may_own(&self) -> bool {
        self.role.covers(OperatorRole::Owner)
    }
}

/// One segment of a path: `https://influx.example` becomes `https%3A%2F%2Finflux.example`.
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
