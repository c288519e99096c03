//! `avouch healthcheck`: asks the running broker's /readyz, in the way a container engine can afford every few seconds.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let address = reachable(config.ops_listen);
    let status = ask(address).with_context(|| format!("nobody answers at http://{address}/readyz"))?;
    if status != 200 {
        bail!("not ready: http://{address}/readyz answers {status}");
    }
    Ok(())
}

fn ask(address: SocketAddr) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut head = String::new();
    stream.take(64).read_to_string(&mut head).context("the answer is no text")?;
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    status.context("the answer is no HTTP")
}

/// A listener on every address is asked on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(at) if at.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, at.port()).into(),
        SocketAddr::V6(at) if at.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, at.port()).into(),
        at => at,
    }
}
