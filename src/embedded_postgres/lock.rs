//! One broker per data directory: an flock on `avouch.lock`, held as long as the value lives. The kernel releases it when
//! the process dies, however it dies. It does not protect a network volume mounted on two hosts; that is unsupported.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::StartError;

/// The lock of a broker that was just killed can linger while the kernel takes the process apart, and one that was told
/// to stop may still be draining. Long enough for both.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, waiting up to 15 s for the holder to go away.
    pub fn acquire(data_dir: &Path) -> Result<Lock, StartError> {
        let path = data_dir.join("avouch.lock");
        let failed = |source| StartError::DataDir { action: "lock", path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let begin = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if begin.elapsed() >= PATIENCE => {
                    return Err(StartError::AlreadyRunning {
                        dir: data_dir.to_owned(),
                        holder: read_holder(&mut file),
                    });
                }
                Err(TryLockError::WouldBlock) => {
                    // A killed predecessor is gone within milliseconds; only mention a wait that a person would notice.
                    if !told && begin.elapsed() > Duration::from_millis(300) {
                        told = true;
                        let holder = read_holder(&mut file);
                        tracing::warn!(dir = %data_dir.display(), holder, "another Avouch uses this data directory; waiting up to 15 s for it to end");
                    }
                    thread::sleep(Duration::from_millis(50));
                }
            }
        }
        write_holder(&mut file).map_err(failed)?;
        Ok(Lock { _file: file })
    }
}

/// The process id the holder wrote, for the message only: the lock itself is what counts.
fn read_holder(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
