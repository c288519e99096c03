//! Which operating-system users take part: the one the broker runs as and the one Postgres runs as. They differ only when
//! the broker is root, because Postgres refuses to be. Does not change any user by itself; `process` does that in the child.

use std::ffi::{CStr, CString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::StartError;

/// One entry of the passwd database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Accounts {
    pub broker: Account,
    pub server: Account,
}

impl Accounts {
    /// Who runs what, given an existing cluster (its owner keeps it) or none yet.
    pub fn choose(cluster: &Path) -> Result<Accounts, StartError> {
        // SAFETY: geteuid has no preconditions and cannot fail.
        let uid = unsafe { libc::geteuid() };
        let broker = Account::by_uid(uid).ok_or(StartError::NoPasswdEntry { uid })?;
        let owner = fs::metadata(cluster).ok().map(|found| found.uid());
        let server = match (uid, owner) {
            (0, None) => default_server()?,
            (0, Some(0)) if is_empty(cluster) => default_server()?,
            (0, Some(0)) => {
                return Err(StartError::OwnedByRoot { cluster: cluster.to_owned(), user: default_server()?.name });
            }
            (0, Some(owner)) => Account::by_uid(owner).ok_or(StartError::NoPasswdEntry { uid: owner })?,
            (broker, Some(owner)) if broker != owner => {
                return Err(StartError::NotOwner { cluster: cluster.to_owned(), owner, broker });
            }
            _ => broker.clone(),
        };
        Ok(Accounts { broker, server })
    }

    /// Whether a Postgres process must give up the broker's (root's) identity.
    pub fn differ(&self) -> bool {
        self.broker.uid != self.server.uid
    }
}

fn default_server() -> Result<Account, StartError> {
    ["postgres", "nobody"]
        .into_iter()
        .find_map(Account::by_name)
        .filter(|account| account.uid != 0)
        .ok_or(StartError::NoServerUser)
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

impl Account {
    pub fn by_uid(uid: u32) -> Option<Account> {
        // SAFETY: the closure hands getpwuid_r exactly the buffers that `lookup` keeps alive and sized.
        lookup(&|entry, buffer, length, found| unsafe { libc::getpwuid_r(uid, entry, buffer, length, found) })
    }

    pub fn by_name(name: &str) -> Option<Account> {
        let name = CString::new(name).ok()?;
        // SAFETY: as above, and `name` is NUL-terminated and outlives the call.
        lookup(&|entry, buffer, length, found| unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer, length, found) })
    }
}

/// One of the two C functions with its key filled in: entry, buffer, buffer length, found.
type Ask<'a> = &'a dyn Fn(*mut libc::passwd, *mut libc::c_char, usize, *mut *mut libc::passwd) -> libc::c_int;

fn lookup(ask: Ask) -> Option<Account> {
    let mut buffer: Vec<libc::c_char> = vec![0; 4096];
    loop {
        // SAFETY: passwd is a plain C struct for which all-zero bytes (null pointers, zero ids) are a valid value.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        match ask(&mut entry, buffer.as_mut_ptr(), buffer.len(), &mut found) {
            libc::ERANGE if buffer.len() < 1 << 20 => buffer.resize(buffer.len() * 4, 0),
            0 if !found.is_null() => {
                // SAFETY: on success pw_name points to a NUL-terminated string inside `buffer`, which is still alive.
                let name = unsafe { CStr::from_ptr(entry.pw_name) };
                return Some(Account {
                    name: name.to_string_lossy().into_owned(),
                    uid: entry.pw_uid,
                    gid: entry.pw_gid,
                });
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_name_and_by_uid() {
        let root = Account::by_name("root").unwrap();
        assert_eq!(root.uid, 0);
        assert_eq!(Account::by_uid(0), Some(root));
    }

    #[test]
    fn an_account_that_does_not_exist_is_none() {
        assert_eq!(Account::by_uid(3_999_999_999), None);
        assert_eq!(Account::by_name("no such user"), None);
    }
}
