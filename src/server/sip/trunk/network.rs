//! An address, or all addresses that begin like it.

use std::net::IpAddr;
use std::str::FromStr;

/// `192.0.2.0/24`, `2001:db8::/32` or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Leading bits that count.
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address or ADDRESS/BITS")]
pub struct NotANetwork;

impl Network {
    /// Whether `address` lies in it; an IPv4 address may be written as an IPv6 one (RFC 4291 §2.5.5.2).
    pub fn contains(&self, address: IpAddr) -> bool {
        let (ours, theirs) = (self.address.to_canonical(), address.to_canonical());
        let differing = match (ours, theirs) {
            (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(u32::from(a) ^ u32::from(b)) << 96,
            (IpAddr::V6(a), IpAddr::V6(b)) => u128::from(a) ^ u128::from(b),
            _ => return false,
        };
        differing.leading_zeros() >= u32::from(self.bits)
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| NotANetwork)?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| NotANetwork)?;
        let longest = if address.to_canonical().is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(longest);
        if bits > longest { Err(NotANetwork) } else { Ok(Self { address, bits }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_inside_or_not() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::1", "::1", "::2"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{inside} in {network:?}");
            assert!(!network.contains(outside.parse().unwrap()), "{outside} not in {network:?}");
        }
        for bad in ["", "example.org", "192.0.2.0/33", "::/129", "192.0.2.0/-1", "192.0.2.0/"] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
    }
}
