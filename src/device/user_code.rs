//! What a person types (RFC 8628 §6.1): eight consonants, `WDJB-MJHT`. No vowels, so no words; no letters that look
//! like digits; case, blanks and dashes do not matter. 20^8 codes, guessed at a limited rate, for ten minutes each.

use crate::rng::Rng;
use crate::secret::Secret;

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// Eight capital letters, without the dash.
#[derive(Clone, Debug, PartialEq)]
pub struct UserCode(Secret<String>);

impl UserCode {
    pub fn new(rng: &Rng) -> Self {
        let mut letters = String::with_capacity(LENGTH);
        while letters.len() < LENGTH {
            for byte in rng.bytes::<16>() {
                // 240 is a multiple of 20: above it, the first letters would come more often
                if byte < 240 && letters.len() < LENGTH {
                    letters.push(ALPHABET[usize::from(byte) % ALPHABET.len()] as char);
                }
            }
        }
        Self(Secret::new(letters))
    }

    /// As somebody typed it. `None` when no code of ours looks like that.
    pub fn parse(typed: &str) -> Option<Self> {
        let letters: String = typed
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '.' | '\u{2010}'..='\u{2015}'))
            .take(LENGTH + 1)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let ours = letters.len() == LENGTH && letters.bytes().all(|b| ALPHABET.contains(&b));
        ours.then(|| Self(Secret::new(letters)))
    }

    /// For storage and comparison.
    pub fn letters(&self) -> &str {
        self.0.expose()
    }

    /// As people read it: `WDJB-MJHT`.
    pub fn shown(&self) -> String {
        let (front, back) = self.letters().split_at(LENGTH / 2);
        format!("{front}-{back}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::parse("WDJB-MJHT").unwrap();
        for typed in ["wdjbmjht", " wdjb mjht ", "W D J B M J H T", "wdjb\u{2013}mjht", "WdJb.MjHt"] {
            assert_eq!(UserCode::parse(typed), Some(code.clone()), "{typed}");
        }
        for typed in ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH0", "ẂDJB-MJHT", "WDJB/MJHT"] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
        assert_eq!(code.shown(), "WDJB-MJHT");
    }

    #[test]
    fn every_letter_comes_about_as_often() {
        let rng = Rng::default();
        let mut counts = [0u32; 20];
        for _ in 0..1000 {
            let code = UserCode::new(&rng);
            assert_eq!(UserCode::parse(&code.shown()), Some(code.clone()));
            code.letters().bytes().for_each(|b| counts[ALPHABET.iter().position(|a| *a == b).unwrap()] += 1);
        }
        assert!(counts.iter().all(|count| (300..500).contains(count)), "{counts:?}");
    }
}
