//! How the courts of a region are staffed, and what is under way there. What a newcomer would get wrong: to put courts or
//! judges in an order of merit; they stand by id, and what is counted says nothing about anybody's work.

use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::lists::Answering;
use super::record_views::asked_region;
use crate::db::Registry;
use crate::domain::ids::CourtId;
use crate::domain::judge_file::CourtLevel;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::problem::responses::ReadProblems;
use crate::store::comparisons::Standing;
use crate::workflow;
use crate::workflow::overviews::Staffing;

/// Of which courts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StaffingQuery {
    /// The region of the courts.
    #[param(min_length = 1, max_length = 100, example = "almaty_city")]
    region: String,
    /// Their level.
    #[param(inline)]
    level: CourtLevel,
}

/// How many posts, judges and matters under way there are.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"posts": 24, "judge_count": 21, "evaluations_under_way": 4, "open_correction_requests": 1}))]
pub struct StaffingFigures {
    /// The posts of the establishment.
    #[schema(minimum = 0)]
    posts: i64,
    /// The judges who hold a post today; who holds two counts at the court of the earlier one.
    #[schema(minimum = 0)]
    judge_count: usize,
    /// Their evaluations that are planned or under way.
    #[schema(minimum = 0)]
    evaluations_under_way: usize,
    /// Their requests for correction that are not decided.
    #[schema(minimum = 0)]
    open_correction_requests: usize,
}

impl From<Staffing> for StaffingFigures {
    fn from(found: Staffing) -> Self {
        StaffingFigures {
            posts: found.posts,
            judge_count: found.judge_count,
            evaluations_under_way: found.evaluations_under_way,
            open_correction_requests: found.open_correction_requests,
        }
    }
}

/// The courts of a region and level.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"region": "almaty_city", "level": "district", "figures": {"posts": 24, "judge_count": 21, "evaluations_under_way": 4, "open_correction_requests": 1}, "courts": []}))]
pub struct StaffingOverviewView {
    /// The region.
    #[schema(max_length = 100)]
    region: String,
    /// The level.
    level: CourtLevel,
    /// All of them together.
    figures: StaffingFigures,
    /// Each of them, by id.
    #[schema(max_items = 1000)]
    courts: Vec<CourtStaffingView>,
}

/// One court.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"court_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "court_name_kk": "Алмалы аудандық соты", "court_name_ru": "Алмалинский районный суд", "court_name_en": null, "figures": {"posts": 24, "judge_count": 21, "evaluations_under_way": 4, "open_correction_requests": 1}}))]
pub struct CourtStaffingView {
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
    /// What is counted there.
    figures: StaffingFigures,
}

/// Get how the courts of a region are staffed.
///
/// For secretaries: posts, judges, evaluations and requests for correction under way, of the courts of one region and
/// level. Nothing of it is an order of merit.
#[utoipa::path(tag = "courts", params(StaffingQuery),
    responses((status = 200, body = StaffingOverviewView), ReadProblems))]
#[get("/staffing-overviews")]
pub async fn get_staffing_overview(
    actor: Actor,
    registry: web::Data<Registry>,
    query: web::Query<StaffingQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    policy::acts::may_read_overviews(&actor)?;
    let StaffingQuery { region, level } = query.into_inner();
    let region = asked_region(Some(&region))?.unwrap_or(region);
    let (today, standing) = (answering.today(), Standing { level, region: region.clone() });
    let (whole, courts) = registry.0.read(move |conn| workflow::overviews::staffing(conn, &standing, today)).await?;
    let courts = courts.into_iter().map(|(court, figures)| CourtStaffingView {
        court_id: court.id,
        court_name_kk: court.name_kk,
        court_name_ru: court.name_ru,
        court_name_en: court.name_en,
        figures: figures.into(),
    });
    let view = StaffingOverviewView { region, level, figures: whole.into(), courts: courts.collect() };
    Ok(HttpResponse::Ok().json(view))
}
