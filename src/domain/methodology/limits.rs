//! The numbers of a methodology: panel sizes, minimum counts, caps, and time limits. What a newcomer would get wrong: the
//! bounds in the documentation here are for readers and the API document; what enforces them is `validation.rs`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::methodology::Methodology;

/// Within what our own design says, six to twelve months (`domain.md` 7.3).
const REPEAT_AFTER_MONTHS: u32 = 12;

/// Panel sizes, minimum counts and caps. A methodology may be stricter than a floor, never laxer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Subjects that a cycle needs; floor 10, since in a tiny cycle log-ins point at reviews.
    #[schema(minimum = 10, maximum = 1000, example = 10)]
    pub subjects_min: u32,
    /// Reviewers drawn for each subject; 12 to 20.
    #[schema(minimum = 12, maximum = 20, example = 14)]
    pub panel_size: u32,
    /// Reviewers drawn in order behind each panel, for replacements; 0 to 60.
    #[schema(minimum = 0, maximum = 60, example = 14)]
    pub reserve_size: u32,
    /// Credentials issued for a subject before its reviews open; from 6, from `decision_min`, to `panel_size`.
    #[schema(minimum = 6, maximum = 20, example = 12)]
    pub issued_min: u32,
    /// Reviews from which anything at all is shown; floor 5.
    #[schema(minimum = 5, maximum = 20, example = 5)]
    pub display_min: u32,
    /// Reviews from which a result may ground a decision, and a criterion may be shown; floor 10.
    #[schema(minimum = 10, maximum = 20, example = 10)]
    pub decision_min: u32,
    /// Reviews kept after setting aside, for a result that may ground a decision; floor 6.
    #[schema(minimum = 6, maximum = 20, example = 6)]
    pub kept_min: u32,
    /// Reviews that must have ticked a statement for it to be shown; floor 3.
    #[schema(minimum = 3, maximum = 20, example = 3)]
    pub statement_min: u32,
    /// Statements that one review may tick; at most 8, since more make a fingerprint.
    #[schema(minimum = 0, maximum = 8, example = 8)]
    pub statements_per_review_max: u32,
    /// Reviewers of a panel from the subject's own court; at most 2.
    #[schema(minimum = 0, maximum = 2, example = 2)]
    pub same_court_max: u32,
    /// Judges that a court needs before any of them reviews another of it; floor 8.
    #[schema(minimum = 8, maximum = 400, example = 8)]
    pub same_court_size: u32,
    /// Assignments of one reviewer in a year; 1 to 9.
    #[schema(minimum = 1, maximum = 9, example = 9)]
    pub load_cap: u32,
    /// Names that a subject may challenge in the pool; 1 to 20. Never 0: who is judged may object to a judge.
    #[schema(minimum = 1, maximum = 20, example = 5)]
    pub challenged_names_max: u32,
}

/// A second round of collection for subjects with fewer reviews than `decision_min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"panel_size": 8, "reserve_size": 8, "issued_min": 6}))]
pub struct SupplementaryRound {
    /// Reviewers who are added for each such subject; 6 to 20.
    #[schema(minimum = 6, maximum = 20, example = 8)]
    pub panel_size: u32,
    /// Reviewers drawn in order behind them, for replacements; 0 to 60.
    #[schema(minimum = 0, maximum = 60, example = 8)]
    pub reserve_size: u32,
    /// Credentials issued for a subject before its added reviews open; from 6 to `panel_size`.
    #[schema(minimum = 6, maximum = 20, example = 6)]
    pub issued_min: u32,
}

/// What a round of collection draws and asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundCounts {
    /// Reviewers for each subject.
    pub panel_size: u32,
    /// Reviewers in order behind each panel.
    pub reserve_size: u32,
    /// Reviewers of a panel from the subject's own court.
    pub same_court_max: u32,
    /// Credentials issued for a subject before its reviews open.
    pub issued_min: u32,
}

impl Methodology {
    /// What a round draws and asks for, the supplementary one being the second; `None` where there is no such round.
    pub fn round_counts(&self, round: i32) -> Option<RoundCounts> {
        let Counts { panel_size, reserve_size, same_court_max, issued_min, .. } = self.counts;
        match round {
            1 => Some(RoundCounts { panel_size, reserve_size, same_court_max, issued_min }),
            2 => self.supplementary.map(|added| RoundCounts {
                panel_size: added.panel_size,
                reserve_size: added.reserve_size,
                // The first panel may have had as many as the subject's court gives.
                same_court_max: 0,
                issued_min: added.issued_min,
            }),
            _ => None,
        }
    }
}

/// Periods and deadlines. Days are calendar days unless the name says working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeLimits {
    /// Minutes by which local time is ahead of UTC; -720 to 840. Windows open and close at local midnight.
    #[schema(minimum = -720, maximum = 840, example = 300)]
    pub utc_offset_minutes: i32,
    /// Phase `announced`, in working days; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 10)]
    pub announced_working_days: u32,
    /// Days between the last notice served and the opening of `submission`; 1 to 365.
    #[schema(minimum = 1, maximum = 365, example = 30)]
    pub notice_days_min: u32,
    /// Phase `file_review`: the judge reads the file, asks corrections, adds a statement; 5 to 90.
    #[schema(minimum = 5, maximum = 90, example = 15)]
    pub file_review_days: u32,
    /// Working days for a source to answer a correction request of a judge whom a cycle evaluates; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 10)]
    pub source_answer_working_days: u32,
    /// Phase `pool_review`, first part: working days to challenge; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 5)]
    pub pool_review_challenge_working_days: u32,
    /// Phase `pool_review`, second part: working days to decide challenges; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 5)]
    pub pool_review_decide_working_days: u32,
    /// Phase `drawn`: the draw, the keys and the manifest; 1 to 30.
    #[schema(minimum = 1, maximum = 30, example = 1)]
    pub draw_days: u32,
    /// Phase `issuance`; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 10)]
    pub issuance_days: u32,
    /// Hours between the close of `issuance` and the opening of `submission`; floor 24, rounded up to whole days.
    #[schema(minimum = 24, maximum = 720, example = 24)]
    pub issuance_to_submission_hours: u32,
    /// Phase `submission`; 7 to 90.
    #[schema(minimum = 7, maximum = 90, example = 21)]
    pub submission_days: u32,
    /// The one extension of `submission`, for the whole cycle; 0 to 60.
    #[schema(minimum = 0, maximum = 60, example = 14)]
    pub submission_extension_days: u32,
    /// Days after the close of `submission` within which the box is sealed; 1 to 30.
    #[schema(minimum = 1, maximum = 30, example = 4)]
    pub seal_by_days: u32,
    /// Days after the seal in which a missing review may be proven; floor 7.
    #[schema(minimum = 7, maximum = 90, example = 7)]
    pub complaint_days: u32,
    /// Working days for the auditors' recounts, after the complaints; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 5)]
    pub recount_working_days: u32,
    /// Working days for the draft report; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 10)]
    pub drafting_working_days: u32,
    /// Days in which the judge answers the draft; 5 to 90.
    #[schema(minimum = 5, maximum = 90, example = 15)]
    pub response_days: u32,
    /// Days within which a hearing takes place; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 30)]
    pub hearing_days: u32,
    /// Working days for the decision; 1 to 90.
    #[schema(minimum = 1, maximum = 90, example = 5)]
    pub decision_working_days: u32,
    /// Working days for service of the decision; 1 to 30.
    #[schema(minimum = 1, maximum = 30, example = 3)]
    pub service_working_days: u32,
    /// Working days to appeal; 5 to 90.
    #[schema(minimum = 5, maximum = 90, example = 10)]
    pub appeal_filing_working_days: u32,
    /// Days to decide an appeal; 1 to 180.
    #[schema(minimum = 1, maximum = 180, example = 30)]
    pub appeal_decision_days: u32,
    /// Days after the last appeal of the cycle after which reviews are deleted; 30 to 365. The floor leaves time for what
    /// comes after an appeal; longer than the maximum nothing is kept that nobody needs.
    #[schema(minimum = 30, maximum = 365, example = 30)]
    pub review_deletion_days: u32,
    /// How recent the working contact of a reviewer with the subject must be, in months; 1 to 60. Told to reviewers, who
    /// recuse themselves without it; no data here tells of contacts.
    #[schema(minimum = 1, maximum = 60, example = 12)]
    pub contact_months: u32,
    /// Months in which the subject may not be drawn for someone who was drawn for them; 1 to 60.
    #[schema(minimum = 1, maximum = 60, example = 12)]
    pub reciprocal_exclusion_months: u32,
    /// Months from the appointment to the first evaluation; 1 to 60.
    #[schema(minimum = 1, maximum = 60, example = 12)]
    pub first_year_months: u32,
    /// Months from the last final evaluation to the next; 12 to 240.
    #[schema(minimum = 12, maximum = 240, example = 60)]
    pub periodic_months: u32,
    /// Months in which a final evaluation serves competitions instead of a new one; 1 to 120.
    #[schema(minimum = 1, maximum = 120, example = 24)]
    pub validity_months: u32,
    /// Months from a decision with training to the evaluation that follows it; where it is left out, twelve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 3, maximum = 24, example = 12)]
    pub repeat_after_months: Option<u32>,
    /// Years of service as a judge after which no periodic evaluation is due; none where the law knows no exemption.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 60, example = 20)]
    pub exempt_after_service_years: Option<u32>,
    /// Months before a known end of office in which no periodic evaluation begins; none where there is no such exemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 60, example = 6)]
    pub exempt_before_leaving_months: Option<u32>,
    /// A leave of more days than this stops the judge's own clocks; where none is set, every leave does. A suspension of
    /// powers always does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 365, example = 60)]
    pub leave_pause_over_days: Option<u32>,
    /// The age, in years, at which judges leave office unless it is extended; none where it is not entered: no list tells
    /// then who nears it. It enters no evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 25, maximum = 75, example = 65)]
    pub age_limit_years: Option<u32>,
}

impl TimeLimits {
    /// Months from a decision with training to the evaluation that follows it.
    pub fn repeat_after_months(&self) -> u32 {
        self.repeat_after_months.unwrap_or(REPEAT_AFTER_MONTHS)
    }
}
