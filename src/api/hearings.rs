//! Hearings: arranged, held, put on record. A newcomer's usual mistake is to make the judge's absence an obstacle; who was
//! asked to come and stays away was heard as far as it lay with the commission.

use actix_web::{HttpResponse, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once};
use super::proceeding_views::HearingView;
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::ids::{AccountId, EvaluationId, HearingId};
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::policy::deciding::may_run_proceedings;
use crate::error::{Result, Rule};
use crate::problem::responses::CreateProblems;
use crate::store;
use crate::workflow::reports;

/// The longest minutes, in characters.
const MINUTES_LENGTH_MAX: usize = 20_000;
/// Bytes of a record of a hearing.
const RECORD_BYTES_MAX: usize = 128 * 1024;
/// More members than a panel has.
const PRESENT_MAX: usize = 60;

/// When and how a hearing is held.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"held_on": "2027-06-25", "is_remote": true}))]
pub struct NewHearing {
    /// The day: from today to the methodology's `hearing_days` ahead.
    held_on: NaiveDate,
    /// Whether it is held by video.
    is_remote: bool,
}

/// What happened at a hearing.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"present_ids": ["019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14"], "is_judge_present": true, "minutes": "The judge explained the delays of the second quarter."}))]
pub struct HearingRecord {
    /// The members who were there, each once.
    #[schema(min_items = 1, max_items = 60)]
    present_ids: Vec<AccountId>,
    /// Whether the judge was there.
    is_judge_present: bool,
    /// What was said.
    #[schema(min_length = 1, max_length = 20000)]
    minutes: String,
}

/// Arrange a hearing.
///
/// For secretaries, once the judge has answered the report or could have: on request, and always before an outcome that burdens
/// the judge, who is told the day. Arranged again, it is held on the other day. 409 `guard_not_met` for a day outside of the
/// methodology's `hearing_days`.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = NewHearing,
    responses((status = 201, body = HearingView), CreateProblems))]
#[post("/evaluations/{evaluation_id}/hearings")]
pub async fn create_hearing(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewHearing>,
) -> Result<HttpResponse> {
    may_run_proceedings(&actor)?;
    let (now, id) = (clock.now(), evaluation_id.into_inner());
    let Valid { body: NewHearing { held_on, is_remote }, digest } = new;
    let deed = Deed { by: actor.id(), operation: "create_hearing", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let hearing = reports::schedule_hearing(conn, &actor, id, (held_on, is_remote), now)?;
        Reply::created(format!("/v1/evaluations/{id}/proceedings"), None, &HearingView::new(hearing, &[]))
    })
    .await
}

/// Put a hearing on record.
///
/// For secretaries, from its day on: who was there and what was said. 409 `guard_not_met` without a quorum of the members or a
/// majority of judges among them; members who were not there do not vote afterwards.
#[utoipa::path(tag = "proceedings", params(IdempotencyKeyHeader), request_body = HearingRecord,
    responses((status = 200, body = HearingView), CreateProblems))]
#[post("/hearings/{hearing_id}/record")]
pub async fn record_hearing(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    hearing_id: web::Path<HearingId>,
    key: IdempotencyKey,
    record: Valid<HearingRecord, RECORD_BYTES_MAX>,
) -> Result<HttpResponse> {
    may_run_proceedings(&actor)?;
    let (now, id) = (clock.now(), hearing_id.into_inner());
    let Valid { body, digest } = record;
    let mut check = Check::default();
    check.text("/minutes", &body.minutes, MINUTES_LENGTH_MAX);
    let is_some = (1..=PRESENT_MAX).contains(&body.present_ids.len());
    check.rule(is_some, "/present_ids", Rule::Length { min: 1, max: PRESENT_MAX as u64 });
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "record_hearing", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let said = (body.is_judge_present, body.minutes.as_str());
        let hearing = reports::record_hearing(conn, &actor, id, &body.present_ids, said, now)?;
        let present = store::proceedings::present(conn, hearing.evaluation_id)?;
        Reply::ok(None, &HearingView::new(hearing, &present))
    })
    .await
}
