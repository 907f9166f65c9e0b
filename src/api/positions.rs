//! The posts that a judge holds and held. A newcomer's usual mistake is to look for an update: the end of a post, like any
//! change of a record, is a new record that names the one it supersedes.

use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, Reply, Valid, act_once};
use super::lists::Answering;
use super::record_views::{PositionView, RecordsQuery};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::{CourtId, JudgeId, PositionId};
use crate::domain::judge_file::{EndedReason, FilePurpose, PositionKind, RecordStatus};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::specialisations::{SpecialisationCode, Specialisations};
use crate::error::Result;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::positions::Position;
use crate::workflow::checks::{check_position, insert_position};
use crate::workflow::lists::List;

/// A new record of a post.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"court_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "kind": "judge", "starts_on": "2015-03-02", "act_ref": "Decree 417 of 2 March 2015", "specialisations": ["civil", "juvenile"], "source_system": "hr", "as_of": "2027-01-10"}))]
pub struct NewPosition {
    /// At which court.
    court_id: CourtId,
    /// What kind of post; one of a kind at a time.
    kind: PositionKind,
    /// The first day.
    starts_on: NaiveDate,
    /// The last day; absent while it is held.
    ends_on: Option<NaiveDate>,
    /// Why it ended; only with `ends_on`.
    ended_reason: Option<EndedReason>,
    /// The act of appointment.
    #[schema(min_length = 1, max_length = 200)]
    act_ref: Option<String>,
    /// In what it is specialised, by codes of the catalogue; absent or empty where nothing is told.
    #[serde(default)]
    #[schema(value_type = Vec<SpecialisationCode>, max_items = 20)]
    specialisations: Specialisations,
    /// The system of record.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    source_system: String,
    /// The record's name there.
    #[schema(min_length = 1, max_length = 100)]
    source_record_id: Option<String>,
    /// The day whose state the source told; not in the future.
    as_of: NaiveDate,
    /// The law by which it is kept.
    #[schema(min_length = 1, max_length = 200)]
    legal_basis: Option<String>,
    /// The record that this one replaces, of the same judge and kind.
    supersedes_id: Option<PositionId>,
}

/// Record a post of a judge.
///
/// For secretaries, and machine clients with `file:write`, which tell of their own system and supersede its records
/// alone. With `supersedes_id` the old record becomes `corrected`; so a post is ended. 409 `already_exists` where the judge
/// holds a post of the kind in that time, `already_superseded` where the old record is not in force.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewPosition,
    responses((status = 201, body = PositionView), CreateProblems))]
#[post("/judges/{judge_id}/positions")]
pub async fn create_position(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewPosition>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let position = Position {
        id: PositionId(ids::new_at(now)),
        judge_id: judge_id.into_inner(),
        court_id: new.court_id,
        kind: new.kind,
        act_ref: new.act_ref,
        starts_on: new.starts_on,
        ends_on: new.ends_on,
        ended_reason: new.ended_reason,
        source_system: new.source_system,
        as_of: new.as_of,
        received_at: now.naive_utc(),
        recorded_by: caller.id().account(),
        recorded_by_client: caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: new.supersedes_id,
        source_record_id: new.source_record_id,
        legal_basis: new.legal_basis,
        batch_id: None,
        specialisations: new.specialisations,
    };
    check_position(&caller, &position, date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES))?;
    let deed = Deed { by: caller.id(), operation: "create_position", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let position = insert_position(conn, &caller, position.clone())?;
        let entry = store::audit::NewEntry::by(caller.id(), "create_position", "position", position.id);
        store::audit::record(conn, entry.of_judge(position.judge_id), now)?;
        let location = format!("/v1/judges/{}/positions", position.judge_id);
        Reply::created(location, None, &PositionView::from(position))
    })
    .await
}

/// List the posts of a judge.
///
/// For secretaries, the judge, and members as for the file; in the order in which they were recorded, superseded records
/// included. The reading is recorded with its purpose.
#[utoipa::path(tag = "judges", params(RecordsQuery),
    responses((status = 200, body = PageOf<PositionView>), ReadProblems))]
#[get("/judges/{judge_id}/positions")]
pub async fn list_positions(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<RecordsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(judge_id.into_inner(), query.purpose);
    answering.list(actor, list, query.page()).await
}

/// The posts of a judge, for whoever may read them.
pub fn list(judge_id: JudgeId, asked: Option<FilePurpose>) -> List {
    let find = move |conn: &mut Conn, after, limit| store::positions::list(conn, judge_id, after, limit);
    let list = List::new("list_positions", format!("positions {judge_id}"), find, |row| row.id, PositionView::from);
    list.of_records(judge_id, asked)
}
