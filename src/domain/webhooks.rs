//! Endpoints that events are sent to: which events, how a delivery stands, and when it is tried again. What a newcomer would get
//! wrong: an answer says that the receiver took the event and nothing else; what it answers beyond its status is not read.

use chrono::TimeDelta;

use crate::coded;
use crate::domain::events::EventKind;
use crate::domain::judge_file::Check;
use crate::error::{Error, Rule};

/// The longest address of an endpoint, in characters.
pub const URL_LENGTH_MAX: usize = 500;

coded! {
    /// Whether an endpoint is sent events.
    WebhookState {
        /// It is.
        Active = "active",
        /// It is not, as an administrator decided; what it misses waits.
        Paused = "paused",
        /// It is not, as it answered 410; what it misses waits until an administrator sets it active.
        Gone = "gone",
    }
}

coded! {
    /// How the delivery of an event to an endpoint stands.
    EventDeliveryState {
        /// It waits for its turn, for another attempt, or for the one before it of the same judge.
        Pending = "pending",
        /// The receiver took it.
        Delivered = "delivered",
        /// It was tried for three days in vain; staff may send it again.
        GivenUp = "given_up",
    }
}

coded! {
    /// Why an attempt to deliver failed.
    EventDeliveryFault {
        /// The receiver could not be reached, or hung up.
        Unreachable = "unreachable",
        /// The receiver did not answer in time.
        TimedOut = "timed_out",
        /// The receiver answered with a status other than 200 to 299.
        Refused = "refused",
        /// The receiver answered with a redirect, which is never followed.
        Redirected = "redirected",
        /// The receiver answered 410: it wants no more events.
        Gone = "gone",
        /// The address is none of those that events may be sent to by now.
        NotAllowed = "not_allowed",
    }
}

/// The kinds of event that an endpoint is sent, each once, in the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct EventKinds(Vec<EventKind>);

impl EventKinds {
    /// Kinds as they were asked for; a fault is noted where there is none, or one stands twice.
    pub fn checked(check: &mut Check, pointer: &str, kinds: &[EventKind]) -> EventKinds {
        let max = EventKind::ALL.len();
        check.rule((1..=max).contains(&kinds.len()), pointer, Rule::Length { min: 1, max: max as u64 });
        let is_twice = |(at, kind): (usize, &EventKind)| kinds.iter().take(at).any(|before| before == kind);
        check.rule(!kinds.iter().enumerate().any(is_twice), pointer, Rule::Duplicate);
        EventKinds(EventKind::ALL.iter().copied().filter(|kind| kinds.contains(kind)).collect())
    }

    /// Whether a kind is among them.
    pub fn contains(&self, kind: EventKind) -> bool {
        self.0.contains(&kind)
    }

    /// The kinds.
    pub fn as_slice(&self) -> &[EventKind] {
        &self.0
    }
}

impl std::fmt::Display for EventKinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|kind| kind.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

impl std::str::FromStr for EventKinds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.split(' ').map(|word| word.parse().map_err(Error::internal)).collect::<Result<_, _>>().map(EventKinds)
    }
}

crate::stored_as_text!(EventKinds);

/// Seconds to wait after each attempt that failed: a little over three days in all.
const WAITS_SECONDS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The longest wait that a receiver may ask for, in seconds.
pub const WAIT_ASKED_MAX: i64 = 86_400;

/// How long to wait after so many attempts, from 1; none where the delivery is given up. The wait is longer by up to a fifth,
/// by `jitter`, so that what failed together is not tried together; and at least what the receiver asked for.
pub fn wait_after(attempts: i32, jitter: u8, asked_seconds: Option<i64>) -> Option<TimeDelta> {
    let index = usize::try_from(attempts.saturating_sub(1)).ok()?;
    let wait = WAITS_SECONDS.get(index).copied()? * 1_000;
    let wait = wait + wait * i64::from(jitter) / (5 * 256);
    let asked = asked_seconds.unwrap_or(0).clamp(0, WAIT_ASKED_MAX) * 1_000;
    Some(TimeDelta::milliseconds(wait.max(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_for_three_days_with_growing_waits_and_then_given_up() {
        let waits: Vec<TimeDelta> = (1..).map_while(|attempts| wait_after(attempts, 0, None)).collect();
        assert_eq!(waits.len(), WAITS_SECONDS.len());
        assert!(waits.is_sorted());
        let all: TimeDelta = waits.into_iter().sum();
        assert!(all > TimeDelta::days(3) && all < TimeDelta::days(4), "{all}");
        assert_eq!(wait_after(0, 0, None), None);
    }

    #[test]
    fn a_wait_is_longer_by_up_to_a_fifth_and_as_long_as_the_receiver_asks_but_for_a_day() {
        assert_eq!(wait_after(2, 0, None), Some(TimeDelta::seconds(300)));
        let longest = wait_after(2, u8::MAX, None).unwrap();
        assert!(longest > TimeDelta::seconds(359) && longest < TimeDelta::seconds(360), "{longest}");
        assert_eq!(wait_after(1, 0, Some(120)), Some(TimeDelta::seconds(120)));
        assert_eq!(wait_after(2, 0, Some(120)), Some(TimeDelta::seconds(300)));
        assert_eq!(wait_after(1, 0, Some(i64::MAX)), Some(TimeDelta::days(1)));
        assert_eq!(wait_after(1, 0, Some(-1)), Some(TimeDelta::seconds(5)));
    }

    #[test]
    fn kinds_are_kept_in_one_order_and_come_back_as_they_were() {
        let mut check = Check::default();
        let kinds =
            EventKinds::checked(&mut check, "/types", &[EventKind::ExtractIssued, EventKind::EvaluationFinalised]);
        assert_eq!(kinds.to_string(), "evaluation.finalised extract.issued");
        assert_eq!(kinds.to_string().parse::<EventKinds>().unwrap(), kinds);
        assert!(kinds.contains(EventKind::ExtractIssued) && !kinds.contains(EventKind::ExtractRevoked));
        assert!(check.done().is_ok());
        for bad in [vec![], vec![EventKind::ExtractIssued; 2], EventKind::ALL.repeat(2)] {
            let mut check = Check::default();
            EventKinds::checked(&mut check, "/types", &bad);
            assert!(check.done().is_err(), "{bad:?}");
        }
    }
}
