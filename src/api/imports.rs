//! Files of records: sent and watched. A newcomer's usual mistake is to read the file in the
//! request: it is kept and taken in as long work, which goes on after a restart.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, RETRY_AFTER, VARY};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, NotModified, PageOf, PageQuery, Reply, act_once, read_body, versioned,
};
use super::jobs::ASK_AGAIN_SECONDS;
use super::lists::Answering;
use crate::cipher::{Cipher, Use};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::Period;
use crate::domain::caller::Caller;
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::{ImportId, JobId};
use crate::domain::imports::{Charset, DryRun, FILE_BYTES_MAX, FileFormat, ImportMode, ImportType};
use crate::domain::policy;
use crate::domain::policy::imports::may_read_imports;
use crate::error::{Code, Error, Result};
use crate::imports::template;
use crate::problem::finding_text;
use crate::problem::middleware::Caller as Asking;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::imports::{Finding, Import};
use crate::store::jobs::{Job, JobKind, JobState};
use crate::store::reconciliation::Total;
use crate::texts::Language;
use crate::workflow;
use crate::workflow::jobs::Bell;
use crate::workflow::lists::List;

/// What the file is and what is to be done with it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// What the rows are.
    #[serde(rename = "type")]
    #[param(inline)]
    record_type: ImportType,
    /// `atomic`, where nothing else is said: nothing is taken in where any row is refused. `partial`: the sound rows are.
    #[param(inline)]
    mode: Option<ImportMode>,
    /// `true`: nothing is taken in, the file is checked and counted. `if_warning`: it is taken in only where there is
    /// neither a refusal nor a warning, whatever the mode.
    #[param(inline)]
    dry_run: Option<DryRun>,
    /// How a CSV file is encoded, where its bytes do not tell it rightly.
    #[param(inline)]
    charset: Option<Charset>,
}

/// How the rows of a file fared.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"read": 214, "new": 12, "unchanged": 200, "restated": 1, "refused": 1, "warnings": 1}))]
pub struct RowCounts {
    /// Rows read.
    #[schema(minimum = 0)]
    read: i64,
    /// Rows that are new records.
    #[schema(minimum = 0)]
    new: i64,
    /// Rows that say what was on record.
    #[schema(minimum = 0)]
    unchanged: i64,
    /// Rows that take the place of what was on record.
    #[schema(minimum = 0)]
    restated: i64,
    /// Rows refused.
    #[schema(minimum = 0)]
    refused: i64,
    /// Warnings.
    #[schema(minimum = 0)]
    warnings: i64,
}

/// A file of records and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "job_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "type": "observations", "mode": "atomic", "dry_run": "false", "format": "csv", "charset": "utf-8", "file_digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "file_bytes": 20480, "state": "done", "done_count": 214, "total_count": 214, "error": null, "is_applied": false, "rows": {"read": 214, "new": 12, "unchanged": 200, "restated": 1, "refused": 1, "warnings": 1}, "kept_findings": 2, "created_at": "2027-01-11T04:30:00Z", "finished_at": "2027-01-11T04:30:02Z", "reversed_at": null, "version": 5}))]
pub struct ImportView {
    /// Its id, which its records have as `batch_id`.
    id: ImportId,
    /// The work, as staff watch it.
    job_id: JobId,
    /// What the rows are.
    #[serde(rename = "type")]
    record_type: ImportType,
    /// What becomes of a file with faults.
    mode: ImportMode,
    /// Whether anything is taken in at all.
    dry_run: DryRun,
    /// How the file is written.
    format: FileFormat,
    /// How it is encoded, as it was read; null for a workbook.
    charset: Option<Charset>,
    /// SHA-256 of the file.
    #[schema(min_length = 64, max_length = 64)]
    file_digest: String,
    /// Its size.
    #[schema(minimum = 0)]
    file_bytes: i64,
    /// Where the work stands.
    state: JobState,
    /// The rows done with.
    #[schema(minimum = 0)]
    done_count: i32,
    /// The rows in all; 0 until it has begun.
    #[schema(minimum = 0)]
    total_count: i32,
    /// Why the work failed: a problem's code; or null.
    #[schema(max_length = 2000)]
    error: Option<String>,
    /// Whether its records were taken in.
    is_applied: bool,
    /// How the rows fared; where nothing was taken in, how they would have.
    rows: RowCounts,
    /// How many findings are kept for reading, of all that there were.
    #[schema(minimum = 0, maximum = 10000)]
    kept_findings: i64,
    /// When it was sent.
    created_at: DateTime<Utc>,
    /// When the work ended, or null.
    finished_at: Option<DateTime<Utc>>,
    /// When the batch was taken back, or null.
    reversed_at: Option<DateTime<Utc>>,
    /// Another with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

impl ImportView {
    fn new(row: Import, job: Job) -> ImportView {
        ImportView {
            id: row.id,
            job_id: job.id,
            record_type: row.record_type,
            mode: row.mode,
            dry_run: row.dry_run,
            format: row.file_format,
            charset: row.charset,
            file_digest: row.file_digest,
            file_bytes: row.file_bytes,
            state: job.state,
            done_count: job.done_count,
            total_count: job.total_count,
            error: job.error,
            is_applied: row.is_applied,
            rows: RowCounts {
                read: row.read_count,
                new: row.new_count,
                unchanged: row.unchanged_count,
                restated: row.restated_count,
                refused: row.refused_count,
                warnings: row.warning_count,
            },
            kept_findings: row.finding_count,
            created_at: row.created_at.and_utc(),
            finished_at: job.finished_at.map(|at| at.and_utc()),
            reversed_at: row.reversed_at.map(|at| at.and_utc()),
            version: row.version + job.version,
        }
    }

    fn is_under_way(&self) -> bool {
        matches!(self.state, JobState::Queued | JobState::Running)
    }
}

/// What was found in a row.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"row": 17, "column": "numerator", "pointer": "/numerator", "code": "range", "detail": "Must be from 0 to 30000, both included.", "is_warning": false}))]
pub struct FindingView {
    /// The row, as the file counts them: lines of a text, rows of a sheet; the head is the first.
    #[schema(minimum = 1)]
    row: i64,
    /// The column, or null where it is the row as a whole.
    #[schema(max_length = 64)]
    column: Option<String>,
    /// The same as an RFC 6901 pointer into the record; empty for the row as a whole.
    #[schema(max_length = 64)]
    pointer: String,
    /// The rule that the row breaks, the problem that it would be alone, or the warning. More may come.
    #[schema(max_length = 64, pattern = "^[a-z_]+$")]
    code: String,
    /// The same in words.
    #[schema(max_length = 1000)]
    detail: String,
    /// Whether the row is taken all the same.
    is_warning: bool,
}

impl FindingView {
    fn new(row: Finding, language: Language) -> FindingView {
        let detail = finding_text(&row.code, row.argument.as_deref(), row.is_warning, language);
        let column = row.pointer.strip_prefix('/').map(str::to_owned);
        let (pointer, code, is_warning) = (row.pointer, row.code, row.is_warning);
        FindingView { row: row.row_number, column, pointer, code, detail, is_warning }
    }
}

/// What a file tells of a source, beside what the source has on record.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"number": 1, "source_system": "toerelik", "period": "2026-Q3", "indicator_code": "resolved", "file_count": 2363, "file_total": 214801, "recorded_count": 2364, "recorded_total": 214990}))]
pub struct TotalView {
    /// Its place, from 1.
    #[schema(minimum = 1)]
    number: i64,
    /// The system of record.
    #[schema(max_length = 40)]
    source_system: String,
    /// The quarter, where the rows are values.
    period: Option<Period>,
    /// The indicator, where the rows are values.
    #[schema(max_length = 40)]
    indicator_code: Option<String>,
    /// How many records the file tells that are on record now; for a dry run, that would be.
    #[schema(minimum = 0)]
    file_count: i64,
    /// The sum of their values, in the indicator's scaled integers.
    file_total: Option<i64>,
    /// How many records of the source are in force, those that the file leaves out included.
    #[schema(minimum = 0)]
    recorded_count: i64,
    /// The sum of their values.
    recorded_total: Option<i64>,
}

impl TotalView {
    fn new(row: Total) -> TotalView {
        TotalView {
            number: row.number,
            source_system: row.source_system,
            period: row.period_start.and_then(Period::containing),
            indicator_code: row.indicator_code,
            file_count: row.file_count,
            file_total: row.file_total,
            recorded_count: row.recorded_count,
            recorded_total: row.recorded_total,
        }
    }
}

/// Import a file of records.
///
/// For secretaries, and machine clients with `file:write`, which tell of their own system alone. The body is the file, of at
/// most 20 MiB and 100,000 rows, as its content type says: `text/csv`, `application/x-ndjson`, or a workbook (XLSX, its
/// first sheet). It is taken in as long work; the answer tells where to watch it. Each row keeps the rules of the
/// operation that adds one record. A row is known by `source_system` and `source_record_id`: sent again it changes nothing,
/// with another value it takes the place of the record, by a new one.
#[utoipa::path(tag = "imports", security(("bearer" = []), ("oauth2" = ["file:write"])),
    params(ImportQuery, IdempotencyKeyHeader),
    request_body(content((String = "text/csv"), (String = "application/x-ndjson"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")), description = "The file."),
    responses((status = 202, body = ImportView), CreateProblems))]
#[post("/imports")]
pub async fn create_import(
    caller: Caller,
    registry: web::Data<Registry>,
    bell: web::Data<Bell>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    query: web::Query<ImportQuery>,
    key: IdempotencyKey,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let file_format = file_format(&request)?;
    let file = read_body(payload.into_inner(), FILE_BYTES_MAX).await?;
    let now = clock.now();
    let ImportQuery { record_type, mode, dry_run, charset } = query.into_inner();
    let id = ImportId(ids::new_at(now));
    let file_digest: [u8; 32] = Sha256::digest(&file).into();
    let sealed = cipher.seal(Use::ImportFile, id.0.as_bytes(), &file)?;
    let file_bytes = i64::try_from(file.len()).map_err(Error::internal)?;
    let digest = Sha256::digest([request.query_string().as_bytes(), b"\0", &file_digest].concat()).into();
    let deed = Deed { by: caller.id(), operation: "create_import", key, digest };
    let mut response = act_once(&registry, deed, now, move |conn| {
        let job = workflow::jobs::add(conn, caller.id(), JobKind::ImportRecords, "import", &id.to_string(), now)?;
        let import = Import {
            id,
            job_id: job.id,
            record_type,
            mode: mode.unwrap_or(ImportMode::Atomic),
            dry_run: dry_run.unwrap_or(DryRun::No),
            file_format,
            charset,
            file_digest: hex(&file_digest),
            file_bytes,
            requested_by: caller.id().account(),
            requested_by_client: caller.id().client(),
            created_at: now.naive_utc(),
            is_applied: false,
            read_count: 0,
            new_count: 0,
            unchanged_count: 0,
            restated_count: 0,
            refused_count: 0,
            warning_count: 0,
            finding_count: 0,
            reversed_at: None,
            version: 1,
        };
        store::imports::insert(conn, &import, &sealed)?;
        Reply::accepted(format!("/v1/imports/{id}"), &ImportView::new(import, job))
    })
    .await?;
    bell.ring();
    response.headers_mut().insert(RETRY_AFTER, ASK_AGAIN_SECONDS);
    Ok(response)
}

/// How the file is written, by its content type.
fn file_format(request: &HttpRequest) -> Result<FileFormat> {
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Code::UnsupportedMediaType.into());
    }
    match request.content_type().to_ascii_lowercase().as_str() {
        "text/csv" => Ok(FileFormat::Csv),
        "application/x-ndjson" => Ok(FileFormat::Ndjson),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Ok(FileFormat::Xlsx),
        _ => Err(Code::UnsupportedMediaType.into()),
    }
}

/// Get the template of a type of file.
///
/// For secretaries, and machine clients with `file:write`. CSV with a head and one invented row, separated by commas for
/// English and by semicolons otherwise, as a spreadsheet of that language wants it.
#[utoipa::path(tag = "imports", security(("bearer" = []), ("oauth2" = ["file:write"])),
    params(("record_type" = inline(ImportType), Path, description = "What the rows are.")),
    responses((status = 200, body = String, content_type = "text/csv"), ReadProblems))]
#[get("/imports/templates/{record_type}")]
pub async fn get_import_template(
    caller: Caller,
    record_type: web::Path<ImportType>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let language = Asking::of(&request).language();
    let separator = match language {
        Language::Kk | Language::Ru => ';',
        Language::En => ',',
    };
    let name = format!("attachment; filename=\"{record_type}.csv\"");
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((VARY, "Accept-Language"))
        .body(template(*record_type, separator)))
}

/// Get an import.
///
/// For secretaries, auditors, and the machine client that sent it. Ask again, after `Retry-After` seconds, until `state` is
/// `done` or `failed`; then `is_applied` tells whether the records were taken in, and `rows` how each fared.
#[utoipa::path(tag = "imports", security(("bearer" = []), ("oauth2" = ["file:write"])), responses((status = 200, body = ImportView), NotModified, ReadProblems))]
#[get("/imports/{import_id}")]
pub async fn get_import(
    caller: Caller,
    registry: web::Data<Registry>,
    bell: web::Data<Bell>,
    import_id: web::Path<ImportId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    may_read_imports(&caller)?;
    let id = import_id.into_inner();
    let (import, job) = registry
        .0
        .read(move |conn| {
            let import = own(conn, &caller, id)?;
            let job = store::jobs::find(conn, import.job_id)?.ok_or(Code::NotFound)?;
            Ok((import, job))
        })
        .await?;
    let view = ImportView::new(import, bell.heard_of(job));
    let mut response = versioned(&request, view.version, &view);
    if view.is_under_way() {
        response.headers_mut().insert(RETRY_AFTER, ASK_AGAIN_SECONDS);
    }
    Ok(response)
}

/// The import, unless another machine client sent it.
fn own(conn: &mut Conn, caller: &Caller, id: ImportId) -> Result<Import> {
    let import = store::imports::find(conn, id)?.ok_or(Code::NotFound)?;
    match caller {
        Caller::Machine(machine) if import.requested_by_client != Some(machine.client_id) => Err(Code::NotFound.into()),
        Caller::Machine(_) | Caller::Person(_) => Ok(import),
    }
}

/// List what was found in an import.
///
/// For secretaries, auditors, and the machine client that sent it, in the order of the file: every fault of each refused
/// row, and warnings of rows that are taken. At most ten thousand are kept. No value of the file is repeated; of a value
/// restated, the change is told.
#[utoipa::path(tag = "imports", security(("bearer" = []), ("oauth2" = ["file:write"])), params(PageQuery),
    responses((status = 200, body = PageOf<FindingView>), ReadProblems))]
#[get("/imports/{import_id}/errors")]
pub async fn list_import_errors(
    caller: Caller,
    import_id: web::Path<ImportId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let language = answering.language();
    let list = list_errors(&caller, import_id.into_inner(), language)?;
    let mut response = answering.list_for(caller, list, query.into_inner()).await?;
    let headers = response.headers_mut();
    headers.append(VARY, "Accept-Language".try_into().map_err(Error::internal)?);
    headers.insert(CONTENT_LANGUAGE, language.as_tag().try_into().map_err(Error::internal)?);
    Ok(response)
}

/// What was found in an import, told in a language.
pub fn list_errors(caller: &Caller, id: ImportId, language: Language) -> Result<List> {
    may_read_imports(caller)?;
    let caller = caller.clone();
    let find = move |conn: &mut Conn, after, limit| {
        own(conn, &caller, id)?;
        store::imports::findings(conn, id, after, limit)
    };
    let view = move |row: Finding| FindingView::new(row, language);
    Ok(List::new("list_import_errors", format!("import errors {id}"), find, |row: &Finding| row.number, view))
}

/// Get the reconciliation of an import.
///
/// For secretaries, auditors, and the machine client that sent it: for each source, and for values each quarter and
/// indicator, what the file tells beside what the source has on record when the file is through. Where the two differ, the
/// file leaves records out; a group of which it has none counts 0.
#[utoipa::path(tag = "imports", security(("bearer" = []), ("oauth2" = ["file:write"])), params(PageQuery),
    responses((status = 200, body = PageOf<TotalView>), ReadProblems))]
#[get("/imports/{import_id}/reconciliation")]
pub async fn list_import_reconciliation(
    caller: Caller,
    import_id: web::Path<ImportId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list_totals(&caller, import_id.into_inner())?;
    answering.list_for(caller, list, query.into_inner()).await
}

/// What an import tells beside what is on record.
pub fn list_totals(caller: &Caller, id: ImportId) -> Result<List> {
    may_read_imports(caller)?;
    let caller = caller.clone();
    let find = move |conn: &mut Conn, after, limit| {
        own(conn, &caller, id)?;
        store::reconciliation::list(conn, id, after, limit)
    };
    let name = format!("import reconciliation {id}");
    Ok(List::new("list_import_reconciliation", name, find, |row: &Total| row.number, TotalView::new))
}
