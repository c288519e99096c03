//! The embedded Postgres as an operator meets it. Where a test needs a broker to kill, or one that runs as another user,
//! this binary runs itself again (`broker`). Passes as root (then Postgres runs as another user) and as a normal user.

mod broker;
mod deaths;
mod observe;
mod refusals;
mod starts;

/// The uid of `nobody`: some user other than root that exists everywhere.
const NOBODY: u32 = 65534;
