//! Notices: which there are, what each says, and by which ways it reaches people. What a newcomer would get wrong: a mail
//! crosses other people's machines, so it says that there is a notice and no more; but what concerns the sending of reviews
//! is whole in the mail and is not shown behind a log-in, since nobody should log in shortly before sending a review.

use chrono::TimeDelta;

use crate::coded;

coded! {
    /// What a notice is about.
    NoticeKind {
        /// The judge stands in the plan of a year.
        EvaluationPlanned = "evaluation_planned",
        /// A cycle in which the judge is evaluated is announced.
        CycleAnnounced = "cycle_announced",
        /// The judge may read the file and ask for corrections.
        FileReviewOpened = "file_review_opened",
        /// The eligible pool is shown and can be challenged.
        PoolShown = "pool_shown",
        /// Pools were widened and are shown anew.
        PoolShownAgain = "pool_shown_again",
        /// A challenge is decided.
        ChallengeDecided = "challenge_decided",
        /// A request for correction is decided.
        CorrectionDecided = "correction_decided",
        /// A reviewer may collect credentials.
        CredentialsReady = "credentials_ready",
        /// A reviewer has not collected every credential yet.
        CredentialsReminder = "credentials_reminder",
        /// Reviews are taken.
        SubmissionOpened = "submission_opened",
        /// Reviews are still taken; the same to every reviewer.
        SubmissionReminder = "submission_reminder",
        /// The days of a cycle were moved later.
        DaysMoved = "days_moved",
        /// The result can be read.
        ResultReady = "result_ready",
        /// The draft of the report can be read and answered.
        ReportServed = "report_served",
        /// The judge is to be heard on a day.
        HearingScheduled = "hearing_scheduled",
        /// A request that a member step back is decided.
        RecusalDecided = "recusal_decided",
        /// The decision can be read and appealed against.
        DecisionServed = "decision_served",
        /// The appeal is decided.
        AppealDecided = "appeal_decided",
        /// The decision is in force.
        DecisionInForce = "decision_in_force",
        /// The decision is out of force.
        DecisionRevoked = "decision_revoked",
        /// The evaluation stands still.
        EvaluationSuspended = "evaluation_suspended",
        /// The evaluation goes on.
        EvaluationResumed = "evaluation_resumed",
        /// The evaluation goes back to the draft.
        EvaluationReopened = "evaluation_reopened",
        /// The judge's evaluation ended without a result.
        EvaluationCancelled = "evaluation_cancelled",
        /// A cycle ended without results.
        CycleCancelled = "cycle_cancelled",
    }
}

/// The variables that a notice may speak of; the texts of each kind use exactly those of [`NoticeKind::variables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The title of the cycle, in the reader's language.
    Cycle,
    /// The year of a plan.
    Year,
    /// The first day of what the notice is about.
    FirstDay,
    /// The last day of what the notice is about.
    LastDay,
    /// What is evaluated: the names of the criteria.
    Criteria,
    /// From which day on the file can be read.
    FileDay,
    /// From which day on the pool is shown.
    PoolDay,
}

impl Variable {
    /// Its name in the texts.
    pub fn name(self) -> &'static str {
        match self {
            Variable::Cycle => "cycle",
            Variable::Year => "year",
            Variable::FirstDay => "first_day",
            Variable::LastDay => "last_day",
            Variable::Criteria => "criteria",
            Variable::FileDay => "file_day",
            Variable::PoolDay => "pool_day",
        }
    }
}

impl NoticeKind {
    /// What its text speaks of; title and body together use each of them.
    pub fn variables(self) -> &'static [Variable] {
        use Variable::{Criteria, Cycle, FileDay, FirstDay, LastDay, PoolDay, Year};
        match self {
            NoticeKind::EvaluationPlanned => &[Year],
            NoticeKind::CycleAnnounced => &[Cycle, FirstDay, Criteria, FileDay, PoolDay],
            NoticeKind::FileReviewOpened
            | NoticeKind::PoolShown
            | NoticeKind::PoolShownAgain
            | NoticeKind::CredentialsReady
            | NoticeKind::SubmissionOpened
            | NoticeKind::DaysMoved => &[Cycle, FirstDay, LastDay],
            NoticeKind::CredentialsReminder | NoticeKind::SubmissionReminder => &[Cycle, LastDay],
            NoticeKind::ReportServed | NoticeKind::DecisionServed => &[Cycle, LastDay],
            NoticeKind::HearingScheduled | NoticeKind::DecisionInForce => &[Cycle, FirstDay],
            NoticeKind::ChallengeDecided
            | NoticeKind::RecusalDecided
            | NoticeKind::AppealDecided
            | NoticeKind::DecisionRevoked
            | NoticeKind::EvaluationSuspended
            | NoticeKind::EvaluationResumed
            | NoticeKind::EvaluationReopened
            | NoticeKind::ResultReady
            | NoticeKind::EvaluationCancelled
            | NoticeKind::CycleCancelled => &[Cycle],
            NoticeKind::CorrectionDecided => &[],
        }
    }

    /// Whether it concerns the sending of reviews: then it is whole in the mail, and not shown behind a log-in.
    pub fn is_of_submission(self) -> bool {
        match self {
            NoticeKind::SubmissionOpened | NoticeKind::SubmissionReminder | NoticeKind::DaysMoved => true,
            NoticeKind::EvaluationPlanned
            | NoticeKind::CycleAnnounced
            | NoticeKind::FileReviewOpened
            | NoticeKind::PoolShown
            | NoticeKind::PoolShownAgain
            | NoticeKind::ChallengeDecided
            | NoticeKind::CorrectionDecided
            | NoticeKind::CredentialsReady
            | NoticeKind::CredentialsReminder
            | NoticeKind::ResultReady
            | NoticeKind::ReportServed
            | NoticeKind::HearingScheduled
            | NoticeKind::RecusalDecided
            | NoticeKind::DecisionServed
            | NoticeKind::AppealDecided
            | NoticeKind::DecisionInForce
            | NoticeKind::DecisionRevoked
            | NoticeKind::EvaluationSuspended
            | NoticeKind::EvaluationResumed
            | NoticeKind::EvaluationReopened
            | NoticeKind::EvaluationCancelled
            | NoticeKind::CycleCancelled => false,
        }
    }
}

coded! {
    /// A language in which somebody is written to.
    NoticeLanguage {
        /// Kazakh.
        Kk = "kk",
        /// Russian.
        Ru = "ru",
        /// English.
        En = "en",
    }
}

coded! {
    /// A way by which a notice reaches its person.
    Channel {
        /// Shown to the person in the service.
        Service = "service",
        /// Sent by e-mail.
        Email = "email",
        /// Handed over or posted by the staff.
        ByHand = "by_hand",
    }
}

coded! {
    /// How a delivery stands.
    DeliveryState {
        /// It waits.
        Pending = "pending",
        /// It is done: shown, taken by the mail server, handed over.
        Delivered = "delivered",
        /// It was given up.
        Failed = "failed",
    }
}

coded! {
    /// Why a mail was not taken.
    MailFault {
        /// The mail server could not be reached or did not answer.
        Unreachable = "unreachable",
        /// The mail server refused it for the time being.
        RefusedForNow = "refused_for_now",
        /// The mail server refused it for good.
        Refused = "refused",
        /// The address is none.
        BadAddress = "bad_address",
        /// It waited for so long that it would come too late.
        TooOld = "too_old",
    }
}

impl MailFault {
    /// Whether trying again may help.
    pub fn is_passing(self) -> bool {
        match self {
            MailFault::Unreachable | MailFault::RefusedForNow => true,
            MailFault::Refused | MailFault::BadAddress | MailFault::TooOld => false,
        }
    }
}

/// Minutes to wait after each attempt that failed: about three days in all.
const WAITS_MINUTES: [i64; 8] = [1, 5, 30, 120, 480, 960, 1440, 1440];

/// Days after which a mail that nobody tried to send is not sent any more.
pub const MAIL_DAYS_MAX: i64 = 4;

/// How long to wait after so many attempts, from 1; none where the mail is given up.
pub fn wait_after(attempts: i32) -> Option<TimeDelta> {
    let index = usize::try_from(attempts.saturating_sub(1)).ok()?;
    WAITS_MINUTES.get(index).copied().map(TimeDelta::minutes)
}

/// Whether a text can be an address of e-mail: a mailbox, `@` and a host, without blanks; the mail server says whether it is.
pub fn is_email(text: &str) -> bool {
    let is_plain = |c: char| {
        c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\' | '[' | ']')
    };
    let is_host = |host: &str| host.split('.').count() >= 2 && host.split('.').all(|label| !label.is_empty());
    text.len() <= 254
        && text.chars().all(is_plain)
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.contains('@') && is_host(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_tried_for_three_days_with_growing_waits_and_then_given_up() {
        let waits: Vec<TimeDelta> = (1..).map_while(wait_after).collect();
        assert_eq!(waits.len(), WAITS_MINUTES.len());
        assert!(waits.is_sorted());
        let all: TimeDelta = waits.into_iter().sum();
        assert!(all > TimeDelta::days(3) && all < TimeDelta::days(MAIL_DAYS_MAX), "{all}");
        assert_eq!(wait_after(0), None);
    }

    #[test]
    fn an_address_has_a_mailbox_and_a_host_and_nothing_that_could_end_a_header() {
        for good in ["a.serik@sot.kz", "n+1@court.example.kz"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "@sot.kz",
            "a@",
            "a@kz",
            "a@@sot.kz",
            "a b@sot.kz",
            "a@sot.kz\r\nBcc: b@sot.kz",
            "<a@sot.kz>",
            "ә@sot.kz",
            "a@.kz",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
