//! Eligible pools and challenges of them. A newcomer's usual mistake is to show a subject why somebody is excluded: a
//! conflict is confidential, so subjects see who may be drawn and nothing else.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::positions::is_held_on;
use super::schema::{
    accounts, assignments, challenges, conflicts, courts, evaluations, external_ids, judges, pool_entries, positions,
};
use crate::coded;
use crate::db::Conn;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{AccountId, ChallengeId, CourtId, CycleId, EvaluationId, JudgeId, PoolEntryId};
use crate::domain::judge_file::{CourtLevel, PositionKind};
use crate::domain::policy::StaffRole;
use crate::domain::pool::{CourtGroup, Exclusion};
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// Rows of one multi-row insert; SQLite takes 32,766 values in a statement.
const ROWS_AT_ONCE: usize = 1000;

/// One person of an eligible pool.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = pool_entries, treat_none_as_default_value = false)]
pub struct PoolEntry {
    /// Its id.
    pub id: PoolEntryId,
    /// Whose pool it is in.
    pub evaluation_id: EvaluationId,
    /// The person.
    pub judge_id: JudgeId,
    /// How the person's court stands to the subject's.
    pub court_group: CourtGroup,
    /// Whether the person cannot be drawn.
    pub is_excluded: bool,
    /// Why not.
    pub exclusion_reason: Option<Exclusion>,
}

coded! {
    /// Where a challenge or its like stands.
    ChallengeStatus {
        /// Filed, not decided.
        Open = "open",
        /// The person is out of the pool.
        Accepted = "accepted",
        /// The person stays.
        Rejected = "rejected",
    }
}

/// A subject's reasoned challenge of one person in the pool.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, Identifiable)]
#[diesel(table_name = challenges, treat_none_as_default_value = false)]
pub struct Challenge {
    /// Its id.
    pub id: ChallengeId,
    /// Whose pool it concerns.
    pub evaluation_id: EvaluationId,
    /// The person challenged.
    pub pool_entry_id: PoolEntryId,
    /// The subject's reasons.
    pub ground: String,
    /// Where it stands.
    pub status: ChallengeStatus,
    /// The reasons of the decision.
    pub reason: Option<String>,
    /// When it was filed.
    pub filed_at: NaiveDateTime,
    /// Who decided it.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<NaiveDateTime>,
    /// Grows by one with each change.
    pub version: i64,
}

/// A judge in office, as the pool rules see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The judge.
    pub judge_id: JudgeId,
    /// The name that orders a draw: the first external id, else the judge's id.
    pub key: String,
    /// The court of the post.
    pub court_id: CourtId,
    /// Its level.
    pub level: CourtLevel,
    /// Its region.
    pub region: String,
    /// The post.
    pub post: PositionKind,
}

/// The name of a judge in a draw: another system's, told apart from the same value of a third one.
pub(super) fn draw_key(source_system: &str, value: &str) -> String {
    format!("{source_system}:{value}")
}

/// All judges who hold a post today, one row each (the highest post where there are several), by judge. A post whose
/// end is known in advance is held until that day.
pub fn people(conn: &mut Conn, today: NaiveDate) -> Result<Vec<Person>> {
    type Row = (JudgeId, CourtId, CourtLevel, String, PositionKind);
    let rows: Vec<Row> = on!(conn, |c| {
        positions::table
            .inner_join(courts::table.on(courts::id.eq(positions::court_id)))
            .filter(is_held_on!(today))
            .order(positions::judge_id)
            .select((positions::judge_id, positions::court_id, courts::level, courts::region, positions::kind))
            .load(c)
    })?;
    let keys: std::collections::HashMap<String, String> = on!(conn, |c| {
        external_ids::table
            .filter(external_ids::object_type.eq("judge"))
            // The last of a judge's names wins in the map, which is the first by system.
            .order((external_ids::source_system.desc(), external_ids::value.desc()))
            .select((external_ids::object_id, external_ids::source_system, external_ids::value))
            .load::<(String, String, String)>(c)
    })?
    .into_iter()
    .map(|(id, system, value)| (id, draw_key(&system, &value)))
    .collect();
    let mut people: Vec<Person> = Vec::with_capacity(rows.len());
    for (judge_id, court_id, level, region, post) in rows {
        match people.last_mut().filter(|last| last.judge_id == judge_id) {
            Some(last) if last.post >= post => {}
            Some(last) => *last = Person { court_id, level, region, post, ..last.clone() },
            None => {
                let id = judge_id.to_string();
                let key = keys.get(&id).cloned().unwrap_or(id);
                people.push(Person { judge_id, key, court_id, level, region, post });
            }
        }
    }
    Ok(people)
}

/// Pairs (subject, reviewer) that a conflict in force on a day keeps apart.
///
/// What the subject itself declared does not count here: that would be a silent veto on any number of colleagues. A
/// subject challenges with reasons, and a member decides; a secretary records a conflict that is shown.
pub fn conflicts_on(conn: &mut Conn, day: NaiveDate) -> Result<Vec<(JudgeId, JudgeId)>> {
    let rows: Vec<(JudgeId, JudgeId, Option<JudgeId>)> = on!(conn, |c| {
        conflicts::table
            .inner_join(accounts::table.on(accounts::id.eq(conflicts::declared_by)))
            .filter(
                conflicts::starts_on
                    .le(day)
                    .and(conflicts::ends_on.is_null().or(conflicts::ends_on.ge(day).assume_not_null())),
            )
            .select((conflicts::judge_id, conflicts::other_judge_id, accounts::judge_id))
            .load(c)
    })?;
    let both_ways = rows.iter().flat_map(|(one, other, by)| [(*one, *other, *by), (*other, *one, *by)]);
    Ok(both_ways.filter(|(subject, _, by)| *by != Some(*subject)).map(|(subject, other, _)| (subject, other)).collect())
}

/// Assignments of cycles that started since a day, as (reviewer, subject): for loads and for pairs in both directions. Of
/// what was cancelled nobody carries anything: no review of it is read.
pub fn assignments_since(conn: &mut Conn, day: NaiveDate) -> Result<Vec<(JudgeId, JudgeId)>> {
    use super::assignments::AssignmentState;
    use super::schema::cycle_dates;
    Ok(on!(conn, |c| {
        assignments::table
            .inner_join(evaluations::table.on(evaluations::id.eq(assignments::evaluation_id)))
            .inner_join(cycle_dates::table.on(cycle_dates::cycle_id.eq(evaluations::cycle_id)))
            .filter(cycle_dates::starts_on.ge(day).and(evaluations::state.ne(EvaluationState::Cancelled)))
            .filter(assignments::state.eq_any([AssignmentState::Drawn, AssignmentState::Issued]))
            .select((assignments::judge_id, evaluations::judge_id))
            .load(c)
    })?)
}

/// Judges who sit on the commission or its appeal panel: they are in no pool.
pub fn commission(conn: &mut Conn) -> Result<Vec<JudgeId>> {
    let seats: Vec<Option<JudgeId>> = on!(conn, |c| {
        accounts::table
            .filter(accounts::staff_role.eq_any([StaffRole::Member, StaffRole::AppealMember]))
            .filter(accounts::judge_id.is_not_null().and(accounts::is_closed.eq(false)))
            .select(accounts::judge_id)
            .load(c)
    })?;
    Ok(seats.into_iter().flatten().collect())
}

/// Adds entries.
pub fn insert_entries(conn: &mut Conn, entries: &[PoolEntry]) -> Result<()> {
    for some in entries.chunks(ROWS_AT_ONCE) {
        on!(conn, |c| { diesel::insert_into(pool_entries::table).values(some).execute(c) })?;
    }
    Ok(())
}

/// The entry with this id.
pub fn find_entry(conn: &mut Conn, id: PoolEntryId) -> Result<Option<PoolEntry>> {
    Ok(on!(conn, |c| { pool_entries::table.find(id).select(PoolEntry::as_select()).first(c).optional() })?)
}

/// Who can be drawn, as (evaluation, judge), of a whole cycle.
pub fn eligible_of_cycle(conn: &mut Conn, cycle: CycleId) -> Result<Vec<(EvaluationId, JudgeId)>> {
    Ok(on!(conn, |c| {
        pool_entries::table
            .inner_join(evaluations::table.on(evaluations::id.eq(pool_entries::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(pool_entries::is_excluded.eq(false)))
            .select((pool_entries::evaluation_id, pool_entries::judge_id))
            .load(c)
    })?)
}

/// Everybody in the pools of a cycle, as (evaluation, judge, whether excluded).
pub fn entries_of_cycle(conn: &mut Conn, cycle: CycleId) -> Result<Vec<(EvaluationId, JudgeId, bool)>> {
    Ok(on!(conn, |c| {
        pool_entries::table
            .inner_join(evaluations::table.on(evaluations::id.eq(pool_entries::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle))
            .select((pool_entries::evaluation_id, pool_entries::judge_id, pool_entries::is_excluded))
            .load(c)
    })?)
}

/// Whether a judge can be drawn for any subject of a cycle whose evaluation is not cancelled.
pub fn is_eligible(conn: &mut Conn, cycle: CycleId, judge: JudgeId) -> Result<bool> {
    Ok(on!(conn, |c| {
        let found = pool_entries::table
            .inner_join(evaluations::table.on(evaluations::id.eq(pool_entries::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(pool_entries::judge_id.eq(judge)))
            .filter(pool_entries::is_excluded.eq(false).and(evaluations::state.ne(EvaluationState::Cancelled)))
            .select(pool_entries::id);
        diesel::select(diesel::dsl::exists(found)).get_result(c)
    })?)
}

/// An entry with the person's names, in Kazakh, Russian and English, and court.
pub type NamedEntry = (PoolEntry, String, String, Option<String>);

/// Entries of one pool by id, after `after`, at most `limit`; those who can be drawn alone where asked.
pub fn list_entries(
    conn: &mut Conn,
    evaluation: EvaluationId,
    eligible_alone: bool,
    after: Option<PoolEntryId>,
    limit: i64,
) -> Result<Vec<NamedEntry>> {
    Ok(on!(conn, |c| {
        let mut query = pool_entries::table
            .inner_join(judges::table.on(judges::id.eq(pool_entries::judge_id)))
            .filter(pool_entries::evaluation_id.eq(evaluation))
            .select((PoolEntry::as_select(), judges::full_name_kk, judges::full_name_ru, judges::full_name_en))
            .order(pool_entries::id)
            .limit(limit)
            .into_boxed();
        if eligible_alone {
            query = query.filter(pool_entries::is_excluded.eq(false));
        }
        if let Some(after) = after {
            query = query.filter(pool_entries::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Takes a person out of a pool.
pub fn exclude(conn: &mut Conn, id: PoolEntryId, reason: Exclusion) -> Result<()> {
    on!(conn, |c| {
        diesel::update(pool_entries::table.find(id))
            .set((pool_entries::is_excluded.eq(true), pool_entries::exclusion_reason.eq(reason)))
            .execute(c)
    })?;
    Ok(())
}

/// Adds a challenge; 409 `already_exists` where this person was challenged before.
pub fn insert_challenge(conn: &mut Conn, challenge: &Challenge) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(challenges::table).values(challenge).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The challenge with this id.
pub fn find_challenge(conn: &mut Conn, id: ChallengeId) -> Result<Option<Challenge>> {
    Ok(on!(conn, |c| { challenges::table.find(id).select(Challenge::as_select()).first(c).optional() })?)
}

/// How many challenges an evaluation has.
pub fn count_challenges(conn: &mut Conn, evaluation: EvaluationId) -> Result<i64> {
    Ok(on!(conn, |c| { challenges::table.filter(challenges::evaluation_id.eq(evaluation)).count().get_result(c) })?)
}

/// How many challenges of a cycle are not decided; those of a cancelled evaluation need no decision.
pub fn count_open_challenges(conn: &mut Conn, cycle: CycleId) -> Result<i64> {
    Ok(on!(conn, |c| {
        challenges::table
            .inner_join(evaluations::table.on(evaluations::id.eq(challenges::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(evaluations::state.ne(EvaluationState::Cancelled)))
            .filter(challenges::status.eq(ChallengeStatus::Open))
            .count()
            .get_result(c)
    })?)
}

/// Challenges of an evaluation by id, after `after`, at most `limit`.
pub fn list_challenges(
    conn: &mut Conn,
    evaluation: EvaluationId,
    after: Option<ChallengeId>,
    limit: i64,
) -> Result<Vec<Challenge>> {
    Ok(on!(conn, |c| {
        let mut query = challenges::table
            .filter(challenges::evaluation_id.eq(evaluation))
            .select(Challenge::as_select())
            .order(challenges::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(challenges::id.gt(after));
        }
        query.load(c)
    })?)
}

/// Decides an open challenge; `false` where it was decided before.
pub fn decide_challenge(
    conn: &mut Conn,
    id: ChallengeId,
    status: ChallengeStatus,
    reason: &str,
    by: AccountId,
    now: NaiveDateTime,
) -> Result<bool> {
    let changed = on!(conn, |c| {
        diesel::update(
            challenges::table.filter(challenges::id.eq(id).and(challenges::status.eq(ChallengeStatus::Open))),
        )
        .set((
            challenges::status.eq(status),
            challenges::reason.eq(reason),
            challenges::decided_by.eq(by),
            challenges::decided_at.eq(now),
            challenges::version.eq(challenges::version + 1),
        ))
        .execute(c)
    })?;
    Ok(changed == 1)
}
