//! What a judge puts into the own file: statements, a self-assessment, teaching, publications, rule-making. A newcomer's
//! usual mistake is to let staff write here in the judge's name: nobody else's hand reaches these records.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once, reasons};
use super::record_views::RecordView;
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::ids::RecordId;
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::sections::{Content, OWN_SOURCE, OwnContent};
use crate::error::Result;
use crate::problem::responses::CreateProblems;
use crate::store;
use crate::workflow;
use crate::workflow::records::{Keeper, NewFileRecord};

/// A new record of a section that the judge fills.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"content": {"judge_statement": {"text": "In the third quarter I sat in two courts.", "about": null, "attachments": []}}}))]
pub struct NewOwnRecord {
    /// The section's fields.
    content: OwnContent,
    /// The own record that this one replaces, of the same section.
    supersedes_id: Option<RecordId>,
}

/// Why an own record is withdrawn.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The lecture was held by a colleague."}))]
pub struct OwnWithdrawal {
    /// The reason.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// Put a record into the own file.
///
/// For judges. Teaching, publications and rule-making await a secretary's confirmation and are shown as such; a statement
/// or a self-assessment stands beside what it concerns, and nothing is computed from it. A self-assessment is made once
/// for an evaluation (409 `already_exists`: supersede it) and until its pool is settled (409 `wrong_phase`).
#[utoipa::path(tag = "judges", params(IdempotencyKeyHeader), request_body = NewOwnRecord,
    responses((status = 201, body = RecordView), CreateProblems))]
#[post("/me/records")]
pub async fn create_my_record(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewOwnRecord>,
) -> Result<HttpResponse> {
    let judge_id = actor.judge()?;
    let now = clock.now();
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let Valid { body: new, digest } = new;
    let content = Content::from(new.content);
    let mut check = Check::default();
    content.check(&mut check, today);
    check.done()?;
    let new = NewFileRecord {
        judge_id,
        confirmation: content.confirmation(),
        content,
        by: actor.id(),
        source_system: OWN_SOURCE.to_owned(),
        source_record_id: None,
        as_of: today,
        legal_basis: None,
        supersedes_id: new.supersedes_id,
        batch_id: None,
    };
    let deed = Deed { by: actor.id(), operation: "create_my_record", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let record = workflow::records::record(conn, &Keeper::Judge, &new, now)?;
        let entry = store::audit::NewEntry::by(new.by, "create_my_record", "record", record.id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        let location = format!("/v1/judges/{judge_id}/records/{}", record.id);
        Reply::created(location, None, &RecordView::new(record)?)
    })
    .await
}

/// Withdraw a record that one put into the own file.
///
/// For judges; other records are not there for this act. It stays readable as `withdrawn`, with the reason. 409
/// `already_superseded` where it is not in force.
#[utoipa::path(tag = "judges", params(IdempotencyKeyHeader), request_body = OwnWithdrawal,
    responses((status = 200, body = RecordView), CreateProblems))]
#[post("/me/records/{own_record_id}/withdraw")]
pub async fn withdraw_my_record(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    own_record_id: web::Path<RecordId>,
    key: IdempotencyKey,
    withdrawal: Valid<OwnWithdrawal>,
) -> Result<HttpResponse> {
    let judge_id = actor.judge()?;
    let now = clock.now();
    let record_id = own_record_id.into_inner();
    let Valid { body: OwnWithdrawal { reason }, digest } = withdrawal;
    let mut check = Check::default();
    check.text("/reason", &reason, 2000);
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "withdraw_my_record", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let record = workflow::records::withdraw(conn, judge_id, record_id, &Keeper::Judge, &reason, now)?;
        let entry = store::audit::NewEntry::by(actor.id(), "withdraw_my_record", "record", record_id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        Reply::ok(None, &RecordView::new(record)?)
    })
    .await
}
