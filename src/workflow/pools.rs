//! Building the eligible pools of a cycle by rule, from data alone. A newcomer's usual mistake is to let somebody choose:
//! neither staff nor subject picks a reviewer; a subject excludes people with reasons, before the draw.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::cycles::{self, Loaded};
use super::manifests::phase_needed;
use crate::db::Conn;
use crate::domain::calendar::{date_at, months_before};
use crate::domain::cycle::Phase;
use crate::domain::ids;
use crate::domain::ids::{CourtId, CycleId, EvaluationId, JudgeId, PoolEntryId};
use crate::domain::judge_file::PositionKind;
use crate::domain::methodology::Methodology;
use crate::domain::policy::Actor;
use crate::domain::pool::{Exclusion, Place, group, is_near, judge_without_post};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;
use crate::store::pools::{Person, PoolEntry};

/// Months over which assignments count for loads.
const LOAD_MONTHS: u32 = 12;

/// The people that pools are made of, and what excludes them, loaded once for a cycle.
pub struct Surroundings {
    people: Vec<Person>,
    by_judge: HashMap<JudgeId, usize>,
    judges_of_court: HashMap<CourtId, usize>,
    conflicts: HashSet<(JudgeId, JudgeId)>,
    commission: HashSet<JudgeId>,
    /// (reviewer, subject) of the months in which a pair must not be turned round.
    reviewed: HashSet<(JudgeId, JudgeId)>,
    loads: HashMap<JudgeId, u32>,
}

impl Surroundings {
    /// Loads everything as it is on `today`.
    pub fn load(conn: &mut Conn, methodology: &Methodology, today: NaiveDate) -> Result<Surroundings> {
        let people = store::pools::people(conn, today)?;
        let by_judge = people.iter().enumerate().map(|(index, person)| (person.judge_id, index)).collect();
        let mut judges_of_court = HashMap::new();
        for person in &people {
            *judges_of_court.entry(person.court_id).or_insert(0) += 1;
        }
        let reciprocal_since = months_before(today, methodology.time_limits.reciprocal_exclusion_months);
        let mut loads = HashMap::new();
        for (reviewer, _) in store::pools::assignments_since(conn, months_before(today, LOAD_MONTHS))? {
            *loads.entry(reviewer).or_insert(0) += 1;
        }
        Ok(Surroundings {
            by_judge,
            judges_of_court,
            conflicts: store::pools::conflicts_on(conn, today)?.into_iter().collect(),
            commission: store::pools::commission(conn)?.into_iter().collect(),
            reviewed: store::pools::assignments_since(conn, reciprocal_since)?.into_iter().collect(),
            loads,
            people,
        })
    }

    /// The judge as the rules see one; `None` without an open post.
    pub fn person(&self, judge: JudgeId) -> Option<&Person> {
        self.by_judge.get(&judge).and_then(|index| self.people.get(*index))
    }

    /// The subject of an evaluation as the rules see one.
    ///
    /// # Errors
    /// 409 `guard_not_met` without a post.
    pub fn subject(&self, evaluation: &Evaluation) -> Result<&Person> {
        let without_post = || Error::hinted(Code::GuardNotMet, judge_without_post(evaluation.judge_id));
        self.person(evaluation.judge_id).ok_or_else(without_post)
    }

    /// Assignments of a judge in the last months.
    pub fn load_of(&self, judge: JudgeId) -> u32 {
        self.loads.get(&judge).copied().unwrap_or(0)
    }

    /// Why `reviewer` cannot be drawn for `subject` as things are now, if so.
    pub fn exclusion(&self, subject: &Person, reviewer: &Person) -> Option<Exclusion> {
        let (judge, other) = (subject.judge_id, reviewer.judge_id);
        if self.conflicts.contains(&(judge, other)) {
            return Some(Exclusion::Conflict);
        }
        if self.commission.contains(&other) {
            return Some(Exclusion::Commission);
        }
        if subject.court_id == reviewer.court_id && reviewer.post == PositionKind::CourtChair {
            return Some(Exclusion::CourtChair);
        }
        // The subject reviewed this person lately: the reverse would be a currency of favours.
        self.reviewed.contains(&(judge, other)).then_some(Exclusion::Reciprocal)
    }

    /// Whether somebody of a subject's pool can be drawn as things are now: conflicts and seats on the commission are
    /// declared while the pool is shown, too.
    pub fn is_eligible(&self, subject: JudgeId, reviewer: JudgeId) -> bool {
        match (self.person(subject), self.person(reviewer)) {
            (Some(subject), Some(reviewer)) => self.exclusion(subject, reviewer).is_none(),
            (None, _) | (_, None) => false,
        }
    }

    /// Everybody who stands to a subject as a reviewer could, with who cannot be drawn.
    fn entries(
        &self,
        evaluation: &Evaluation,
        methodology: &Methodology,
        now: DateTime<Utc>,
    ) -> Result<Vec<PoolEntry>> {
        let subject = self.subject(evaluation)?;
        let counts = &methodology.counts;
        let court_judges = self.judges_of_court.get(&subject.court_id).copied().unwrap_or(0);
        let court_size = usize::try_from(counts.same_court_size).map_err(Error::internal)?;
        let entries = self.people.iter().filter_map(|reviewer| {
            let group = group(&place(subject), &place(reviewer), court_judges, court_size)?;
            let exclusion = self.exclusion(subject, reviewer);
            Some(PoolEntry {
                id: PoolEntryId(ids::new_at(now)),
                evaluation_id: evaluation.id,
                judge_id: reviewer.judge_id,
                court_group: group,
                is_excluded: exclusion.is_some(),
                exclusion_reason: exclusion,
            })
        });
        Ok(entries.collect())
    }

    fn pool_of(
        &self,
        evaluation: &Evaluation,
        methodology: &Methodology,
        now: DateTime<Utc>,
    ) -> Result<Vec<PoolEntry>> {
        let entries = self.entries(evaluation, methodology, now)?;
        let near = entries.iter().filter(|entry| is_near(entry.court_group) && !entry.is_excluded).count();
        if near >= wanted(methodology) {
            return Ok(entries.into_iter().filter(|entry| is_near(entry.court_group)).collect());
        }
        Ok(entries)
    }
}

/// How many must be able to be drawn, else a pool is widened: enough for the panel even when the subject's every challenge
/// is accepted.
fn wanted(methodology: &Methodology) -> usize {
    let counts = &methodology.counts;
    counts.panel_size as usize + counts.challenged_names_max as usize
}

fn place(person: &Person) -> Place<'_> {
    let Person { judge_id, court_id, level, region, post, .. } = person;
    Place { judge_id: *judge_id, court_id: *court_id, level: *level, region, post: *post }
}

/// Makes the pools of all subjects of a cycle.
///
/// # Errors
/// 409 `guard_not_met` where a subject has no post, since the rule starts from the subject's court.
pub fn build(
    conn: &mut Conn,
    cycle: CycleId,
    methodology: &Methodology,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let surroundings = Surroundings::load(conn, methodology, today)?;
    for evaluation in store::evaluations::of_cycle(conn, cycle)? {
        let entries = surroundings.pool_of(&evaluation, methodology, now)?;
        store::pools::insert_entries(conn, &entries)?;
    }
    Ok(())
}

/// Widens by the same rule the pools that have become too small since they were made, and shows them anew: the days to
/// challenge and to decide begin again, and all later days move.
///
/// # Errors
/// 404; 409 `wrong_phase` but in `pool_review`; 409 `guard_not_met` where a subject holds no post, or no pool can be wider.
pub fn widen(conn: &mut Conn, actor: &Actor, id: CycleId, now: DateTime<Utc>) -> Result<Cycle> {
    let Loaded { mut cycle, dates, methodology, .. } = cycles::load(conn, id)?;
    if cycle.phase != Phase::PoolReview {
        return Err(phase_needed(&cycle, Phase::PoolReview));
    }
    let today = date_at(now, methodology.time_limits.utc_offset_minutes);
    let surroundings = Surroundings::load(conn, &methodology, today)?;
    let mut known: HashMap<EvaluationId, HashSet<JudgeId>> = HashMap::new();
    let mut sizes: HashMap<EvaluationId, usize> = HashMap::new();
    let evaluations = store::evaluations::of_cycle(conn, id)?;
    let subjects: HashMap<EvaluationId, JudgeId> = evaluations.iter().map(|one| (one.id, one.judge_id)).collect();
    for (evaluation, judge, is_excluded) in store::pools::entries_of_cycle(conn, id)? {
        known.entry(evaluation).or_default().insert(judge);
        let Some(subject) = subjects.get(&evaluation) else { continue };
        if !is_excluded && surroundings.is_eligible(*subject, judge) {
            *sizes.entry(evaluation).or_default() += 1;
        }
    }
    let mut added = Vec::new();
    for evaluation in &evaluations {
        if sizes.get(&evaluation.id).copied().unwrap_or(0) < wanted(&methodology) {
            let entries = surroundings.entries(evaluation, &methodology, now)?;
            let is_new =
                |entry: &PoolEntry| known.get(&evaluation.id).is_none_or(|pool| !pool.contains(&entry.judge_id));
            added.extend(entries.into_iter().filter(is_new));
        }
    }
    if added.is_empty() {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("pools_cannot_be_wider")));
    }
    store::pools::insert_entries(conn, &added)?;
    let dates = dates.with_pools_shown_on(today, &methodology, &store::work_calendars::load(conn)?);
    store::cycles::set_dates(conn, id, &dates)?;
    store::cycles::update(conn, &mut cycle)?;
    let entry = store::audit::NewEntry::new(Some(actor.account_id), "widen_pools", "cycle", id);
    store::audit::record(conn, entry, now)?;
    super::notices::pools_shown_again(conn, id, today, now)?;
    Ok(cycle)
}

/// What keeps the pools of a cycle from being drawn from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Subjects who hold no post any more.
    pub without_post: Vec<JudgeId>,
    /// How many of the others have fewer people who can still be drawn than a panel.
    pub too_small: u32,
}

/// How the pools of a cycle stand on a day.
pub fn standing(conn: &mut Conn, cycle: CycleId, methodology: &Methodology, today: NaiveDate) -> Result<Standing> {
    let surroundings = Surroundings::load(conn, methodology, today)?;
    let mut sizes: HashMap<_, (JudgeId, u32)> = HashMap::new();
    let mut without_post = Vec::new();
    for evaluation in store::evaluations::of_cycle(conn, cycle)? {
        if surroundings.person(evaluation.judge_id).is_some() {
            sizes.insert(evaluation.id, (evaluation.judge_id, 0));
        } else {
            without_post.push(evaluation.judge_id);
        }
    }
    for (evaluation, judge) in store::pools::eligible_of_cycle(conn, cycle)? {
        if let Some((subject, size)) = sizes.get_mut(&evaluation)
            && surroundings.is_eligible(*subject, judge)
        {
            *size += 1;
        }
    }
    let small = sizes.values().filter(|(_, size)| *size < methodology.counts.panel_size).count();
    Ok(Standing { without_post, too_small: u32::try_from(small).map_err(Error::internal)? })
}
