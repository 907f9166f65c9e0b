//! Networks as they are configured. A newcomer's usual mistake is to compare a mapped address as it is: a listener for
//! both families gives an IPv4 caller as `::ffff:…`, which is no address of its IPv4 network.

use std::net::IpAddr;

/// A network: its first address, and how many leading bits all of its addresses share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `ADDRESS/BITS`, or one address; `None` for another form.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        // Another form is an answer and no failure.
        let address: IpAddr = address.parse().ok()?;
        let address = address.to_canonical();
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => whole,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= whole)?,
        };
        Some(Network { first: masked(address, bits), bits })
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.bits) == self.first
    }
}

/// The address with all but its leading bits cleared.
pub fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_network_and_in_no_other() {
        let is_in = |network: &str, address: &str| Network::parse(network).unwrap().contains(address.parse().unwrap());
        assert!(is_in("10.1.0.0/16", "10.1.255.3") && !is_in("10.1.0.0/16", "10.2.0.0"));
        assert!(is_in("10.1.2.3/16", "10.1.9.9"), "the first address is found by its bits");
        assert!(is_in("127.0.0.1", "127.0.0.1") && !is_in("127.0.0.1", "127.0.0.2"));
        assert!(is_in("10.0.0.0/8", "::ffff:10.3.3.3"), "an IPv4 caller of a listener for both");
        assert!(is_in("fd00::/64", "fd00::1:2:3:4") && !is_in("fd00::/64", "fd00:0:0:1::"));
        assert!(is_in("0.0.0.0/0", "203.0.113.9") && !is_in("0.0.0.0/0", "::1"));
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "host/8"] {
            assert!(Network::parse(bad).is_none(), "{bad}");
        }
    }
}
