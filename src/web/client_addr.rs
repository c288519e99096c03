//! Who is really calling. `X-Forwarded-For` is believed only as far as trusted proxies wrote it: reading from the
//! right, the first address that is not one of them is the caller; everything left of it is the caller's own claim.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header::X_FORWARDED_FOR;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};
use ipnet::IpNet;

/// Networks whose word on `X-Forwarded-For` counts. Empty: nobody's.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

impl TrustedProxies {
    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The caller, given the TCP peer and the values of all `X-Forwarded-For` lines in order.
    pub fn caller<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut caller = peer.to_canonical();
        for hop in forwarded.rev().flat_map(|line| line.rsplit(',')) {
            if !self.contains(caller) {
                break;
            }
            // A trusted proxy that wrote "unknown" or nonsense hides who is behind it: the proxy itself is all we know.
            let Some(address) = parse_hop(hop) else { break };
            caller = address;
        }
        caller
    }
}

/// An address with or without port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`, `[2001:db8::1]`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(hop);
    let address = IpAddr::from_str(bare).or_else(|_| SocketAddr::from_str(hop).map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// Extractor. `0.0.0.0` when the connection has no peer address (in-process tests).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

impl FromRequest for ClientAddr {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(req)))
    }
}

impl ClientAddr {
    /// Who sent it.
    pub fn of(req: &HttpRequest) -> Self {
        let Some(peer) = req.peer_addr() else { return Self(Ipv4Addr::UNSPECIFIED.into()) };
        let caller = match req.app_data::<Data<TrustedProxies>>() {
            None => peer.ip().to_canonical(),
            Some(proxies) if proxies.0.is_empty() => peer.ip().to_canonical(),
            Some(proxies) => {
                // A line that is not text is kept as an unreadable hop; dropping it would move the others.
                let lines: Vec<&str> =
                    req.headers().get_all(X_FORWARDED_FOR).map(|line| line.to_str().unwrap_or("?")).collect();
                proxies.caller(peer.ip(), lines.into_iter())
            }
        };
        Self(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_hops_are_believed() {
        let proxies = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()]);
        let table: &[(&str, &[&str], &str)] = &[
            ("192.0.2.7", &[], "192.0.2.7"),
            ("192.0.2.7", &["198.51.100.1"], "192.0.2.7"), // an untrusted peer says what it likes
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"), // the left part is the caller's own claim
            ("10.0.0.1", &["198.51.100.1, 10.0.0.9"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1", "10.0.0.9"], "198.51.100.1"), // two lines are one list
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),           // all trusted: the farthest
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, "], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("2001:db8:1::5", &["[2001:db8:9::1]:443"], "2001:db8:9::1"),
            ("2001:db8:1::5", &["2001:db8:9::1"], "2001:db8:9::1"),
            ("2001:db8:1::5", &["[2001:db8:9::1]"], "2001:db8:9::1"),
        ];
        for (peer, lines, expected) in table {
            let caller = proxies.caller(peer.parse().unwrap(), lines.iter().copied());
            assert_eq!(caller, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
    }

    #[actix_web::test]
    async fn the_extractor_reads_all_lines() {
        let request = actix_web::test::TestRequest::get()
            .peer_addr("10.0.0.1:5".parse().unwrap())
            .append_header((X_FORWARDED_FOR, "198.51.100.1"))
            .append_header((X_FORWARDED_FOR, "10.0.0.2"))
            .app_data(Data::new(TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()])))
            .to_http_request();
        let ClientAddr(caller) = ClientAddr::extract(&request).await.unwrap();
        assert_eq!(caller, "198.51.100.1".parse::<IpAddr>().unwrap());
    }
}
