//! Building the eligible pools of a cycle by rule, from data alone. A newcomer's usual mistake is to let somebody choose:
//! neither staff nor subject picks a reviewer; a subject excludes people with reasons, before the draw.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::Conn;
use crate::domain::calendar::months_before;
use crate::domain::ids;
use crate::domain::ids::{CourtId, CycleId, JudgeId, PoolEntryId};
use crate::domain::judge_file::PositionKind;
use crate::domain::methodology::Methodology;
use crate::domain::pool::{Exclusion, Place, group, is_near};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
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

    fn pool_of(
        &self,
        evaluation: &Evaluation,
        methodology: &Methodology,
        now: DateTime<Utc>,
    ) -> Result<Vec<PoolEntry>> {
        let subject = self.person(evaluation.judge_id).ok_or_else(|| {
            Error::hinted(Code::GuardNotMet, Hint::new("judge_without_post").text("judge", evaluation.judge_id))
        })?;
        let counts = &methodology.counts;
        let court_judges = self.judges_of_court.get(&subject.court_id).copied().unwrap_or(0);
        let court_size = usize::try_from(counts.same_court_size).map_err(Error::internal)?;
        let entries: Vec<PoolEntry> = self
            .people
            .iter()
            .filter_map(|reviewer| {
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
            })
            .collect();
        // Enough for the panel even when the subject's every challenge is accepted; else the pool is widened.
        let wanted = counts.panel_size + counts.challenged_names_max;
        let near = entries.iter().filter(|entry| is_near(entry.court_group) && !entry.is_excluded).count();
        if near >= usize::try_from(wanted).map_err(Error::internal)? {
            return Ok(entries.into_iter().filter(|entry| is_near(entry.court_group)).collect());
        }
        Ok(entries)
    }
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

/// How many subjects of a cycle have fewer people who can still be drawn than a panel.
pub fn count_too_small(conn: &mut Conn, cycle: CycleId, methodology: &Methodology, today: NaiveDate) -> Result<u32> {
    let surroundings = Surroundings::load(conn, methodology, today)?;
    let evaluations = store::evaluations::of_cycle(conn, cycle)?;
    let mut sizes: HashMap<_, (JudgeId, u32)> =
        evaluations.into_iter().map(|evaluation| (evaluation.id, (evaluation.judge_id, 0))).collect();
    for (evaluation, judge) in store::pools::eligible_of_cycle(conn, cycle)? {
        if let Some((subject, size)) = sizes.get_mut(&evaluation)
            && surroundings.is_eligible(*subject, judge)
        {
            *size += 1;
        }
    }
    let small = sizes.values().filter(|(_, size)| *size < methodology.counts.panel_size).count();
    u32::try_from(small).map_err(Error::internal)
}

/// Whether a member of the commission stands too near to a judge to decide on them: the same person, a judge of the same
/// court, or one with a declared conflict (`domain.md` 5, rule 2).
pub fn is_near_to(conn: &mut Conn, member: JudgeId, judge: JudgeId, today: NaiveDate) -> Result<bool> {
    if member == judge {
        return Ok(true);
    }
    let people = store::pools::people(conn, today)?;
    let court = |id: JudgeId| people.iter().find(|person| person.judge_id == id).map(|person| person.court_id);
    let is_same_court = court(member).is_some_and(|court_id| court(judge) == Some(court_id));
    let conflicts = store::pools::conflicts_on(conn, today)?;
    Ok(is_same_court || conflicts.contains(&(judge, member)) || conflicts.contains(&(member, judge)))
}
