//! Operators' passwords: argon2id, a few at a time on blocking threads, because each takes 19 MiB and some 20 ms.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::rng::Rng;
use crate::secret::Secret;

/// Hashes at once: a flood of sign-ins queues here and does not take the machine's memory.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What the password of an unknown address is compared with, so that it takes as long. No password opens it: the digest is
/// all zeros.
pub const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// 100 random bits, to be read from a screen and typed once: `k7m2x-…` in four groups of five.
pub fn one_time(rng: &Rng) -> Secret<String> {
    // 32 characters without the look-alikes 0 o 1 l i; the last place is a capital A to make it 32.
    const ALPHABET: &[u8; 32] = b"23456789abcdefghjkmnpqrstuvwxyzA";
    let mut text = String::with_capacity(23);
    for (place, byte) in rng.bytes::<20>().into_iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        text.push(ALPHABET[usize::from(byte & 31)] as char);
    }
    Secret::new(text)
}

/// The PHC string of the password.
pub async fn hash(password: &Secret<String>, rng: &Rng) -> String {
    let salt = rng.bytes::<16>();
    let password = password.clone();
    blocking(move || {
        let hash: PasswordHash = Argon2::default()
            .hash_password_with_salt(password.expose().as_bytes(), &salt)
            .expect("a salt of 16 bytes and the default parameters are valid");
        hash.to_string()
    })
    .await
}

/// False for a wrong password and for a stored string that is no PHC string.
pub async fn verify(password: &Secret<String>, stored: &str) -> bool {
    let password = password.clone();
    let stored: Arc<str> = stored.into();
    blocking(move || {
        PasswordHash::new(&stored)
            .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _turn = TURNS.acquire().await.expect("the semaphore is never closed");
    tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_password_opens_what_it_closed() {
        let rng = Rng::default();
        let password = one_time(&rng);
        assert_eq!(password.expose().len(), 23);
        let stored = hash(&password, &rng).await;
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(&password, &stored).await);
        assert!(!verify(&one_time(&rng), &stored).await);
        assert!(!verify(&password, "nonsense").await);
        assert!(PasswordHash::new(NOBODYS).is_ok() && !verify(&password, NOBODYS).await);
    }
}
