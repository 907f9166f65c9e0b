//! The derived indicators of a judge, each beside comparable judges. What a newcomer would get wrong: this is no
//! evaluation. There is no total, no rank and no place among others, and rates of reversal are here to be looked at with
//! their reasons and nowhere else.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::printed::{LanguageHeader, figure};
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, Period, date_at};
use crate::domain::derived::checks::CountMismatch;
use crate::domain::derived::figures::{self, DerivedCode};
use crate::domain::derived::span::Span;
use crate::domain::derived::workload::Workload;
use crate::domain::derived::{CategoryFigures, Work};
use crate::domain::ids::JudgeId;
use crate::domain::judge_file::{CODE_40, CourtLevel, FilePurpose, is_code};
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Fault, Result};
use crate::figures::derived_figure;
use crate::problem::middleware::Caller;
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::workflow;
use crate::workflow::indicators::{Compared, Found};

/// Which period, and why.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IndicatorsQuery {
    /// A year, a quarter or a range of at most 20 quarters; the last four that are over where nothing is asked for.
    #[param(min_length = 4, max_length = 16, pattern = r"^2\d{3}(-Q[1-4](\.\.2\d{3}-Q[1-4])?)?$", example = "2026")]
    period: Option<String>,
    /// Why the file is read: staff must say; a judge's own file is `own_file`. The judge sees it.
    #[param(inline)]
    purpose: Option<FilePurpose>,
}

/// A judge's derived indicators over a period.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "period": "2026", "quarters": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"], "days": 365, "compared_with": {"level": "district", "region": "almaty_city", "on": "2026-12-31", "is_sample": false}, "workload": {"specialisation": "civil", "working_days": 240, "weighted_workload": 720000, "per_working_day": 3000, "median_per_working_day": 2850, "unit": "ratio", "scale": 2, "value": 105, "no_figure": null, "quarters": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"], "disputed_quarters": [], "comparison": {"lower_quartile": 85, "median": 100, "upper_quartile": 120, "judge_count_at_least": 15}, "no_comparison": null}, "categories": [], "mismatches": []}))]
pub struct JudgeIndicatorsView {
    /// The judge.
    judge_id: JudgeId,
    /// The period.
    #[schema(max_length = 16)]
    period: String,
    /// Its quarters, earliest first.
    #[schema(max_items = 20)]
    quarters: Vec<Period>,
    /// Its days, by which a stock over a flow becomes time: 365 for four quarters in a row.
    #[schema(minimum = 90)]
    days: i64,
    /// With whom figures are compared, or null where the judge held no post at the end of the period.
    compared_with: Option<ComparedWithView>,
    /// How much work there was.
    workload: Workload,
    /// The figures, by category of cases.
    #[schema(max_items = 40)]
    categories: Vec<CategoryFigures>,
    /// Recorded values that do not add up.
    #[schema(max_items = 2000)]
    mismatches: Vec<CountMismatch>,
}

/// The comparable judges: those with figures in the same category who held a post at such a court.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"level": "district", "region": "almaty_city", "on": "2026-12-31", "is_sample": false}))]
pub struct ComparedWithView {
    /// The level of their courts.
    level: CourtLevel,
    /// The region of their courts.
    #[schema(max_length = 40)]
    region: String,
    /// The day on which they held their posts.
    on: NaiveDate,
    /// Whether there are so many that an even part of them was read, the same for everybody.
    is_sample: bool,
}

impl From<Compared> for ComparedWithView {
    fn from(compared: Compared) -> Self {
        let Compared { standing, on, is_sample } = compared;
        ComparedWithView { level: standing.level, region: standing.region, on, is_sample }
    }
}

/// Get the derived indicators of a judge.
///
/// For those who may read the file, and recorded as such a reading: secretaries, who name the purpose, the judge, and with
/// the purpose `evaluation` the members to whom an evaluation of the judge is assigned. Each figure is worked out of the
/// recorded counts, with numerator, denominator and quarters, or says by a code why there is none; disputed values are left
/// out and their quarters named. Beside it stand the quartiles of at least 10 comparable judges, never a rank. Rates on the
/// review of acts are for display and enter no score.
#[utoipa::path(tag = "judges", params(IndicatorsQuery),
    responses((status = 200, body = JudgeIndicatorsView), ReadProblems))]
#[get("/judges/{judge_id}/indicators")]
pub async fn get_judge_indicators(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    query: web::Query<IndicatorsQuery>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let judge_id = judge_id.into_inner();
    let IndicatorsQuery { period, purpose } = query.into_inner();
    let span = span(period, now)?;
    let (period, quarters, days) = (span.to_string(), span.quarters().to_vec(), span.days());
    let found = read(&registry, actor, judge_id, span, purpose, "get_judge_indicators", now).await?;
    Ok(HttpResponse::Ok().json(JudgeIndicatorsView {
        judge_id,
        period,
        quarters,
        days,
        compared_with: found.compared.map(ComparedWithView::from),
        workload: found.derived.workload,
        categories: found.derived.categories,
        mismatches: found.derived.mismatches,
    }))
}

/// By its own name, else the document would describe the two parts once more, and without words.
type FigurePath = web::Path<(JudgeId, DerivedCode)>;

/// Of which category, over which period, and why.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FigureQuery {
    /// The kind of case.
    #[param(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$", example = "civil")]
    category: String,
    /// As for the figures in numbers.
    #[param(min_length = 4, max_length = 16, pattern = r"^2\d{3}(-Q[1-4](\.\.2\d{3}-Q[1-4])?)?$", example = "2026")]
    period: Option<String>,
    /// Why the file is read: staff must say; a judge's own file is `own_file`. The judge sees it.
    #[param(inline)]
    purpose: Option<FilePurpose>,
}

/// Get the figure of a derived indicator.
///
/// For those who get it in numbers by `/indicators`, and recorded like that: the judge's own value beside the quartiles of at
/// least 10 comparable judges, as an image of at most 20 KB in the caller's language, with all that it shows in words for who
/// cannot see it. There is no rank in it and no other judge's value. Of a category of which nothing is recorded it says so.
#[utoipa::path(tag = "judges", params(("code" = DerivedCode, Path, description = "The indicator."), FigureQuery, LanguageHeader),
    responses((status = 200, body = String, content_type = "image/svg+xml", headers(("Content-Language" = String, description = "The language of the figure: kk, ru or en."))), ReadProblems))]
#[get("/judges/{judge_id}/indicators/{code}/figure")]
pub async fn get_judge_indicator_figure(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    path: FigurePath,
    query: web::Query<FigureQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let now = clock.now();
    let (judge_id, code) = path.into_inner();
    let FigureQuery { category, period, purpose } = query.into_inner();
    let language = Caller::of(&request).language();
    if !is_code(&category, 40) {
        return Err(Error::faults(Code::Malformed, vec![Fault::parameter("category", CODE_40)]));
    }
    let span = span(period, now)?;
    let asked = span.clone();
    let found = read(&registry, actor, judge_id, span, purpose, "get_judge_indicator_figure", now).await?;
    let of_category = found.derived.categories.into_iter().find(|figures| figures.category == category);
    let figures = of_category
        .map_or_else(|| figures::all(&Work::default(), None, &category, &asked), |category| category.figures);
    let of_code = figures.iter().find(|figure| figure.code == code);
    let of_code = of_code.ok_or_else(|| Error::internal("a category lacks a figure"))?;
    Ok(figure(&derived_figure::draw(of_code, &category, &asked.to_string(), language)?))
}

/// The period that is asked for, or the last four quarters that are over; 400 for one that cannot be read.
fn span(period: Option<String>, now: DateTime<Utc>) -> Result<Span> {
    let refused = |rule| Error::faults(Code::Malformed, vec![Fault::parameter("period", rule)]);
    match period {
        Some(text) => Span::parse(&text).map_err(refused),
        None => Span::last_four(date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES)),
    }
}

/// Derives the indicators for whoever may read the file, and records that by the operation `act`; one law and one trail for
/// every way in which they are shown.
async fn read(
    registry: &Registry,
    actor: Actor,
    judge_id: JudgeId,
    span: Span,
    asked: Option<FilePurpose>,
    act: &'static str,
    now: DateTime<Utc>,
) -> Result<Found> {
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let account_id = actor.account_id;
    // Many rows of other judges, which would hold up all writes: read beside them, and answered once the record is
    // committed.
    let reading = registry.0.read(move |conn| {
        let purpose = workflow::members::file_purpose(conn, &actor, judge_id, asked)?;
        Ok((workflow::indicators::find(conn, judge_id, &span, today)?, purpose))
    });
    let (found, purpose) = reading.await?;
    let record =
        move |conn: &mut crate::db::Conn| store::audit::record_reading(conn, account_id, act, judge_id, purpose, now);
    registry.0.write(record).await?;
    Ok(found)
}
