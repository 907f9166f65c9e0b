//! One attempt at one delivery over HTTP. What a newcomer would get wrong: the receiver is not trusted. Its name is resolved once,
//! to an address that may be connected to; a redirect is an answer and not followed; of what it answers only the status and how
//! long to wait are read.

use std::error::Error as _;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde_json::json;
use zeroize::Zeroizing;

use crate::config::origins::{Origins, may_connect};
use crate::credential::webhook::sign;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::events::Event;
use crate::domain::webhooks::EventDeliveryFault;
use crate::error::{Error, Result};
use crate::store::events::EventRow;
use crate::store::webhook_deliveries::Delivery;
use crate::store::webhooks::Webhook;

/// What is sent to an endpoint.
pub(super) struct Sending {
    url: String,
    id: String,
    sent_at: i64,
    body: Vec<u8>,
}

/// How an attempt ended.
pub(super) struct Attempt {
    /// Why it failed.
    pub(super) fault: Option<EventDeliveryFault>,
    /// What was answered.
    pub(super) status: Option<u16>,
    /// For how long the receiver asks to be left alone.
    pub(super) wait_asked_seconds: Option<i64>,
}

impl Attempt {
    fn failed(fault: EventDeliveryFault) -> Attempt {
        Attempt { fault: Some(fault), status: None, wait_asked_seconds: None }
    }

    fn answered(status: StatusCode, wait_asked_seconds: Option<i64>) -> Attempt {
        let fault = match status {
            status if status.is_success() => None,
            StatusCode::GONE => Some(EventDeliveryFault::Gone),
            status if status.is_redirection() => Some(EventDeliveryFault::Redirected),
            _ => Some(EventDeliveryFault::Refused),
        };
        Attempt { fault, status: Some(status.as_u16()), wait_asked_seconds }
    }

    /// Whether another delivery to the same endpoint may fare better by now: somebody answered who wants more.
    pub(super) fn reached_somebody(&self) -> bool {
        match self.fault {
            None | Some(EventDeliveryFault::Refused) => true,
            Some(
                EventDeliveryFault::Unreachable
                | EventDeliveryFault::TimedOut
                | EventDeliveryFault::Redirected
                | EventDeliveryFault::Gone
                | EventDeliveryFault::NotAllowed,
            ) => false,
        }
    }
}

impl Sending {
    /// The delivery of an event; of a test where there is none.
    pub(super) fn new(
        webhook: &Webhook,
        delivery: &Delivery,
        event: Option<EventRow>,
        now: DateTime<Utc>,
    ) -> Result<Sending> {
        let (id, body) = match event {
            Some(row) => (row.id.to_string(), serde_json::to_vec(&Event::from(row))),
            None => {
                let id = delivery.id.to_string();
                let occurred_on = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
                let body = json!({"type": "ping", "version": 1, "id": id, "occurred_on": occurred_on});
                (id, serde_json::to_vec(&body))
            }
        };
        let body = body.map_err(Error::internal)?;
        Ok(Sending { url: webhook.url.clone(), id, sent_at: now.timestamp(), body })
    }

    /// Sends it.
    pub(super) async fn attempt(
        &self,
        client: &reqwest::Client,
        origins: &Origins,
        secrets: &[Zeroizing<Vec<u8>>],
    ) -> Result<Attempt> {
        let url = Url::parse(&self.url).map_err(Error::internal)?;
        if !origins.allow(&url) {
            return Ok(Attempt::failed(EventDeliveryFault::NotAllowed));
        }
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &self.id)
            .header("webhook-timestamp", self.sent_at)
            .header("webhook-signature", sign(secrets, &self.id, self.sent_at, &self.body)?)
            .body(self.body.clone());
        Ok(match request.send().await {
            Ok(answer) => {
                let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                Attempt::answered(answer.status(), asked)
            }
            Err(error) if error.is_timeout() => Attempt::failed(EventDeliveryFault::TimedOut),
            Err(error) if is_not_allowed(&error) => Attempt::failed(EventDeliveryFault::NotAllowed),
            Err(_) => Attempt::failed(EventDeliveryFault::Unreachable),
        })
    }
}

/// What events are sent through: no proxy of the environment, no redirect, no connection that is kept, so that each delivery
/// asks anew where its name leads.
pub(super) fn client(patience: Duration) -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("ejf/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(patience)
        .dns_resolver(Arc::new(Guard))
        .build()
        .map_err(Error::internal)
}

/// Resolves names, and gives no address where one of them may not be connected to.
struct Guard;

/// A name leads where events are not sent.
#[derive(Debug, thiserror::Error)]
#[error("the name of an endpoint leads to an address that is not connected to")]
struct NotAllowed;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let name = host.clone();
            let found = tokio::task::spawn_blocking(move || (name.as_str(), 0).to_socket_addrs()).await??;
            let addresses: Addrs = Box::new(admit(&host, found.collect())?.into_iter());
            Ok(addresses)
        })
    }
}

fn admit(host: &str, found: Vec<SocketAddr>) -> std::result::Result<Vec<SocketAddr>, NotAllowed> {
    if found.iter().all(|address| may_connect(host, address.ip())) { Ok(found) } else { Err(NotAllowed) }
}

fn is_not_allowed(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(found) = cause {
        if found.is::<NotAllowed>() {
            return true;
        }
        cause = found.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_200_to_299_says_that_an_event_was_taken() {
        for (status, fault) in [
            (200, None),
            (204, None),
            (299, None),
            (301, Some(EventDeliveryFault::Redirected)),
            (304, Some(EventDeliveryFault::Redirected)),
            (400, Some(EventDeliveryFault::Refused)),
            (410, Some(EventDeliveryFault::Gone)),
            (429, Some(EventDeliveryFault::Refused)),
            (500, Some(EventDeliveryFault::Refused)),
        ] {
            let attempt = Attempt::answered(StatusCode::from_u16(status).unwrap(), None);
            assert_eq!((attempt.fault, attempt.status), (fault, Some(status)));
        }
    }

    #[test]
    fn a_name_with_one_address_that_is_not_connected_to_has_none_at_all() {
        let found = |addresses: &[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect::<Vec<_>>();
        let public = found(&["10.0.0.7:0", "[fd00::7]:0"]);
        assert_eq!(admit("hr.example.kz", public.clone()).unwrap(), public);
        for bad in ["127.0.0.1:0", "[::1]:0", "169.254.169.254:0", "[fe80::1]:0"] {
            assert!(admit("hr.example.kz", found(&["10.0.0.7:0", bad])).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn the_word_for_this_machine_leads_to_it() {
        let resolved = Guard.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.unwrap().all(|address| address.ip().is_loopback()));
    }
}
