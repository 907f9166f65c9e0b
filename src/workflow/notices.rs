//! Giving notices: each is a row in the transaction of what it tells, worded for its person. What a newcomer would get
//! wrong: a reminder during submission goes to every reviewer, the same text on the same day. Nobody knows who has sent a
//! review, and a reminder to some would say that somebody does.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use super::cycles::{self, Loaded};
use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::cycle::Phase;
use crate::domain::ids;
use crate::domain::ids::{CycleId, JudgeId, NoticeId};
use crate::domain::methodology::{Methodology, Text};
use crate::domain::notices::{Channel, DeliveryState, NoticeKind, NoticeLanguage, Variable};
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::notices::{Worded, date, no_day, word};
use crate::store;
use crate::store::assignments::{AssignmentState, is_of_panel};
use crate::store::contacts::Recipient;
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;
use crate::store::notices::{Delivery, Notice};

/// The language of whoever chose none.
pub const LANGUAGE_DEFAULT: NoticeLanguage = NoticeLanguage::Kk;
/// So many judges are looked up in one question to the database.
const JUDGES_AT_ONCE: usize = 500;

/// What is to be told, and how its variables read in a language.
struct Telling<'a> {
    kind: NoticeKind,
    cycle_id: Option<CycleId>,
    values: &'a dyn Fn(NoticeLanguage) -> Vec<(Variable, String)>,
}

/// Gives a notice to each of these judges who has an account; how many they are.
fn give(conn: &mut Conn, judges: &BTreeSet<JudgeId>, telling: &Telling<'_>, now: DateTime<Utc>) -> Result<usize> {
    let judges: Vec<JudgeId> = judges.iter().copied().collect();
    let words: Vec<(NoticeLanguage, Worded)> = NoticeLanguage::ALL
        .iter()
        .map(|language| (*language, word(telling.kind, *language, &(telling.values)(*language))))
        .collect();
    let (mut notices, mut deliveries) = (Vec::new(), Vec::new());
    for some in judges.chunks(JUDGES_AT_ONCE) {
        for recipient in store::contacts::of_judges(conn, some)? {
            let language = recipient.language.unwrap_or(LANGUAGE_DEFAULT);
            let Some((_, worded)) = words.iter().find(|(known, _)| *known == language) else { continue };
            let notice = notice(&recipient, language, worded, telling, now);
            deliveries.extend(ways(&notice, &recipient, now));
            notices.push(notice);
        }
    }
    store::notices::insert(conn, &notices, &deliveries)?;
    Ok(notices.len())
}

fn notice(
    recipient: &Recipient,
    language: NoticeLanguage,
    worded: &Worded,
    telling: &Telling<'_>,
    now: DateTime<Utc>,
) -> Notice {
    Notice {
        id: NoticeId(ids::new_at(now)),
        kind: telling.kind,
        account_id: recipient.account_id,
        language,
        cycle_id: telling.cycle_id,
        title: worded.title.clone(),
        body: worded.body.clone(),
        is_shown: !telling.kind.is_of_submission(),
        created_at: now.naive_utc(),
    }
}

/// The ways by which a notice is to reach its person: shown where it may be, mailed where there is an address, and handed
/// over where neither is so.
fn ways(notice: &Notice, recipient: &Recipient, now: DateTime<Utc>) -> Vec<Delivery> {
    let delivery = |channel, state, delivered_at, next_attempt_at| Delivery {
        notice_id: notice.id,
        channel,
        state,
        attempt_count: 0,
        next_attempt_at,
        error: None,
        delivered_at,
        delivered_by: None,
    };
    let at = Some(now.naive_utc());
    let shown = notice.is_shown.then(|| delivery(Channel::Service, DeliveryState::Delivered, at, None));
    let mailed = recipient.has_email.then(|| delivery(Channel::Email, DeliveryState::Pending, None, at));
    let is_unreached = !notice.is_shown && !recipient.has_email;
    let by_hand = is_unreached.then(|| delivery(Channel::ByHand, DeliveryState::Pending, None, None));
    [shown, mailed, by_hand].into_iter().flatten().collect()
}

fn in_language(language: NoticeLanguage, kk: &str, ru: &str, en: Option<&str>) -> String {
    match language {
        NoticeLanguage::Kk => kk,
        NoticeLanguage::Ru => ru,
        NoticeLanguage::En => en.unwrap_or(ru),
    }
    .to_owned()
}

fn title(cycle: &Cycle, language: NoticeLanguage) -> String {
    in_language(language, &cycle.title_kk, &cycle.title_ru, cycle.title_en.as_deref())
}

fn criteria(methodology: &Methodology, language: NoticeLanguage) -> String {
    let name = |text: &Text| in_language(language, &text.kk, &text.ru, text.en.as_deref());
    methodology.criteria.iter().map(|criterion| name(&criterion.name)).collect::<Vec<_>>().join("; ")
}

/// Tells judges of a cycle, with a window where the notice speaks of one.
fn give_of_cycle(
    conn: &mut Conn,
    judges: &BTreeSet<JudgeId>,
    kind: NoticeKind,
    cycle: &Cycle,
    (first, last): (NaiveDate, NaiveDate),
    now: DateTime<Utc>,
) -> Result<usize> {
    let values = |language| {
        vec![
            (Variable::Cycle, title(cycle, language)),
            (Variable::FirstDay, date(language, first)),
            (Variable::LastDay, date(language, last)),
        ]
    };
    give(conn, judges, &Telling { kind, cycle_id: Some(cycle.id), values: &values }, now)
}

fn subjects(conn: &mut Conn, cycle: CycleId) -> Result<BTreeSet<JudgeId>> {
    Ok(store::evaluations::of_cycle(conn, cycle)?.into_iter().map(|evaluation| evaluation.judge_id).collect())
}

/// Everybody of the panels of a round; where `in_state` is given, those with an assignment in that state.
fn reviewers(conn: &mut Conn, cycle: &Cycle, in_state: Option<AssignmentState>) -> Result<BTreeSet<JudgeId>> {
    let of_round = store::assignments::of_round(conn, cycle.id, cycle.round)?;
    let is_meant = |state: AssignmentState| is_of_panel(state) && in_state.is_none_or(|wanted| wanted == state);
    Ok(of_round.into_iter().filter(|one| is_meant(one.state)).map(|one| one.judge_id).collect())
}

/// Tells who is concerned that a cycle enters a phase; called before its evaluations follow.
pub fn phase_entered(conn: &mut Conn, cycle: &Cycle, from: Phase, now: DateTime<Utc>) -> Result<()> {
    let (kind, to_reviewers) = match cycle.phase {
        Phase::Announced => (NoticeKind::CycleAnnounced, false),
        Phase::FileReview => (NoticeKind::FileReviewOpened, false),
        Phase::PoolReview => (NoticeKind::PoolShown, false),
        Phase::Issuance => (NoticeKind::CredentialsReady, true),
        Phase::Submission => (NoticeKind::SubmissionOpened, true),
        Phase::Reporting => (NoticeKind::ResultReady, false),
        Phase::Cancelled if from == Phase::Draft => return Ok(()),
        Phase::Cancelled => (NoticeKind::CycleCancelled, false),
        Phase::Draft | Phase::Drawn | Phase::Sealed | Phase::Closed => return Ok(()),
    };
    let Loaded { dates, methodology, .. } = cycles::load(conn, cycle.id)?;
    let judges = if to_reviewers { reviewers(conn, cycle, None)? } else { subjects(conn, cycle.id)? };
    let window = match cycle.phase {
        Phase::FileReview => (dates.file_review_open, dates.file_review_close),
        Phase::PoolReview => (dates.pool_review_open, dates.pool_challenge_close),
        Phase::Issuance => (dates.issue_open, dates.issue_close),
        Phase::Submission => (dates.submit_open, dates.submit_close),
        Phase::Announced => {
            let values = |language| {
                vec![
                    (Variable::Cycle, title(cycle, language)),
                    (Variable::FirstDay, date(language, dates.starts_on)),
                    (Variable::Criteria, criteria(&methodology, language)),
                    (Variable::FileDay, date(language, dates.file_review_open)),
                    (Variable::PoolDay, date(language, dates.pool_review_open)),
                ]
            };
            give(conn, &judges, &Telling { kind, cycle_id: Some(cycle.id), values: &values }, now)?;
            return Ok(());
        }
        Phase::Draft | Phase::Drawn | Phase::Sealed | Phase::Reporting | Phase::Closed | Phase::Cancelled => {
            (dates.starts_on, dates.recount_by)
        }
    };
    give_of_cycle(conn, &judges, kind, cycle, window, now).map(drop)
}

/// Tells the subjects that pools were widened and are shown anew.
pub fn pools_shown_again(conn: &mut Conn, id: CycleId, today: NaiveDate, now: DateTime<Utc>) -> Result<()> {
    let Loaded { cycle, dates, .. } = cycles::load(conn, id)?;
    let (judges, window) = (subjects(conn, id)?, (today, dates.pool_challenge_close));
    give_of_cycle(conn, &judges, NoticeKind::PoolShownAgain, &cycle, window, now).map(drop)
}

/// Tells every reviewer that the days of a cycle were moved.
pub fn days_moved(conn: &mut Conn, id: CycleId, now: DateTime<Utc>) -> Result<()> {
    let Loaded { cycle, dates, .. } = cycles::load(conn, id)?;
    let (judges, window) = (reviewers(conn, &cycle, None)?, (dates.submit_open, dates.submit_close));
    give_of_cycle(conn, &judges, NoticeKind::DaysMoved, &cycle, window, now).map(drop)
}

/// Tells a subject what became of a challenge, or that the evaluation ended without a result.
pub fn of_evaluation(conn: &mut Conn, kind: NoticeKind, evaluation: &Evaluation, now: DateTime<Utc>) -> Result<()> {
    let Loaded { cycle, dates, .. } = cycles::load(conn, evaluation.cycle_id)?;
    let window = (dates.starts_on, dates.recount_by);
    give_of_cycle(conn, &BTreeSet::from([evaluation.judge_id]), kind, &cycle, window, now).map(drop)
}

/// Tells a judge what happened on the own course of the evaluation, with the day that it is about and the last one of a time;
/// none while that time stands still without a known end.
pub fn of_course(
    conn: &mut Conn,
    kind: NoticeKind,
    evaluation: &Evaluation,
    (first, last): (NaiveDate, Option<NaiveDate>),
    now: DateTime<Utc>,
) -> Result<()> {
    let Loaded { cycle, .. } = cycles::load(conn, evaluation.cycle_id)?;
    let values = |language| {
        let last = last.map_or_else(|| no_day(language), |last| date(language, last));
        let days = [(Variable::FirstDay, date(language, first)), (Variable::LastDay, last)];
        [(Variable::Cycle, title(&cycle, language))].into_iter().chain(days).collect()
    };
    let telling = Telling { kind, cycle_id: Some(cycle.id), values: &values };
    give(conn, &BTreeSet::from([evaluation.judge_id]), &telling, now).map(drop)
}

/// Tells a judge that a request for correction is decided.
pub fn correction_decided(conn: &mut Conn, judge: JudgeId, now: DateTime<Utc>) -> Result<()> {
    let telling = Telling { kind: NoticeKind::CorrectionDecided, cycle_id: None, values: &|_| Vec::new() };
    give(conn, &BTreeSet::from([judge]), &telling, now).map(drop)
}

/// Tells judges that they stand in the plan of a year.
pub fn evaluation_planned(conn: &mut Conn, judges: &[JudgeId], year: i32, now: DateTime<Utc>) -> Result<()> {
    let values = |_: NoticeLanguage| vec![(Variable::Year, year.to_string())];
    let telling = Telling { kind: NoticeKind::EvaluationPlanned, cycle_id: None, values: &values };
    give(conn, &judges.iter().copied().collect(), &telling, now).map(drop)
}

/// Reminds reviewers: while credentials are issued those who have not collected all of theirs, which is known; while reviews
/// are taken every reviewer of the round, since nobody knows who has sent one. How many notices were given.
///
/// # Errors
/// 404; 409 `wrong_phase` in another phase, or where a reminder was given today.
pub fn remind(conn: &mut Conn, actor: &Actor, id: CycleId, now: DateTime<Utc>) -> Result<usize> {
    let Loaded { cycle, dates, methodology, .. } = cycles::load(conn, id)?;
    let refused = |hint: Hint| Err(Error::hinted(Code::WrongPhase, hint));
    let (kind, judges, window) = match cycle.phase {
        Phase::Issuance => {
            let waiting = reviewers(conn, &cycle, Some(AssignmentState::Drawn))?;
            (NoticeKind::CredentialsReminder, waiting, (dates.issue_open, dates.issue_close))
        }
        Phase::Submission => {
            (NoticeKind::SubmissionReminder, reviewers(conn, &cycle, None)?, (dates.submit_open, dates.submit_close))
        }
        Phase::Draft
        | Phase::Announced
        | Phase::FileReview
        | Phase::PoolReview
        | Phase::Drawn
        | Phase::Sealed
        | Phase::Reporting
        | Phase::Closed
        | Phase::Cancelled => return refused(Hint::new("no_reminder_in_phase").phase("phase", cycle.phase)),
    };
    let offset = methodology.time_limits.utc_offset_minutes;
    let day = |at: DateTime<Utc>| date_at(at, offset);
    let last = store::notices::latest(conn, id, kind)?;
    if last.is_some_and(|last| day(last.and_utc()) == day(now)) {
        return refused(Hint::new("reminded_today"));
    }
    let count = give_of_cycle(conn, &judges, kind, &cycle, window, now)?;
    let entry = store::audit::NewEntry::new(Some(actor.account_id), "remind_reviewers", "cycle", id);
    store::audit::record(conn, entry, now)?;
    Ok(count)
}
