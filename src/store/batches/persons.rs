//! Judges of a batch, and what it tells of persons. What a newcomer would get wrong: a file of judges may tell something of
//! a judge whom another file brought in. The judge stays when it is taken back, and is known as before.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as SqlError;

use super::undoing::Batched;
use super::{Dependant, Dependants, Extent, Undone, found, gone, undoing};
use crate::db::Conn;
use crate::domain::caller::CallerId;
use crate::domain::ids::{ImportId, JudgeId};
use crate::domain::judge_file::RecordStatus;
use crate::error::Result;
use crate::on;
use crate::store::particulars::Particulars;
use crate::store::schema::{
    accounts, acts, conflicts, correction_requests, evaluation_requests, evaluations, external_ids, extracts,
    file_records, judge_particulars, judges, leaves, observations, positions,
};

/// What rests on judges of a batch.
pub fn dependants(conn: &mut Conn, batch: ImportId) -> Result<Vec<Dependants>> {
    let ids = || judges::table.filter(judges::batch_id.eq(batch)).select(judges::id);
    let told_by_others = judge_particulars::batch_id.is_null().or(judge_particulars::batch_id.ne(batch));
    let counts: [i64; 12] = on!(conn, |c| {
        let held = positions::table.filter(positions::judge_id.eq_any(ids())).count().get_result(c)?;
        let observed = observations::table.filter(observations::judge_id.eq_any(ids())).count().get_result(c)?;
        let evaluated = evaluations::table.filter(evaluations::judge_id.eq_any(ids())).count().get_result(c)?;
        let nullable = judges::table.filter(judges::batch_id.eq(batch)).select(judges::id.nullable());
        let accounts = accounts::table.filter(accounts::judge_id.eq_any(nullable)).count().get_result(c)?;
        let recorded: i64 = file_records::table.filter(file_records::judge_id.eq_any(ids())).count().get_result(c)?;
        let told = judge_particulars::table
            .filter(judge_particulars::judge_id.eq_any(ids()).and(judge_particulars::supersedes_id.is_null()))
            .filter(told_by_others)
            .count()
            .get_result::<i64>(c)?;
        let own = diesel::alias!(judge_particulars as of_batch);
        let of_batch = own.filter(own.field(judge_particulars::batch_id).eq(batch));
        let restated = judge_particulars::table
            .filter(told_by_others)
            .filter(
                judge_particulars::supersedes_id.eq_any(of_batch.select(own.field(judge_particulars::id).nullable())),
            )
            .count()
            .get_result(c)?;
        let of_batch = own.filter(own.field(judge_particulars::batch_id).eq(batch));
        let on_own = correction_requests::record_id.eq_any(of_batch.select(own.field(judge_particulars::id)));
        let on_own: i64 = correction_requests::table.filter(on_own).count().get_result(c)?;
        let replaced = of_batch.select(own.field(judge_particulars::supersedes_id));
        let on_old = correction_requests::record_id.nullable().eq_any(replaced);
        let on_old: i64 = correction_requests::table.filter(on_old).count().get_result(c)?;
        let disputed = on_own + on_old;
        let reviewed = acts::table.filter(acts::judge_id.eq_any(ids())).count().get_result(c)?;
        let of_pair = conflicts::judge_id.eq_any(ids()).or(conflicts::other_judge_id.eq_any(ids()));
        let declared = conflicts::table.filter(of_pair).count().get_result(c)?;
        let issued = extracts::table.filter(extracts::judge_id.eq_any(ids())).count().get_result(c)?;
        let away = leaves::table.filter(leaves::judge_id.eq_any(ids())).count().get_result(c)?;
        let asked = evaluation_requests::table.filter(evaluation_requests::judge_id.eq_any(ids()));
        let asked = asked.count().get_result(c)?;
        let recorded = recorded + told;
        Ok::<_, SqlError>([
            held, observed, evaluated, accounts, recorded, reviewed, declared, issued, away, asked, restated, disputed,
        ])
    })?;
    let kinds = [
        Dependant::Positions,
        Dependant::Observations,
        Dependant::Evaluations,
        Dependant::Accounts,
        Dependant::Records,
        Dependant::Acts,
        Dependant::Conflicts,
        Dependant::Extracts,
        Dependant::Leaves,
        Dependant::EvaluationRequests,
        Dependant::Restatements,
        Dependant::CorrectionRequests,
    ];
    Ok(found(kinds.into_iter().zip(counts)))
}

/// How many judges of a batch would be deleted, and what it tells of other judges' persons.
pub fn extent(conn: &mut Conn, batch: ImportId) -> Result<Extent> {
    let told = <Particulars as Batched>::extent(conn, batch)?;
    let (deleted, with_them): (i64, i64) = on!(conn, |c| {
        let deleted = judges::table.filter(judges::batch_id.eq(batch)).count().get_result(c)?;
        let of_batch = judges::table.filter(judges::batch_id.eq(batch)).select(judges::id);
        let with_them = judge_particulars::table
            .filter(
                judge_particulars::batch_id
                    .eq(batch)
                    .and(judge_particulars::status.eq_any([RecordStatus::Active, RecordStatus::Disputed])),
            )
            .filter(judge_particulars::judge_id.eq_any(of_batch))
            .count()
            .get_result(c)?;
        Ok::<_, SqlError>((deleted, with_them))
    })?;
    Ok(Extent { withdraws: deleted + told.withdraws - with_them, restores: told.restores })
}

/// Deletes judges with their names in other systems and what the batch tells of them; refused where anything else refers to
/// one. What it tells of other judges is taken back.
pub fn undo(conn: &mut Conn, batch: ImportId, by: CallerId, now: DateTime<Utc>) -> Result<Undone> {
    let ids = judges::table.filter(judges::batch_id.eq(batch)).select(judges::id);
    let judges: Vec<JudgeId> = on!(conn, |c| { ids.load(c) })?;
    let deleted = on!(conn, |c| {
        let told = judge_particulars::table
            .filter(judge_particulars::batch_id.eq(batch).and(judge_particulars::judge_id.eq_any(ids)));
        diesel::delete(told).execute(c)?;
        diesel::delete(external_ids::table.filter(external_ids::object_id.eq_any(ids))).execute(c)?;
        diesel::delete(judges::table.filter(judges::batch_id.eq(batch))).execute(c)
    });
    let deleted = gone(deleted)?;
    let told = undoing::undo::<Particulars>(conn, batch, by, now)?;
    let judges = judges.into_iter().chain(told.judges).collect();
    Ok(Undone { withdrawn: deleted + told.withdrawn, restored: told.restored, judges })
}
