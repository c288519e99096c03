//! The master key file: read, or made at the first start where it is ours to make.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::MasterKeyFile;
use crate::rng::Rng;
use crate::vault::{Keyring, KeyringError};

#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    #[error("the master key file {path} cannot be {action}: {source}")]
    File { path: String, action: &'static str, source: io::Error },
    #[error("the master key file {0} can be read by everybody on this machine: chmod 600 {0}")]
    WorldReadable(String),
    #[error("{path}: {reason}")]
    Content { path: String, reason: KeyringError },
    #[error("the master key file {0} is missing, and the database was sealed with it: restore it from your backup")]
    Lost(String),
}

pub(super) struct MasterKey {
    pub keyring: Keyring,
    pub path: PathBuf,
    /// It was made just now.
    pub fresh: bool,
}

pub(super) fn read(file: &MasterKeyFile, rng: &Rng) -> Result<MasterKey, MasterKeyError> {
    let (path, fresh) = match file {
        MasterKeyFile::Named(path) => (path, false),
        MasterKeyFile::Generated(path) => (path, generate(path, rng)?),
    };
    let name = || path.display().to_string();
    let failed = |source| MasterKeyError::File { path: name(), action: "read", source };
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o004 != 0 {
        match file {
            MasterKeyFile::Generated(_) => return Err(MasterKeyError::WorldReadable(name())),
            // secrets mounted by Kubernetes and Docker are 0644 or 0444 unless told otherwise
            MasterKeyFile::Named(_) => {
                tracing::warn!("the master key file {} can be read by everybody on this machine", name());
            }
        }
    }
    let content = Zeroizing::new(fs::read(path).map_err(failed)?);
    let keyring = Keyring::read(&content).map_err(|reason| MasterKeyError::Content { path: name(), reason })?;
    Ok(MasterKey { keyring, path: path.clone(), fresh })
}

/// True when the file was made. It is on disk before anything is sealed with it. Of two processes that come together, one
/// makes it: a complete file is linked into place, and a link never replaces.
fn generate(path: &Path, rng: &Rng) -> Result<bool, MasterKeyError> {
    if path.exists() {
        return Ok(false);
    }
    let failed = |source| MasterKeyError::File { path: path.display().to_string(), action: "created", source };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let written = write(&draft, &Zeroizing::new(Keyring::generate(rng)))
        .and_then(|()| fs::hard_link(&draft, path))
        .and_then(|()| fs::File::open(dir)?.sync_all());
    let _ = fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Takes back a fresh key that turned out to be the wrong one, so that the right one can be put in its place.
pub(super) fn forget(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_the_owner_only_and_a_readable_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data/master.key");
        let rng = Rng::default();
        let file = MasterKeyFile::Generated(path.clone());
        assert!(read(&file, &rng).unwrap().fresh);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!read(&file, &rng).unwrap().fresh);
        assert_eq!(fs::read_dir(dir.path().join("data")).unwrap().count(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read(&file, &rng).err().unwrap().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        assert!(read(&MasterKeyFile::Named(path), &rng).is_ok(), "a mounted secret is readable by everybody often");
    }
}
