//! Mailing notices: a round every few seconds over the deliveries whose turn has come. What a newcomer would get wrong: whoever
//! sends first and notes afterwards sends twice where two services run or the note fails. A mail is taken for a while before
//! it is sent. It goes out twice only where all ends between the server's yes and our note of it, and never not at all; its
//! Message-ID is the notice's, so that a reader's program can tell.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{SmtpTransport, Transport};
use zeroize::Zeroizing;

use super::aside;
use super::rounds::{Rounds, Stop};
use crate::cipher::{Cipher, Use};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Registry;
use crate::domain::notices::{DeliveryState, MAIL_DAYS_MAX, MailFault, wait_after};
use crate::error::{Error, Result};
use crate::notices::mail;
use crate::store;
use crate::store::notices::{Delivery, WaitingMail};

/// How often it is looked whether a mail's turn has come.
const EVERY: Duration = Duration::from_secs(2);
/// How long the mail server may take for one mail.
const PATIENCE: Duration = Duration::from_secs(20);
/// For how long a mail that is being sent is nobody else's: far longer than a server takes for it.
const TAKEN_FOR: TimeDelta = TimeDelta::minutes(10);
/// Mails of one round.
const MAILS_AT_ONCE: i64 = 50;

/// What mail is sent with.
pub struct Postman {
    registry: Arc<Registry>,
    cipher: Cipher,
    clock: Clock,
    transport: SmtpTransport,
    from: Mailbox,
    url: String,
}

impl Postman {
    /// A postman for the configured mail server; none where none is configured.
    pub fn new(config: &Config, registry: Arc<Registry>, cipher: Cipher, clock: Clock) -> Result<Option<Postman>> {
        let Some(server) = &config.mail else { return Ok(None) };
        // The error of the library may hold the URL, and with it the password.
        let transport = SmtpTransport::from_url(server.url.as_str())
            .map_err(|_| Error::internal("EJF_SMTP_URL cannot be used"))?
            .timeout(Some(PATIENCE))
            .build();
        let from = server.from.parse().map_err(|_| Error::internal("EJF_SMTP_FROM is no address"))?;
        let url = config.public_url.clone();
        Ok(Some(Postman { registry, cipher, clock, transport, from, url }))
    }

    /// Begins the rounds.
    pub fn open(self) -> Rounds {
        let postman = Arc::new(self);
        Rounds::open(EVERY, PATIENCE, "mails could not be looked for or noted", move |stop| {
            let postman = postman.clone();
            async move { round(&postman, &stop).await }
        })
    }
}

async fn round(postman: &Postman, stop: &Stop) -> Result<()> {
    let now = postman.clock.now();
    let due =
        postman.registry.0.read(move |conn| store::notices::mails_due(conn, now.naive_utc(), MAILS_AT_ONCE)).await?;
    for waiting in due {
        if *stop.borrow() {
            return Ok(());
        }
        let (taken, until) = (waiting.delivery.clone(), (postman.clock.now() + TAKEN_FOR).naive_utc());
        if !postman.registry.0.write(move |conn| store::notices::take_mail(conn, &taken, until)).await? {
            continue;
        }
        let notice_id = waiting.notice.id;
        let fault = match send(postman, &waiting, now).await {
            Ok(fault) => fault,
            // One that we cannot make must not hold up those behind it.
            Err(error) => {
                tracing::error!(%notice_id, %error, "a mail could not be made");
                Some(MailFault::Unreachable)
            }
        };
        if let Some(fault) = fault {
            tracing::warn!(%notice_id, %fault, "a mail was not taken");
        }
        let delivery = after(waiting.delivery, fault, postman.clock.now());
        postman.registry.0.write(move |conn| store::notices::put_delivery(conn, &delivery)).await?;
    }
    Ok(())
}

/// Sends one mail; why it was not taken.
async fn send(postman: &Postman, waiting: &WaitingMail, now: DateTime<Utc>) -> Result<Option<MailFault>> {
    let notice = &waiting.notice;
    let age = now - notice.created_at.and_utc();
    if waiting.delivery.attempt_count == 0 && age > TimeDelta::days(MAIL_DAYS_MAX) {
        return Ok(Some(MailFault::TooOld));
    }
    let Some(sealed) = &waiting.sealed_email else { return Ok(Some(MailFault::BadAddress)) };
    let opened = postman.cipher.open(Use::Email, notice.account_id.0.as_bytes(), sealed)?;
    let opened = opened.ok_or_else(|| Error::internal("an address of e-mail does not open"))?;
    let address = Zeroizing::new(String::from_utf8(opened.to_vec()).map_err(Error::internal)?);
    let Ok(to) = address.parse::<Mailbox>() else { return Ok(Some(MailFault::BadAddress)) };
    let words = mail(notice.kind, notice.language, &notice.title, &notice.body, &postman.url);
    let host = postman.from.email.domain().to_owned();
    let message = Message::builder()
        .from(postman.from.clone())
        .to(to)
        .subject(words.subject)
        .message_id(Some(format!("<{}@{host}>", notice.id)))
        .header(ContentType::TEXT_PLAIN)
        .body(words.text)
        .map_err(Error::internal)?;
    let transport = postman.transport.clone();
    aside(move || {
        Ok(match transport.send(&message) {
            Ok(_) => None,
            Err(error) if error.is_permanent() => Some(MailFault::Refused),
            Err(error) if error.is_transient() => Some(MailFault::RefusedForNow),
            Err(_) => Some(MailFault::Unreachable),
        })
    })
    .await
}

/// How a delivery stands after an attempt: done, tried again after a while, or given up.
fn after(delivery: Delivery, fault: Option<MailFault>, now: DateTime<Utc>) -> Delivery {
    let attempt_count = delivery.attempt_count.saturating_add(1);
    let wait = fault.filter(|fault| fault.is_passing()).and_then(|_| wait_after(attempt_count));
    let state = match (fault, wait) {
        (None, _) => DeliveryState::Delivered,
        (Some(_), Some(_)) => DeliveryState::Pending,
        (Some(_), None) => DeliveryState::Failed,
    };
    Delivery {
        state,
        attempt_count,
        next_attempt_at: wait.map(|wait| (now + wait).naive_utc()),
        error: fault,
        delivered_at: fault.is_none().then(|| now.naive_utc()),
        ..delivery
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::NoticeId;
    use crate::domain::notices::Channel;

    fn waiting(attempt_count: i32) -> Delivery {
        Delivery {
            notice_id: NoticeId(uuid::Uuid::nil()),
            channel: Channel::Email,
            state: DeliveryState::Pending,
            attempt_count,
            next_attempt_at: None,
            error: None,
            delivered_at: None,
            delivered_by: None,
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_later_and_what_will_not_is_given_up_at_once() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let retried = after(waiting(0), Some(MailFault::Unreachable), now);
        assert_eq!((retried.state, retried.attempt_count), (DeliveryState::Pending, 1));
        assert_eq!(retried.next_attempt_at, Some((now + TimeDelta::minutes(1)).naive_utc()));
        let last = after(waiting(8), Some(MailFault::RefusedForNow), now);
        assert_eq!((last.state, last.next_attempt_at), (DeliveryState::Failed, None));
        let refused = after(waiting(0), Some(MailFault::Refused), now);
        assert_eq!((refused.state, refused.error), (DeliveryState::Failed, Some(MailFault::Refused)));
        let done = after(waiting(2), None, now);
        assert_eq!(
            (done.state, done.error, done.delivered_at),
            (DeliveryState::Delivered, None, Some(now.naive_utc()))
        );
    }
}
