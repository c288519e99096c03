//! How a Postgres program becomes a child process: as which user, with which environment, and what ends it when the
//! broker dies. Does not know what the programs are asked to do.

use std::env;
use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::account::Accounts;
use super::error::StartError;

/// What a child is for decides what the kernel sends it when the thread that started it ends (`PR_SET_PDEATHSIG`,
/// prctl(2)).
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// The server: SIGINT, Postgres's fast shutdown, so that even `kill -9` of the broker ends cleanly.
    Serve,
    /// initdb and the like, whose work is thrown away anyway: SIGKILL.
    Prepare,
}

/// All that a child gets of our environment, which may hold secrets: how to find its libraries, and the user database
/// that an image without passwd entries brings along (nss_wrapper).
const ENVIRONMENT: [&str; 5] = ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP"];

/// A command that runs as the server's user with `dir` as working directory, in a process group of its own (a Ctrl-C in
/// the terminal is for the broker, which drains before it stops Postgres), without any file or lock that we have open.
pub(super) fn command(program: &Path, accounts: &Accounts, dir: &Path, purpose: Purpose) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ENVIRONMENT {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("LC_ALL", "C").env("TZ", "UTC");
    command.stdin(Stdio::null()).process_group(0);

    let become_user = accounts.differ().then_some((accounts.server.uid, accounts.server.gid));
    let dir = CString::new(dir.as_os_str().as_bytes()).unwrap_or_default();
    let on_parent_death = match purpose {
        Purpose::Serve => libc::SIGINT,
        Purpose::Prepare => libc::SIGKILL,
    };
    let parent = std::process::id();
    // SAFETY: the closure runs between fork and exec. It makes only async-signal-safe system calls and touches nothing
    // but values it owns; it neither allocates nor locks.
    unsafe {
        command.pre_exec(move || {
            if let Some((uid, gid)) = become_user {
                check(libc::setgroups(1, &gid))?;
                check(libc::setgid(gid))?;
                check(libc::setuid(uid))?;
            }
            // After setuid, which clears it; and the parent may have died before it was set.
            check(libc::prctl(libc::PR_SET_PDEATHSIG, on_parent_death))?;
            if libc::getppid().cast_unsigned() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            // As the new user: this is where a directory that it cannot reach is noticed.
            check(libc::chdir(dir.as_ptr()))?;
            // Rust opens files close-on-exec; this covers descriptors we inherited. Fails harmlessly before Linux 5.11.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
    command
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Runs a command to its end, with `input` as its standard input.
pub(super) fn run(mut command: Command, input: &str, accounts: &Accounts, dir: &Path) -> Result<Output, StartError> {
    let program = command.get_program().to_owned();
    let failed = |source| spawn_error(Path::new(&program), accounts, dir, source);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early closes its input; its exit status tells more than our EPIPE.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output().map_err(failed)
}

/// Names the step that failed between fork and exec.
pub(super) fn spawn_error(program: &Path, accounts: &Accounts, dir: &Path, source: io::Error) -> StartError {
    match source.raw_os_error() {
        Some(libc::EACCES) if accounts.differ() => {
            StartError::Unreachable { user: accounts.server.name.clone(), path: dir.to_owned() }
        }
        Some(libc::EPERM) => StartError::DropPrivileges { user: accounts.server.name.clone(), source },
        _ => StartError::Spawn { program: program.to_owned(), source },
    }
}

/// Sends a signal to a process that the caller knows to be a Postgres of ours. One that just ended is no error.
pub(super) fn signal(pid: i32, signal: libc::c_int) {
    if pid > 1 {
        // SAFETY: kill takes plain integers; a pid above 1 is one process, not a group and not init.
        unsafe { libc::kill(pid, signal) };
    }
}
