//! DNS for the outbound client: answers only with addresses that may be spoken to. The check and the connection use the
//! same answer, so a name that changes its address in between (DNS rebinding) gains nothing.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{self, Reach};

pub(super) struct Guarded {
    pub(super) allow_private: bool,
}

/// Every address of the name is closed to us.
#[derive(Debug, thiserror::Error)]
#[error("the name leads only to addresses that are not open to outbound requests")]
pub(super) struct Closed(pub(super) Reach);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let open: Vec<SocketAddr> =
                found.iter().copied().filter(|a| address::reach(a.ip()).is_open(allow_private)).collect();
            match found.iter().map(|a| address::reach(a.ip())).find(|reach| !reach.is_open(allow_private)) {
                Some(reach) if open.is_empty() => Err(Closed(reach).into()),
                _ => Ok(Box::new(open.into_iter()) as Addrs),
            }
        })
    }
}
