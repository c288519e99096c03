//! Which addresses may be spoken to: the IANA special-purpose registries (RFC 6890) as one table. An IPv6 address that
//! carries an IPv4 one is judged by what it carries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Public,
    /// Loopback, private and shared ranges: open when the operator says so.
    Private,
    /// Link-local (where clouds keep the credentials of the machine), multicast, reserved: never open.
    Never,
}

impl Reach {
    pub fn is_open(self, allow_private: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Private => allow_private,
            Self::Never => false,
        }
    }
}

const V4: [(&str, Reach); 18] = [
    ("0.0.0.0/8", Reach::Never),        // this network
    ("10.0.0.0/8", Reach::Private),     // RFC 1918
    ("100.64.0.0/10", Reach::Private),  // carrier-grade NAT, RFC 6598
    ("127.0.0.0/8", Reach::Private),    // loopback
    ("168.63.129.16/32", Reach::Never), // Azure's wire server: public by number, the hypervisor in truth
    ("169.254.0.0/16", Reach::Never),   // link-local, cloud metadata
    ("172.16.0.0/12", Reach::Private),  // RFC 1918
    ("192.0.0.0/24", Reach::Never),     // IETF protocol assignments
    ("192.0.2.0/24", Reach::Never),     // documentation
    ("192.31.196.0/24", Reach::Never),  // AS112
    ("192.52.193.0/24", Reach::Never),  // AMT
    ("192.88.99.0/24", Reach::Never),   // 6to4 relays
    ("192.168.0.0/16", Reach::Private), // RFC 1918
    ("198.18.0.0/15", Reach::Private),  // benchmarks; some container networks sit here
    ("198.51.100.0/24", Reach::Never),  // documentation
    ("203.0.113.0/24", Reach::Never),   // documentation
    ("224.0.0.0/4", Reach::Never),      // multicast
    ("240.0.0.0/4", Reach::Never),      // reserved, broadcast
];

/// Only `2000::/3` is global unicast; what is not named here and lies outside it is reserved.
const V6: [(&str, Reach); 7] = [
    ("::1/128", Reach::Private),         // loopback
    ("fc00::/7", Reach::Private),        // unique local
    ("2001::/23", Reach::Never),         // IETF protocol assignments, Teredo
    ("2001:db8::/32", Reach::Never),     // documentation
    ("2620:4f:8000::/48", Reach::Never), // AS112
    ("3fff::/20", Reach::Never),         // documentation
    ("2000::/3", Reach::Public),         // the internet
];

static V4_NETS: LazyLock<Vec<(Ipv4Net, Reach)>> =
    LazyLock::new(|| V4.iter().map(|(net, reach)| (net.parse().expect("the table is right"), *reach)).collect());
static V6_NETS: LazyLock<Vec<(Ipv6Net, Reach)>> =
    LazyLock::new(|| V6.iter().map(|(net, reach)| (net.parse().expect("the table is right"), *reach)).collect());

/// Where an address leads.
pub fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => match carried(ip) {
            Some(inner) => reach_v4(inner),
            None => V6_NETS.iter().find(|(net, _)| net.contains(&ip)).map_or(Reach::Never, |(_, reach)| *reach),
        },
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    V4_NETS.iter().find(|(net, _)| net.contains(&ip)).map_or(Reach::Public, |(_, reach)| *reach)
}

/// The IPv4 address inside a mapped (`::ffff:a.b.c.d`), NAT64 (`64:ff9b::a.b.c.d`) or 6to4 (`2002:aabb:ccdd::`) one.
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(joined(high, low)),
        [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_open_by_default() {
        let table = [
            (
                Reach::Public,
                "1.1.1.1 8.8.8.8 20.190.128.1 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 192.0.1.1 11.0.0.0 223.255.255.255",
            ),
            (
                Reach::Public,
                "2606:4700::1111 2a00:1450:4001::1 2001:4860:4860::8888 ::ffff:1.1.1.1 64:ff9b::1.1.1.1 2002:101:101::1",
            ),
            (
                Reach::Private,
                "127.0.0.1 127.255.255.254 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255 198.18.0.1",
            ),
            (
                Reach::Private,
                "::1 fc00::1 fd00:ec2::254 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::192.168.0.1 2002:7f00:1::",
            ),
            (
                Reach::Never,
                "0.0.0.0 0.1.2.3 169.254.169.254 168.63.129.16 192.0.0.192 192.0.2.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255",
            ),
            (
                Reach::Never,
                ":: ::2 ::7f00:1 fe80::1 fec0::1 ff02::1 2001::1 2001:db8::1 3fff::1 100::1 5f00::1 64:ff9b:1::1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 4000::1",
            ),
        ];
        for (expected, addresses) in table {
            for address in addresses.split(' ') {
                assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
            }
        }
    }

    #[test]
    fn an_operator_opens_private_ranges_but_never_link_local() {
        assert!(reach("10.0.0.1".parse().unwrap()).is_open(true));
        assert!(!reach("10.0.0.1".parse().unwrap()).is_open(false));
        assert!(!reach("169.254.169.254".parse().unwrap()).is_open(true));
    }
}
