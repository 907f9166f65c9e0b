//! Imports taken back: all records of a batch as one act, with a preview. A newcomer's usual mistake is to take back what
//! something rests on; whatever was built on a batch since stands in the way, and is named.

use actix_web::{HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once};
use super::jobs::Start;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids::ImportId;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::imports::kind;
use crate::problem::responses::CreateProblems;
use crate::store;
use crate::store::batches::{Dependant, Dependants};
use crate::store::imports::Import;
use crate::store::jobs::JobState;

/// So many things of one kind that rest on a batch.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"what": "restatements", "count": 3}))]
pub struct DependantsView {
    /// What they are.
    what: Dependant,
    /// How many there are.
    #[schema(minimum = 1)]
    count: i64,
}

/// What taking a batch back would do.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"import_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "is_possible": false, "withdraws": 12, "restores": 1, "dependants": [{"what": "restatements", "count": 3}]}))]
pub struct ReversalPreview {
    /// The import.
    import_id: ImportId,
    /// Whether it can be taken back now.
    is_possible: bool,
    /// Records that would be withdrawn.
    #[schema(minimum = 0)]
    withdraws: i64,
    /// Records that would say again what the batch restated.
    #[schema(minimum = 0)]
    restores: i64,
    /// What rests on the batch and stands in the way.
    #[schema(max_items = 20)]
    dependants: Vec<DependantsView>,
}

/// What taking a batch back has done.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"import_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "withdrawn": 13, "restored": 1}))]
pub struct ReversalView {
    /// The import.
    import_id: ImportId,
    /// Records withdrawn; courts and judges, which have no history, are deleted.
    #[schema(minimum = 0)]
    withdrawn: i64,
    /// Records that say again what the batch had restated.
    #[schema(minimum = 0)]
    restored: i64,
}

/// Preview the reversal of an import.
///
/// For secretaries. What taking the batch back would do, and what stands in its way: whatever was built on its records
/// since. 409 `wrong_phase` where nothing of it was taken in, or it was taken back already.
#[utoipa::path(tag = "imports", responses((status = 200, body = ReversalPreview), CreateProblems))]
#[get("/imports/{import_id}/reversal")]
pub async fn preview_import_reversal(
    actor: Actor,
    registry: web::Data<Registry>,
    import_id: web::Path<ImportId>,
) -> Result<HttpResponse> {
    policy::may_write_files(&Caller::Person(actor))?;
    let id = import_id.into_inner();
    let preview = registry
        .0
        .read(move |conn| {
            let (import, dependants) = reversible(conn, id)?;
            let extent = kind(import.record_type).extent(conn, id)?;
            Ok(ReversalPreview {
                import_id: id,
                is_possible: dependants.is_empty(),
                withdraws: extent.withdraws,
                restores: extent.restores,
                dependants: dependants.into_iter().map(DependantsView::from).collect(),
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(preview))
}

/// Take an import back.
///
/// For secretaries. All of the batch as one act: its new records are withdrawn, and those that it restated say again what
/// they said before, by new records; courts and judges are deleted. 409 `guard_not_met` where anything rests on the batch,
/// with what it is; `wrong_phase` where nothing of it was taken in, or it was taken back already.
#[utoipa::path(tag = "imports", params(IdempotencyKeyHeader),
    request_body = Start,
    responses((status = 200, body = ReversalView), CreateProblems))]
#[post("/imports/{import_id}/reversal")]
pub async fn reverse_import(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    import_id: web::Path<ImportId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    let caller = Caller::Person(actor);
    policy::may_write_files(&caller)?;
    let (id, now) = (import_id.into_inner(), clock.now());
    let deed = Deed { by: caller.id(), operation: "reverse_import", key, digest: start.digest };
    act_once(&registry, deed, now, move |conn| {
        let (import, dependants) = reversible(conn, id)?;
        if !dependants.is_empty() {
            let things = dependants.iter().map(|one| format!("{}: {}", one.what, one.count)).collect::<Vec<_>>();
            return Err(Error::hinted(Code::GuardNotMet, Hint::new("batch_in_use").text("things", things.join(", "))));
        }
        let undone = kind(import.record_type).undo(conn, id, &caller, now)?;
        store::imports::set_reversed(conn, id, now.naive_utc())?;
        let entry = store::audit::NewEntry::by(caller.id(), "reverse_import", "import", id);
        store::audit::record(conn, entry.clone(), now)?;
        store::audit::record_for_judges(conn, &entry, &undone.judges, now)?;
        Reply::ok(None, &ReversalView { import_id: id, withdrawn: undone.withdrawn, restored: undone.restored })
    })
    .await
}

/// An import that was taken in and not back, with what rests on its records.
fn reversible(conn: &mut Conn, id: ImportId) -> Result<(Import, Vec<Dependants>)> {
    let import = store::imports::find(conn, id)?.ok_or(Code::NotFound)?;
    let job = store::jobs::find(conn, import.job_id)?.ok_or(Code::NotFound)?;
    let is_over = matches!(job.state, JobState::Done | JobState::Failed);
    let refused = |hint: Hint| Err(Error::hinted(Code::WrongPhase, hint));
    if !is_over {
        return refused(Hint::new("import_is_under_way"));
    }
    if !import.is_applied {
        return refused(Hint::new("import_took_nothing_in"));
    }
    if import.reversed_at.is_some() {
        return refused(Hint::new("import_is_reversed"));
    }
    let since = date_at(import.created_at.and_utc(), KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let dependants = kind(import.record_type).dependants(conn, id, since)?;
    Ok((import, dependants))
}

impl From<Dependants> for DependantsView {
    fn from(found: Dependants) -> Self {
        DependantsView { what: found.what, count: found.count }
    }
}
