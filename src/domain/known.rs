//! The file as it stood at an earlier instant. What a newcomer would get wrong: records are never changed but for how they
//! stand, so what was known is what had been received by then, and how it stood then follows from three times of each.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, days_after};
use crate::domain::judge_file::RecordStatus;

/// The times by which a record's standing is told, and how it stands now.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// When it was recorded here.
    pub received_at: NaiveDateTime,
    /// When it was replaced or withdrawn, where that is known.
    pub ended_at: Option<NaiveDateTime>,
    /// Whether a request to correct it was open at the instant in question.
    pub was_disputed: bool,
    /// How it stands now.
    pub status: RecordStatus,
}

/// The first instant after a day in Kazakhstan, in UTC: what was written before it was known on that day.
pub fn end_of(day: NaiveDate) -> NaiveDateTime {
    let midnight = days_after(day, 1).and_time(chrono::NaiveTime::MIN);
    let offset = TimeDelta::minutes(i64::from(KAZAKHSTAN_UTC_OFFSET_MINUTES));
    // Only the last day of the calendar, which no check lets in, could leave the range.
    midnight.checked_sub_signed(offset).unwrap_or(midnight)
}

impl Course {
    /// How the record stood just before `instant`; none where it was not known yet.
    pub fn status_before(self, instant: NaiveDateTime) -> Option<RecordStatus> {
        if self.received_at >= instant {
            return None;
        }
        let was_ended = match self.ended_at {
            Some(ended_at) => ended_at < instant,
            // When is not known: as it stands now is the nearest that can be said.
            None => !self.status.is_in_force(),
        };
        Some(match (was_ended, self.was_disputed) {
            (true, _) => self.status,
            (false, true) => RecordStatus::Disputed,
            (false, false) => RecordStatus::Active,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_ends_at_midnight_in_kazakhstan() {
        assert_eq!(end_of("2027-01-11".parse().unwrap()), at("2027-01-11T19:00:00"));
    }

    #[test]
    fn a_record_stood_as_its_three_times_tell() {
        let known = Course {
            received_at: at("2027-01-02T10:00:00"),
            ended_at: Some(at("2027-01-08T10:00:00")),
            was_disputed: false,
            status: RecordStatus::Corrected,
        };
        assert_eq!(known.status_before(at("2027-01-02T10:00:00")), None);
        assert_eq!(known.status_before(at("2027-01-05T00:00:00")), Some(RecordStatus::Active));
        let disputed = Course { was_disputed: true, ..known };
        assert_eq!(disputed.status_before(at("2027-01-05T00:00:00")), Some(RecordStatus::Disputed));
        assert_eq!(disputed.status_before(at("2027-01-09T00:00:00")), Some(RecordStatus::Corrected));
        let unknown = Course { ended_at: None, status: RecordStatus::Withdrawn, ..known };
        assert_eq!(unknown.status_before(at("2027-01-05T00:00:00")), Some(RecordStatus::Withdrawn));
    }
}
