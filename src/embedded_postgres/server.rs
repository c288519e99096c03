//! The running server: starts it, knows when it is ready, and ends it. Owns the child process and the thread that keeps
//! it. Does not know how the cluster came to be.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::error::StopError;
use super::process::signal;

const FAST_SHUTDOWN: Duration = Duration::from_secs(10);
const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Server {
    pid: i32,
    life: Arc<Life>,
}

#[derive(Debug, Default)]
struct Life {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Set once the child is reaped. While it is `None` the pid is ours and may be signalled.
    exit: Option<ExitStatus>,
    phase: Phase,
}

/// Decides whether the server's end is news: a failed start is reported by `start`, a stop was asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Starting,
    Serving,
    Stopping,
}

impl Life {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a start has come.
#[derive(Debug)]
pub(super) enum Startup {
    Ready,
    Ended(ExitStatus),
    TimedOut,
}

impl Server {
    /// Starts the child from a thread that lives exactly as long as it does. The kernel's parent-death signal is tied to
    /// the thread that forks: from a thread that ends earlier (a test's, a runtime's) Postgres would be shut down with it.
    pub fn spawn(mut command: Command) -> io::Result<Server> {
        let life = Arc::new(Life::default());
        let (started, start) = mpsc::channel();
        let watched = Arc::clone(&life);
        thread::Builder::new().name("embedded-postgres".to_owned()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(started.send(Err(error))),
            };
            let pid = child.id().cast_signed();
            let _ = started.send(Ok(pid));
            wait_unreaped(pid);
            // Reap under the lock, so that nobody signals a pid that is already someone else's.
            let mut state = watched.state();
            state.exit = child.wait().ok();
            if state.phase == Phase::Serving {
                let status = state.exit.map(|status| status.to_string());
                tracing::error!(pid, status, "embedded PostgreSQL ended unexpectedly; restart Avouch");
            }
            watched.ended.notify_all();
        })?;
        let pid = start.recv().map_err(io::Error::other)??;
        Ok(Server { pid, life })
    }

    /// Waits until the server accepts connections, which it tells in line 8 of its pid file.
    pub fn wait_ready(&self, cluster: &Path, patience: Duration) -> Startup {
        let begin = Instant::now();
        let mut told = false;
        loop {
            if let Some(status) = self.life.state().exit {
                return Startup::Ended(status);
            }
            let file = fs::read_to_string(cluster.join("postmaster.pid")).unwrap_or_default();
            if is_ready(&file, self.pid) {
                self.life.state().phase = Phase::Serving;
                return Startup::Ready;
            }
            if begin.elapsed() > patience {
                return Startup::TimedOut;
            }
            if !told && begin.elapsed() > Duration::from_secs(5) {
                told = true;
                tracing::info!("PostgreSQL is still starting; after a crash it recovers from its log first");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Fast shutdown (open transactions are rolled back, a checkpoint is written); after 10 s immediate shutdown.
    /// Does nothing the second time.
    pub fn stop(&self) -> Result<(), StopError> {
        {
            let mut state = self.life.state();
            if std::mem::replace(&mut state.phase, Phase::Stopping) == Phase::Stopping {
                return Ok(());
            }
            if let Some(status) = state.exit {
                return Err(StopError::AlreadyExited(status));
            }
        }
        if self.end(libc::SIGINT, FAST_SHUTDOWN) {
            return Ok(());
        }
        if self.end(libc::SIGQUIT, IMMEDIATE_SHUTDOWN) || self.end(libc::SIGKILL, IMMEDIATE_SHUTDOWN) {
            return Err(StopError::Forced { seconds: FAST_SHUTDOWN.as_secs() });
        }
        Err(StopError::Stuck { pid: self.pid })
    }

    fn end(&self, how: libc::c_int, patience: Duration) -> bool {
        let state = self.life.state();
        if state.exit.is_none() {
            signal(self.pid, how);
        }
        let waited = self.life.ended.wait_timeout_while(state, patience, |state| state.exit.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.exit.is_some()
    }
}

/// Blocks until the child has ended, and leaves it a zombie so that its pid cannot be reused yet.
fn wait_unreaped(pid: i32) {
    loop {
        // SAFETY: siginfo_t is plain data for which zeroes are valid, and it lives on this stack frame during the call.
        let result = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(libc::P_PID, pid.cast_unsigned(), &mut info, libc::WEXITED | libc::WNOWAIT)
        };
        if result == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// postmaster.pid: pid, data directory, start time, port, socket directory, listen address, shared memory key, status.
fn is_ready(file: &str, pid: i32) -> bool {
    let mut lines = file.lines();
    lines.next().is_some_and(|first| first.trim() == pid.to_string())
        && lines.nth(6).is_some_and(|status| status.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_when_its_own_pid_file_says_so() {
        let file = "42\n/pg\n1700000000\n5432\n/run/x\n\n  1 2\nready   \n";
        assert!(is_ready(file, 42));
        assert!(!is_ready(file, 43), "another server's file");
        assert!(!is_ready(&file.replace("ready", "starting"), 42));
        assert!(!is_ready("42\n/pg\n", 42));
    }
}
