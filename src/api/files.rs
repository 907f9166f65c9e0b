//! The judge's file. What a newcomer would get wrong: the summary is no evaluation. It has no total, no rate and no rank;
//! it shows what was observed, and each reading of it is on record, with its purpose, before it is answered.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::file_summary::{FileSummary, FileView, KeptRecords};
use super::record_views::{CorrectionRequestView, JudgeView, ObservationView, PositionView};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::ids::{AccountId, JudgeId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::workflow;

/// How many records of one kind the full view has at most: forty years at forty values a quarter, three times over.
const RECORDS_MAX: i64 = 20_000;
/// How many of the latest readings the full view names.
const READINGS_MAX: i64 = 100;

/// What is read, and why.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// Why the file is read: staff must say; a judge's own file is `own_file`. The judge sees it.
    #[param(inline)]
    purpose: Option<FilePurpose>,
    /// How much is shown: `summary`, where nothing is asked for, or `full`.
    #[param(inline)]
    view: Option<FileView>,
}

/// A judge's file: the members of the view that was asked for, and no others.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({"view": "summary", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02"}, "positions": [], "quarters": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"], "indicators": [{"indicator_code": "resolved", "category": "civil", "values": [null, null, {"numerator": 214, "denominator": null, "status": "active"}, null]}], "left_out_count": 0, "open_correction_count": 0, "reading_count": 3}))]
pub enum JudgeFileView {
    /// With `view=summary`.
    Summary(FileSummary),
    /// With `view=full`.
    Full(FullFile),
}

/// All records of a file, superseded ones included, each kind in the order in which it was recorded.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"view": "full", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02", "external_ids": [], "version": 1}, "positions": [], "observations": [], "correction_requests": [], "reading_count": 0, "latest_readings": []}))]
pub struct FullFile {
    /// Always `full`.
    view: FileView,
    /// Who.
    judge: JudgeView,
    /// The posts; the first 20,000 records, as in the lists below.
    #[schema(max_items = 20_000)]
    positions: Vec<PositionView>,
    /// The observed values.
    #[schema(max_items = 20_000)]
    observations: Vec<ObservationView>,
    /// The requests for correction.
    #[schema(max_items = 20_000)]
    correction_requests: Vec<CorrectionRequestView>,
    /// How often others read the file or a part of it before.
    #[schema(minimum = 0)]
    reading_count: i64,
    /// The latest of those readings, newest first.
    #[schema(max_items = 100)]
    latest_readings: Vec<ReadingView>,
}

/// A reading of the file by somebody other than the judge.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"occurred_at": "2027-01-11T04:30:00Z", "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "act": "get_judge_file", "purpose": "personnel"}))]
pub struct ReadingView {
    /// When.
    occurred_at: DateTime<Utc>,
    /// Which account.
    account_id: Option<AccountId>,
    /// What was read, by its operation.
    #[schema(max_length = 64)]
    act: String,
    /// Why.
    #[schema(max_length = 64)]
    purpose: Option<String>,
}

/// Get a judge's file.
///
/// For secretaries, who name the purpose; for the judge; and with the purpose `evaluation` for the members and appeal
/// members to whom an evaluation of the judge is assigned, until its cycle is closed or cancelled. The reading is recorded
/// with its purpose before it is answered, and the judge sees it. With `view=full` all records, else a summary of at most
/// 20 KB.
#[utoipa::path(tag = "judges", params(FileQuery), responses((status = 200, body = JudgeFileView), ReadProblems))]
#[get("/judges/{judge_id}/file")]
pub async fn get_judge_file(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    kept: web::Data<KeptRecords>,
    judge_id: web::Path<JudgeId>,
    query: web::Query<FileQuery>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let judge_id = judge_id.into_inner();
    let asked = query.purpose;
    let view = query.view.unwrap_or(FileView::Summary);
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let account_id = actor.account_id;
    let record = move |conn: &mut Conn, purpose| {
        store::audit::record_reading(conn, account_id, "get_judge_file", judge_id, purpose, now)
    };
    let file = match view {
        // Few rows: read where the record is written, as the writer's cache of pages is warm after every commit.
        FileView::Summary => {
            let kept = kept.into_inner();
            let reader = kept.clone();
            let reading = registry.0.write(move |conn| {
                let purpose = workflow::members::file_purpose(conn, &actor, judge_id, asked)?;
                let before = record(conn, purpose)?;
                Ok((reader.find(conn, judge_id, before.last_write, today)?, before.reading_count))
            });
            let (found, reading_count) = reading.await?;
            JudgeFileView::Summary(kept.summary(found, reading_count)?)
        }
        // Many rows, which would hold up all writes: read beside them, and answered once the record is committed.
        FileView::Full => {
            let reading = registry.0.read(move |conn| {
                let purpose = workflow::members::file_purpose(conn, &actor, judge_id, asked)?;
                Ok((full(conn, judge_id)?, purpose))
            });
            let (file, purpose) = reading.await?;
            registry.0.write(move |conn| record(conn, purpose)).await?;
            JudgeFileView::Full(file)
        }
    };
    Ok(HttpResponse::Ok().json(file))
}

/// Six queries.
fn full(conn: &mut Conn, id: JudgeId) -> Result<FullFile> {
    let judge = store::judges::find(conn, id)?.ok_or(Code::NotFound)?;
    let named = store::external_ids::list_of(conn, &[id.to_string()])?;
    let observations = store::observations::list(conn, id, None, None, RECORDS_MAX)?;
    let readings = store::audit::latest_readings(conn, id, READINGS_MAX)?;
    Ok(FullFile {
        view: FileView::Full,
        judge: JudgeView::new(judge, named.into_iter().map(|(_, name)| name).collect()),
        positions: store::positions::list(conn, id, None, RECORDS_MAX)?.into_iter().map(PositionView::from).collect(),
        observations: observations.into_iter().map(ObservationView::new).collect::<Result<_>>()?,
        correction_requests: (store::corrections::list(conn, id, None, RECORDS_MAX)?.into_iter())
            .map(CorrectionRequestView::from)
            .collect(),
        reading_count: readings.first().and_then(|latest| latest.reading_number).unwrap_or(0),
        latest_readings: readings
            .into_iter()
            .map(|entry| ReadingView {
                occurred_at: entry.occurred_at.and_utc(),
                account_id: entry.account_id,
                act: entry.act,
                purpose: entry.purpose,
            })
            .collect(),
    })
}
