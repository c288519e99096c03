//! The answers that an identity provider or an attacker can send, each with the word it must be refused with, or `ok`:
//! that one is refused at all proves little, for another check may have been in the way. Uses no item of this crate, so
//! that a black-box test can post every one of them, and another verifier can be asked about every signature.

mod accepted;
mod content;
mod encryption;
mod lexical;
mod signature;
mod wrapping;

use super::forge;
use forge::World;

pub struct Case {
    pub name: &'static str,
    pub xml: String,
    pub expected: &'static str,
}

/// Makes some of the cases; the same world makes the same ones, in the same order.
pub type Group = fn(&World) -> Vec<Case>;

/// Refused.
pub const ATTACKS: [Group; 9] = [
    |world| rows(wrapping::wrapping(world)),
    |world| rows(wrapping::misplaced(world)),
    |world| rows(signature::algorithms(world)),
    |world| rows(signature::references(world)),
    |world| rows(signature::keys(world)),
    |world| rows(lexical::lexical(world)),
    |world| rows(content::assertion(world)),
    |world| rows(content::envelope(world)),
    |world| rows(encryption::encryption(world)),
];

/// Accepted, as [`super::forge::USER`], where both the RSA and the EC certificate of the provider are trusted.
pub const ACCEPTED: [Group; 2] = [
    |world| rows(accepted::plain(world).into_iter().map(ok).collect()),
    |world| rows(accepted::encrypted(world).into_iter().map(ok).collect()),
];

#[allow(dead_code)] // the black-box tests make them one by one
pub fn cases(world: &World, groups: &[Group]) -> Vec<Case> {
    groups.iter().flat_map(|group| group(world)).collect()
}

type Row = (&'static str, String, &'static str);

fn ok((name, xml): (&'static str, String)) -> Row {
    (name, xml, "ok")
}

fn rows(rows: Vec<Row>) -> Vec<Case> {
    rows.into_iter().map(|(name, xml, expected)| Case { name, xml, expected }).collect()
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const STATUS_END: &str = "</samlp:Status>";

fn cut<'a>(xml: &'a str, from: &str, to: &str) -> &'a str {
    let start = xml.find(from).unwrap();
    let end = start + xml[start..].find(to).unwrap() + to.len();
    &xml[start..end]
}

fn assertion_of(xml: &str) -> String {
    cut(xml, "<saml:Assertion", "</saml:Assertion>").to_owned()
}

fn signature_of(xml: &str) -> String {
    cut(xml, "<ds:Signature ", "</ds:Signature>").to_owned()
}
