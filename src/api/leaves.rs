//! Leaves of judges, which stop the judge's own clocks where they are long enough. A newcomer's usual mistake is to ask why
//! somebody is on leave: there is no field for it, as it would hold health or family.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, Reply, Valid, act_once, reasons};
use super::lists::Answering;
use super::record_views::RecordsQuery;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::{AccountId, ClientId, JudgeId, LeaveId};
use crate::domain::judge_file::{Check, FilePurpose, NAME_LENGTH_MAX, RecordStatus};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::leaves::Leave;
use crate::workflow::lists::List;

/// A new record of a leave; without its reason.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"starts_on": "2027-02-01", "ends_on": "2027-04-30", "act_ref": "Order 31 of 20 January 2027", "source_system": "hr", "source_record_id": "L-311", "as_of": "2027-01-10"}))]
pub struct NewLeave {
    /// The first day.
    starts_on: NaiveDate,
    /// The last day; absent while no end is known.
    ends_on: Option<NaiveDate>,
    /// The act by which it was granted.
    #[schema(min_length = 1, max_length = 200)]
    act_ref: Option<String>,
    /// The system of record.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    source_system: String,
    /// The record's name there; of one leave, once.
    #[schema(min_length = 1, max_length = 100)]
    source_record_id: Option<String>,
    /// The day whose state the source told; not in the future.
    as_of: NaiveDate,
    /// The record that this one replaces, of the same judge.
    supersedes_id: Option<LeaveId>,
}

/// Why a record is taken back.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The leave was not taken."}))]
pub struct LeaveWithdrawal {
    /// The reason, which stays with the record; no health or family in it.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// A leave, as one record tells it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "starts_on": "2027-02-01", "ends_on": "2027-04-30", "act_ref": null, "source_system": "hr", "source_record_id": "L-311", "as_of": "2027-01-10", "received_at": "2027-01-11T04:30:00Z", "recorded_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "recorded_by_client": null, "status": "active", "supersedes_id": null, "end_reason": null}))]
pub struct LeaveView {
    /// The record's id.
    id: LeaveId,
    /// Whose leave.
    judge_id: JudgeId,
    /// The first day.
    starts_on: NaiveDate,
    /// The last day, or null while no end is known.
    ends_on: Option<NaiveDate>,
    /// The act by which it was granted, or null.
    #[schema(max_length = 200)]
    act_ref: Option<String>,
    /// The system of record.
    #[schema(max_length = 40)]
    source_system: String,
    /// The record's name there, or null.
    #[schema(max_length = 100)]
    source_record_id: Option<String>,
    /// The day whose state the source told.
    as_of: NaiveDate,
    /// When it was recorded here.
    received_at: DateTime<Utc>,
    /// By which account, or null.
    recorded_by: Option<AccountId>,
    /// By which machine client, or null.
    recorded_by_client: Option<ClientId>,
    /// How the record stands.
    status: RecordStatus,
    /// The record that this one replaces, or null.
    supersedes_id: Option<LeaveId>,
    /// Why it was withdrawn, or null.
    #[schema(max_length = 2000)]
    end_reason: Option<String>,
}

impl From<Leave> for LeaveView {
    fn from(row: Leave) -> Self {
        LeaveView {
            id: row.id,
            judge_id: row.judge_id,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            act_ref: row.act_ref,
            source_system: row.source_system,
            source_record_id: row.source_record_id,
            as_of: row.as_of,
            received_at: row.received_at.and_utc(),
            recorded_by: row.recorded_by,
            recorded_by_client: row.recorded_by_client,
            status: row.status,
            supersedes_id: row.supersedes_id,
            end_reason: row.end_reason,
        }
    }
}

/// Record a leave of a judge.
///
/// For secretaries, and machine clients with `file:write`, which tell of their own system and supersede its records alone.
/// The judge's own clocks stand still on its days where it is longer than the methodology says, and go on afterwards. With
/// `supersedes_id` the old record becomes `corrected`: so its end is told. 409 `already_exists` where the source has a record
/// of this name in force, `already_superseded` where the old record is not.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewLeave,
    responses((status = 201, body = LeaveView), CreateProblems))]
#[post("/judges/{judge_id}/leaves")]
pub async fn create_leave(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewLeave>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    check(&caller, &new, date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES))?;
    let leave = Leave {
        id: LeaveId(ids::new_at(now)),
        judge_id: judge_id.into_inner(),
        starts_on: new.starts_on,
        ends_on: new.ends_on,
        act_ref: new.act_ref,
        source_system: new.source_system,
        source_record_id: new.source_record_id,
        as_of: new.as_of,
        received_at: now.naive_utc(),
        recorded_by: caller.id().account(),
        recorded_by_client: caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: new.supersedes_id,
        end_reason: None,
    };
    let deed = Deed { by: caller.id(), operation: "create_leave", key, digest };
    act_once(&registry, deed, now, move |conn| {
        insert(conn, &caller, &leave)?;
        let entry = store::audit::NewEntry::by(caller.id(), "create_leave", "leave", leave.id);
        store::audit::record(conn, entry.of_judge(leave.judge_id), now)?;
        let location = format!("/v1/judges/{}/leaves", leave.judge_id);
        Reply::created(location, None, &LeaveView::from(leave.clone()))
    })
    .await
}

fn check(caller: &Caller, new: &NewLeave, today: NaiveDate) -> Result<()> {
    let mut check = Check::default();
    check.span(new.starts_on, new.ends_on);
    check.optional_text("/act_ref", new.act_ref.as_deref(), NAME_LENGTH_MAX);
    check.system("/source_system", &new.source_system);
    caller.check_source(&mut check, "/source_system", &new.source_system);
    check.optional_text("/source_record_id", new.source_record_id.as_deref(), 100);
    check.past_date("/as_of", new.as_of, today);
    check.done()
}

fn insert(conn: &mut Conn, caller: &Caller, leave: &Leave) -> Result<()> {
    store::judges::find(conn, leave.judge_id)?.ok_or(Code::NotFound)?;
    if let Some(old_id) = leave.supersedes_id {
        let old = store::leaves::find(conn, old_id)?.filter(|old| old.judge_id == leave.judge_id);
        let old = old.filter(|old| caller.speaks_for(&old.source_system));
        let old = old.ok_or_else(|| Error::invalid("/supersedes_id", Rule::Missing))?;
        if !old.status.is_in_force() {
            return Err(Code::AlreadySuperseded.into());
        }
        store::leaves::set_status(conn, old_id, RecordStatus::Corrected)?;
    }
    store::leaves::insert(conn, leave)
}

/// List the leaves of a judge.
///
/// For secretaries, the judge, and members as for the file; in the order in which they were recorded, superseded records
/// included. The reading is recorded with its purpose.
#[utoipa::path(tag = "judges", params(RecordsQuery),
    responses((status = 200, body = PageOf<LeaveView>), ReadProblems))]
#[get("/judges/{judge_id}/leaves")]
pub async fn list_leaves(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<RecordsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(judge_id.into_inner(), query.purpose);
    answering.list(actor, list, query.page()).await
}

/// The leaves of a judge, for whoever may read the file.
pub fn list(judge_id: JudgeId, asked: Option<FilePurpose>) -> List {
    let find = move |conn: &mut Conn, after, limit| store::leaves::list(conn, judge_id, after, limit);
    let list = List::new("list_leaves", format!("leaves {judge_id}"), find, |row: &Leave| row.id, LeaveView::from);
    list.of_records(judge_id, asked)
}

/// Withdraw a leave.
///
/// For secretaries, and machine clients with `file:write` for records of their own system, with a reason: the leave never
/// was. Clocks are counted without it from now on. 409 `already_superseded` where the record is not in force.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = LeaveWithdrawal,
    responses((status = 200, body = LeaveView), CreateProblems))]
#[post("/leaves/{leave_id}/withdraw")]
pub async fn withdraw_leave(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    leave_id: web::Path<LeaveId>,
    key: IdempotencyKey,
    withdrawal: Valid<LeaveWithdrawal>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let id = leave_id.into_inner();
    let Valid { body: LeaveWithdrawal { reason }, digest } = withdrawal;
    let deed = Deed { by: caller.id(), operation: "withdraw_leave", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let leave = store::leaves::find(conn, id)?.filter(|leave| caller.speaks_for(&leave.source_system));
        let leave = leave.ok_or(Code::NotFound)?;
        if !leave.status.is_in_force() {
            return Err(Code::AlreadySuperseded.into());
        }
        store::leaves::withdraw(conn, id, &reason)?;
        let leave = store::leaves::find(conn, id)?.ok_or(Code::NotFound)?;
        let entry = store::audit::NewEntry::by(caller.id(), "withdraw_leave", "leave", id);
        store::audit::record(conn, entry.of_judge(leave.judge_id), now)?;
        Reply::ok(None, &LeaveView::from(leave))
    })
    .await
}
