//! When reviews are sent: in a random order, each at a random moment of the window. Design, section 6.
//!
//! What a newcomer would get wrong: drawing again after a restart. Whoever starts the program every evening would send in
//! evenings; so a moment is drawn once, kept in the card, and holds however often the program is cut.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::card::Held;
use super::failure::{CardFailure, Failure, Result};
use crate::credential::encoding::{Ref, random};
use crate::credential::manifest::{Manifest, Window};
use crate::error::{Code, Error};

/// What is kept free at the end of the window for another attempt, at most.
const RESERVE: TimeDelta = TimeDelta::hours(24);

/// The subjects for which something waits to be sent, in a random order.
pub fn waiting(held: &Held) -> Result<Vec<Ref>> {
    let card = held.card().ok_or(CardFailure::Missing)?;
    let ready = card.credentials.iter().filter(|subject| subject.is_ready() && subject.is_waiting());
    let mut subjects: Vec<Ref> = ready.map(|subject| subject.subject_ref).collect();
    for end in (1..subjects.len()).rev() {
        let other =
            usize::try_from(below(u64::try_from(end + 1).map_err(Error::internal)?)?).map_err(Error::internal)?;
        subjects.swap(end, other);
    }
    Ok(subjects)
}

/// Draws a moment for each of the subjects that has none, saves them in the card, and gives all in their order.
///
/// `window_closed` once the window is over; before it opens the moments lie in it all the same.
pub fn plan(held: &mut Held, subjects: &[Ref], now: DateTime<Utc>) -> Result<Vec<(DateTime<Utc>, Ref)>> {
    let card = held.card_mut().ok_or(CardFailure::Missing)?;
    let manifest = card.manifests.last().ok_or(CardFailure::Unreadable)?.clone();
    let mut planned = Vec::with_capacity(subjects.len());
    for subject_ref in subjects {
        let Some(subject) = card.subject_mut(subject_ref) else { continue };
        let moment = match subject.send_at {
            Some(moment) => moment,
            None => draw(&manifest, now)?,
        };
        subject.send_at = Some(moment);
        planned.push((moment, *subject_ref));
    }
    planned.sort_unstable();
    held.save()?;
    Ok(planned)
}

/// A moment of what is left of the window, each as likely as any other, and none in its last day or last quarter.
fn draw(manifest: &Manifest, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    if manifest.submit_window(manifest.date_at(now)) == Window::Closed {
        return Err(Failure::Refused(Code::WindowClosed));
    }
    let dates = &manifest.dates;
    let opens = midnight(manifest, dates.submit_open);
    let closes = midnight(manifest, dates.submit_close.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX));
    let from = now.max(opens);
    let left = closes - from;
    let span = left - RESERVE.min(left / 4);
    let millis = u64::try_from(span.num_milliseconds()).map_err(Error::internal)?;
    let after = i64::try_from(below(millis.max(1))?).map_err(Error::internal)?;
    Ok(from + TimeDelta::milliseconds(after))
}

/// The instant at which a date begins where the round takes place.
fn midnight(manifest: &Manifest, date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc() - TimeDelta::minutes(i64::from(manifest.utc_offset_minutes))
}

/// A random number below `bound`; the 64 bits above any bound of ours leave no bias that could be seen.
fn below(bound: u64) -> Result<u64> {
    let drawn = u128::from_be_bytes(random::<16>()?);
    u64::try_from(drawn % u128::from(bound.max(1))).map_err(|error| Error::internal(error).into())
}
