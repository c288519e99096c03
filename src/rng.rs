//! Randomness for ids, secrets and nonces. One source: the operating system through aws-lc.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[derive(Clone, Default)]
pub struct Rng(SystemRandom);

impl Rng {
    /// `N` random bytes. A machine without randomness cannot do our job, so that failure ends the process.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill(&mut out).expect("the operating system has no randomness left to give");
        out
    }

    /// 256 random bits in base64url: 43 characters of `[A-Za-z0-9_-]`.
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }
}
