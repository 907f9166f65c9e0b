//! When reviews are sent: in a random order, each at a random moment of the window. Design, section 6.
//!
//! What a newcomer would get wrong: drawing again after a restart. Whoever starts the program every evening would send in
//! evenings; so a moment is drawn once, kept in the card, and holds however often the program is cut. Only where several
//! have passed meanwhile, or lie too close, are they put off: sent one after another they would be one person's.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::card::Held;
use super::failure::{CardFailure, Failure, Result};
use crate::credential::encoding::{Ref, random};
use crate::credential::manifest::{Manifest, Window};
use crate::error::{Code, Error};

/// What is kept free at the end of the window for another attempt, at most.
const RESERVE: TimeDelta = TimeDelta::hours(24);
/// The least and the largest random gap between two reviews of one card.
const GAP_MIN: TimeDelta = TimeDelta::minutes(2);
const GAP_MAX: TimeDelta = TimeDelta::minutes(30);

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

/// Draws a moment for each of the subjects that has none, keeps them apart from one another and from `last`, when a review
/// was sent before them, saves them in the card, and gives all in their order.
///
/// `window_closed` once the window is over; before it opens the moments lie in it all the same.
pub fn plan(
    held: &mut Held,
    subjects: &[Ref],
    last: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Vec<(DateTime<Utc>, Ref)>> {
    let card = held.card_mut().ok_or(CardFailure::Missing)?;
    let manifest = card.manifests.last().ok_or(CardFailure::Unreadable)?.clone();
    let mut planned = Vec::with_capacity(subjects.len());
    for subject_ref in subjects {
        let Some(subject) = card.subject(subject_ref) else { continue };
        let moment = match subject.send_at {
            Some(moment) => moment,
            None => draw(&manifest, now)?,
        };
        planned.push((moment, *subject_ref));
    }
    planned.sort_unstable();
    let moments: Vec<DateTime<Utc>> = planned.iter().map(|(moment, _)| *moment).collect();
    let apart = keep_apart(&moments, last, now, closes(&manifest), &mut draw_gap)?;
    for ((moment, subject_ref), kept) in planned.iter_mut().zip(apart) {
        *moment = kept;
        if let Some(subject) = card.subject_mut(subject_ref) {
            subject.send_at = Some(kept);
        }
    }
    held.save()?;
    Ok(planned)
}

/// Moments, ascending, put off so that no two reviews go out in one burst: whoever watches the network, or finds the box
/// between two rewritings, would know them for one person's.
///
/// Those that are past count as now, so the first of them may go at once and each other after a gap. A moment that is far
/// enough from the one before stays as it is, however often this is asked. Near the end of the window gaps get smaller,
/// for a review that comes too late counts for nothing.
fn keep_apart(
    moments: &[DateTime<Utc>],
    last: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    closes: DateTime<Utc>,
    gap: &mut dyn FnMut() -> Result<TimeDelta>,
) -> Result<Vec<DateTime<Utc>>> {
    let mut kept = Vec::with_capacity(moments.len());
    let mut before = last;
    for (moment, left) in moments.iter().zip((1..=moments.len()).rev()) {
        let from = before.map(|before| before.max(now));
        let moment = match from {
            Some(from) if *moment < from + GAP_MIN => {
                let room = (closes - from) / i32::try_from(left + 1).map_err(Error::internal)?;
                from + gap()?.min(room.max(TimeDelta::zero()))
            }
            Some(_) | None => *moment,
        };
        kept.push(moment);
        before = Some(moment);
    }
    Ok(kept)
}

fn draw_gap() -> Result<TimeDelta> {
    let span = u64::try_from((GAP_MAX - GAP_MIN).num_milliseconds()).map_err(Error::internal)?;
    Ok(GAP_MIN + TimeDelta::milliseconds(i64::try_from(below(span)?).map_err(Error::internal)?))
}

/// A moment of what is left of the window, each as likely as any other, and none in its last day or last quarter.
fn draw(manifest: &Manifest, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    if manifest.submit_window(manifest.date_at(now)) == Window::Closed {
        return Err(Failure::Refused(Code::WindowClosed));
    }
    let from = now.max(midnight(manifest, manifest.dates.submit_open));
    let left = closes(manifest) - from;
    let span = left - RESERVE.min(left / 4);
    let millis = u64::try_from(span.num_milliseconds()).map_err(Error::internal)?;
    let after = i64::try_from(below(millis.max(1))?).map_err(Error::internal)?;
    Ok(from + TimeDelta::milliseconds(after))
}

/// The instant at which the window ends.
fn closes(manifest: &Manifest) -> DateTime<Utc> {
    let last = manifest.dates.submit_close;
    midnight(manifest, last.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn minutes_of(moments: &[DateTime<Utc>]) -> Vec<i64> {
        moments.iter().map(|moment| (*moment - at(0)).num_minutes()).collect()
    }

    /// The minutes kept for these, with gaps of so many minutes and a window that ends at this one.
    fn kept(moments: &[i64], last: Option<i64>, now: i64, closes: i64, gap: i64) -> Vec<i64> {
        let moments: Vec<_> = moments.iter().map(|minutes| at(*minutes)).collect();
        let mut gaps = || Ok(TimeDelta::minutes(gap));
        minutes_of(&keep_apart(&moments, last.map(at), at(now), at(closes), &mut gaps).unwrap())
    }

    #[test]
    fn moments_that_have_passed_meanwhile_do_not_all_fire_at_once() {
        assert_eq!(kept(&[-90, -60, -1, 500], None, 0, 10_000, 17), [-90, 17, 34, 500]);
        // After one was sent the next waits too, as after a sleep of the machine.
        assert_eq!(kept(&[-60, -1], Some(0), 0, 10_000, 30), [30, 60]);
        assert_eq!(kept(&[5, 6, 8], None, 0, 10_000, 10), [5, 15, 25]);
    }

    #[test]
    fn moments_that_are_apart_stay_however_often_they_are_planned() {
        let once = kept(&[-90, -60, 100, 101], None, 0, 10_000, 17);
        assert_eq!(once, [-90, 17, 100, 117]);
        assert_eq!(kept(&once, None, 0, 10_000, 29), once);
        assert_eq!(kept(&once[1..], Some(0), 3, 10_000, 29), once[1..]);
    }

    #[test]
    fn near_the_end_of_the_window_gaps_get_smaller_and_none_leads_out_of_it() {
        let late = kept(&[-9, -8, -7, -6], None, 0, 60, 30);
        assert!(late.is_sorted() && *late.last().unwrap() < 60, "{late:?}");
        assert_eq!(kept(&[-9, -8], None, 70, 60, 30), [-9, 70], "after the end there is nothing to wait for");
    }

    #[test]
    fn gaps_are_from_two_to_thirty_minutes() {
        for _ in 0..200 {
            assert!((GAP_MIN..GAP_MAX).contains(&draw_gap().unwrap()));
        }
    }
}
