//! What the personnel system tells of a judge's person: birth date, sex, legal service. What a newcomer would get wrong: to
//! answer what came in. Sex goes in here and is answered nowhere but in the judge's own file.

use actix_web::{HttpResponse, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, Valid, act_once};
use super::person_views::ParticularsView;
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::{JudgeId, ParticularsId};
use crate::domain::judge_file::{Check, RecordStatus};
use crate::domain::particulars::Sex;
use crate::domain::policy;
use crate::error::{Code, Fault, Result, Rule};
use crate::problem::responses::CreateProblems;
use crate::store;
use crate::store::particulars::Particulars;
use crate::workflow;

/// What a source tells of a judge's person: at least one of the first three. What it is silent about stays as it is known.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"birth_date": "1985-06-15", "sex": "f", "legal_service_hundredths": 1750, "source_system": "hr", "as_of": "2027-01-10"}))]
pub struct NewParticulars {
    /// The birth date: one by which the judge was 25 to 75 on the day of the first appointment and, in office, is so today.
    birth_date: Option<NaiveDate>,
    /// The sex; for the yearly figures on bias alone, and shown to the judge alone.
    sex: Option<Sex>,
    /// Years of legal service on the day `as_of`, in hundredths, as the source counts them.
    #[schema(minimum = 0, maximum = 6000)]
    legal_service_hundredths: Option<i64>,
    /// The system of record.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    source_system: String,
    /// The day whose state the source told; not in the future, and not before that of what it replaces.
    as_of: NaiveDate,
}

/// Record what is known of a judge's person.
///
/// For secretaries, and machine clients with `file:write`, which tell of their own system and replace what it told alone
/// (409 `already_exists`). What is told takes the place of what was known, which stays on record as `corrected`; the same
/// again is answered as it stands, and changes nothing. 409 `already_superseded` where something newer is known.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewParticulars,
    responses((status = 201, body = ParticularsView), CreateProblems))]
#[post("/judges/{judge_id}/particulars")]
pub async fn create_particulars(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewParticulars>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let judge_id = judge_id.into_inner();
    let told = Particulars {
        id: ParticularsId(ids::new_at(now)),
        judge_id,
        birth_date: new.birth_date,
        sex: new.sex,
        legal_service_hundredths: new.legal_service_hundredths,
        source_system: new.source_system,
        as_of: new.as_of,
        received_at: now.naive_utc(),
        recorded_by: caller.id().account(),
        recorded_by_client: caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: None,
        batch_id: None,
    };
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let deed = Deed { by: caller.id(), operation: "create_particulars", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let judge = store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
        let in_office_on = store::particulars::is_in_office(conn, judge_id, today)?.then_some(today);
        let mut check = Check::default();
        workflow::particulars::check(&mut check, &told, &judge, in_office_on, today);
        check.system("/source_system", &told.source_system);
        caller.check_source(&mut check, "/source_system", &told.source_system);
        if !workflow::particulars::is_told(&told) {
            let fields = ["/birth_date", "/sex", "/legal_service_hundredths"];
            check.faults(fields.map(|pointer| Fault::at(pointer, Rule::Required)).to_vec());
        }
        check.done()?;
        let (_, row) = workflow::particulars::tell(conn, &caller, &told)?;
        let entry = store::audit::NewEntry::by(caller.id(), "create_particulars", "particulars", row.id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        Reply::created(format!("/v1/judges/{judge_id}/file"), None, &ParticularsView::from(row))
    })
    .await
}
