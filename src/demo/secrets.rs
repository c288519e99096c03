//! What the parts share without telling it over the network: client secrets, each a file below
//! `<data_dir>/demo` with mode 0600. A party keeps its own key there as well. Whichever part comes first makes it, and all read the same one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::rng::Rng;
use crate::secret::{Kind, Secret, mint};

pub(super) struct Secrets {
    /// The broker's at the identity provider.
    pub idp_client: Secret<String>,
    /// The sample application's at the broker.
    pub app_client: Secret<String>,
    /// Where the machine client's is kept, for whoever wants to try it.
    pub machine_file: PathBuf,
    dir: PathBuf,
}

impl Secrets {
    /// # Errors
    /// when the data directory cannot be written or read.
    pub fn open(data_dir: &Path, rng: &Rng) -> anyhow::Result<Self> {
        let dir = data_dir.join("demo");
        let open = |name: &str| keep(&dir, name, || mint(Kind::ClientSecret, rng));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("the directory {} cannot be made", dir.display()))?;
        open("machine-client.secret")?;
        Ok(Self {
            idp_client: open("idp-client.secret")?,
            app_client: open("app-client.secret")?,
            machine_file: dir.join("machine-client.secret"),
            dir,
        })
    }

    /// What `make` made when it was first asked for.
    ///
    /// # Errors
    /// when the file cannot be written or read.
    pub fn keep(&self, name: &str, make: impl FnOnce() -> Secret<String>) -> anyhow::Result<Secret<String>> {
        keep(&self.dir, name, make)
    }
}

fn keep(dir: &Path, name: &str, make: impl FnOnce() -> Secret<String>) -> anyhow::Result<Secret<String>> {
    let path = dir.join(name);
    read_or_make(&path, make).with_context(|| format!("the demo's secret {} cannot be kept", path.display()))
}

/// A complete file is linked into place, and a link never replaces: of two processes that come together one makes it.
fn read_or_make(path: &Path, make: impl FnOnce() -> Secret<String>) -> io::Result<Secret<String>> {
    if !path.exists() {
        let draft = path.with_extension(format!("new-{}", Rng::default().token()));
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(make().expose().as_bytes())?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        linked.or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })?;
    }
    fs::read_to_string(path).map(|text| Secret::new(text.trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn whoever_comes_second_reads_what_the_first_one_made() {
        let dir = tempfile::tempdir().unwrap();
        let [one, other] = [(); 2].map(|()| Secrets::open(dir.path(), &Rng::default()).unwrap());
        assert_eq!(one.idp_client, other.idp_client);
        assert_ne!(one.idp_client, one.app_client);
        assert_eq!(fs::metadata(&one.machine_file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path().join("demo")).unwrap().count(), 3);
    }
}
