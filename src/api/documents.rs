//! Documents of a file: bytes in, bytes out, and what is told of them as a record of the section `document`. What a
//! newcomer would get wrong: the title does not stand in the address, where proxies and logs would keep it; it comes in
//! and goes out by `Content-Disposition`.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, ContentDisposition};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, post, web};
use unicode_normalization::UnicodeNormalization;
use utoipa::IntoParams;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, Reply, act_once, read_body};
use super::record_views::{PurposeQuery, RecordView};
use crate::clock::Clock;
use crate::credential::encoding::sha256;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::hex::hex;
use crate::domain::ids::{JudgeId, RecordId};
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX};
use crate::domain::policy::{Actor, records::may_add_documents};
use crate::domain::sections::documents::{
    DOCUMENT_BYTES_MAX, DocumentFields, DocumentLanguage, DocumentType, SignatureStatus,
};
use crate::domain::sections::{ConfirmationState, Content, OWN_SOURCE, STAFF_SOURCE};
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::workflow;
use crate::workflow::records::{Keeper, NewFileRecord};

/// By its own name, else the document would describe the two parts once more, and without words.
type DocumentPath = web::Path<(JudgeId, RecordId)>;

/// What is told of a document that is put in, beside its bytes, for the API document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only describes the headers; the handler reads them")]
pub struct DocumentHeaders {
    /// The title: a file name of 1 to 200 characters, as `attachment; filename*=UTF-8''%D0%91%D2%B1…` (RFC 8187), or as
    /// `attachment; filename="order-114.pdf"` where it is plain.
    #[param(rename = "Content-Disposition", max_length = 2048, example = "attachment; filename=\"order-114.pdf\"")]
    content_disposition: String,
    /// The document's language: `kk`, `ru` or `en`.
    #[param(rename = "Content-Language", max_length = 2, required = false, nullable = false, example = "kk")]
    content_language: Option<String>,
}

/// Put a document into a file.
///
/// For secretaries and the judge: the bytes as they are, at most 10 MiB, under their content type, which they must be of
/// (422); title and language in headers. The answer is the document's record, whose id evidence and attachments name. Bytes
/// that the file has already are not kept twice: the answer is then 200 with the record that there is.
#[utoipa::path(tag = "judges", params(DocumentHeaders, IdempotencyKeyHeader),
    request_body(description = "The bytes of the document.", content(
        ("application/pdf"), ("image/jpeg"), ("image/png"), ("text/plain"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document"))),
    responses((status = 201, body = RecordView),
        (status = 200, body = RecordView, description = "The file has these bytes already."), CreateProblems))]
#[post("/judges/{judge_id}/documents")]
pub async fn create_document(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let judge_id = judge_id.into_inner();
    may_add_documents(&actor, judge_id)?;
    let now = clock.now();
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let is_plain = !request.headers().contains_key(CONTENT_ENCODING);
    let media_type = request.content_type().to_ascii_lowercase().parse::<DocumentType>();
    let (Ok(media_type), true) = (media_type, is_plain) else { return Err(Code::UnsupportedMediaType.into()) };
    let (title, language) = (title(&request)?, language(&request)?);
    let bytes = read_body(payload.into_inner(), DOCUMENT_BYTES_MAX).await?;
    if bytes.is_empty() || !media_type.fits(&bytes) {
        let expected = "bytes of the content type that is named";
        return Err(Error::invalid("", Rule::Format { expected }));
    }
    let of_bytes = sha256(&[&bytes]);
    let told = format!("{media_type}\n{language:?}\n{title}");
    let digest = sha256(&[&of_bytes.0, told.as_bytes()]).0;
    let content = DocumentFields {
        title,
        media_type,
        bytes: bytes.len(),
        sha256: hex(&of_bytes.0),
        language,
        signature_status: SignatureStatus::NotChecked,
    };
    let is_own = actor.judge_id == Some(judge_id);
    let new = NewFileRecord {
        judge_id,
        content: Content::Document(content),
        by: actor.id(),
        source_system: if is_own { OWN_SOURCE } else { STAFF_SOURCE }.to_owned(),
        source_record_id: None,
        as_of: today,
        legal_basis: None,
        confirmation: ConfirmationState::NotNeeded,
        supersedes_id: None,
        batch_id: None,
    };
    let deed = Deed { by: actor.id(), operation: "create_document", key, digest };
    act_once(&registry, deed, now, move |conn| {
        store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
        let sha256 = hex(&of_bytes.0);
        let there_is = store::file_records::find_document(conn, judge_id, &sha256)?;
        let (record, is_new) = match there_is {
            Some(record) => (record, false),
            None => {
                store::documents::put(conn, judge_id, &sha256, &bytes)?;
                (workflow::records::record(conn, &Keeper::Judge, &new, now)?, true)
            }
        };
        let entry = store::audit::NewEntry::by(new.by, "create_document", "record", record.id);
        store::audit::record(conn, entry.of_judge(judge_id).of_digest(sha256), now)?;
        if is_new {
            let location = format!("/v1/judges/{judge_id}/documents/{}", record.id);
            return Reply::created(location, None, &RecordView::new(record)?);
        }
        Reply::ok(None, &RecordView::new(record)?)
    })
    .await
}

/// The title, in Unicode form NFC as all texts are; 400 without one.
fn title(request: &HttpRequest) -> Result<String> {
    let refuse = |rule| Error::faults(Code::Malformed, vec![Fault::parameter("Content-Disposition", rule)]);
    let header = request.headers().get(CONTENT_DISPOSITION).ok_or_else(|| refuse(Rule::Required))?;
    let unread = || refuse(Rule::Format { expected: "attachment with a file name" });
    let parsed = ContentDisposition::from_raw(header).map_err(|_| unread())?;
    let extended = parsed.get_filename_ext().map(|extended| extended.value.clone());
    let title = match extended {
        Some(bytes) => String::from_utf8(bytes).map_err(|_| unread())?,
        None => parsed.get_filename().ok_or_else(unread)?.to_owned(),
    };
    let title: String = title.nfc().collect();
    let mut check = Check::default();
    check.text("Content-Disposition", &title, NAME_LENGTH_MAX);
    check.rule(!title.contains(['\n', '\r', '\t']), "Content-Disposition", NO_CONTROLS);
    check.parameters()?;
    Ok(title)
}

/// A title is one line: it goes out in a header.
const NO_CONTROLS: Rule = Rule::Format { expected: "text without control characters" };

/// The language, where one is named; 400 for another one.
fn language(request: &HttpRequest) -> Result<Option<DocumentLanguage>> {
    let Some(header) = request.headers().get(CONTENT_LANGUAGE) else { return Ok(None) };
    let named = header.to_str().ok().and_then(|text| text.trim().to_ascii_lowercase().parse().ok());
    let refusal = || {
        let allowed: Vec<&str> = DocumentLanguage::ALL.iter().map(|language| language.as_str()).collect();
        let rule = Rule::OneOf { allowed: allowed.join(", ").into() };
        Error::faults(Code::Malformed, vec![Fault::parameter("Content-Language", rule)])
    };
    named.map(Some).ok_or_else(refusal)
}

/// Get the bytes of a document.
///
/// For secretaries, the judge, and members as for the file; always as an attachment. 404 for one that was withdrawn. The
/// reading is recorded with its purpose before it is answered.
#[utoipa::path(tag = "judges", params(PurposeQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream",
        description = "The bytes, under the content type that they were put in with."), ReadProblems))]
#[get("/judges/{judge_id}/documents/{document_id}")]
pub async fn get_document(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    path: DocumentPath,
    query: web::Query<PurposeQuery>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let (judge_id, document_id) = path.into_inner();
    let why = query.purpose;
    let reading = registry.0.write(move |conn| {
        let purpose = workflow::members::file_purpose(conn, &actor, judge_id, why)?;
        let fields = find(conn, judge_id, document_id)?.ok_or(Code::NotFound)?;
        store::audit::record_reading(conn, actor.account_id, "get_document", judge_id, purpose, now)?;
        Ok(fields)
    });
    let fields = reading.await?;
    let digest = fields.sha256.clone();
    // Beside the writes: they would wait for ten megabytes.
    let bytes = registry.0.read(move |conn| store::documents::find(conn, judge_id, &digest)).await?;
    let bytes = bytes.ok_or_else(|| Error::internal("a document has no bytes"))?;
    Ok(HttpResponse::Ok()
        .content_type(match fields.media_type {
            DocumentType::Text => "text/plain; charset=utf-8",
            DocumentType::Pdf | DocumentType::Jpeg | DocumentType::Png | DocumentType::Docx => {
                fields.media_type.as_str()
            }
        })
        .insert_header((CONTENT_DISPOSITION, attachment(&fields)))
        .body(bytes))
}

/// What is told of a document in force.
fn find(conn: &mut Conn, judge: JudgeId, id: RecordId) -> Result<Option<DocumentFields>> {
    let Some(record) = store::file_records::find(conn, judge, id)? else { return Ok(None) };
    if !record.status.is_in_force() {
        return Ok(None);
    }
    let content: Content = serde_json::from_str(&record.content).map_err(Error::internal)?;
    let Content::Document(fields) = content else { return Ok(None) };
    Ok(Some(fields))
}

/// The header by which a document is saved and never shown in place: its title for who reads RFC 8187, a plain name for
/// others.
fn attachment(fields: &DocumentFields) -> String {
    let extension = fields.media_type.extension();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
    let title = fields.title.bytes().fold(String::new(), |mut text, byte| {
        if is_plain(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    });
    format!("attachment; filename=\"document.{extension}\"; filename*=UTF-8''{title}")
}
