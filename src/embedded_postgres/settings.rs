//! The three configuration files inside the cluster. Written anew at every start, because they name things that can change
//! between starts (socket directory, operating-system users). An operator's own settings survive: `ALTER SYSTEM` writes
//! elsewhere and wins.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, fchown};
use std::path::Path;

use super::account::Accounts;

/// The role the broker connects as; owns its databases and may create more, but is no superuser, so that a hole in the
/// broker cannot run programs or read files through Postgres.
pub(super) const ROLE: &str = "broker";
/// The superuser, for an operator's `psql -U postgres`; the broker never uses it.
pub(super) const SUPERUSER: &str = "postgres";

pub(super) fn write(cluster: &Path, socket_dir: &str, accounts: &Accounts) -> io::Result<()> {
    replace(cluster, "postgresql.conf", &server(socket_dir), accounts)?;
    replace(cluster, "pg_hba.conf", &host_based_authentication(), accounts)?;
    replace(cluster, "pg_ident.conf", &identities(accounts), accounts)
}

fn server(socket_dir: &str) -> String {
    // A list of quoted identifiers inside a quoted string: two levels of doubling.
    let sockets = format!("\"{}\"", socket_dir.replace('"', "\"\"")).replace('\'', "''");
    format!(
        "# Written by Avouch at each start. Use ALTER SYSTEM for settings of your own.
port = 5432
listen_addresses = ''
unix_socket_directories = '{sockets}'
max_connections = 60

# A small server on a shared machine, durable: fsync and full_page_writes keep their defaults.
shared_buffers = 32MB
max_wal_size = 256MB
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
# Containers give /dev/shm 64 MB, too little for parallel queries; ours are short anyway.
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
jit = off
timezone = 'UTC'
lc_messages = 'C'

# One file per weekday, overwritten a week later.
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
log_checkpoints = off
# DETAIL lines quote row values, and rows hold personal data.
log_error_verbosity = terse
log_parameter_max_length_on_error = 0
"
    )
}

fn host_based_authentication() -> String {
    format!(
        "# Written by Avouch at each start. The socket's peer decides; there are no passwords and no network.
local all {ROLE} peer map=avouch
local all {SUPERUSER} peer map=avouch
"
    )
}

fn identities(accounts: &Accounts) -> String {
    let mut text = String::from("# Written by Avouch at each start: operating-system user -> database role.\n");
    let mut names = vec![&accounts.broker.name];
    if accounts.differ() {
        names.push(&accounts.server.name);
    }
    for name in names {
        for role in [ROLE, SUPERUSER] {
            text.push_str(&format!("avouch \"{name}\" {role}\n"));
        }
    }
    text
}

/// Replaces a file as a whole. As root we write into a directory that another user controls, so never through an existing
/// file or link there: a fresh file, handed over, renamed into place.
fn replace(cluster: &Path, name: &str, text: &str, accounts: &Accounts) -> io::Result<()> {
    let fresh = cluster.join(format!("{name}.new"));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    if accounts.differ() {
        fchown(&file, Some(accounts.server.uid), Some(accounts.server.gid))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, cluster.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_directory_with_quotes_in_its_name_stays_one_directory() {
        assert!(server("/tmp/a'b\"c").contains("unix_socket_directories = '\"/tmp/a''b\"\"c\"'"));
    }
}
