//! The property behind all rules: whatever is done to a valid response, it is refused or says the same. Two ways: every
//! element and attribute in its turn, and dice. `AVOUCH_SAML_MUTATIONS` is how often they roll, `AVOUCH_SAML_SEED` with
//! what; a failure names both.

use std::fmt;
use std::ops::Range;

use super::forge::Encrypt;
use super::*;

/// A small generator (xorshift) that can be repeated.
pub(super) struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    pub(super) fn seeded() -> Self {
        let given = std::env::var("AVOUCH_SAML_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or(0x5eed_5eed_u64).max(1);
        Self { seed, state: seed }
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % most.max(1) as u64).unwrap()
    }
}

impl fmt::Display for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AVOUCH_SAML_SEED={}", self.seed)
    }
}

pub(super) fn rounds(usual: usize) -> usize {
    std::env::var("AVOUCH_SAML_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

fn elements<'a, 'i>(document: &'a roxmltree::Document<'i>) -> Vec<roxmltree::Node<'a, 'i>> {
    document.descendants().filter(roxmltree::Node::is_element).collect()
}

fn inside(xml: &str, element: &Range<usize>) -> usize {
    element.start + xml[element.clone()].find('>').unwrap() + 1
}

fn insert(xml: &str, at: usize, what: &str) -> String {
    format!("{}{what}{}", &xml[..at], &xml[at..])
}

fn without(xml: &str, part: &Range<usize>) -> String {
    format!("{}{}", &xml[..part.start], &xml[part.end..])
}

/// `part` of the text goes to `at`, which is not inside it.
fn moved(xml: &str, part: &Range<usize>, at: usize) -> String {
    let at_after = if at > part.start { at - part.len() } else { at };
    insert(&without(xml, part), at_after, &xml[part.clone()])
}

pub(super) fn mutate(xml: &str, dice: &mut Dice) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let elements = elements(&document);
    let pick = |dice: &mut Dice| elements[dice.below(elements.len())];
    let one = pick(dice).range();
    match dice.below(8) {
        0 => without(xml, &one),
        1 => insert(xml, one.end, &xml[one.clone()]),
        2 => {
            // copied behind another element's start tag
            let target = pick(dice).range();
            insert(xml, inside(xml, &target), &xml[one])
        }
        3 => {
            let target = pick(dice).range();
            let at = if dice.below(2) == 0 { inside(xml, &target) } else { target.end };
            if (one.start + 1..one.end).contains(&at) { without(xml, &one) } else { moved(xml, &one, at) }
        }
        4 => {
            let other = pick(dice).range();
            xml.replacen(&xml[one], &xml[other], 1)
        }
        5 => {
            // inside an attribute, if there is one
            let node = pick(dice);
            let attributes: Vec<_> = node.attributes().collect();
            if attributes.is_empty() {
                return insert(xml, one.start + 1, " ID=\"_x\"");
            }
            let range = attributes[dice.below(attributes.len())].range_value();
            flip(xml, range.start + dice.below(range.len()), dice)
        }
        6 => {
            // between two markups: where the text is
            let texts: Vec<_> = document.descendants().filter(|n| n.is_text() && !n.range().is_empty()).collect();
            if texts.is_empty() {
                return without(xml, &one);
            }
            let range = texts[dice.below(texts.len())].range();
            flip(xml, range.start + dice.below(range.len()), dice)
        }
        _ => flip(xml, dice.below(xml.len()), dice),
    }
}

fn flip(xml: &str, at: usize, dice: &mut Dice) -> String {
    let mut bytes = xml.as_bytes().to_vec();
    let alphabet = b"a_ <>&\"'/=#0\n-!?";
    bytes[at] = alphabet[dice.below(alphabet.len())];
    String::from_utf8(bytes).unwrap()
}

fn originals() -> Vec<String> {
    let signed = WORLD.sign_assertion(&WORLD.assertion());
    let encrypted = WORLD.response(&Encrypt::with(&WORLD.sp, "aes128-cbc").apply(&signed));
    vec![
        WORLD.signed_response(),
        WORLD.signed_assertion(),
        WORLD.signed_both(),
        encrypted.clone(),
        WORLD.sign_response(&encrypted),
    ]
}

/// Whether the mutation changed nothing that is read.
fn says_the_same(receive: &Receive, truth: &VerifiedAssertion, xml: &str, what: &dyn fmt::Display) -> bool {
    match receive.xml(xml) {
        Ok(found) => {
            assert_eq!(found.claims(), truth.claims(), "{what}: {xml}");
            assert_eq!((&found.assertion_id, &found.issuer), (&truth.assertion_id, &truth.issuer), "{what}: {xml}");
            true
        }
        Err(refusal) => {
            assert_ne!(refusal.reason, "internal", "{what}: {xml}");
            false
        }
    }
}

#[test]
fn a_mutated_response_is_refused_or_says_the_same() {
    let (originals, receive) = (originals(), Receive::default());
    let truths: Vec<_> = originals.iter().map(|xml| receive.xml(xml).unwrap()).collect();
    let rounds = rounds(4_000);
    let mut dice = Dice::seeded();
    eprintln!("{rounds} mutations, {dice}");
    let mut same = 0;
    for round in 0..rounds {
        let which = round % originals.len();
        let mut xml = mutate(&originals[which], &mut dice);
        if dice.below(4) == 0 && roxmltree::Document::parse(&xml).is_ok() {
            xml = mutate(&xml, &mut dice);
        }
        let what = format!("{dice}, round {round}");
        same += usize::from(says_the_same(&receive, &truths[which], &xml, &what));
    }
    assert!(same < rounds / 3, "{same} of {rounds} mutations changed nothing: they are too tame");
}

/// Each element away, twice, and moved to each other place; each character of each attribute another.
#[test]
fn every_single_mutation_of_a_response_is_refused_or_says_the_same() {
    let receive = Receive::default();
    let mut count = 0;
    for original in [WORLD.signed_assertion(), WORLD.signed_response()] {
        let truth = receive.xml(&original).unwrap();
        let document = roxmltree::Document::parse(&original).unwrap();
        let elements = elements(&document);
        let mut check = |xml: String, what: &str, node: roxmltree::Node<'_, '_>| {
            count += 1;
            let what = format!("{what} {} at {}", node.tag_name().name(), node.range().start);
            says_the_same(&receive, &truth, &xml, &what)
        };
        for node in elements.iter().copied() {
            for attribute in node.attributes() {
                for at in attribute.range_value() {
                    let other = if original.as_bytes()[at] == b'x' { "y" } else { "x" };
                    let changed = format!("{}{other}{}", &original[..at], &original[at + 1..]);
                    check(changed, "a character of an attribute of", node);
                }
            }
            if node.parent_element().is_none() {
                continue;
            }
            let part = node.range();
            check(without(&original, &part), "without", node);
            check(insert(&original, part.end, &original[part.clone()]), "twice", node);
            for target in &elements {
                let at = inside(&original, &target.range());
                if !part.contains(&at) {
                    check(moved(&original, &part, at), "moved", node);
                }
            }
        }
    }
    assert!(count > 3_500, "{count}");
}
