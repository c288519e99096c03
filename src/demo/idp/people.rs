//! Who works at Demo company.

use serde::Serialize;

use crate::demo::person::Person;
use crate::oauth::scope::Scope;

pub(in crate::demo) const PEOPLE: [Person; 3] = [
    Person {
        subject: "demo-1001",
        given_name: "Marty",
        family_name: "McFly",
        email: "marty.mcfly@demo.example",
        groups: &["staff", "platform"],
        story: "gets in, and the role operator comes with platform",
    },
    Person {
        subject: "demo-1002",
        given_name: "Jane",
        family_name: "Doe",
        email: "jane.doe@demo.example",
        groups: &["staff", "finance"],
        story: "gets in, without a role",
    },
    Person {
        subject: "demo-1003",
        given_name: "Sam",
        family_name: "Porter",
        email: "sam.porter@demo.example",
        groups: &["contractors"],
        story: "is not staff: Avouch refuses and says why",
    },
];

impl Person {
    /// What a scope lets out (OIDC Core §5.4); `groups` is a scope of its own.
    pub fn claims(&'static self, scope: &Scope) -> Claims {
        let profile = scope.contains("profile");
        let email = scope.contains("email");
        Claims {
            sub: self.subject,
            name: profile.then(|| self.name()),
            given_name: profile.then_some(self.given_name),
            family_name: profile.then_some(self.family_name),
            preferred_username: profile.then_some(self.email),
            email: email.then_some(self.email),
            email_verified: email.then_some(true),
            groups: scope.contains("groups").then_some(self.groups),
        }
    }
}

#[derive(Debug, Serialize)]
pub(in crate::demo) struct Claims {
    sub: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<&'static [&'static str]>,
}
