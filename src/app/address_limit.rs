//! How many log-ins one address may try: a bucket for each, in memory alone, in front of the two operations that take a
//! secret. A newcomer's usual mistake is to believe `X-Forwarded-For`: anybody can send it, so it counts from proxies that
//! the configuration names and from nobody else.
//!
//! It stands beside the growing wait of each name, which slows down the guessing of one password; this slows down whoever
//! tries one password with many names. The ballot box has no such thing: there nobody has an address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web;

use crate::clock::Clock;
use crate::config::networks::{Network, masked};
use crate::error::{Code, Error};

/// Tries that an address has at once.
const TRIES: i64 = 30;
/// Milliseconds after which it has one more.
const TRY_MILLIS: i64 = 2_000;
/// Addresses that are remembered; those that have all their tries again are forgotten first.
const ADDRESSES_MAX: usize = 10_000;
/// Bits of an IPv6 address that one subscriber commonly has; the others are theirs to choose.
const SUBSCRIBER_BITS: u8 = 64;
/// Whose bucket it is when no more addresses can be remembered.
const EVERYBODY_ELSE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
/// Where a name and its secret, or a client's, are taken.
const LOG_INS: &[&str] = &["/v1/sessions", "/oauth2/token"];

const POLICY_HEADER: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT_HEADER: HeaderName = HeaderName::from_static("ratelimit");

/// The buckets, by address: the instant at which each is full again, in milliseconds.
pub(super) struct AddressLimit {
    trusted: Vec<Network>,
    full_at: Mutex<HashMap<IpAddr, i64>>,
}

/// What an address has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    is_admitted: bool,
    tries: i64,
    /// Until one more try, rounded up.
    seconds: u32,
}

impl AddressLimit {
    pub(super) fn new(trusted: &[Network]) -> AddressLimit {
        AddressLimit { trusted: trusted.to_vec(), full_at: Mutex::new(HashMap::new()) }
    }

    /// The caller's address; `None` where it cannot be told. A loopback peer that is not named as a proxy may be one all
    /// the same, and then everybody would share its bucket.
    fn address(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.to_canonical();
        let is_trusted = |address: IpAddr| self.trusted.iter().any(|network| network.contains(address));
        if !is_trusted(peer) {
            return (!peer.is_loopback()).then_some(peer);
        }
        let forwarded: Vec<&str> = headers
            .get_all("x-forwarded-for")
            // What is no text names no address.
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .collect();
        // From the right: what stands further left was written by the caller.
        let hops = forwarded.iter().rev().map(|hop| hop.trim().parse::<IpAddr>());
        let first_unknown = hops.take_while(Result::is_ok).flatten().find(|hop| !is_trusted(*hop));
        Some(first_unknown.unwrap_or(peer).to_canonical())
    }

    /// Takes a try out of an address's bucket, where there is one.
    fn take(&self, address: IpAddr, now: i64) -> Left {
        let subscriber = if address.is_ipv6() { masked(address, SUBSCRIBER_BITS) } else { address };
        // Nothing that holds the lock can leave the map half-way, so a poisoned one is as good as any.
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= ADDRESSES_MAX && !full_at.contains_key(&subscriber) {
            full_at.retain(|_, full_at| *full_at > now);
        }
        let is_remembered = full_at.len() < ADDRESSES_MAX || full_at.contains_key(&subscriber);
        let bucket = full_at.entry(if is_remembered { subscriber } else { EVERYBODY_ELSE }).or_insert(now);
        let missing = (*bucket).max(now) - now;
        let is_admitted = missing <= (TRIES - 1) * TRY_MILLIS;
        if is_admitted {
            *bucket = now + missing + TRY_MILLIS;
        }
        let missing = *bucket - now;
        let tries = TRIES - missing.div_euclid(TRY_MILLIS) - i64::from(missing.rem_euclid(TRY_MILLIS) > 0);
        let millis = if missing.rem_euclid(TRY_MILLIS) == 0 { TRY_MILLIS } else { missing.rem_euclid(TRY_MILLIS) };
        Left { is_admitted, tries: tries.max(0), seconds: u32::try_from((millis + 999) / 1_000).unwrap_or(1) }
    }
}

/// Answers 429 where the caller's address has used up its tries; what is left stands on every answer to a log-in.
pub(super) async fn admit<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let is_log_in = *request.method() == Method::POST && LOG_INS.contains(&request.path());
    let (limit, clock) = (request.app_data::<web::Data<AddressLimit>>(), request.app_data::<web::Data<Clock>>());
    let (true, Some(limit), Some(clock)) = (is_log_in, limit, clock) else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let Some(address) = limit.address(request.peer_addr().map(|peer| peer.ip()), request.headers()) else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let left = limit.take(address, clock.now().timestamp_millis());
    let mut response = if left.is_admitted {
        next.call(request).await?.map_into_left_body()
    } else {
        request.error_response(Error::retry_after(Code::TooManyRequests, left.seconds)).map_into_right_body()
    };
    let window = TRIES * TRY_MILLIS / 1_000;
    let headers = [
        (POLICY_HEADER, format!("\"log-in\";q={TRIES};w={window}")),
        (LIMIT_HEADER, format!("\"log-in\";r={};t={}", left.tries, left.seconds)),
    ];
    for (name, text) in headers {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_believed_of_the_connection_and_of_named_proxies_alone() {
        let limit = AddressLimit::new(&[Network::parse("10.0.0.0/8").unwrap()]);
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("x-forwarded-for");
        headers.insert(name.clone(), HeaderValue::from_static("198.51.100.7, 203.0.113.9, 10.0.0.2"));
        let told = |peer: &str| limit.address(Some(address(peer)), &headers);
        assert_eq!(told("10.0.0.1"), Some(address("203.0.113.9")), "what is further left is the caller's own word");
        assert_eq!(told("203.0.113.1"), Some(address("203.0.113.1")), "anybody can send the header");
        assert_eq!(told("127.0.0.1"), None, "a proxy of this machine that nobody named");
        assert_eq!(told("::ffff:10.0.0.1"), Some(address("203.0.113.9")));
        headers.insert(name, HeaderValue::from_static("203.0.113.9, nonsense"));
        assert_eq!(limit.address(Some(address("10.0.0.1")), &headers), Some(address("10.0.0.1")));
        assert_eq!(limit.address(None, &HeaderMap::new()), None);
    }

    #[test]
    fn a_bucket_empties_fills_again_and_is_its_address_s_alone() {
        let limit = AddressLimit::new(&[]);
        let (one, other) = (address("203.0.113.1"), address("203.0.113.2"));
        for left in (0..TRIES).rev() {
            let taken = limit.take(one, 1_000);
            assert_eq!((taken.is_admitted, taken.tries), (true, left));
        }
        assert_eq!(limit.take(one, 1_000), Left { is_admitted: false, tries: 0, seconds: 2 });
        assert!(limit.take(other, 1_000).is_admitted);
        assert!(!limit.take(one, 2_999).is_admitted);
        assert!(limit.take(one, 3_000).is_admitted && !limit.take(one, 3_000).is_admitted);
        let subscriber = [address("2001:db8::1"), address("2001:db8::ffff:1"), address("2001:db8:0:1::1")];
        let tries = subscriber.map(|address| limit.take(address, 0).tries);
        assert_eq!(tries, [TRIES - 1, TRIES - 2, TRIES - 1], "one subscriber has many addresses");
    }

    #[test]
    fn no_more_addresses_are_remembered_than_there_is_room_for() {
        let limit = AddressLimit::new(&[]);
        let size = || limit.full_at.lock().unwrap().len();
        for number in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 100 {
            limit.take(IpAddr::V4(number.into()), 0);
        }
        assert_eq!(size(), ADDRESSES_MAX + 1);
        limit.take(address("203.0.113.1"), 1_000_000);
        assert_eq!(size(), 1, "whoever has all tries again is forgotten");
    }
}
