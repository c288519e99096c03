//! The property behind all rules: whatever is done to a valid response, it is refused or says the same.

use super::forge::Encrypt;
use super::*;

/// A small generator with a fixed seed: a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most.max(1) as u64).unwrap()
    }
}

fn mutate(xml: &str, dice: &mut Dice) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let elements: Vec<_> = document.descendants().filter(roxmltree::Node::is_element).collect();
    let pick = |dice: &mut Dice| elements[dice.below(elements.len())];
    let one = pick(dice).range();
    match dice.below(6) {
        0 => format!("{}{}", &xml[..one.start], &xml[one.end..]),
        1 => format!("{}{}{}", &xml[..one.end], &xml[one.clone()], &xml[one.end..]),
        2 => {
            // moved or copied behind another element's start tag
            let target = pick(dice).range();
            let at = target.start + xml[target.clone()].find('>').unwrap() + 1;
            format!("{}{}{}", &xml[..at], &xml[one], &xml[at..])
        }
        3 => {
            let other = pick(dice).range();
            xml.replacen(&xml[one], &xml[other], 1)
        }
        4 => {
            // inside an attribute, if there is one
            let node = pick(dice);
            let attributes: Vec<_> = node.attributes().collect();
            if attributes.is_empty() {
                return format!("{} ID=\"_x\"{}", &xml[..one.start + 1], &xml[one.start + 1..]);
            }
            let range = attributes[dice.below(attributes.len())].range_value();
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

#[test]
fn a_mutated_response_is_refused_or_says_the_same() {
    let signed = WORLD.sign_assertion(&WORLD.assertion());
    let encrypted = WORLD.response(&Encrypt::with(&WORLD.sp, "aes128-cbc").apply(&signed));
    let originals =
        [WORLD.signed_response(), WORLD.signed_assertion(), WORLD.signed_both(), encrypted.clone(), WORLD.sign_response(&encrypted)];
    let rounds: usize = std::env::var("AVOUCH_SAML_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let receive = Receive::default();
    let mut dice = Dice(0x5eed_5eed);
    let mut same = 0;
    for round in 0..rounds {
        let original = &originals[round % originals.len()];
        let truth = receive.xml(original).unwrap();
        let mut xml = mutate(original, &mut dice);
        if dice.below(4) == 0 && roxmltree::Document::parse(&xml).is_ok() {
            xml = mutate(&xml, &mut dice);
        }
        match receive.xml(&xml) {
            Ok(found) => {
                same += 1;
                assert_eq!(found.claims(), truth.claims(), "round {round}: {xml}");
                assert_eq!((&found.assertion_id, &found.issuer), (&truth.assertion_id, &truth.issuer), "{xml}");
            }
            Err(refusal) => assert_ne!(refusal.reason, "internal", "round {round}: {xml}"),
        }
    }
    assert!(same < rounds / 3, "{same} of {rounds} mutations changed nothing: they are too tame");
}
