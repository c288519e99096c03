//! A password of one's own.

pub mod pages;

/// Of a password that a person chooses. Length is what counts (NIST SP 800-63B §3.1.1.2); no rule on its characters.
pub const SHORTEST: usize = 12;
pub const LONGEST: usize = 200;
