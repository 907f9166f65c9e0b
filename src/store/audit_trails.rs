//! The audit log of one evaluation: what was done to it, to its cycle and to whatever belongs to either. What a newcomer would
//! get wrong: one query with every condition. Each kind of thing has its own index, so each is asked for in order and the
//! answers are merged; together they would be a walk through the whole log.

use diesel::prelude::*;

use super::audit::AuditEntry;
use super::evaluations::Evaluation;
use super::proceedings::ROWS_MAX;
use super::schema::{
    appeals, approvals, assignments, audit_entries, challenges, decisions, evaluation_plan_entries,
    evaluation_requests, hearings, recusal_requests, reports,
};
use crate::db::Conn;
use crate::domain::ids::EvaluationRequestId;
use crate::error::Result;
use crate::on;

/// That somebody collected credentials or packs is of the cycle alone: beside one evaluation it would say nothing of it.
const OF_REVIEWERS: [&str; 2] = ["collect_credentials", "get_my_reading_packs"];

/// The things of one kind.
type Things = (&'static str, Vec<String>);

/// The entries of an evaluation by number, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, evaluation: &Evaluation, after: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>> {
    let after = after.unwrap_or(0);
    let mut found = of_members(conn, evaluation, after, limit)?;
    for (object_type, ids) in things(conn, evaluation)? {
        let mut of_kind: Vec<AuditEntry> = on!(conn, |c| {
            audit_entries::table
                .filter(audit_entries::object_type.eq(object_type).and(audit_entries::object_id.eq_any(ids)))
                .filter(audit_entries::sequence.gt(after).and(audit_entries::act.ne_all(OF_REVIEWERS)))
                .order(audit_entries::sequence)
                .select(AuditEntry::as_select())
                .limit(limit)
                .load(c)
        })?;
        found.append(&mut of_kind);
    }
    found.sort_unstable_by_key(|entry| entry.sequence);
    found.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(found)
}

/// Who was put on the evaluation's commission and taken off it; those entries name the evaluation and the account.
fn of_members(conn: &mut Conn, evaluation: &Evaluation, after: i64, limit: i64) -> Result<Vec<AuditEntry>> {
    Ok(on!(conn, |c| {
        audit_entries::table
            .filter(audit_entries::judge_id.eq(evaluation.judge_id).and(audit_entries::purpose.is_null()))
            .filter(audit_entries::object_type.eq("evaluation_member"))
            .filter(audit_entries::object_id.like(format!("{}/%", evaluation.id)))
            .filter(audit_entries::sequence.gt(after))
            .order(audit_entries::sequence)
            .select(AuditEntry::as_select())
            .limit(limit)
            .load(c)
    })?)
}

/// The evaluation, its cycle, and what belongs to either.
fn things(conn: &mut Conn, evaluation: &Evaluation) -> Result<Vec<Things>> {
    let (id, cycle_id) = (evaluation.id, evaluation.cycle_id);
    let of_both = [id.to_string(), cycle_id.to_string()];
    let challenged: Vec<String> =
        on!(conn, |c| { challenges::table.filter(challenges::evaluation_id.eq(id)).select(challenges::id).load(c) })?;
    let assigned: Vec<String> = on!(conn, |c| {
        assignments::table.filter(assignments::evaluation_id.eq(id)).select(assignments::id).load(c)
    })?;
    let approved: Vec<String> = on!(conn, |c| {
        approvals::table.filter(approvals::object_id.eq_any(&of_both)).select(approvals::id).load(c)
    })?;
    let planned: Vec<(String, Option<EvaluationRequestId>)> = on!(conn, |c| {
        evaluation_plan_entries::table
            .filter(evaluation_plan_entries::evaluation_id.eq(id))
            .select((evaluation_plan_entries::plan_id, evaluation_plan_entries::request_id))
            .load(c)
    })?;
    let evaluated = evaluation.id;
    macro_rules! of_course {
        ($table:ident, $id:ident) => {
            on!(conn, |c| {
                $table::table
                    .filter($table::evaluation_id.eq(evaluated))
                    .select($table::$id)
                    .limit(ROWS_MAX)
                    .load::<String>(c)
            })?
        };
    }
    let (drafted, heard) = (of_course!(reports, id), of_course!(hearings, id));
    let (decided, appealed) = (of_course!(decisions, id), of_course!(appeals, id));
    let recused = of_course!(recusal_requests, id);
    // What its decisions ordered to follow, besides what it came from itself.
    let ordered: Vec<String> = on!(conn, |c| {
        evaluation_requests::table
            .filter(evaluation_requests::judge_id.eq(evaluation.judge_id))
            .filter(evaluation_requests::reference.assume_not_null().eq_any(&decided))
            .select(evaluation_requests::id)
            .limit(ROWS_MAX)
            .load(c)
    })?;
    let (plans, requests): (Vec<String>, Vec<Option<EvaluationRequestId>>) = planned.into_iter().unzip();
    let requests = requests.into_iter().flatten().map(|request| request.to_string()).chain(ordered).collect();
    let [of_evaluation, of_cycle] = of_both.map(|id| vec![id]);
    Ok(vec![
        ("evaluation_request", requests),
        ("evaluation_plan", plans),
        ("cycle", of_cycle),
        ("evaluation", of_evaluation),
        ("challenge", challenged),
        ("assignment", assigned),
        ("approval", approved),
        ("report", drafted),
        ("hearing", heard),
        ("decision", decided),
        ("appeal", appealed),
        ("recusal_request", recused),
    ])
}
