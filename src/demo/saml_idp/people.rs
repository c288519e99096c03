//! Who works at Fabrikam, and what a SAML assertion says of them.

use crate::demo::person::Person;
use crate::upstream::saml::Attribute;
use crate::upstream::saml::identity_provider;

pub(in crate::demo) const PEOPLE: [Person; 3] = [
    Person {
        subject: "fab-7c1e40",
        given_name: "Ada",
        family_name: "Weaver",
        email: "ada.weaver@fabrikam.example",
        groups: &["employees", "platform", "on-call"],
        story: "gets in, and the same rule makes her operator",
    },
    Person {
        subject: "fab-52b8d9",
        given_name: "Tomás",
        family_name: "O’Neill",
        email: "tomas.oneill@fabrikam.example",
        groups: &["employees"],
        story: "gets in, without a role",
    },
    Person {
        subject: "fab-e03a17",
        given_name: "Vic",
        family_name: "Guest",
        email: "vic.guest@fabrikam.example",
        groups: &["visitors"],
        story: "is no employee: Avouch refuses and says why",
    },
];

/// Under the names of the LDAP schema (X.500, RFC 4524), as academic and most other products send them; groups plainly.
pub(super) fn subject(person: &Person) -> identity_provider::Person<'_> {
    let named = |oid: &str, friendly: &str, value: &str| Attribute {
        name: format!("urn:oid:{oid}"),
        friendly_name: Some(friendly.into()),
        values: vec![value.into()],
    };
    identity_provider::Person {
        name_id: person.subject,
        attributes: vec![
            named("0.9.2342.19200300.100.1.3", "mail", person.email),
            named("2.16.840.1.113730.3.1.241", "displayName", &person.name()),
            named("2.5.4.42", "givenName", person.given_name),
            named("2.5.4.4", "sn", person.family_name),
            Attribute {
                name: "groups".into(),
                friendly_name: None,
                values: person.groups.iter().map(|group| (*group).to_owned()).collect(),
            },
        ],
    }
}
