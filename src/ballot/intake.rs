//! `POST /v1/anon/reviews`: the one way into the box.
//!
//! What a newcomer would get wrong: nothing about a request is kept but the review. Who sends twice gets the same
//! receipt, so there is no need to remember that somebody sent.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, post, web};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::SemaphorePermit;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::documents::SubmissionProblems;
use super::tables::{self, Review};
use super::{Ballot, answer};
use crate::credential::envelope::{self, Envelope};
use crate::credential::manifest::BODY_SIZE;
use crate::credential::receipt::Receipt;
use crate::error::{Code, Error, Result};

/// Seconds in which a body must have arrived; the framework sets no limit of its own.
const BODY_SECONDS: u64 = 10;

/// A signed review with its credentials, 8192 bytes in all; `pad` fills it.
///
/// The form in full, with what is signed and how, is in the protocol's description; the order of the members is free.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"epk": "A".repeat(43), "credentials": [{"issuer_id": "council", "key_id": "A".repeat(43), "prefix": "A".repeat(43), "sig": "A".repeat(512)}],
    "body": {"v": 1, "cycle_ref": "q1Zk8m0sTt2VwYx3aB4cDg", "round": 1, "subject_ref": "Ae4Rr7vN1mKp0sXyZ2bC3g", "manifest_digest": "A".repeat(43),
        "seq": 1, "prev": [], "nonce": "A".repeat(43), "purpose": "marks", "marks": {"k1": 4, "k2": null}, "statements": ["s02"]},
    "sig": "A".repeat(86), "pad": "0000"}))]
pub struct Submission {
    /// The reviewer's one-time key for this subject, base64url.
    #[schema(min_length = 43, max_length = 43)]
    pub epk: String,
    /// One credential of each issuer.
    #[schema(min_items = 1, max_items = 8)]
    pub credentials: Vec<SubmittedCredential>,
    /// The review.
    pub body: SubmittedBody,
    /// Ed25519 by `epk` over the body's canonical form, base64url.
    #[schema(min_length = 86, max_length = 86)]
    pub sig: String,
    /// Zeros, as many as make the whole 8192 bytes.
    #[schema(max_length = 8192, pattern = "^0*$")]
    pub pad: String,
}

/// An issuer's blind signature over the one-time key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"issuer_id": "council", "key_id": "A".repeat(43), "prefix": "A".repeat(43), "sig": "A".repeat(512)}))]
pub struct SubmittedCredential {
    /// Whose signature it is.
    #[schema(max_length = 40)]
    pub issuer_id: String,
    /// The issuer's key for the subject, base64url.
    #[schema(min_length = 43, max_length = 43)]
    pub key_id: String,
    /// The random prefix of the signed message, base64url.
    #[schema(min_length = 43, max_length = 43)]
    pub prefix: String,
    /// The signature, base64url.
    #[schema(min_length = 512, max_length = 512)]
    pub sig: String,
}

/// What the reviewer says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"v": 1, "cycle_ref": "q1Zk8m0sTt2VwYx3aB4cDg", "round": 1, "subject_ref": "Ae4Rr7vN1mKp0sXyZ2bC3g", "manifest_digest": "A".repeat(43),
    "seq": 1, "prev": [], "nonce": "A".repeat(43), "purpose": "marks", "marks": {"k1": 4, "k2": null}, "statements": ["s02"]}))]
pub struct SubmittedBody {
    /// The version of this format: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub v: u32,
    /// The box's name of the cycle, base64url.
    #[schema(min_length = 22, max_length = 22)]
    pub cycle_ref: String,
    /// The round.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub round: u32,
    /// The box's name of the subject, base64url.
    #[schema(min_length = 22, max_length = 22)]
    pub subject_ref: String,
    /// The manifest that the reviewer had pinned, base64url.
    #[schema(min_length = 43, max_length = 43)]
    pub manifest_digest: String,
    /// 1 for the first version, one more for each revision.
    #[schema(minimum = 1, maximum = 50)]
    pub seq: u32,
    /// The leaves of all earlier versions, ascending, base64url.
    #[schema(max_items = 49, value_type = Vec<LeafText>)]
    pub prev: Vec<String>,
    /// 32 random bytes, base64url.
    #[schema(min_length = 43, max_length = 43)]
    pub nonce: String,
    /// Always `marks`.
    #[schema(max_length = 5)]
    pub purpose: String,
    /// Every item of the subject's form: a mark in its range, or null for "no basis".
    #[schema(schema_with = marks_schema)]
    pub marks: std::collections::BTreeMap<String, Option<i64>>,
    /// The codes of the statements chosen.
    #[schema(max_items = 60, value_type = Vec<StatementCode>)]
    pub statements: Vec<String>,
}

/// A leaf, 32 bytes base64url.
#[derive(ToSchema)]
#[schema(min_length = 43, max_length = 43)]
pub struct LeafText(pub String);

/// The marks as the document has them: a map with as many members as an instrument may have items.
fn marks_schema() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::schema::{Object, SchemaType, Type};
    let mark = Object::builder()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(0))
        .maximum(Some(100));
    Object::builder()
        .schema_type(Type::Object)
        .description(Some("Every item of the subject's form: a mark in its range, or null for \"no basis\"."))
        .additional_properties(Some(mark))
        .max_properties(Some(400))
        .build()
}

/// The code of a statement.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 40)]
pub struct StatementCode(pub String);

/// The receipt, 1024 bytes in all.
#[derive(ToSchema)]
#[schema(example = json!({"receipt": {"v": 1, "cycle_ref": "q1Zk8m0sTt2VwYx3aB4cDg", "round": 1, "leaf": "A".repeat(43), "rsig": "A".repeat(86)}, "pad": "00"}))]
pub struct ReceiptAnswer {
    /// The box's signed promise.
    pub receipt: ReceiptView,
    /// Zeros, as many as make the whole 1024 bytes.
    #[schema(max_length = 1024, pattern = "^0*$")]
    pub pad: String,
}

/// The box's signed promise that a leaf will be in the sealed tree; undated, and shows neither subject nor mark.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"v": 1, "cycle_ref": "q1Zk8m0sTt2VwYx3aB4cDg", "round": 1, "leaf": "A".repeat(43), "rsig": "A".repeat(86)}))]
pub struct ReceiptView {
    /// The version of this format: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub v: u32,
    /// The box's name of the cycle, base64url.
    #[schema(min_length = 22, max_length = 22)]
    pub cycle_ref: String,
    /// The round.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub round: u32,
    /// The leaf, base64url.
    #[schema(min_length = 43, max_length = 43)]
    pub leaf: String,
    /// Ed25519 by the manifest's receipt key, base64url.
    #[schema(min_length = 86, max_length = 86)]
    pub rsig: String,
}

#[derive(Serialize)]
struct Accepted<'a> {
    receipt: &'a Receipt,
}

/// Submit a review.
///
/// For whoever holds a credential, and without logging in: a request with `Authorization`, `Proxy-Authorization`,
/// `Cookie` or a client certificate is refused and nothing is stored. The body has exactly 8192 bytes, every answer
/// exactly 1024. The same bytes again give the same receipt; a revision names the next `seq` and the leaves of all
/// earlier versions, and replaces the one before. `too_early` and `window_closed` go by the manifest's dates,
/// `gate_closed` by the ledgers, `seq_conflict` by what the box holds for the key.
#[utoipa::path(tag = "ballot", security(()), request_body(content = Submission, content_type = "application/json"),
    responses((status = 202, body = ReceiptAnswer, description = "The review is stored."), SubmissionProblems))]
#[post("/reviews")]
pub async fn submit_review(ballot: web::Data<Ballot>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let response = match accept(&ballot, request.headers(), payload).await {
        Ok(receipt) => answer::document(StatusCode::ACCEPTED, &Accepted { receipt: &receipt }),
        // Nothing is logged, not even a fault of ours: a line would tell when somebody sent.
        Err(error) => answer::problem(error.code()),
    };
    #[cfg(feature = "leaks")]
    super::leaks::answered(request.method().as_str(), request.path(), response.status());
    response
}

/// Checks 2 to 11 of the design's section 6, in that order; the first was the guard's.
///
/// The body's bytes, what was read out of them and the row are wiped when they are done with, whether the review was
/// taken or not. What is not in our hands is not: the framework's own buffers and the database library's, and what the
/// compiler left behind when it moved a value. These lie in freed memory until it is used again, and never on a disk
/// while swap and core files are off.
async fn accept(ballot: &Ballot, headers: &HeaderMap, payload: web::Payload) -> Result<Receipt> {
    let (text, _in_work) = receive(ballot, headers, payload).await?;
    #[cfg(feature = "leaks")]
    super::leaks::failpoint_over("submit_read", &String::from_utf8_lossy(&text));
    let envelope = Envelope::parse_submission(&text)?;
    let round = ballot.find_round(&envelope.body.cycle_ref, envelope.body.round).await?;
    let round = round.ok_or_else(|| Error::from(Code::UnknownCycle))?;
    ballot.check_engine(round.rules().current().manifest()).await?;
    let today = round.rules().current().manifest().date_at(ballot.now());
    let verified = envelope::verify(round.rules(), &envelope, today)?;
    let receipt = round.receipt(&verified.leaf()).ok_or_else(|| Error::from(Code::WindowClosed))?;
    let review = Review::of(&verified, round.rules())?;
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("submit_verified");
    ballot.write(move |conn| tables::put(conn, &review)).await?;
    #[cfg(feature = "leaks")]
    {
        super::leaks::accepted();
        super::leaks::failpoint("submit_committed");
    }
    Ok(receipt)
}

/// Check 2, for everything that is sent without a name: the body, whole, and a place among the submissions in work.
pub(super) async fn receive<'a>(
    ballot: &'a Ballot,
    headers: &HeaderMap,
    payload: web::Payload,
) -> Result<(Zeroizing<Vec<u8>>, SemaphorePermit<'a>)> {
    let mut payload = payload.into_inner();
    if let Err(code) = check_head(headers) {
        answer::drain(&mut payload).await;
        return Err(code.into());
    }
    // A place is taken once the body is there: else whoever sends slowly would keep all of them.
    let text = match tokio::time::timeout(Duration::from_secs(BODY_SECONDS), read_body(&mut payload)).await {
        Ok(text) => text?,
        Err(_) => return Err(Code::RequestTimeout.into()),
    };
    let place = ballot.enter().ok_or_else(|| Error::from(Code::Busy))?;
    Ok((text, place))
}

fn check_head(headers: &HeaderMap) -> std::result::Result<(), Code> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") || headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Code::UnsupportedMediaType);
    }
    if text(header::CONTENT_LENGTH).parse() != Ok(BODY_SIZE) {
        return Err(Code::WrongSize);
    }
    Ok(())
}

/// The body, wiped when it is done with; `wrong_size` unless it is whole.
async fn read_body(payload: &mut actix_web::dev::Payload) -> Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(BODY_SIZE));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Error::from(Code::WrongSize))?;
        if text.len() + chunk.len() > BODY_SIZE {
            return Err(Code::WrongSize.into());
        }
        text.extend_from_slice(&chunk);
    }
    if text.len() == BODY_SIZE { Ok(text) } else { Err(Code::WrongSize.into()) }
}
