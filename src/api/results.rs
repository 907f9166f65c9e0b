//! Results: asked for by the secretary after the seal, read by auditors and, once the cycle reports, by judge and commission.
//! A newcomer's usual mistake is to add a helpful figure: what is not in the published image is a way back to single marks.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Valid, kept_answer};
use super::jobs::{JobView, Start, ask_for_work};
use super::printed::{LanguageHeader, figure};
use crate::clock::Clock;
use crate::coded;
use crate::config::Config;
use crate::db::{Conn, Registry};
use crate::domain::ids::{CycleId, EvaluationId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::methodology::{Statement, Text};
use crate::domain::policy;
use crate::domain::policy::{Actor, ResultSight};
use crate::domain::scoring::publication::{Band, Figure, Published};
use crate::error::{Code, Error, Result};
use crate::exchange;
use crate::figures::result_figure::{self, Shown};
use crate::problem::middleware::Caller;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::jobs::JobKind;
use crate::store::results::{ResultRow, ResultStatus};
use crate::workflow::course;
use crate::workflow::issuance::methodology_of;
use crate::workflow::jobs::Bell;
use crate::workflow::results;

coded! {
    /// Where an interval lies against the expected standard.
    ResultBand {
        /// All of it is above.
        Above = "above",
        /// All of it is below.
        Below = "below",
        /// It contains the standard.
        NotDistinguishable = "not_distinguishable",
    }
}

/// A result as far as the caller may know it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "is_annulled": false, "status": "ok", "band": null, "overall": {"n": 13, "point_hundredths": 375, "lo_hundredths": 325, "hi_hundredths": 425, "band": "above"}, "criteria": [{"code": "reasoning", "figure": {"n": 13, "point_hundredths": 400, "lo_hundredths": 350, "hi_hundredths": 450, "band": "above"}}], "statements": [{"code": "s01", "text": {"kk": "Танысқан актілердің құрылымы анық болды.", "ru": "Изученные акты имели ясную структуру.", "en": "The acts seen were clearly structured."}}], "algorithm_version": "level-profile-1", "input_digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7"}))]
pub struct ResultView {
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// Whether the appeal panel took it out as a whole: then it grounds nothing.
    is_annulled: bool,
    /// What the result may be used for; with `insufficient` nothing more is said, not even how many reviews there were, and
    /// with `developmental` statements alone.
    status: ResultStatus,
    /// With `indicative`: one word for everything, which grounds no decision; else null.
    band: Option<ResultBand>,
    /// With `ok`: the overall figure; else null.
    overall: Option<FigureView>,
    /// With `ok`: at most five criteria, those that enough reviews answer; none of them where reviewers agree so much on one
    /// that the figures together would tell what each of them wrote; else null.
    #[schema(max_items = 5)]
    criteria: Option<Vec<CriterionFigureView>>,
    /// With `ok` and `developmental`: the statements that enough of these reviews chose, in the methodology's order; else
    /// null. How many chose them is told to nobody.
    #[schema(max_items = 60)]
    statements: Option<Vec<StatementView>>,
    /// The version of formulas and constants; null for whoever sees the status alone.
    #[schema(max_length = 64)]
    algorithm_version: Option<String>,
    /// SHA-256, in hex, of the reviews it was computed from; null for whoever sees the status alone.
    #[schema(max_length = 64)]
    input_digest: Option<String>,
}

/// A figure with its interval, rounded to the methodology's step.
#[derive(Serialize, ToSchema)]
pub struct FigureView {
    /// The reviews behind this very figure.
    #[schema(minimum = 10, maximum = 128)]
    n: i64,
    /// The score in hundredths of a point.
    #[schema(minimum = 0, maximum = 10000)]
    point_hundredths: i64,
    /// The lower end of the interval that allows for dishonest reviews.
    #[schema(minimum = 0, maximum = 10000)]
    lo_hundredths: i64,
    /// Its upper end.
    #[schema(minimum = 0, maximum = 10000)]
    hi_hundredths: i64,
    /// Where that interval lies against the expected standard.
    band: ResultBand,
}

/// The figure of one criterion.
#[derive(Serialize, ToSchema)]
pub struct CriterionFigureView {
    /// The criterion's code in the methodology.
    #[schema(max_length = 32)]
    code: String,
    /// Its figure.
    figure: FigureView,
}

/// A statement that enough reviewers chose.
#[derive(Serialize, ToSchema)]
pub struct StatementView {
    /// Its code in the methodology.
    #[schema(max_length = 32)]
    code: String,
    /// What it says, in the methodology's words.
    text: Text,
}

impl From<Figure> for FigureView {
    fn from(figure: Figure) -> Self {
        FigureView {
            n: figure.n,
            point_hundredths: figure.point,
            lo_hundredths: figure.lo,
            hi_hundredths: figure.hi,
            band: word(figure.band),
        }
    }
}

fn word(band: Band) -> ResultBand {
    match band {
        Band::Above => ResultBand::Above,
        Band::Below => ResultBand::Below,
        Band::NotDistinguishable => ResultBand::NotDistinguishable,
    }
}

impl ResultView {
    /// The view of a row; `statements` are those of the cycle's methodology.
    fn new(row: ResultRow, is_annulled: bool, sight: ResultSight, statements: &[Statement]) -> Result<Self> {
        let release = row.release()?;
        let mut view = ResultView {
            evaluation_id: row.evaluation_id,
            is_annulled,
            status: row.status,
            band: None,
            overall: None,
            criteria: None,
            statements: None,
            algorithm_version: None,
            input_digest: None,
        };
        if sight == ResultSight::Status {
            return Ok(view);
        }
        view.algorithm_version = Some(row.algorithm_version);
        view.input_digest = Some(row.input_digest);
        let in_words = |told: &[String]| {
            let in_words = told.iter().map(|code| {
                let known = statements.iter().find(|statement| statement.code == *code);
                let text = known.ok_or_else(|| Error::internal("a statement was told that nobody wrote"))?.text.clone();
                Ok(StatementView { code: code.clone(), text })
            });
            in_words.collect::<Result<_>>()
        };
        match release.published() {
            Published::Insufficient {} => {}
            Published::Indicative { band } => view.band = Some(word(*band)),
            Published::Developmental { statements: told } => view.statements = Some(in_words(told)?),
            Published::Ok { overall, criteria, statements: told } => {
                view.overall = Some((*overall).into());
                let figures = criteria.iter().map(|criterion| CriterionFigureView {
                    code: criterion.code.clone(),
                    figure: criterion.figure.into(),
                });
                view.criteria = Some(figures.collect());
                view.statements = Some(in_words(told)?);
            }
        }
        Ok(view)
    }
}

/// Compute the results of a sealed cycle.
///
/// For secretaries, once the box has written its sealed bundle (409 `box_not_ready`). The bundle passes the checks of a
/// recount, the issuers' keys are destroyed, and the results are stored; where a check fails, the job says which. May be
/// repeated: the same bundle gives the same results.
#[utoipa::path(tag = "results", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 202, body = JobView), CreateProblems))]
#[post("/cycles/{cycle_id}/results")]
pub async fn compute_results(
    actor: Actor,
    registry: web::Data<Registry>,
    bell: web::Data<Bell>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    policy::may_run_issuance(&actor)?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let deed = Deed { by: actor.id(), operation: "compute_results", key, digest: start.digest };
    if let Some(answer) = kept_answer(&registry, &deed, now).await? {
        return Ok(answer);
    }
    let cycle = registry.0.read(move |conn| store::cycles::find(conn, id)).await?.ok_or(Code::NotFound)?;
    results::check_sealed(&cycle)?;
    if !exchange::has_bundle(&config.publication_dir, &cycle)? {
        return Err(Code::BoxNotReady.into());
    }
    ask_for_work(&registry, &bell, actor, deed, JobKind::ComputeResults, id.to_string(), now, move |conn| {
        results::check_sealed(&store::cycles::find(conn, id)?.ok_or(Code::NotFound)?)
    })
    .await
}

/// Get the result of an evaluation.
///
/// For auditors as soon as it is computed, and for secretaries its status alone; once the cycle is in `reporting`, for the
/// judge it concerns and the members and appeal members to whom the evaluation is assigned, all at the same time. To
/// everybody else, and before, there is none (404). Statements are told by code and words, those that at least
/// `statement_min` of the methodology chose, and never by how many. Each reading is recorded before it is answered, and the judge sees it
/// in the full view of the file.
#[utoipa::path(tag = "results", responses((status = 200, body = ResultView), ReadProblems))]
#[get("/evaluations/{evaluation_id}/result")]
pub async fn get_result(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let (row, is_annulled, sight, statements) = registry
        .0
        .write(move |conn| {
            let reading = read_result(conn, &actor, id, "get_result", now)?;
            let statements = match reading.sight {
                ResultSight::Full => methodology_of(conn, &reading.cycle)?.0.statements,
                ResultSight::Status => Vec::new(),
            };
            let decisions = store::decisions::of_evaluation(conn, id)?;
            Ok((reading.row, course::is_peer_part_annulled(&decisions), reading.sight, statements))
        })
        .await?;
    Ok(HttpResponse::Ok().json(ResultView::new(row, is_annulled, sight, &statements)?))
}

/// Get the figure of a result.
///
/// For whoever gets the result by `/result`, at the same time, and recorded like it: what that shows, and nothing more, as
/// an image of at most 20 KB in the caller's language, with all that it shows in words for who cannot see it. To secretaries
/// it says the status alone. To everybody else, and before, there is none (404).
#[utoipa::path(tag = "results", params(LanguageHeader),
    responses((status = 200, body = String, content_type = "image/svg+xml", headers(("Content-Language" = String, description = "The language of the figure: kk, ru or en."))), ReadProblems))]
#[get("/evaluations/{evaluation_id}/result/figure")]
pub async fn get_result_figure(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let language = Caller::of(&request).language();
    let (row, sight, methodology) = registry
        .0
        .write(move |conn| {
            let reading = read_result(conn, &actor, id, "get_result_figure", now)?;
            let (methodology, _) = methodology_of(conn, &reading.cycle)?;
            Ok((reading.row, reading.sight, methodology))
        })
        .await?;
    let release = row.release()?;
    let shown = match sight {
        ResultSight::Full => Shown::Release(&release),
        ResultSight::Status => Shown::Status(release.status()),
    };
    Ok(figure(&result_figure::draw(&methodology, shown, language)?))
}

/// A result in the hands of somebody who may see so much of it.
struct Reading {
    row: ResultRow,
    sight: ResultSight,
    cycle: Cycle,
}

/// Reads a result and records that, by the operation `act`; one law and one trail for every way in which it is shown.
fn read_result(conn: &mut Conn, actor: &Actor, id: EvaluationId, act: &str, now: DateTime<Utc>) -> Result<Reading> {
    // What does not exist costs the same questions as what is hidden, or the time would tell one from the other.
    let evaluation = store::evaluations::find(conn, id)?;
    let cycle_id = evaluation.as_ref().map_or(CycleId(id.0), |evaluation| evaluation.cycle_id);
    let cycle = store::cycles::find(conn, cycle_id)?;
    let is_assigned = store::members::is_assigned(conn, id, actor.account_id)?;
    let row = store::results::find(conn, id)?;
    let (evaluation, cycle) = evaluation.zip(cycle).ok_or(Code::NotFound)?;
    let sight = policy::may_read_result(actor, evaluation.judge_id, cycle.phase, is_assigned)?;
    let row = row.ok_or(Code::NotFound)?;
    let is_own = actor.judge_id == Some(evaluation.judge_id);
    let purpose = if is_own { FilePurpose::OwnFile } else { FilePurpose::Evaluation };
    store::audit::record_reading(conn, actor.account_id, act, evaluation.judge_id, purpose, now)?;
    Ok(Reading { row, sight, cycle })
}
