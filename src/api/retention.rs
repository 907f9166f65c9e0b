//! How long records are kept, and what is due. A newcomer's usual mistake is to correct an edition: a new one is added, two
//! persons adopt it, and the last one adopted holds.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use validator::{Validate, ValidationErrors};

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::jobs::Start;
use super::lists::Answering;
use super::two_persons::{ApprovalView, ask};
use crate::clock::Clock;
use crate::credential::jcs;
use crate::db::{Conn, Registry};
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::{JudgeId, RecordId, RetentionScheduleId};
use crate::domain::judge_file::Check;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::policy::retention::{may_keep_retention, may_read_retention};
use crate::domain::retention::{KeptBecause, Permanent, RetentionCategory, RetentionRule, RetentionRules};
use crate::error::{Code, Error, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::retention::ScheduleRow;
use crate::workflow::approvals::{Act, Request};
use crate::workflow::lists::List;
use crate::workflow::retention;
use crate::workflow::retention::{DueRecord, Place};

/// The rules as they are sent.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
pub struct NewSchedule(RetentionRules);

impl Validate for NewSchedule {
    /// The rules name their own pointers; they are checked by the handler.
    fn validate(&self) -> std::result::Result<(), ValidationErrors> {
        Ok(())
    }
}

/// One edition of how long records are kept.
#[derive(Serialize, ToSchema)]
pub struct RetentionScheduleView {
    /// Its id.
    id: RetentionScheduleId,
    /// Its number, from 1.
    #[schema(minimum = 1)]
    edition: i32,
    /// SHA-256 of the canonical rules, in hex.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
    /// When it was added.
    created_at: DateTime<Utc>,
    /// When two persons adopted it, or null; the last edition that was adopted holds.
    adopted_at: Option<DateTime<Utc>>,
    /// One rule for each kind of record.
    #[schema(max_items = 17)]
    rules: Vec<RetentionRule>,
    /// The kinds of record that have no period in this edition: nothing of them is destroyed.
    #[schema(max_items = 17)]
    without_period: Vec<RetentionCategory>,
    /// What is held of a judge besides, for which no edition can have a period: nothing of it is destroyed.
    #[schema(max_items = 10)]
    permanent: Vec<Permanent>,
}

impl RetentionScheduleView {
    fn new(row: ScheduleRow) -> Result<RetentionScheduleView> {
        let rules = retention::rules(&row)?;
        Ok(RetentionScheduleView {
            id: row.id,
            edition: row.edition,
            digest: row.digest,
            created_at: row.created_at.and_utc(),
            adopted_at: row.adopted_at.map(|at| at.and_utc()),
            without_period: rules.without_period(),
            permanent: Permanent::ALL.to_vec(),
            rules: rules.rules,
        })
    }
}

/// Add an edition of how long records are kept.
///
/// For secretaries: one rule for each kind of record, with what begins its time, how long it is kept from then on, and by
/// which law, in three languages. It holds once two persons adopted it.
#[utoipa::path(tag = "retention", params(IdempotencyKeyHeader), request_body = NewSchedule,
    responses((status = 201, body = RetentionScheduleView), CreateProblems))]
#[post("/retention/schedules")]
pub async fn create_retention_schedule(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewSchedule>,
) -> Result<HttpResponse> {
    may_keep_retention(&actor)?;
    let now = clock.now();
    let Valid { body: NewSchedule(rules), digest } = new;
    let mut check = Check::default();
    check.faults(rules.faults());
    check.done()?;
    let document = String::from_utf8(jcs::canonical(&rules)?).map_err(Error::internal)?;
    let deed = Deed { by: actor.id(), operation: "create_retention_schedule", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let row = ScheduleRow {
            id: RetentionScheduleId(ids::new_at(now)),
            edition: store::retention::newest_edition(conn)? + 1,
            digest: hex(&Sha256::digest(document.as_bytes())),
            document: document.clone(),
            created_at: now.naive_utc(),
            adopted_at: None,
        };
        store::retention::insert_schedule(conn, &row)?;
        let act = "create_retention_schedule";
        let entry = store::audit::NewEntry::new(Some(actor.account_id), act, "retention_schedule", row.id);
        store::audit::record(conn, entry.of_digest(row.digest.clone()), now)?;
        Reply::created("/v1/retention/schedules".to_owned(), None, &RetentionScheduleView::new(row)?)
    })
    .await
}

/// List the editions of how long records are kept.
///
/// For everybody but administrators: who is on file may know for how long. By number; drafts, too.
#[utoipa::path(tag = "retention", params(PageQuery),
    responses((status = 200, body = PageOf<RetentionScheduleView>), ReadProblems))]
#[get("/retention/schedules")]
pub async fn list_retention_schedules(
    actor: Actor,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All editions, for whoever may know for how long.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_catalogues(actor)?;
    let find = |conn: &mut Conn, after: Option<i32>, limit| {
        let rows = store::retention::list_schedules(conn, after.unwrap_or(0), limit)?;
        rows.into_iter().map(RetentionScheduleView::new).collect::<Result<Vec<_>>>()
    };
    Ok(List::new("list_retention_schedules", "retention-schedules", find, |view| view.edition, |view| view))
}

/// Ask to adopt an edition of how long records are kept.
///
/// For secretaries; another secretary confirms. 409 `wrong_phase` where it is adopted already, or a later edition is.
#[utoipa::path(tag = "retention", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/retention/schedules/{retention_schedule_id}/adopt")]
pub async fn adopt_retention_schedule(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    retention_schedule_id: web::Path<RetentionScheduleId>,
    key: IdempotencyKey,
    adoption: Valid<Start>,
) -> Result<HttpResponse> {
    may_keep_retention(&actor)?;
    let request = Request {
        act: Act::AdoptRetentionSchedule,
        object_id: retention_schedule_id.into_inner().0,
        parameters: "{}".to_owned(),
        reason: None,
    };
    let deed = Deed { by: actor.id(), operation: "adopt_retention_schedule", key, digest: adoption.digest };
    ask(&registry, actor, deed, request, clock.now()).await
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// By which edition; the one that holds where none is named.
    retention_schedule_id: Option<RetentionScheduleId>,
    /// On which day; today where none is named.
    counted_on: Option<NaiveDate>,
    /// Only this kind of record.
    category: Option<RetentionCategory>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// A record whose time is over.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"category": "training", "record_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "begun_on": "2017-03-06", "kept_because": null, "goes_with": []}))]
pub struct DueRecordView {
    /// What kind of record.
    category: RetentionCategory,
    /// Its id.
    record_id: RecordId,
    /// Whose file it is in; null for penalties, complaints, findings, requests and statements: that there was one is told to
    /// nobody but the judge.
    judge_id: Option<JudgeId>,
    /// The day on which its time began.
    begun_on: NaiveDate,
    /// Why it is kept all the same, or null where it would go.
    kept_because: Option<KeptBecause>,
    /// The ids of what goes, or is kept, with it: the records that it replaced, requests to correct any of them, and what the
    /// judge said beside them.
    #[schema(max_items = 10_000)]
    goes_with: Vec<RecordId>,
}

impl From<DueRecord> for DueRecordView {
    fn from(row: DueRecord) -> Self {
        let judge_id = (!row.category.is_confidential()).then_some(row.judge_id);
        let DueRecord { category, id: record_id, begun_on, kept_because, goes_with, .. } = row;
        DueRecordView { category, record_id, judge_id, begun_on, kept_because, goes_with }
    }
}

/// List what has been kept for its time.
///
/// For secretaries and auditors: what would be destroyed by an edition, adopted or not, on a day, past or to come, and what
/// would be kept all the same, and why. By kind of record, each in order of ids; nothing is changed. What is never destroyed
/// stands with the edition. 404 where there is no such edition, or none holds.
#[utoipa::path(tag = "retention", params(PreviewQuery),
    responses((status = 200, body = PageOf<DueRecordView>), ReadProblems))]
#[get("/retention/preview")]
pub async fn list_due_records(
    actor: Actor,
    query: web::Query<PreviewQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list_due(&actor, &query, answering.today())?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The records whose time is over by an edition on a day.
pub fn list_due(actor: &Actor, query: &PreviewQuery, today: NaiveDate) -> Result<List> {
    may_read_retention(actor)?;
    let PreviewQuery { retention_schedule_id: id, counted_on, category, .. } = *query;
    let day = counted_on.unwrap_or(today);
    let mut check = Check::default();
    check.date("counted_on", day);
    check.parameters()?;
    let find = move |conn: &mut Conn, from, limit| {
        let row = match id {
            Some(id) => store::retention::find_schedule(conn, id)?,
            None => store::retention::schedule_in_force(conn)?,
        };
        let rules = retention::rules(&row.ok_or(Code::NotFound)?)?;
        let count = usize::try_from(limit).map_err(Error::internal)?;
        retention::due(conn, &rules, day, category, from, count)
    };
    let place = |row: &DueRecord| Place { category: row.category, after: Some(row.id) };
    let name = format!("retention {id:?} {day} {category:?}");
    Ok(List::new("list_due_records", name, find, place, DueRecordView::from))
}
