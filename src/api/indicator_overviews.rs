//! Sums over the courts of a region. What a newcomer would get wrong: to list judges beside one another, or to add up what
//! is held back from what is shown; no line here is of fewer than five judges, and neither is any difference of two.

use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, Period, date_at};
use crate::domain::derived::overview::OverviewFigures;
use crate::domain::derived::span::Span;
use crate::domain::ids::CourtId;
use crate::domain::judge_file::{CODE_40, CourtLevel, is_code};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Fault, Result};
use crate::problem::responses::ReadProblems;
use crate::store::comparisons::Standing;
use crate::store::courts::Court;
use crate::workflow;

/// Of which courts, and which quarter.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OverviewQuery {
    /// The region of the courts.
    #[param(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$", example = "almaty_city")]
    region: String,
    /// Their level.
    #[param(inline)]
    level: CourtLevel,
    /// The quarter; the last one that is over where nothing is asked for.
    quarter: Option<Period>,
}

/// The flow of cases through the courts of a region in one quarter.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"region": "almaty_city", "level": "district", "quarter": "2026-Q3", "categories": []}))]
pub struct IndicatorOverviewView {
    /// The region.
    #[schema(max_length = 40)]
    region: String,
    /// The level of the courts.
    level: CourtLevel,
    /// The quarter.
    quarter: Period,
    /// By kind of case.
    #[schema(max_items = 40)]
    categories: Vec<CategoryOverviewView>,
}

/// One kind of case.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"category": "civil", "region": {"withheld": null, "judge_count": 12, "incoming": 1180, "resolved": 1204, "pending_end": 402, "clearance_rate": 1020, "clearance_rate_scale": 1, "disposition_time_days": 31}, "courts": []}))]
pub struct CategoryOverviewView {
    /// The kind of case.
    #[schema(max_length = 40)]
    category: String,
    /// All courts of the region and level together.
    region: OverviewFigures,
    /// Each court that has judges with such cases, by id.
    #[schema(max_items = 1000)]
    courts: Vec<CourtOverviewView>,
}

/// One court.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"court_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "court_name_kk": "Алмалы аудандық соты", "court_name_ru": "Алмалинский районный суд", "court_name_en": null, "figures": {"withheld": "too_few_judges", "judge_count": null, "incoming": null, "resolved": null, "pending_end": null, "clearance_rate": null, "clearance_rate_scale": 1, "disposition_time_days": null}}))]
pub struct CourtOverviewView {
    /// The court.
    court_id: CourtId,
    /// Its name in Kazakh.
    #[schema(max_length = 200)]
    court_name_kk: String,
    /// Its name in Russian.
    #[schema(max_length = 200)]
    court_name_ru: String,
    /// Its name in English, or null.
    #[schema(max_length = 200)]
    court_name_en: Option<String>,
    /// The sums, or why they are held back.
    figures: OverviewFigures,
}

impl CourtOverviewView {
    fn new(court: Court, figures: OverviewFigures) -> CourtOverviewView {
        CourtOverviewView {
            court_id: court.id,
            court_name_kk: court.name_kk,
            court_name_ru: court.name_ru,
            court_name_en: court.name_en,
            figures,
        }
    }
}

/// Get the overview of the courts of a region.
///
/// For secretaries. For each kind of case, the cases that came in, were resolved and are pending, clearance rate and
/// disposition time, of the region and of each court, in one quarter. Behind every sum are at least 5 judges of whom none has
/// more than 30 per cent of it; what is smaller is held back, and with it as much as keeps differences from telling it. A
/// judge with a missing or disputed value is in no sum.
#[utoipa::path(tag = "courts", params(OverviewQuery),
    responses((status = 200, body = IndicatorOverviewView), ReadProblems))]
#[get("/indicator-overviews")]
pub async fn get_indicator_overview(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    query: web::Query<OverviewQuery>,
) -> Result<HttpResponse> {
    policy::acts::may_read_overviews(&actor)?;
    let OverviewQuery { region, level, quarter } = query.into_inner();
    if !is_code(&region, 40) {
        return Err(Error::faults(Code::Malformed, vec![Fault::parameter("region", CODE_40)]));
    }
    let today = date_at(clock.now(), KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let last = Span::last_four(today)?.quarters().last().copied();
    let quarter = quarter.or(last).ok_or_else(|| Error::internal("a period has no quarter"))?;
    let standing = Standing { level, region };
    let asked = standing.clone();
    let found = registry.0.read(move |conn| workflow::overviews::find(conn, &asked, quarter, today)).await?;
    let categories = found.into_iter().map(|found| CategoryOverviewView {
        category: found.category,
        region: found.whole,
        courts: found.courts.into_iter().map(|(court, figures)| CourtOverviewView::new(court, figures)).collect(),
    });
    let Standing { level, region } = standing;
    Ok(HttpResponse::Ok().json(IndicatorOverviewView { region, level, quarter, categories: categories.collect() }))
}
