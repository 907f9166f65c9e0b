//! Courts: reference data with a size, which the rule of the eligible pool needs. Their names in other systems are unique.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, NotModified, PageOf, PageQuery, Reply, Valid, act_once, versioned,
};
use super::lists::Answering;
use super::record_views::asked_region;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::CourtId;
use crate::domain::judge_file::{CourtLevel, ExternalId};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::specialisations::{SpecialisationCode, Specialisations};
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::courts::Court;
use crate::store::external_ids::Named;
use crate::workflow::checks::check_court;
use crate::workflow::lists::List;

/// A new court.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name_kk": "Алмалы аудандық соты", "name_ru": "Алмалинский районный суд", "level": "district", "region": "almaty_city", "posts": 24, "specialisations": ["civil"], "external_id": {"source_system": "toerelik", "value": "7101"}}))]
pub struct NewCourt {
    /// Its name in Kazakh.
    #[schema(min_length = 1, max_length = 200)]
    name_kk: String,
    /// Its name in Russian.
    #[schema(min_length = 1, max_length = 200)]
    name_ru: String,
    /// Its name in English.
    #[schema(min_length = 1, max_length = 200)]
    name_en: Option<String>,
    /// Its level.
    level: CourtLevel,
    /// The region it belongs to: the same text for all courts of the region.
    #[schema(min_length = 1, max_length = 100)]
    region: String,
    /// How many posts of judges it has.
    #[validate(range(min = 0, max = 400))]
    #[schema(minimum = 0, maximum = 400)]
    posts: i32,
    /// In what it is specialised, by codes of the catalogue; absent or empty where it is not.
    #[serde(default)]
    #[schema(value_type = Vec<SpecialisationCode>, max_items = 20)]
    specialisations: Specialisations,
    /// Its name in another system.
    external_id: Option<ExternalId>,
}

/// A court.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "name_kk": "Алмалы аудандық соты", "name_ru": "Алмалинский районный суд", "name_en": null, "level": "district", "region": "almaty_city", "posts": 24, "specialisations": ["civil"], "external_ids": [{"source_system": "toerelik", "value": "7101"}], "version": 1}))]
pub struct CourtView {
    /// Its id.
    id: CourtId,
    /// Its name in Kazakh.
    #[schema(min_length = 1, max_length = 200)]
    name_kk: String,
    /// Its name in Russian.
    #[schema(min_length = 1, max_length = 200)]
    name_ru: String,
    /// Its name in English, or null.
    #[schema(min_length = 1, max_length = 200)]
    name_en: Option<String>,
    /// Its level.
    level: CourtLevel,
    /// The region it belongs to.
    #[schema(min_length = 1, max_length = 100)]
    region: String,
    /// How many posts of judges it has.
    #[schema(minimum = 0, maximum = 400)]
    posts: i32,
    /// In what it is specialised; empty where it is not, or nothing is told.
    #[schema(value_type = Vec<SpecialisationCode>, max_items = 20)]
    specialisations: Specialisations,
    /// Its names in other systems.
    #[schema(max_items = 100)]
    external_ids: Vec<ExternalId>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

impl CourtView {
    fn new(row: Court, external_ids: Vec<ExternalId>) -> CourtView {
        CourtView {
            id: row.id,
            name_kk: row.name_kk,
            name_ru: row.name_ru,
            name_en: row.name_en,
            level: row.level,
            region: row.region,
            posts: row.posts,
            specialisations: row.specialisations,
            external_ids,
            version: row.version,
        }
    }
}

/// Which courts are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CourtsQuery {
    /// Only courts of this region.
    #[param(min_length = 1, max_length = 100)]
    region: Option<String>,
    /// Only courts of this level.
    #[param(inline)]
    level: Option<CourtLevel>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Add a court.
///
/// For secretaries, and machine clients with `file:write`, whose external id of their own system is required. 409
/// `already_exists` where another court has the external id.
#[utoipa::path(tag = "courts", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewCourt,
    responses((status = 201, body = CourtView), CreateProblems))]
#[post("/courts")]
pub async fn create_court(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewCourt>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let court = Court {
        id: CourtId(ids::new_at(now)),
        name_kk: new.name_kk,
        name_ru: new.name_ru,
        name_en: new.name_en,
        level: new.level,
        region: new.region,
        posts: new.posts,
        version: 1,
        batch_id: None,
        specialisations: new.specialisations,
    };
    let external_id = new.external_id;
    check_court(&caller, &court, external_id.as_ref())?;
    let deed = Deed { by: caller.id(), operation: "create_court", key, digest };
    act_once(&registry, deed, now, move |conn| {
        store::courts::insert(conn, &court)?;
        if let Some(external_id) = &external_id {
            store::external_ids::insert(conn, Named::Court, &court.id.to_string(), external_id)?;
        }
        let entry = store::audit::NewEntry::by(caller.id(), "create_court", "court", court.id);
        store::audit::record(conn, entry, now)?;
        let view = CourtView::new(court.clone(), external_id.iter().cloned().collect());
        Reply::created(format!("/v1/courts/{}", court.id), Some(1), &view)
    })
    .await
}

/// List courts.
///
/// For everybody but administrators, in the order in which they were added.
#[utoipa::path(tag = "courts", params(CourtsQuery),
    responses((status = 200, body = PageOf<CourtView>), ReadProblems))]
#[get("/courts")]
pub async fn list_courts(actor: Actor, query: web::Query<CourtsQuery>, answering: Answering) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(&actor, &query)?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The courts, for whoever may read them.
pub fn list(actor: &Actor, query: &CourtsQuery) -> Result<List> {
    policy::may_read_catalogues(actor)?;
    let (region, level) = (asked_region(query.region.as_deref())?, query.level);
    let name = format!("courts {level:?} {region:?}");
    let find = move |conn: &mut Conn, after, limit| {
        let courts = store::courts::list(conn, region.as_deref(), level, after, limit)?;
        with_external_ids(conn, courts)
    };
    Ok(List::new("list_courts", name, find, |view| view.id, |view| view))
}

fn with_external_ids(conn: &mut Conn, courts: Vec<Court>) -> Result<Vec<CourtView>> {
    let keys: Vec<String> = courts.iter().map(|court| court.id.to_string()).collect();
    let named = store::external_ids::list_of(conn, &keys)?;
    let of = |key: &str| named.iter().filter(|(id, _)| id == key).map(|(_, name)| name.clone()).collect();
    Ok(courts.into_iter().zip(&keys).map(|(court, key)| CourtView::new(court, of(key))).collect())
}

/// Get a court.
///
/// For everybody but administrators.
#[utoipa::path(tag = "courts", responses((status = 200, body = CourtView), NotModified, ReadProblems))]
#[get("/courts/{court_id}")]
pub async fn get_court(
    actor: Actor,
    registry: web::Data<Registry>,
    court_id: web::Path<CourtId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    policy::may_read_catalogues(&actor)?;
    let court_id = court_id.into_inner();
    let views = registry
        .0
        .read(move |conn| {
            let court = store::courts::find(conn, court_id)?.ok_or(Code::NotFound)?;
            with_external_ids(conn, vec![court])
        })
        .await?;
    let view = views.first().ok_or(Code::NotFound)?;
    Ok(versioned(&request, view.version, view))
}
