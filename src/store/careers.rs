//! What planning has to know of judges, for many of them at once. A newcomer's usual mistake is to ask for one judge after
//! the other: a plan looks at all of them, so each question here is asked once for a thousand.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::judges::Judge;
use super::leaves;
use super::schema::{accounts, decisions, evaluation_requests, evaluations, judges, positions};
use crate::db::Conn;
use crate::domain::deciding::DecisionStatus;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{CycleId, EvaluationRequestId, JudgeId};
use crate::domain::judge_file::RecordStatus;
use crate::domain::methodology::validation::INSUFFICIENT_DATA;
use crate::domain::planning::{Career, Request, RequestKind};
use crate::domain::spans::{Span, holds};
use crate::error::Result;
use crate::on;

const IN_FORCE: [RecordStatus; 2] = [RecordStatus::Active, RecordStatus::Disputed];

/// The careers of these judges as they stand on a day, in the judges' order; of a thousand judges at most.
pub fn of(conn: &mut Conn, of: &[Judge], today: NaiveDate) -> Result<Vec<Career>> {
    let ids: Vec<JudgeId> = of.iter().map(|judge| judge.id).collect();
    let mut posts = grouped(posts(conn, &ids)?);
    let with_account: HashSet<JudgeId> = with_account(conn, &ids)?.into_iter().collect();
    let mut pauses = grouped(leaves::pauses_of(conn, &ids)?);
    let mut evaluated = grouped(evaluated(conn, &ids)?);
    let active: HashMap<JudgeId, CycleId> = active(conn, &ids)?.into_iter().collect();
    let mut requests = grouped(requests(conn, &ids)?);
    let career = |judge: &Judge| {
        let posts = posts.remove(&judge.id).unwrap_or_default();
        let held = posts.iter().filter(|span| holds(**span, today));
        let ends: Vec<Option<NaiveDate>> = held.map(|(_, to)| *to).collect();
        Career {
            judge_id: judge.id,
            first_appointed_on: judge.first_appointed_on,
            posts,
            is_in_office: !ends.is_empty(),
            // The end is known where that of each post is.
            leaves_on: ends.into_iter().collect::<Option<Vec<NaiveDate>>>().and_then(|ends| ends.into_iter().max()),
            has_account: with_account.contains(&judge.id),
            pauses: pauses.remove(&judge.id).unwrap_or_default(),
            evaluated_on: evaluated.remove(&judge.id).unwrap_or_default(),
            active: active.get(&judge.id).copied(),
            requests: requests.remove(&judge.id).unwrap_or_default(),
        }
    };
    Ok(of.iter().map(career).collect())
}

fn grouped<T>(pairs: impl IntoIterator<Item = (JudgeId, T)>) -> HashMap<JudgeId, Vec<T>> {
    let mut groups: HashMap<JudgeId, Vec<T>> = HashMap::new();
    for (judge, one) in pairs {
        groups.entry(judge).or_default().push(one);
    }
    groups
}

/// The posts of these judges, whenever they were or will be held.
fn posts(conn: &mut Conn, ids: &[JudgeId]) -> Result<Vec<(JudgeId, Span)>> {
    Ok(on!(conn, |c| {
        positions::table
            .filter(positions::judge_id.eq_any(ids).and(positions::status.eq_any(IN_FORCE)))
            .order((positions::judge_id, positions::id))
            .select((positions::judge_id, (positions::starts_on, positions::ends_on)))
            .load(c)
    })?)
}

fn with_account(conn: &mut Conn, ids: &[JudgeId]) -> Result<Vec<JudgeId>> {
    Ok(on!(conn, |c| {
        accounts::table
            .filter(accounts::judge_id.assume_not_null().eq_any(ids).and(accounts::is_closed.eq(false)))
            .order(accounts::judge_id)
            .select(accounts::judge_id.assume_not_null())
            .load(c)
    })?)
}

/// When evaluations of these judges became final with a conclusion. One for development is none: what it says has no day until
/// which it serves.
fn evaluated(conn: &mut Conn, ids: &[JudgeId]) -> Result<Vec<(JudgeId, NaiveDate)>> {
    Ok(on!(conn, |c| {
        let without = decisions::table
            .filter(decisions::evaluation_id.eq(evaluations::id).and(decisions::in_force_on.is_not_null()))
            .filter(decisions::status.eq(DecisionStatus::Adopted))
            .filter(decisions::outcome.eq(INSUFFICIENT_DATA).or(decisions::valid_until.is_null().nullable()));
        evaluations::table
            .filter(evaluations::judge_id.eq_any(ids).and(evaluations::state.eq(EvaluationState::Final)))
            .filter(evaluations::final_on.is_not_null().and(diesel::dsl::not(diesel::dsl::exists(without))))
            .order((evaluations::judge_id, evaluations::id))
            .select((evaluations::judge_id, evaluations::final_on.assume_not_null()))
            .load(c)
    })?)
}

fn active(conn: &mut Conn, ids: &[JudgeId]) -> Result<Vec<(JudgeId, CycleId)>> {
    Ok(on!(conn, |c| {
        evaluations::table
            .filter(evaluations::judge_id.eq_any(ids))
            .filter(evaluations::state.ne_all(EvaluationState::ENDED))
            .order((evaluations::judge_id, evaluations::id))
            .select((evaluations::judge_id, evaluations::cycle_id))
            .load(c)
    })?)
}

fn requests(conn: &mut Conn, ids: &[JudgeId]) -> Result<Vec<(JudgeId, Request)>> {
    let rows: Vec<(JudgeId, EvaluationRequestId, RequestKind, NaiveDate, Option<NaiveDate>)> = on!(conn, |c| {
        evaluation_requests::table
            .filter(evaluation_requests::judge_id.eq_any(ids).and(evaluation_requests::is_open))
            .order((evaluation_requests::judge_id, evaluation_requests::id))
            .select((
                evaluation_requests::judge_id,
                evaluation_requests::id,
                evaluation_requests::kind,
                evaluation_requests::filed_on,
                evaluation_requests::due_on,
            ))
            .load(c)
    })?;
    let request = |(judge, id, kind, filed_on, due_on): (JudgeId, _, _, _, Option<NaiveDate>)| {
        (judge, Request { id, kind, filed_on, due_on: due_on.unwrap_or(filed_on) })
    };
    Ok(rows.into_iter().map(request).collect())
}

/// The judges with these ids, by id.
pub fn judges(conn: &mut Conn, ids: &[JudgeId]) -> Result<Vec<Judge>> {
    Ok(on!(conn, |c| {
        judges::table.filter(judges::id.eq_any(ids)).order(judges::id).select(Judge::as_select()).load(c)
    })?)
}
