//! Finds, in what Postgres wrote, the one line that tells why it ended.

use std::fs;
use std::path::Path;

/// The last complaint in a program's output, without timestamps; the last line of any kind if there is no complaint.
pub(super) fn cause(text: &str) -> Option<String> {
    complaint(text).or_else(|| {
        let mut lines = text.lines().rev().map(str::trim);
        lines.find(|line| !line.is_empty()).map(str::to_owned)
    })
}

fn complaint(text: &str) -> Option<String> {
    text.lines().rev().find_map(|line| {
        ["PANIC:", "FATAL:", "ERROR:", "error:", "could not "]
            .iter()
            .find_map(|mark| line.find(mark))
            .map(|at| line[at..].trim().to_owned())
    })
}

/// The cause of a failed start: from what the server said first, else from the log it had already switched to (which
/// also holds earlier runs, so it counts only after the switch).
pub(super) fn cause_of_failed_start(start_log: &Path, cluster: &Path) -> Option<String> {
    let early = fs::read_to_string(start_log).unwrap_or_default();
    let later = || {
        let newest = fs::read_dir(cluster.join("log"))
            .ok()?
            .flatten()
            .max_by_key(|entry| entry.metadata().and_then(|found| found.modified()).ok())?;
        complaint(&String::from_utf8_lossy(&fs::read(newest.path()).ok()?))
    };
    complaint(&early)
        .or_else(|| early.contains("redirecting log output").then(later).flatten())
        .or_else(|| cause(&early))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_last_complaint() {
        let text = "2026-01-01 LOG:  starting\n2026-01-01 [7] FATAL:  lock file exists\n2026-01-01 LOG:  shut down\n";
        assert_eq!(cause(text).as_deref(), Some("FATAL:  lock file exists"));
        assert_eq!(cause("initdb: error: no\n\n").as_deref(), Some("error: no"));
        assert_eq!(cause("strange\n").as_deref(), Some("strange"));
        assert_eq!(cause(""), None);
    }
}
