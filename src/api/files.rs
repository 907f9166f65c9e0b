//! The judge's file. What a newcomer would get wrong: the summary is no evaluation. It has no total and no rank; it shows
//! what was observed and what follows from it, and each reading of it is on record, with its purpose, before it is answered.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::act_views::ActView;
use super::file_summary::{FileSummary, FileView, KeptSummaries};
use super::known_file::{RECORDS_MAX, Rows, end_of_day};
use super::person_views::{ParticularsView, seen};
use super::record_views::{ConflictView, CorrectionRequestView, JudgeView, ObservationView, PositionView, RecordView};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::ids::{AccountId, JudgeId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::particulars::{Sex, sight as sight_of_person};
use crate::domain::policy::{Actor, is_of_commission};
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::store::acts::{Act, Attribution};
use crate::workflow;

/// What is read, and why.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// Why the file is read: staff must say; a judge's own file is `own_file`. The judge sees it.
    #[param(inline)]
    purpose: Option<FilePurpose>,
    /// How much is shown: `summary`, where nothing is asked for, `full` or `report_basis`.
    #[param(inline)]
    view: Option<FileView>,
    /// With `view=full`: the file as it stood at the end of this day, which is not in the future.
    known_on: Option<NaiveDate>,
}

/// A judge's file: the members of the view that was asked for, and no others.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({"view": "summary", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02"}, "positions": [], "quarters": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"], "figures": [], "indicators": [{"indicator_code": "resolved", "category": "civil", "values": [null, null, {"numerator": 214, "denominator": null, "status": "active"}, null]}], "left_out_count": 0, "reviewed_acts": {"record_count": 21, "disputed_count": 0}, "sections": [{"section": "training", "record_count": 4, "disputed_count": 0}], "open_correction_count": 0, "overdue_correction_count": 0, "reading_count": 3}))]
pub enum JudgeFileView {
    /// With `view=summary`.
    Summary(FileSummary),
    /// With `view=full`.
    Full(FullFile),
    /// With `view=report_basis`.
    ReportBasis(ReportBasis),
}

/// All records of a file, each kind in the order in which it was recorded: posts, observed values and reviewed acts with
/// those that were superseded, of the other sections what is in force and may be shown.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"view": "full", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02", "external_ids": [], "version": 1}, "service_years_hundredths": 1186, "particulars": [], "sex": null, "positions": [], "observations": [], "acts": [], "records": [], "correction_requests": [], "conflicts": [], "reading_count": 0, "latest_readings": []}))]
pub struct FullFile {
    /// Always `full`.
    view: FileView,
    /// Who.
    judge: JudgeView,
    /// How long the judge has served, in hundredths of a year, rounded down: days with a post, less days of suspension.
    #[schema(minimum = 0, maximum = 20_000, example = 1186)]
    service_years_hundredths: i64,
    /// What is known of the person, with what was superseded; null for whoever reads for an evaluation.
    #[schema(max_items = 10_000)]
    particulars: Option<Vec<ParticularsView>>,
    /// The sex that is held, for the yearly figures on bias alone; shown to the judge, null for everybody else.
    sex: Option<Sex>,
    /// The posts; the first 20,000 records, as in the lists below.
    #[schema(max_items = 20_000)]
    positions: Vec<PositionView>,
    /// The observed values.
    #[schema(max_items = 20_000)]
    observations: Vec<ObservationView>,
    /// What higher courts did with acts, and what members found of it. It enters no score.
    #[schema(max_items = 20_000)]
    acts: Vec<ActView>,
    /// The records in force of the other sections.
    #[schema(max_items = 20_000)]
    records: Vec<RecordView>,
    /// The requests for correction.
    #[schema(max_items = 20_000)]
    correction_requests: Vec<CorrectionRequestView>,
    /// The conflicts that the judge has declared; null for members, as these are confidential and feed the draw alone.
    #[schema(max_items = 20_000)]
    conflicts: Option<Vec<ConflictView>>,
    /// How often others read the file or a part of it before.
    #[schema(minimum = 0)]
    reading_count: i64,
    /// The latest of those readings, newest first.
    #[schema(max_items = 100)]
    latest_readings: Vec<ReadingView>,
}

/// What a report on the judge may rest on: the records in force that nobody disputes.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"view": "report_basis", "judge": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02", "external_ids": [], "version": 1}, "positions": [], "observations": [], "acts": [], "records": []}))]
pub struct ReportBasis {
    /// Always `report_basis`.
    view: FileView,
    /// Who.
    judge: JudgeView,
    /// The posts.
    #[schema(max_items = 20_000)]
    positions: Vec<PositionView>,
    /// The observed values.
    #[schema(max_items = 20_000)]
    observations: Vec<ObservationView>,
    /// The reviewed acts that a report may name: those that members found the judge to answer for.
    #[schema(max_items = 20_000)]
    acts: Vec<ActView>,
    /// The records of the other sections.
    #[schema(max_items = 20_000)]
    records: Vec<RecordView>,
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
/// with its purpose before it is answered, and the judge sees it. With `view=full` all records, with `known_on` as they
/// stood at the end of that day (names and the readings are as they are now); with `view=report_basis` what a report may
/// rest on, without anything that is disputed; else a summary of at most 20 KB. What is disputed is marked in all. Expired
/// or quashed penalties and complaints that were not founded are in no view.
#[utoipa::path(tag = "judges", params(FileQuery), responses((status = 200, body = JudgeFileView), ReadProblems))]
#[get("/judges/{judge_id}/file")]
pub async fn get_judge_file(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    kept: web::Data<KeptSummaries>,
    judge_id: web::Path<JudgeId>,
    query: web::Query<FileQuery>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let judge_id = judge_id.into_inner();
    let FileQuery { purpose: asked, view, known_on } = query.into_inner();
    let view = view.unwrap_or(FileView::Summary);
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let instant = end_of_day(known_on, today)?;
    if instant.is_some() && view != FileView::Full {
        let fault = Fault::parameter("known_on", Rule::Mismatch { other: "view" });
        return Err(Error::faults(Code::Malformed, vec![fault]));
    }
    let account_id = actor.account_id;
    let record = move |conn: &mut Conn, purpose| {
        store::audit::record_reading(conn, account_id, "get_judge_file", judge_id, purpose, now)
    };
    // Many rows would hold up all writes: they are read beside them, and answered once the record is committed.
    match view {
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
            Ok(HttpResponse::Ok().content_type("application/json").body(kept.summary(judge_id, found, reading_count)))
        }
        FileView::Full => {
            let day = known_on.unwrap_or(today);
            let reading = registry.0.read(move |conn| {
                let purpose = workflow::members::file_purpose(conn, &actor, judge_id, asked)?;
                Ok((full(conn, &actor, (judge_id, purpose), instant, today, day)?, purpose))
            });
            let (file, purpose) = reading.await?;
            registry.0.write(move |conn| record(conn, purpose)).await?;
            Ok(HttpResponse::Ok().json(file))
        }
        FileView::ReportBasis => {
            let reading = registry.0.read(move |conn| {
                let purpose = workflow::members::file_purpose(conn, &actor, judge_id, asked)?;
                Ok((report_basis(conn, judge_id, today)?, purpose))
            });
            let (basis, purpose) = reading.await?;
            registry.0.write(move |conn| record(conn, purpose)).await?;
            Ok(HttpResponse::Ok().json(basis))
        }
    }
}

/// Eight queries; what is disputed or overdue is so on `day`.
fn full(
    conn: &mut Conn,
    actor: &Actor,
    (id, purpose): (JudgeId, FilePurpose),
    instant: Option<NaiveDateTime>,
    today: NaiveDate,
    day: NaiveDate,
) -> Result<FullFile> {
    let shows_conflicts = actor.judge_id == Some(id) || !is_of_commission(actor.staff_role);
    let sight = workflow::corrections::sight(actor, id, today);
    let rows = Rows::load(conn, id, instant, sight, today, shows_conflicts)?;
    let view = |request| CorrectionRequestView::new(request, day);
    let service_years_hundredths = rows.service_years_hundredths(day);
    let reading_count = rows.reading_count();
    let (particulars, sex) = seen(rows.particulars, sight_of_person(purpose));
    Ok(FullFile {
        view: FileView::Full,
        reading_count,
        service_years_hundredths,
        particulars,
        sex,
        judge: JudgeView::new(rows.judge, rows.external_ids),
        positions: rows.positions.into_iter().map(PositionView::from).collect(),
        observations: rows.observations.into_iter().map(ObservationView::new).collect::<Result<_>>()?,
        acts: act_views(rows.acts),
        records: rows.records.into_iter().map(RecordView::new).collect::<Result<_>>()?,
        correction_requests: rows.corrections.into_iter().map(view).collect::<Result<_>>()?,
        conflicts: rows.conflicts.map(|rows| rows.into_iter().map(ConflictView::from).collect()),
        latest_readings: rows
            .readings
            .into_iter()
            .map(|reading| ReadingView {
                occurred_at: reading.entry.occurred_at.and_utc(),
                account_id: reading.entry.account_id,
                act: reading.entry.act,
                purpose: reading.entry.purpose,
            })
            .collect(),
    })
}

/// Five queries.
fn report_basis(conn: &mut Conn, id: JudgeId, today: NaiveDate) -> Result<ReportBasis> {
    let judge = find_judge(conn, id)?;
    let basis = store::reportable::find(conn, id, today, RECORDS_MAX)?;
    Ok(ReportBasis {
        view: FileView::ReportBasis,
        judge,
        positions: basis.positions.into_iter().map(PositionView::from).collect(),
        observations: basis.observations.into_iter().map(ObservationView::new).collect::<Result<_>>()?,
        acts: act_views(basis.acts),
        records: basis.records.into_iter().map(RecordView::new).collect::<Result<_>>()?,
    })
}

fn act_views(acts: Vec<(Act, Vec<Attribution>)>) -> Vec<ActView> {
    acts.into_iter().map(|(act, found)| ActView::new(act, found)).collect()
}

fn find_judge(conn: &mut Conn, id: JudgeId) -> Result<JudgeView> {
    let (judge, names) = store::judges::find_named(conn, id)?.ok_or(Code::NotFound)?;
    Ok(JudgeView::new(judge, names))
}
