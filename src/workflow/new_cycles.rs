//! Making a cycle in draft with its evaluations: for a list of subjects that a person sends, and for those of a plan. A
//! newcomer's usual mistake is to announce it here: nothing is told to anybody before two persons open the cycle.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::cycle::{EvaluationKind, Phase};
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids;
use crate::domain::ids::{CycleId, EvaluationId, JudgeId, MethodologyId};
use crate::domain::methodology::Methodology;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Fault, Refusal, Result, Rule};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;

/// Subjects of one cycle.
pub const SUBJECTS_MAX: usize = 5000;
/// Subjects whose other cycle one refusal names; the faults point at all of them.
const HINTS_MAX: usize = 10;
/// The instrument of a subject for whom none is named.
const INSTRUMENT_ID_DEFAULT: &str = "judge-1";

/// What a cycle is made of.
#[derive(Debug, Clone)]
pub struct NewCycle {
    /// The methodology that it follows to its end.
    pub methodology_id: MethodologyId,
    /// The body that evaluates, by its code.
    pub evaluating_body: String,
    /// Its title in Kazakh.
    pub title_kk: String,
    /// Its title in Russian.
    pub title_ru: String,
    /// Its title in English.
    pub title_en: Option<String>,
    /// Its first day, not past.
    pub starts_on: NaiveDate,
    /// Who is evaluated.
    pub subjects: Vec<Subject>,
}

/// One judge to be evaluated.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The judge.
    pub judge_id: JudgeId,
    /// Why the judge is evaluated.
    pub kind: EvaluationKind,
    /// The instrument that reviewers fill in; the usual one where none is named.
    pub instrument_id: Option<String>,
}

/// A cycle that was made.
#[derive(Debug, Clone)]
pub struct MadeCycle {
    /// The row.
    pub cycle: Cycle,
    /// Its days.
    pub dates: CycleDates,
    /// Its evaluations, in the order of the subjects.
    pub evaluations: Vec<Evaluation>,
}

/// Makes a cycle in draft; its days follow from the methodology and the calendars on record.
///
/// # Errors
/// 422 where the methodology or a judge is missing, the first day is past, a subject stands twice or is being evaluated
/// for the same reason already, the other cycle being named; and where a judge would be selected by a developmental
/// methodology.
pub fn create(conn: &mut Conn, actor: &Actor, new: &NewCycle, now: DateTime<Utc>) -> Result<MadeCycle> {
    let row = store::methodologies::find(conn, new.methodology_id)?
        .ok_or_else(|| Error::invalid("/methodology_id", Rule::Missing))?;
    let methodology = super::methodologies::document(&row)?;
    let today = date_at(now, methodology.time_limits.utc_offset_minutes);
    if new.starts_on < today {
        return Err(Error::invalid("/starts_on", Rule::Order { other: "today" }));
    }
    let dates = CycleDates::derive(&methodology, new.starts_on, &store::work_calendars::load(conn)?);
    let cycle = Cycle {
        id: CycleId(ids::new_at(now)),
        methodology_id: new.methodology_id,
        evaluating_body: new.evaluating_body.clone(),
        title_kk: new.title_kk.clone(),
        title_ru: new.title_ru.clone(),
        title_en: new.title_en.clone(),
        phase: Phase::Draft,
        cycle_ref: None,
        round: 1,
        generation: 0,
        manifest_digest: None,
        receipt_key: None,
        sealed_on: None,
        bundle_digest: None,
        cancel_reason: None,
        created_at: now.naive_utc(),
        version: 1,
    };
    let evaluations = evaluations(conn, &new.subjects, &methodology, cycle.id, now)?;
    store::cycles::insert(conn, &cycle, &dates)?;
    for evaluation in &evaluations {
        store::evaluations::insert(conn, evaluation)?;
    }
    let entry = store::audit::NewEntry::new(Some(actor.account_id), "create_cycle", "cycle", cycle.id);
    store::audit::record(conn, entry, now)?;
    Ok(MadeCycle { cycle, dates, evaluations })
}

/// The evaluations of the subjects, or all faults among them.
fn evaluations(
    conn: &mut Conn,
    subjects: &[Subject],
    methodology: &Methodology,
    cycle_id: CycleId,
    now: DateTime<Utc>,
) -> Result<Vec<Evaluation>> {
    if !(1..=SUBJECTS_MAX).contains(&subjects.len()) {
        return Err(Error::invalid("/subjects", Rule::Length { min: 1, max: SUBJECTS_MAX as u64 }));
    }
    let (mut faults, mut hints) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut evaluations = Vec::with_capacity(subjects.len());
    for (index, subject) in subjects.iter().enumerate() {
        let at = |field: &str| format!("/subjects/{index}/{field}");
        if !seen.insert(subject.judge_id) {
            faults.push(Fault::at(at("judge_id"), Rule::Duplicate));
        } else if !store::accounts::is_judge(conn, subject.judge_id)? {
            faults.push(Fault::at(at("judge_id"), Rule::Missing));
        } else if let Some(other) = store::evaluations::active_cycle(conn, subject.judge_id, subject.kind)? {
            faults.push(Fault::at(at("judge_id"), Rule::Duplicate));
            let hint = Hint::new("evaluation_is_active").text("judge", subject.judge_id).text("cycle", other);
            hints.extend((hints.len() < HINTS_MAX).then_some(hint));
        }
        let instrument_id = subject.instrument_id.as_deref().unwrap_or(INSTRUMENT_ID_DEFAULT);
        if methodology.instrument(instrument_id).is_none() {
            faults.push(Fault::at(at("instrument_id"), Rule::Missing));
        }
        if methodology.is_developmental() && subject.kind.is_for_selection() {
            faults.push(Fault::at(at("kind"), Rule::Mismatch { other: "methodology_id" }));
            let hint = Hint::new("development_selects_nobody").text("judge", subject.judge_id);
            hints.extend((hints.len() < HINTS_MAX).then_some(hint));
        }
        evaluations.push(Evaluation {
            id: EvaluationId(ids::new_at(now)),
            cycle_id,
            judge_id: subject.judge_id,
            kind: subject.kind,
            instrument_id: instrument_id.to_owned(),
            state: EvaluationState::Planned,
            subject_ref: None,
            version: 1,
            last_round: 1,
            final_on: None,
        });
    }
    if faults.is_empty() {
        return Ok(evaluations);
    }
    Err(Error::Refused(Refusal { faults, hints, ..Refusal::new(Code::Invalid) }))
}
