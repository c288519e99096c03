//! Fabrikam's key and the certificate around it: made once and kept, two lines of base64.

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::demo::secrets::Secrets;
use crate::jose::{Alg, Certificate, KeyPair};
use crate::secret::Secret;
use crate::upstream::saml::SpKey;

const FILE: &str = "fabrikam.key";
/// What most products give theirs.
const CERTIFICATE_LIFE: Duration = Duration::days(3 * 365);

pub(super) fn open(secrets: &Secrets) -> anyhow::Result<SpKey> {
    let kept = secrets.keep(FILE, make)?;
    let mut lines = kept.expose().lines().map(|line| STANDARD.decode(line));
    let mut next = || lines.next().and_then(Result::ok).context(damaged());
    SpKey::from_pkcs8(&next()?, &next()?).with_context(damaged)
}

fn damaged() -> String {
    format!("the demo's {FILE} is damaged: delete it, and a new one is made")
}

fn make() -> Secret<String> {
    let (pair, pkcs8) = KeyPair::generate(Alg::RS256);
    let now = SystemClock.now();
    let certificate = Certificate::self_signed(&pair, "Fabrikam", now, now + CERTIFICATE_LIFE)
        .expect("a certificate of a plain name and of dates in this century can be written");
    let [key, certificate] = [pkcs8.expose(), certificate.der()].map(|der| STANDARD.encode(der));
    Secret::new(format!("{key}\n{certificate}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn the_broker_meets_the_same_certificate_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let open = || open(&Secrets::open(dir.path(), &Rng::default()).unwrap()).unwrap();
        assert_eq!(open().certificate_der(), open().certificate_der());
        std::fs::write(dir.path().join("demo").join(FILE), "x").unwrap();
        let error = super::open(&Secrets::open(dir.path(), &Rng::default()).unwrap()).unwrap_err();
        assert!(error.to_string().contains("delete it"), "{error}");
    }
}
