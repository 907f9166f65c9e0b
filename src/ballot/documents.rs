//! The public documents of a round, as the box serves them, and the problems of the box for the API document.
//!
//! What a newcomer would get wrong: the box serves what it has checked and nothing else. A manifest that it did not take
//! in does not exist here, so a reviewer who compares both listeners sees at once that something is wrong.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref as SchemaRef, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::{Ballot, answer, blocking};
use crate::booth::Page;
use crate::credential::encoding::Ref;
use crate::credential::packs::PackList;
use crate::error::{Code, Error, Result};
use crate::problem;
use crate::publication::{PublicDocument, Published};

/// A problem of the ballot box, 1024 bytes in all; translate it by `code`.
#[derive(ToSchema)]
#[schema(example = json!({"type": "/problems/seq_conflict", "title": "The sequence does not fit", "status": 409, "code": "seq_conflict", "pad": "00"}))]
pub struct BallotProblem {
    /// The address of the problem's description: `/problems/<code>`.
    #[schema(rename = "type", max_length = 80, pattern = "^/problems/[a-z_]+$")]
    pub problem_type: String,
    /// The problem in a few words, in English.
    #[schema(max_length = 200)]
    pub title: String,
    /// The HTTP status, once more.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// The reason for programs, in snake_case. More codes may come.
    #[schema(max_length = 64, pattern = "^[a-z_]+$")]
    pub code: String,
    /// Zeros, as many as make the whole 1024 bytes.
    #[schema(max_length = 1024, pattern = "^0*$")]
    pub pad: String,
}

/// The problems of a submission.
pub struct SubmissionProblems;

/// The problems of a complaint.
pub struct ComplaintProblems;

/// The problems of reading a public document from the box.
pub struct DocumentProblems;

/// The problems of asking how the box is.
pub struct HealthProblems;

impl IntoResponses for SubmissionProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        declare(&[
            Code::Malformed,
            Code::WrongSize,
            Code::IdentifiedRequestRefused,
            Code::GateClosed,
            Code::CredentialInvalid,
            Code::SignatureInvalid,
            Code::UnknownCycle,
            Code::RequestTimeout,
            Code::SeqConflict,
            Code::WindowClosed,
            Code::ManifestMismatch,
            Code::UnsupportedMediaType,
            Code::UnknownSubject,
            Code::InvalidReview,
            Code::TooEarly,
            Code::Internal,
            Code::BoxUnfit,
            Code::Busy,
        ])
    }
}

impl IntoResponses for ComplaintProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        declare(&[
            Code::Malformed,
            Code::WrongSize,
            Code::IdentifiedRequestRefused,
            Code::UnknownCycle,
            Code::RequestTimeout,
            Code::WindowClosed,
            Code::UnsupportedMediaType,
            Code::InvalidReceipt,
            Code::TooEarly,
            Code::Internal,
            Code::BoxUnfit,
            Code::Busy,
        ])
    }
}

impl IntoResponses for DocumentProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        declare(&[Code::UnknownCycle, Code::NotFound, Code::Internal, Code::Busy])
    }
}

impl IntoResponses for HealthProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        declare(&[Code::BoxUnfit])
    }
}

/// One response for each status, which names the codes that it can have.
fn declare(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in codes {
        by_status.entry(problem::status(*code)).or_default().push(code.as_str());
    }
    let response = |codes: Vec<&str>| {
        let content = ContentBuilder::new().schema(Some(SchemaRef::from_schema_name("BallotProblem"))).build();
        let description = format!("`{}`.", codes.join("`, `"));
        RefOr::T(ResponseBuilder::new().description(description).content(problem::CONTENT_TYPE, content).build())
    };
    by_status.into_iter().map(|(status, codes)| (status.to_string(), response(codes))).collect()
}

/// The state of the box in one word.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct BoxHealthView {
    /// Always `ok`; else it is a problem.
    #[schema(max_length = 2)]
    status: &'static str,
}

/// Tell whether the box is fit to take reviews.
///
/// 503 `box_unfit` where its tables could not be rewritten for minutes, or its database engine was found to keep an order
/// or a time; nothing is taken then. Whether anybody came has no part in it. `ejf box doctor` tells its operator more.
#[utoipa::path(tag = "ballot", security(()), responses((status = 200, body = BoxHealthView), HealthProblems))]
#[get("/livez")]
pub async fn get_live_of_box(ballot: web::Data<Ballot>) -> HttpResponse {
    match ballot.check_fitness() {
        Ok(()) => answer::builder(StatusCode::OK).json(BoxHealthView { status: "ok" }),
        Err(error) => answer::problem(error.code()),
    }
}

/// Get the page with which a reviewer sends reviews.
///
/// For everybody: one HTML file, the same bytes for everybody, which loads nothing else, asks nobody but this listener and
/// works from a saved file too. It reads the reviewer's card, sends reviews without any log-in and checks the sealed list.
/// A manifest names it by its hash in `client_hashes`. Whoever serves it could serve another one: `ejf peer` does the same.
#[utoipa::path(tag = "ballot", security(()), responses((status = 200, body = String, content_type = "text/html")))]
#[get("/booth")]
pub async fn get_booth_of_box(page: web::Data<Page>) -> HttpResponse {
    answer::builder(StatusCode::OK)
        .insert_header((header::CONTENT_SECURITY_POLICY, page.policy()))
        .content_type("text/html; charset=utf-8")
        .body(page.html().to_owned())
}

type RoundPath = web::Path<(String, String)>;

/// Get the manifest of a round from the box.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647)),
    responses((status = 200, body = String, content_type = "application/json"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/manifest")]
pub async fn get_manifest_from_box(ballot: web::Data<Ballot>, request: HttpRequest, path: RoundPath) -> HttpResponse {
    serve(&ballot, &request, &path, PublicDocument::Manifest).await
}

/// Get the box's note on the manifest from the box.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647)),
    responses((status = 200, body = String, content_type = "text/plain"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/manifest.note")]
pub async fn get_manifest_note_from_box(
    ballot: web::Data<Ballot>,
    request: HttpRequest,
    path: RoundPath,
) -> HttpResponse {
    serve(&ballot, &request, &path, PublicDocument::ManifestNote).await
}

/// Get an issuer's ledger from the box.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647), ("issuer_id" = String, Path, max_length = 40)),
    responses((status = 200, body = String, content_type = "application/json"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/ledger/{issuer_id}")]
pub async fn get_ledger_from_box(
    ballot: web::Data<Ballot>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> HttpResponse {
    let (cycle_ref, round, issuer_id) = path.into_inner();
    serve(&ballot, &request, &(cycle_ref, round), PublicDocument::Ledger(issuer_id)).await
}

/// Get the signed checkpoint of a sealed round from the box.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647)),
    responses((status = 200, body = String, content_type = "text/plain"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/checkpoint")]
pub async fn get_checkpoint_from_box(ballot: web::Data<Ballot>, request: HttpRequest, path: RoundPath) -> HttpResponse {
    serve(&ballot, &request, &path, PublicDocument::Checkpoint).await
}

/// Get all leaves of a sealed round from the box.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/leaves")]
pub async fn get_leaves_from_box(ballot: web::Data<Ballot>, request: HttpRequest, path: RoundPath) -> HttpResponse {
    serve(&ballot, &request, &path, PublicDocument::Leaves).await
}

/// Get the digests of a round's reading packs from the box.
///
/// Where they are signed by the key that the manifest names; another list does not exist here.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647)),
    responses((status = 200, body = String, content_type = "application/json"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/packs")]
pub async fn get_packs_from_box(ballot: web::Data<Ballot>, request: HttpRequest, path: RoundPath) -> HttpResponse {
    serve(&ballot, &request, &path, PublicDocument::Packs).await
}

/// Get the complaints of a sealed round from the box.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647)),
    responses((status = 200, body = String, content_type = "application/x-ndjson"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/complaints")]
pub async fn get_complaints_from_box(ballot: web::Data<Ballot>, request: HttpRequest, path: RoundPath) -> HttpResponse {
    serve(&ballot, &request, &path, PublicDocument::Complaints).await
}

/// Get a generation of a round's manifest from the box.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647), ("generation" = u32, Path, maximum = 2_147_483_647)),
    responses((status = 200, body = String, content_type = "application/json"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/manifests/{generation}")]
pub async fn get_manifest_of_generation_from_box(
    ballot: web::Data<Ballot>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> HttpResponse {
    let (cycle_ref, round, generation) = path.into_inner();
    match PublicDocument::manifest_of(&generation) {
        Ok(document) => serve(&ballot, &request, &(cycle_ref, round), document).await,
        Err(error) => answer::problem(error.code()),
    }
}

/// Get an issuer's ledger of a generation from the box.
#[utoipa::path(tag = "ballot", security(()), params(("cycle_ref" = String, Path, max_length = 22), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647), ("issuer_id" = String, Path, max_length = 40), ("generation" = u32, Path, maximum = 2_147_483_647)),
    responses((status = 200, body = String, content_type = "application/json"), DocumentProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/ledger/{issuer_id}/{generation}")]
pub async fn get_ledger_of_generation_from_box(
    ballot: web::Data<Ballot>,
    request: HttpRequest,
    path: web::Path<(String, String, String, String)>,
) -> HttpResponse {
    let (cycle_ref, round, issuer_id, generation) = path.into_inner();
    match PublicDocument::ledger_of(issuer_id, &generation) {
        Ok(document) => serve(&ballot, &request, &(cycle_ref, round), document).await,
        Err(error) => answer::problem(error.code()),
    }
}

async fn serve(
    ballot: &Ballot,
    request: &HttpRequest,
    (cycle_ref, round): &(String, String),
    document: PublicDocument,
) -> HttpResponse {
    match find(ballot, cycle_ref, round, &document).await {
        Ok(published) => respond(request, &document, published),
        Err(error) => answer::problem(error.code()),
    }
}

async fn find(ballot: &Ballot, cycle_ref: &str, round: &str, document: &PublicDocument) -> Result<Published> {
    let unknown = || Error::from(Code::UnknownCycle);
    let cycle_ref: Ref = cycle_ref.parse().map_err(|_| unknown())?;
    let round: u32 = round.parse().map_err(|_| unknown())?;
    let known = ballot.find_round(&cycle_ref, round).await?.ok_or_else(unknown)?;
    let has_ended = known.has_ended();
    let is_of_the_end = document.is_of_the_end();
    if is_of_the_end && !has_ended {
        // Whatever lies there is not the box's.
        return Err(Code::NotFound.into());
    }
    let folder = ballot.folder().round(&cycle_ref, round);
    let looking = document.clone();
    let found = blocking(move || folder.find_public(&looking)).await?.ok_or_else(|| Error::from(Code::NotFound))?;
    let is_signed = |bytes: &[u8]| PackList::parse(bytes).and_then(|list| list.verify(known.rules().current())).is_ok();
    if *document == PublicDocument::Packs && !is_signed(&found.bytes) {
        return Err(Code::NotFound.into());
    }
    Ok(Published { is_final: has_ended && document.is_fixed(), ..found })
}

fn respond(request: &HttpRequest, document: &PublicDocument, published: Published) -> HttpResponse {
    let etag = format!("\"{}\"", published.digest);
    let is_known =
        request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = answer::builder(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response.insert_header((header::CACHE_CONTROL, published.cache_control())).insert_header((header::ETAG, etag));
    if is_known {
        return response.finish();
    }
    response.content_type(document.content_type()).body(published.bytes)
}
