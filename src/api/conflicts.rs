//! Declared conflicts between two judges: they feed the draw and are confidential. A newcomer's usual mistake is to tell
//! the other judge: not even a refusal may say what somebody else has declared.

use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::lists::Answering;
use super::record_views::ConflictView;
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::ids;
use crate::domain::ids::{ConflictId, JudgeId};
use crate::domain::judge_file::{Check, ConflictKind};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Error, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::conflicts::Conflict;
use crate::workflow::lists::List;

/// A conflict that is declared.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "other_judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "kind": "relative", "starts_on": "2010-06-01"}))]
pub struct NewConflict {
    /// One of the two judges.
    judge_id: JudgeId,
    /// The other one.
    other_judge_id: JudgeId,
    /// Why the two may not evaluate one another.
    kind: ConflictKind,
    /// The first day.
    starts_on: NaiveDate,
    /// The last day; absent while it lasts.
    ends_on: Option<NaiveDate>,
}

/// Declare a conflict between two judges.
///
/// For secretaries, and for a judge where the judge is one of the two. 409 `already_exists` where the same account has
/// declared the same kind from the same day.
#[utoipa::path(tag = "conflicts", params(IdempotencyKeyHeader), request_body = NewConflict,
    responses((status = 201, body = ConflictView), CreateProblems))]
#[post("/conflicts")]
pub async fn create_conflict(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewConflict>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let pair = [new.judge_id, new.other_judge_id];
    policy::may_declare_conflict(&actor, pair)?;
    let mut check = Check::default();
    check.span(new.starts_on, new.ends_on);
    check.rule(new.judge_id != new.other_judge_id, "/other_judge_id", Rule::Mismatch { other: "judge_id" });
    check.done()?;
    let conflict = Conflict {
        id: ConflictId(ids::new_at(now)),
        judge_id: new.judge_id.min(new.other_judge_id),
        other_judge_id: new.judge_id.max(new.other_judge_id),
        kind: new.kind,
        starts_on: new.starts_on,
        ends_on: new.ends_on,
        declared_by: actor.account_id,
    };
    let deed = Deed { by: actor.id(), operation: "create_conflict", key, digest };
    act_once(&registry, deed, now, move |conn| {
        for (judge_id, pointer) in pair.into_iter().zip(["/judge_id", "/other_judge_id"]) {
            if store::judges::find(conn, judge_id)?.is_none() {
                return Err(Error::invalid(pointer, Rule::Missing));
            }
        }
        store::conflicts::insert(conn, &conflict)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "create_conflict", "conflict", conflict.id);
        store::audit::record(conn, entry, now)?;
        Reply::created("/v1/conflicts".to_owned(), None, &ConflictView::from(conflict.clone()))
    })
    .await
}

/// List declared conflicts.
///
/// For secretaries and auditors, in the order in which they were declared.
#[utoipa::path(tag = "conflicts", params(PageQuery),
    responses((status = 200, body = PageOf<ConflictView>), ReadProblems))]
#[get("/conflicts")]
pub async fn list_conflicts(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All declared conflicts, for whoever may read them.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_conflicts(actor)?;
    Ok(List::new("list_conflicts", "conflicts", store::conflicts::list, |row| row.id, ConflictView::from))
}
