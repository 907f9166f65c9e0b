//! Judges: who they are, and how another system's record or an IIN leads to a judge's id. A newcomer's usual mistake is to
//! put an IIN where it stays readable: it comes in by a body alone, and goes out nowhere.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;
use zeroize::Zeroizing;

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, NotModified, PageOf, PageQuery, Reply, Valid, act_once, changed,
    versioned,
};
use super::lists::Answering;
use super::record_views::{JudgeView, asked_region};
use crate::cipher::{Cipher, Use};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::{CourtId, JudgeId, ParticularsId};
use crate::domain::iin::Iin;
use crate::domain::indicators::Catalogue;
use crate::domain::judge_file::{CourtLevel, ExternalId, FilePurpose, PositionKind, RecordStatus};
use crate::domain::particulars::Sex;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::specialisations::known;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::external_ids::Named;
use crate::store::judge_search::{JudgeFilter, JudgeSort, Place};
use crate::store::judges::{Judge, KeptIin};
use crate::store::particulars::Particulars;
use crate::workflow;
use crate::workflow::checks::check_judge;
use crate::workflow::lists::List;

crate::problem_responses! {
    /// Looking up by a body: a POST that changes nothing but the audit log.
    LookupProblems = [400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503];
}

/// A new judge.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"iin": "850101424712", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "first_appointed_on": "2015-03-02", "external_id": {"source_system": "toerelik", "value": "J-20417"}, "birth_date": "1985-06-15", "sex": "m"}))]
pub struct NewJudge {
    /// The individual identification number; its check digit must be right, and nothing is derived from it.
    #[schema(value_type = String, min_length = 12, max_length = 12, pattern = "^[0-9]{12}$")]
    iin: Zeroizing<String>,
    /// The full name in Kazakh.
    #[schema(min_length = 1, max_length = 200)]
    full_name_kk: String,
    /// The full name in Russian.
    #[schema(min_length = 1, max_length = 200)]
    full_name_ru: String,
    /// The full name in English.
    #[schema(min_length = 1, max_length = 200)]
    full_name_en: Option<String>,
    /// The day of the first appointment to a judge's post; not in the future.
    first_appointed_on: NaiveDate,
    /// The judge's name in another system; never the IIN. Needed with any of the following, as it names their source.
    external_id: Option<ExternalId>,
    /// The birth date as that system has it today; never derived from the IIN.
    birth_date: Option<NaiveDate>,
    /// The sex as that system has it; for the yearly figures on bias alone, and shown to the judge alone.
    sex: Option<Sex>,
    /// Years of legal service as of today, in hundredths, as that system counts them.
    #[schema(minimum = 0, maximum = 6000)]
    legal_service_hundredths: Option<i64>,
}

/// What a judge is looked up by, exactly one of the two, and why.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_id": {"source_system": "toerelik", "value": "J-20417"}, "purpose": "personnel"}))]
pub struct JudgeLookup {
    /// Why; recorded, and shown to the judge who is found.
    purpose: FilePurpose,
    /// The individual identification number.
    #[schema(value_type = Option<String>, min_length = 12, max_length = 12, pattern = "^[0-9]{12}$")]
    iin: Option<Zeroizing<String>>,
    /// The judge's name in another system.
    external_id: Option<ExternalId>,
}

/// Which judges are listed, and in which order. Whoever is asked for by court, region, level, kind of post or
/// specialisation holds such a post today.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JudgesQuery {
    /// Only judges of this court.
    court_id: Option<CourtId>,
    /// Only judges of the courts of this region.
    #[param(min_length = 1, max_length = 100)]
    region: Option<String>,
    /// Only judges of the courts of this level.
    #[param(inline)]
    level: Option<CourtLevel>,
    /// Only judges who hold a post of this kind.
    #[param(inline)]
    position_kind: Option<PositionKind>,
    /// Only judges who hold a post that is told to be specialised in this, by a code of the catalogue.
    #[param(min_length = 1, max_length = 40)]
    specialisation: Option<String>,
    /// The order: `added`, where nothing is asked for, a name, or the day of the first appointment. None of it is a rank.
    #[param(inline)]
    sort: Option<JudgeSort>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Add a judge.
///
/// For secretaries, and machine clients with `file:write`, whose external id of their own system is required. 409
/// `already_exists` where the IIN, or the external id, is on record.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewJudge,
    responses((status = 201, body = JudgeView), CreateProblems))]
#[post("/judges")]
pub async fn create_judge(
    caller: Caller,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewJudge>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let judge = Judge {
        id: JudgeId(ids::new_at(now)),
        full_name_kk: new.full_name_kk,
        full_name_ru: new.full_name_ru,
        full_name_en: new.full_name_en,
        first_appointed_on: new.first_appointed_on,
        version: 1,
        batch_id: None,
    };
    let external_id = new.external_id;
    let told = Particulars {
        id: ParticularsId(ids::new_at(now)),
        judge_id: judge.id,
        birth_date: new.birth_date,
        sex: new.sex,
        legal_service_hundredths: new.legal_service_hundredths,
        source_system: external_id.as_ref().map_or(String::new(), |id| id.source_system.clone()),
        as_of: today,
        received_at: now.naive_utc(),
        recorded_by: caller.id().account(),
        recorded_by_client: caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: None,
        batch_id: None,
    };
    let iin = check_judge(&caller, &judge, &new.iin, external_id.as_ref(), Some(&told), today)?;
    let kept = KeptIin {
        sealed: cipher.seal(Use::Iin, judge.id.0.as_bytes(), iin.as_str().as_bytes())?,
        hash: cipher.keyed_hash(Use::IinLookup, iin.as_str().as_bytes())?,
    };
    let deed = Deed { by: caller.id(), operation: "create_judge", key, digest };
    act_once(&registry, deed, now, move |conn| {
        store::judges::insert(conn, &judge, &kept)?;
        if let Some(external_id) = &external_id {
            store::external_ids::insert(conn, Named::Judge, &judge.id.to_string(), external_id)?;
        }
        if workflow::particulars::is_told(&told) {
            store::particulars::insert(conn, &told)?;
        }
        let entry = store::audit::NewEntry::by(caller.id(), "create_judge", "judge", judge.id);
        store::audit::record(conn, entry.of_judge(judge.id), now)?;
        let view = JudgeView::new(judge.clone(), external_id.iter().cloned().collect());
        Reply::created(format!("/v1/judges/{}", judge.id), Some(1), &view)
    })
    .await
}

/// List judges.
///
/// For secretaries and auditors. A file of the whole list is a reading of the file of each judge whom it names.
#[utoipa::path(tag = "judges", params(JudgesQuery),
    responses((status = 200, body = PageOf<JudgeView>), ReadProblems))]
#[get("/judges")]
pub async fn list_judges(actor: Actor, query: web::Query<JudgesQuery>, answering: Answering) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(&actor, &query, answering.today())?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// The judges by name, for whoever may list them.
pub fn list(actor: &Actor, query: &JudgesQuery, today: NaiveDate) -> Result<List> {
    policy::may_list_judges(actor)?;
    let filter = JudgeFilter {
        region: asked_region(query.region.as_deref())?,
        level: query.level,
        court: query.court_id,
        kind: query.position_kind,
        specialisation: asked_specialisation(query.specialisation.as_deref())?,
        day: today,
    };
    let sort = query.sort.unwrap_or(JudgeSort::Added);
    // Without the day, so that a cursor outlives midnight.
    let JudgeFilter { region, level, court, kind, specialisation, .. } = &filter;
    let name = format!("judges {sort} {region:?} {level:?} {court:?} {kind:?} {specialisation:?}");
    let find = move |conn: &mut Conn, after: Option<Place>, limit: i64| {
        let judges = store::judge_search::list(conn, &filter, sort, after.as_ref(), limit)?;
        with_external_ids(conn, judges)
    };
    let place = move |view: &JudgeView| Place { value: sort_value(view, sort), id: view.id };
    Ok(List::of_names("list_judges", name, find, place, |view| view.id, |view| view))
}

/// A specialisation that is asked for, if the catalogue has it.
fn asked_specialisation(code: Option<&str>) -> Result<Option<String>> {
    let Some(code) = code else { return Ok(None) };
    let catalogue = Catalogue::standard()?;
    if !catalogue.specialisations.iter().any(|known| known == code) {
        return Err(Error::faults(Code::Malformed, vec![Fault::parameter("specialisation", known(catalogue))]));
    }
    Ok(Some(code.to_owned()))
}

/// What a judge is sorted by.
fn sort_value(view: &JudgeView, sort: JudgeSort) -> String {
    match sort {
        JudgeSort::Added => String::new(),
        JudgeSort::FullNameKk => view.full_name_kk.clone(),
        JudgeSort::FullNameRu => view.full_name_ru.clone(),
        JudgeSort::FirstAppointedOn => view.first_appointed_on.to_string(),
    }
}

fn with_external_ids(conn: &mut Conn, judges: Vec<Judge>) -> Result<Vec<JudgeView>> {
    let keys: Vec<String> = judges.iter().map(|judge| judge.id.to_string()).collect();
    let named = store::external_ids::list_of(conn, &keys)?;
    let of = |key: &str| named.iter().filter(|(id, _)| id == key).map(|(_, name)| name.clone()).collect();
    Ok(judges.into_iter().zip(&keys).map(|(judge, key)| JudgeView::new(judge, of(key))).collect())
}

/// Get a judge.
///
/// For secretaries, auditors and the judge. The file is at `/judges/{judge_id}/file`.
#[utoipa::path(tag = "judges", responses((status = 200, body = JudgeView), NotModified, ReadProblems))]
#[get("/judges/{judge_id}")]
pub async fn get_judge(
    actor: Actor,
    registry: web::Data<Registry>,
    judge_id: web::Path<JudgeId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let judge_id = judge_id.into_inner();
    policy::may_read_judge(&actor, judge_id)?;
    let view = registry
        .0
        .read(move |conn| {
            let judge = store::judges::find(conn, judge_id)?;
            view(conn, judge)
        })
        .await?;
    Ok(versioned(&request, view.version, &view))
}

fn view(conn: &mut Conn, judge: Option<Judge>) -> Result<JudgeView> {
    let judge = judge.ok_or(Code::NotFound)?;
    Ok(with_external_ids(conn, vec![judge])?.pop().ok_or(Code::NotFound)?)
}

/// Look up a judge by IIN or external id.
///
/// For secretaries, who name the purpose. Give exactly one of the two. 404 where no judge has it. That the judge was looked up
/// is recorded with its purpose, as is each reading of a file; by which of the two, and the IIN itself, is not.
#[utoipa::path(tag = "judges", request_body = JudgeLookup,
    responses((status = 200, body = JudgeView), LookupProblems))]
#[post("/judges/lookup")]
pub async fn lookup_judge(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    lookup: Valid<JudgeLookup>,
) -> Result<HttpResponse> {
    let JudgeLookup { purpose, iin, external_id } = lookup.body;
    policy::may_look_up_judges(&actor, purpose)?;
    let now = clock.now();
    let hash = match (&iin, &external_id) {
        (Some(iin), None) => {
            let iin = Iin::parse(iin).map_err(|rule| Error::invalid("/iin", rule))?;
            Some(cipher.keyed_hash(Use::IinLookup, iin.as_str().as_bytes())?)
        }
        (None, Some(_)) => None,
        (None, None) => {
            let faults = ["/iin", "/external_id"].map(|pointer| Fault::at(pointer, Rule::Required));
            return Err(Error::faults(Code::Invalid, faults.to_vec()));
        }
        (Some(_), Some(_)) => return Err(Error::invalid("/external_id", Rule::Mismatch { other: "iin" })),
    };
    let view = registry
        .0
        .write(move |conn| {
            let judge = match (&hash, &external_id) {
                (Some(hash), _) => store::judges::find_by_iin_hash(conn, hash)?,
                (None, Some(external_id)) => find_by_external_id(conn, external_id)?,
                (None, None) => None,
            };
            let view = view(conn, judge)?;
            store::audit::record_reading(conn, actor.account_id, "lookup_judge", view.id, purpose, now)?;
            Ok(view)
        })
        .await?;
    Ok(changed(view.version, &view))
}

fn find_by_external_id(conn: &mut Conn, external_id: &ExternalId) -> Result<Option<Judge>> {
    let Some(object_id) = store::external_ids::find_object(conn, Named::Judge, external_id)? else { return Ok(None) };
    store::judges::find(conn, object_id.parse().map_err(Error::internal)?)
}
