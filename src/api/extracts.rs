//! Extracts: signed copies of final facts for another body. What a newcomer would get wrong: an extract is the one thing of a
//! file that leaves the service, so it says less than the file. No mark, no figure and no count is in it, and once its time
//! is over or it was revoked, nobody is handed it again.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, Reply, Valid, act_once};
use super::lists::Answering;
use super::printed::{LanguageHeader, paper};
use super::record_views::{PurposeQuery, RecordsQuery};
use crate::cipher::Cipher;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller;
use crate::domain::extracts::{ExtractFacts, ExtractPurpose, ExtractState, Revocation, check_order, state};
use crate::domain::ids::{AccountId, ClientId, ExtractId, JudgeId};
use crate::domain::judge_file::{Check, FilePurpose};
use crate::domain::policy::Actor;
use crate::domain::policy::extracts::{may_ask_for_extracts, may_issue_extracts, may_list_extracts};
use crate::error::{Code, Error, Result};
use crate::figures::words::Voice;
use crate::problem::middleware::Caller;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::problem_responses;
use crate::store;
use crate::store::extracts::{Extract, Revoked};
use crate::workflow::extracts::{Order, issue, revoke, served, spare_key};
use crate::workflow::lists::List;

mod sheet;

problem_responses! {
    /// Reading what holds for a time.
    pub ServedProblems = [400, 401, 403, 404, 410, 429, 500, 503];
}

/// The longest explanation of a revocation, in characters.
const EXPLANATION_LENGTH_MAX: usize = 2000;

/// What an extract is issued for.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"purpose": "promotion", "recipient": "Жоғары Сот Кеңесі, Конкурстық комиссия", "expires_on": "2027-06-30"}))]
pub struct NewExtract {
    /// What for; it says which facts are in it.
    purpose: ExtractPurpose,
    /// For whom, by name.
    #[schema(min_length = 1, max_length = 200)]
    recipient: String,
    /// The machine client with `results:read` that may fetch it; without one it is handed over on paper or as a file.
    recipient_client_id: Option<ClientId>,
    /// The last day on which it is good: after today, within 366 days.
    expires_on: NaiveDate,
}

/// Why an extract is revoked.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "record_corrected", "explanation": "The date of the transfer was restated on 3 March 2027."}))]
pub struct NewRevocation {
    /// Why; who asks for the extract is told.
    reason: Revocation,
    /// Why, in words, for secretaries and the judge.
    #[schema(min_length = 1, max_length = 2000)]
    explanation: String,
}

/// An extract without its facts.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "purpose": "promotion", "recipient": "Жоғары Сот Кеңесі, Конкурстық комиссия", "recipient_client_id": null, "issued_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "issued_at": "2027-01-11T04:30:00Z", "expires_on": "2027-06-30", "state": "valid", "revoked_at": null, "revocation": null, "explanation": null, "digest": "UNhY4JhezH9gQYqvDMWrWH9CwlcKiECVqejMrND2VFw"}))]
pub struct ExtractView {
    /// Its id.
    id: ExtractId,
    /// Of whose file.
    judge_id: JudgeId,
    /// What for.
    purpose: ExtractPurpose,
    /// For whom.
    #[schema(max_length = 200)]
    recipient: String,
    /// The machine client that may fetch it, or null.
    recipient_client_id: Option<ClientId>,
    /// Which account issued it.
    issued_by: AccountId,
    /// When.
    issued_at: DateTime<Utc>,
    /// The last day on which it is good.
    expires_on: NaiveDate,
    /// How it stands today.
    state: ExtractState,
    /// When it was revoked, or null.
    revoked_at: Option<DateTime<Utc>>,
    /// Why, or null.
    revocation: Option<Revocation>,
    /// Why, in words, or null.
    #[schema(max_length = 2000)]
    explanation: Option<String>,
    /// SHA-256 of its facts, in base64url.
    #[schema(max_length = 43)]
    digest: String,
}

impl ExtractView {
    fn new(row: Extract, today: NaiveDate) -> ExtractView {
        ExtractView {
            id: row.id,
            judge_id: row.judge_id,
            purpose: row.purpose,
            recipient: row.recipient,
            recipient_client_id: row.recipient_client_id,
            issued_by: row.issued_by,
            issued_at: row.issued_at.and_utc(),
            expires_on: row.expires_on,
            state: state(row.revoked_at.is_some(), row.expires_on, today),
            revoked_at: row.revoked_at.map(|at| at.and_utc()),
            revocation: row.revocation,
            explanation: row.explanation,
            digest: row.digest,
        }
    }
}

/// An extract: the facts and what proves them.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"facts": {"v": 1, "extract_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "purpose": "reserve", "recipient": "Кадр резерві жөніндегі комиссия", "issued_on": "2027-01-11", "expires_on": "2027-06-30", "judge": {"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02"}, "posts": [], "education": [], "training": [], "incentives": [], "discipline": [], "ethics_findings": []}, "digest": "UNhY4JhezH9gQYqvDMWrWH9CwlcKiECVqejMrND2VFw", "key_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "signature": "CzBVep_E6Q4zWH2ix-wRNluApcrvFDleg6jN8hc8YYar0PUaP2SJrtP4HUJnjLHW-yBFao-02f4jSG2St9wBJg"}))]
pub struct SignedExtract {
    /// The facts, byte for byte as they were signed: canonical JSON (RFC 8785).
    #[schema(value_type = ExtractFacts)]
    facts: Box<RawValue>,
    /// SHA-256 of the facts, in base64url.
    #[schema(max_length = 43)]
    digest: String,
    /// The key that signed, of those at `/v1/public/extract-keys`.
    #[schema(max_length = 32)]
    key_id: String,
    /// Ed25519 over `EJF-EXTRACT-v1`, a zero byte and the digest's 32 bytes, in base64url.
    #[schema(max_length = 86)]
    signature: String,
}

/// Issue an extract from a judge's file.
///
/// For secretaries. The purpose says which final facts are in it: posts, and by purpose education, training, incentives,
/// penalties in force that nobody appeals against, and findings on ethics; what is disputed is left out, and no mark, figure
/// or count is ever in it. The extract is signed and never changes; the judge sees it in the access history. 404 without
/// the judge.
#[utoipa::path(tag = "extracts", params(IdempotencyKeyHeader), request_body = NewExtract,
    responses((status = 201, body = ExtractView), CreateProblems))]
#[post("/judges/{judge_id}/extracts")]
pub async fn create_extract(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewExtract>,
) -> Result<HttpResponse> {
    may_issue_extracts(&actor)?;
    let now = clock.now();
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let judge_id = judge_id.into_inner();
    let Valid { body: NewExtract { purpose, recipient, recipient_client_id, expires_on }, digest } = new;
    let mut check = Check::default();
    check_order(&mut check, &recipient, expires_on, today);
    check.done()?;
    let order = Order { judge_id, purpose, recipient, recipient_client_id, expires_on };
    let spare = spare_key(&cipher, now)?;
    let cipher = cipher.into_inner();
    let deed = Deed { by: actor.id(), operation: "create_extract", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let extract = issue(conn, &cipher, &spare, actor.account_id, &order, now)?;
        let entry = store::audit::NewEntry::by(actor.id(), "create_extract", "extract", extract.id);
        let entry = entry.of_digest(extract.digest.clone());
        store::audit::record_extract(conn, judge_id, entry, purpose.as_str(), now)?;
        Reply::created(format!("/v1/extracts/{}", extract.id), None, &ExtractView::new(extract, today))
    })
    .await
}

/// List the extracts of a judge's file.
///
/// For the judge, and for secretaries, who name the purpose; newest first: what for, to whom, until when, and how each stands;
/// without the facts. The reading is recorded with its purpose.
#[utoipa::path(tag = "extracts", params(RecordsQuery), responses((status = 200, body = PageOf<ExtractView>), ReadProblems))]
#[get("/judges/{judge_id}/extracts")]
pub async fn list_extracts(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<RecordsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, judge_id.into_inner(), query.purpose, answering.today())?;
    answering.list(actor, list, query.page()).await
}

/// The extracts of a judge's file, for whoever may know of them.
pub fn list(actor: &Actor, judge_id: JudgeId, asked: Option<FilePurpose>, today: NaiveDate) -> Result<List> {
    may_list_extracts(actor, judge_id, asked)?;
    let find = move |conn: &mut Conn, before, limit| store::extracts::list(conn, judge_id, before, limit);
    let view = move |row| ExtractView::new(row, today);
    let list = List::new("list_extracts", format!("extracts {judge_id}"), find, |row: &Extract| row.id, view);
    Ok(list.in_file(judge_id, move |conn, actor| {
        store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
        may_list_extracts(actor, judge_id, asked)
    }))
}

/// Get an extract.
///
/// For the judge; for secretaries, who name the purpose; and for the machine client that it was issued to, with the scope
/// `results:read`, which names none, as the extract has its own; for everybody else there is none (404). 410
/// `extract_expired` after its last day, `extract_revoked` with the reason once it was revoked. Each reading is recorded
/// before it is answered, and the judge sees it.
#[utoipa::path(tag = "extracts", security(("bearer" = []), ("oauth2" = ["results:read"])), params(PurposeQuery),
    responses((status = 200, body = SignedExtract), ServedProblems))]
#[get("/extracts/{extract_id}")]
pub async fn get_extract(
    caller: caller::Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    extract_id: web::Path<ExtractId>,
    query: web::Query<PurposeQuery>,
) -> Result<HttpResponse> {
    let (id, asked) = (extract_id.into_inner(), query.purpose);
    let extract = read(&registry, caller, id, asked, "get_extract", clock.now()).await?;
    Ok(HttpResponse::Ok().json(SignedExtract {
        facts: RawValue::from_string(extract.facts).map_err(Error::internal)?,
        digest: extract.digest,
        key_id: extract.key_id,
        signature: extract.signature,
    }))
}

/// Get an extract as a printed document.
///
/// As an extract is got, for the same callers, and recorded like that: a PDF in the caller's language with the facts, the
/// digest and the signature, and how they are checked.
#[utoipa::path(tag = "extracts", security(("bearer" = []), ("oauth2" = ["results:read"])),
    params(PurposeQuery, LanguageHeader),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf", headers(("Content-Language" = String, description = "The language of the document: kk, ru or en."))), ServedProblems))]
#[get("/extracts/{extract_id}/pdf")]
pub async fn get_extract_pdf(
    caller: caller::Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    extract_id: web::Path<ExtractId>,
    query: web::Query<PurposeQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let voice = Voice(Caller::of(&request).language());
    let (id, asked) = (extract_id.into_inner(), query.purpose);
    let extract = read(&registry, caller, id, asked, "get_extract_pdf", clock.now()).await?;
    paper(sheet::compose(&extract, voice)?, "extract").await
}

/// Revoke an extract.
///
/// For secretaries. From then on it is handed to nobody and its public check says so; who asks for it is told the reason. 409
/// `wrong_phase` where it was revoked before, 404 where there is none.
#[utoipa::path(tag = "extracts", params(IdempotencyKeyHeader), request_body = NewRevocation,
    responses((status = 200, body = ExtractView), CreateProblems))]
#[post("/extracts/{extract_id}/revocation")]
pub async fn revoke_extract(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    extract_id: web::Path<ExtractId>,
    key: IdempotencyKey,
    new: Valid<NewRevocation>,
) -> Result<HttpResponse> {
    may_issue_extracts(&actor)?;
    let now = clock.now();
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let id = extract_id.into_inner();
    let Valid { body: NewRevocation { reason, explanation }, digest } = new;
    let mut check = Check::default();
    check.text("/explanation", &explanation, EXPLANATION_LENGTH_MAX);
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "revoke_extract", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let (by, at) = (actor.account_id, now.naive_utc());
        let revoked = Revoked { by, at, revocation: reason, explanation: &explanation };
        let row = revoke(conn, id, &revoked, now)?;
        let entry = store::audit::NewEntry::by(actor.id(), "revoke_extract", "extract", id);
        store::audit::record(conn, entry.of_judge(row.judge_id).of_digest(row.digest.clone()), now)?;
        Reply::ok(None, &ExtractView::new(row, today))
    })
    .await
}

/// Reads an extract for whoever may have it, and records that by the operation `act`: one law and one trail for both forms.
async fn read(
    registry: &Registry,
    caller: caller::Caller,
    id: ExtractId,
    asked: Option<FilePurpose>,
    act: &'static str,
    now: DateTime<Utc>,
) -> Result<Extract> {
    may_ask_for_extracts(&caller)?;
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let reading = move |conn: &mut Conn| -> Result<Extract> {
        let (extract, purpose) = served(conn, &caller, id, asked, today)?;
        let judge_id = extract.judge_id;
        match (&caller, purpose) {
            (caller::Caller::Person(actor), Some(FilePurpose::OwnFile)) => {
                let own = FilePurpose::OwnFile;
                store::audit::record_reading(conn, actor.account_id, act, judge_id, own, now)?;
            }
            (caller::Caller::Person(_) | caller::Caller::Machine(_), purpose) => {
                let entry = store::audit::NewEntry::by(caller.id(), act, "extract", id);
                let purpose = purpose.map_or(extract.purpose.as_str(), FilePurpose::as_str);
                store::audit::record_extract(conn, judge_id, entry, purpose, now)?;
            }
        }
        Ok(extract)
    };
    registry.0.write(reading).await
}
