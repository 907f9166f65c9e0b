//! Where events may be sent to. What a newcomer would get wrong: a list of addresses to keep away from would not do, as networks of
//! the state use private ones; so whoever runs the service lists each origin exactly. A listed name that leads to this machine,
//! to a neighbour by link-local address, or to many at once is refused all the same: behind those lie services that trust
//! whoever asks.

use std::net::IpAddr;

use reqwest::Url;

/// The origins that events may be sent to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<Origin>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origins {
    /// Reads origins with commas between, or `none`; `None` for another form, or one that events are never sent to.
    pub fn parse(text: &str) -> Option<Origins> {
        if text == "none" {
            return Some(Origins::default());
        }
        text.split(',').map(|one| Origin::parse(one.trim())).collect::<Option<Vec<_>>>().map(Origins)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is one at a listed origin, without a log-in in it.
    pub fn allow(&self, url: &Url) -> bool {
        let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        is_plain && Origin::of(url).is_some_and(|origin| self.0.contains(&origin))
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Origin> {
        // Another form is an answer and no failure.
        let url = Url::parse(text).ok()?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_plain = url.username().is_empty() && url.password().is_none();
        let origin = Origin::of(&url).filter(|_| is_bare && is_plain)?;
        let is_covered = match origin.scheme.as_str() {
            "https" => true,
            "http" => names_this_machine(&origin.host),
            _ => false,
        };
        let is_reachable = literal(&origin.host).is_none_or(|address| may_connect(&origin.host, address));
        (is_covered && is_reachable).then_some(origin)
    }

    fn of(url: &Url) -> Option<Origin> {
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        Some(Origin { scheme: url.scheme().to_owned(), host: host.to_owned(), port })
    }
}

/// Whether a host may be reached at an address: never at one that leads to neighbours or to many, and at this machine only
/// where the host is called so.
pub fn may_connect(host: &str, address: IpAddr) -> bool {
    let address = address.to_canonical();
    let (is_link_local, is_broadcast) = match address {
        IpAddr::V4(address) => (address.is_link_local(), address.is_broadcast()),
        IpAddr::V6(address) => (address.is_unicast_link_local(), false),
    };
    if is_link_local || is_broadcast || address.is_multicast() || address.is_unspecified() {
        return false;
    }
    !address.is_loopback() || names_this_machine(host)
}

fn names_this_machine(host: &str) -> bool {
    host == "localhost" || literal(host).is_some_and(|address| address.to_canonical().is_loopback())
}

/// The address that a host is, where it is one; an IPv6 address stands in brackets.
fn literal(host: &str) -> Option<IpAddr> {
    // A name is no failure.
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origins: &str, url: &str) -> bool {
        Origins::parse(origins).unwrap().allow(&Url::parse(url).unwrap())
    }

    #[test]
    fn an_address_is_allowed_by_scheme_host_and_port_exactly() {
        let origins = "https://hr.example.kz, https://10.0.0.7:8443,http://127.0.0.1:9000";
        for good in [
            "https://hr.example.kz/hooks?to=file",
            "https://HR.example.kz:443/",
            "https://10.0.0.7:8443/",
            "http://127.0.0.1:9000/",
            "http://0x7f.1:9000/",
        ] {
            assert!(allows(origins, good), "{good}");
        }
        for bad in [
            "http://hr.example.kz/",
            "https://hr.example.kz:8443/",
            "https://hr.example.kz.evil.example/",
            "https://evil.example/?https://hr.example.kz",
            "https://hr.example.kz@evil.example/",
            "https://user:pass@hr.example.kz/",
            "https://hr.example.kz/#part",
            "https://10.0.0.8:8443/",
            "https://localhost:9000/",
            "http://localhost:9000/",
            "file:///etc/passwd",
        ] {
            assert!(!allows(origins, bad), "{bad}");
        }
        assert!(!allows("none", "https://hr.example.kz/"));
    }

    #[test]
    fn an_origin_is_covered_and_leads_to_no_neighbour() {
        for bad in [
            "",
            "hr.example.kz",
            "http://hr.example.kz",
            "ftp://hr.example.kz",
            "https://hr.example.kz/hooks",
            "https://hr.example.kz?x=1",
            "https://user@hr.example.kz",
            "https://169.254.169.254",
            "https://[fe80::1]",
            "https://[::ffff:169.254.169.254]",
            "https://224.0.0.1",
            "https://0.0.0.0",
            "https://[::]",
            "https://255.255.255.255",
            "https://hr.example.kz,,",
        ] {
            assert!(Origins::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_name_that_leads_to_this_machine_or_a_neighbour_is_not_connected_to() {
        let may = |host: &str, address: &str| may_connect(host, address.parse().unwrap());
        assert!(may("hr.example.kz", "10.0.0.7") && may("hr.example.kz", "fd00::7") && may("localhost", "127.0.0.1"));
        for bad in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0"] {
            assert!(!may("hr.example.kz", bad), "{bad}");
        }
        assert!(!may("localhost", "169.254.169.254"));
    }
}
