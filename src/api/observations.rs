//! Observed values of indicators. A newcomer's usual mistake is to look for an update: a closed quarter is restated by a
//! new record that names the one it supersedes, and both stay readable.

use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::lists::Answering;
use super::record_views::ObservationView;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, Period, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::{JudgeId, ObservationId};
use crate::domain::indicators::Catalogue;
use crate::domain::judge_file::{CODE_40, FilePurpose, RecordStatus, is_code};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Fault, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::observations::Observation;
use crate::workflow::checks::check_observation;
use crate::workflow::lists::List;
use crate::workflow::restatements::take_out_of_force;

/// A value that a source reports.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 214, "source_system": "toerelik", "source_record_id": "2026/Q3/20417", "as_of": "2026-10-05"}))]
pub struct NewObservation {
    /// The indicator, by its code.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    indicator_code: String,
    /// The kind of case: a specialisation, alone or after `appeal_` or `cassation_`; `materials`; or `all`.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    category: String,
    /// The quarter; it has begun.
    period: Period,
    /// The value, or the numerator of a ratio, in the indicator's scaled integers and range.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    numerator: i64,
    /// The denominator of a ratio.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    denominator: Option<i64>,
    /// The system of record.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    source_system: String,
    /// The record's name there.
    #[schema(min_length = 1, max_length = 100)]
    source_record_id: Option<String>,
    /// The day whose state the source told: not before the quarter, and not in the future.
    as_of: NaiveDate,
    /// The law by which it is kept.
    #[schema(min_length = 1, max_length = 200)]
    legal_basis: Option<String>,
    /// The record that this one replaces, of the same judge, indicator, category and quarter.
    supersedes_id: Option<ObservationId>,
}

/// Which observations of a judge are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ObservationsQuery {
    /// Only values of this indicator.
    #[param(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    indicator_code: Option<String>,
    /// Why the records are read: `personnel` where a secretary names nothing else; a judge's own are `own_file`.
    #[param(inline)]
    purpose: Option<FilePurpose>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Record an observation.
///
/// For secretaries, and machine clients with `file:write`, which tell of their own system and supersede its records
/// alone. With `supersedes_id` the old record becomes `corrected` in the same step. 409 `observation_exists` where the
/// quarter has a value and none is superseded, `already_superseded` where the old record is not in force.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewObservation,
    responses((status = 201, body = ObservationView), CreateProblems))]
#[post("/judges/{judge_id}/observations")]
pub async fn create_observation(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewObservation>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let observation = Observation {
        id: ObservationId(ids::new_at(now)),
        judge_id: judge_id.into_inner(),
        indicator_code: new.indicator_code,
        category: new.category,
        period_start: new.period.starts_on(),
        period_end: new.period.ends_on(),
        numerator: new.numerator,
        denominator: new.denominator,
        source_system: new.source_system,
        source_record_id: new.source_record_id,
        as_of: new.as_of,
        received_at: now.naive_utc(),
        recorded_by: caller.id().account(),
        recorded_by_client: caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: new.supersedes_id,
        legal_basis: new.legal_basis,
        batch_id: None,
    };
    let period = new.period;
    let catalogue = Catalogue::standard()?;
    let deed = Deed { by: caller.id(), operation: "create_observation", key, digest };
    act_once(&registry, deed, now, move |conn| {
        store::judges::find(conn, observation.judge_id)?.ok_or(Code::NotFound)?;
        let indicator = store::indicators::find(conn, &observation.indicator_code)?;
        check_observation(&caller, catalogue, indicator.as_ref(), &observation, period, today)?;
        let status = take_out_of_force(conn, &caller, &observation)?;
        let observation = Observation { status, ..observation.clone() };
        store::observations::insert(conn, &observation)?;
        let act = "create_observation";
        let entry = store::audit::NewEntry::by(caller.id(), act, "observation", observation.id);
        store::audit::record(conn, entry.of_judge(observation.judge_id), now)?;
        let location = format!("/v1/judges/{}/observations", observation.judge_id);
        Reply::created(location, None, &ObservationView::new(observation)?)
    })
    .await
}

/// List the observations of a judge.
///
/// For secretaries, the judge, and members as for the file; in the order in which they were recorded, superseded records
/// included. The reading is recorded with its purpose.
#[utoipa::path(tag = "judges", params(ObservationsQuery),
    responses((status = 200, body = PageOf<ObservationView>), ReadProblems))]
#[get("/judges/{judge_id}/observations")]
pub async fn list_observations(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<ObservationsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(judge_id.into_inner(), query.purpose, &query)?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The observations of a judge, for whoever may read them.
pub fn list(judge_id: JudgeId, asked: Option<FilePurpose>, query: &ObservationsQuery) -> Result<List> {
    let code = query.indicator_code.clone();
    if code.as_deref().is_some_and(|code| !is_code(code, 40)) {
        return Err(Error::faults(Code::Malformed, vec![Fault::parameter("indicator_code", CODE_40)]));
    }
    let name = format!("observations {judge_id} {code:?}");
    let find = move |conn: &mut Conn, after, limit| {
        let rows = store::observations::list(conn, judge_id, code.as_deref(), after, limit)?;
        rows.into_iter().map(ObservationView::new).collect::<Result<Vec<_>>>()
    };
    let list = List::new("list_observations", name, find, |view| view.id, |view| view);
    Ok(list.of_records(judge_id, asked))
}
