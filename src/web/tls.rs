//! Our own TLS certificate: loaded from two PEM files, replaced without a restart. A bad replacement never displaces a
//! good one. Owns no schedule: the caller asks [`Certificate::reload_if_changed`] every half minute and on SIGHUP.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::aws_lc_rs::digest::{Context, SHA256};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::certificate_expiry::not_after;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read the TLS file {0}: {1}")]
    Read(PathBuf, std::io::Error),
    #[error("{0} holds no certificate; it must be PEM, our certificate first, then those that signed it")]
    NoCertificate(PathBuf),
    #[error("{0} holds no private key; it must be PEM (PKCS#8, PKCS#1 or SEC1), not encrypted")]
    NoKey(PathBuf),
    #[error("the key in {key} does not belong to the certificate in {certificate}")]
    Mismatch { certificate: PathBuf, key: PathBuf },
    #[error("the certificate in {0} expired at {1}; put a current one in its place")]
    Expired(PathBuf, OffsetDateTime),
    #[error("TLS cannot use {0}: {1}")]
    Unusable(PathBuf, rustls::Error),
}

/// What [`Certificate::reload_if_changed`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    Unchanged,
    /// New connections see the new certificate; `not_after` is its end.
    Replaced {
        not_after: Option<OffsetDateTime>,
    },
}

/// The certificate in use and the files it comes from.
pub struct Certificate {
    certificate_file: PathBuf,
    key_file: PathBuf,
    provider: Arc<CryptoProvider>,
    in_use: ArcSwap<Loaded>,
}

struct Loaded {
    pair: Arc<CertifiedKey>,
    not_after: Option<OffsetDateTime>,
    /// SHA-256 over both files. Contents rather than times: a mounted secret may change without a later mtime.
    fingerprint: [u8; 32],
}

/// Reads both files and checks that they fit each other and the time.
///
/// # Errors
/// [`TlsError`], naming the file and the remedy.
pub fn load(certificate_file: &Path, key_file: &Path, now: OffsetDateTime) -> Result<Arc<Certificate>, TlsError> {
    let provider = Arc::new(provider::default_provider());
    let files = Files::read(certificate_file, key_file)?;
    let loaded = files.check(certificate_file, key_file, &provider, now)?;
    Ok(Arc::new(Certificate {
        certificate_file: certificate_file.into(),
        key_file: key_file.into(),
        provider,
        in_use: ArcSwap::from_pointee(loaded),
    }))
}

impl Certificate {
    /// Takes the files' pair into use if it differs from the one in use. A pair that was found bad is looked at again
    /// each time, so that a key written a moment after its certificate heals by itself.
    ///
    /// # Errors
    /// [`TlsError`]; the old certificate stays in use.
    pub fn reload_if_changed(&self, now: OffsetDateTime) -> Result<Reload, TlsError> {
        let files = Files::read(&self.certificate_file, &self.key_file)?;
        if files.fingerprint() == self.in_use.load().fingerprint {
            return Ok(Reload::Unchanged);
        }
        let loaded = files.check(&self.certificate_file, &self.key_file, &self.provider, now)?;
        let not_after = loaded.not_after;
        self.in_use.store(Arc::new(loaded));
        Ok(Reload::Replaced { not_after })
    }

    /// The beginning of the certificate's SHA-256, in hexadecimal: to tell one from the next.
    pub fn leaf(&self) -> String {
        let in_use = self.in_use.load();
        let leaf = in_use
            .pair
            .cert
            .first()
            .map(|der| ::aws_lc_rs::digest::digest(&SHA256, der))
            .map(|hash| hash.as_ref()[..8].to_vec());
        leaf.unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// When the certificate in use ends.
    pub fn not_after(&self) -> Option<OffsetDateTime> {
        self.in_use.load().not_after
    }

    /// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// when the crypto provider offers no protocol version, which would be a fault of the build.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.in_use.load().pair.clone())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("file", &self.certificate_file)
            .field("not_after", &self.not_after())
            .finish()
    }
}

struct Files {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| TlsError::Read(path.into(), error));
        Ok(Self { certificate: read(certificate)?, key: Zeroizing::new(read(key)?) })
    }

    fn fingerprint(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(&(self.certificate.len() as u64).to_be_bytes());
        context.update(&self.certificate);
        context.update(&self.key);
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        out
    }

    fn check(
        &self,
        certificate_file: &Path,
        key_file: &Path,
        provider: &CryptoProvider,
        now: OffsetDateTime,
    ) -> Result<Loaded, TlsError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::NoCertificate(certificate_file.into()))?;
        let Some(leaf) = chain.first() else {
            return Err(TlsError::NoCertificate(certificate_file.into()));
        };
        let not_after = not_after(leaf);
        if let Some(end) = not_after.filter(|end| *end <= now) {
            return Err(TlsError::Expired(certificate_file.into(), end));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::NoKey(key_file.into()))?;
        let pair = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::Mismatch { certificate: certificate_file.into(), key: key_file.into() }
            }
            other => TlsError::Unusable(certificate_file.into(), other),
        })?;
        Ok(Loaded { pair: Arc::new(pair), not_after, fingerprint: self.fingerprint() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);
    const LATER: OffsetDateTime = datetime!(2027-02-20 12:00 UTC);

    fn pair(end: OffsetDateTime) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["id.example".into()]).unwrap();
        params.not_after = end;
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    struct Folder(tempfile::TempDir);
    impl Folder {
        fn certificate(&self) -> PathBuf {
            self.0.path().join("tls.crt")
        }
        fn key(&self) -> PathBuf {
            self.0.path().join("tls.key")
        }
        fn write(&self, certificate: &str, key: &str) {
            std::fs::write(self.certificate(), certificate).unwrap();
            std::fs::write(self.key(), key).unwrap();
        }
        fn load(&self) -> Result<Arc<Certificate>, TlsError> {
            load(&self.certificate(), &self.key(), NOW)
        }
    }

    #[test]
    fn a_new_pair_is_taken_and_a_bad_one_leaves_the_old_in_use() {
        let folder = Folder(tempfile::tempdir().unwrap());
        let (old, new, expired) = (pair(LATER), pair(LATER), pair(datetime!(2026-11-22 11:59 UTC)));
        folder.write(&old.0, &old.1);
        let certificate = folder.load().unwrap();
        assert_eq!(certificate.not_after(), Some(LATER));
        assert_eq!(certificate.server_config().unwrap().alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        let first = certificate.in_use.load().pair.clone();
        assert_eq!(certificate.reload_if_changed(NOW).unwrap(), Reload::Unchanged);

        folder.write(&new.0, &old.1);
        assert!(matches!(certificate.reload_if_changed(NOW), Err(TlsError::Mismatch { .. })));
        folder.write(&expired.0, &expired.1);
        assert!(matches!(certificate.reload_if_changed(NOW), Err(TlsError::Expired(..))));
        folder.write("nothing", "here");
        assert!(matches!(certificate.reload_if_changed(NOW), Err(TlsError::NoCertificate(_))));
        std::fs::remove_file(folder.key()).unwrap();
        assert!(matches!(certificate.reload_if_changed(NOW), Err(TlsError::Read(..))));
        assert!(Arc::ptr_eq(&first, &certificate.in_use.load().pair), "four bad replacements changed nothing");

        folder.write(&new.0, &new.1);
        assert_eq!(certificate.reload_if_changed(NOW).unwrap(), Reload::Replaced { not_after: Some(LATER) });
        assert!(!Arc::ptr_eq(&first, &certificate.in_use.load().pair));
    }

    /// One handshake in memory by a client that trusts `root` alone.
    fn shakes_hands(server: &Arc<Certificate>, root: &str) -> bool {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
        let client = rustls::ClientConfig::builder_with_provider(server.provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "id.example".try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = rustls::ServerConnection::new(Arc::new(server.server_config().unwrap())).unwrap();
        let mut wire = Vec::new();
        while client.is_handshaking() || server.is_handshaking() {
            wire.clear();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            if server.process_new_packets().is_err() {
                return false;
            }
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            if client.process_new_packets().is_err() {
                return false;
            }
        }
        true
    }

    #[test]
    fn new_connections_are_shown_the_new_certificate() {
        let folder = Folder(tempfile::tempdir().unwrap());
        let (old, new) = (pair(datetime!(2060-01-01 0:00 UTC)), pair(datetime!(2061-01-01 0:00 UTC)));
        folder.write(&old.0, &old.1);
        let certificate = folder.load().unwrap();
        assert!(shakes_hands(&certificate, &old.0) && !shakes_hands(&certificate, &new.0));
        folder.write(&new.0, &new.1);
        certificate.reload_if_changed(NOW).unwrap();
        assert!(shakes_hands(&certificate, &new.0) && !shakes_hands(&certificate, &old.0));
    }

    #[test]
    fn each_fault_names_its_file() {
        let folder = Folder(tempfile::tempdir().unwrap());
        assert!(folder.load().unwrap_err().to_string().contains("tls.crt"));
        let (certificate, _) = pair(LATER);
        folder.write(&certificate, "-----BEGIN CERTIFICATE-----\n");
        let error = folder.load().unwrap_err().to_string();
        assert!(error.contains("tls.key holds no private key"), "{error}");
        let other = pair(LATER);
        folder.write(&certificate, &other.1);
        let error = folder.load().unwrap_err().to_string();
        assert!(error.contains("tls.key does not belong to the certificate in"), "{error}");
    }
}
