//! The public documents of a round: what reviewers check before they trust a round, and afterwards that they were counted.
//!
//! What a newcomer would get wrong: the ballot box serves the same paths from the same folder, and clients compare the
//! two byte for byte. So the files go out as they lie there, and nothing is made here;
//! but of a checkpoint that was taken in the registry serves its own copy.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};

use super::extract::NotModified;
use crate::config::Config;
use crate::credential::encoding::{Ref, sha256};
use crate::db::Registry;
use crate::error::{Code, Error, Result};
use crate::exchange;
use crate::problem::responses::PublicReadProblems;
use crate::publication::{Folder, PublicDocument, Published};

type RoundPath = web::Path<(String, String)>;

/// Get the manifest of a round.
///
/// For everybody, without logging in, at both listeners: everything that is settled before the first credential is issued, in its newest generation. `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle.")),
    responses((status = 200, body = String, content_type = "application/json", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/manifest")]
pub async fn get_manifest(config: web::Data<Config>, request: HttpRequest, path: RoundPath) -> Result<HttpResponse> {
    serve(&config, &request, path.into_inner(), PublicDocument::Manifest).await
}

/// Get the ballot box's note on the manifest.
///
/// For everybody, without logging in, at both listeners: the box's signature of the manifest's digest and generation. `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle.")),
    responses((status = 200, body = String, content_type = "text/plain", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/manifest.note")]
pub async fn get_manifest_note(
    config: web::Data<Config>,
    request: HttpRequest,
    path: RoundPath,
) -> Result<HttpResponse> {
    serve(&config, &request, path.into_inner(), PublicDocument::ManifestNote).await
}

/// Get the signed checkpoint of a sealed round.
///
/// For everybody, without logging in, at both listeners: how many leaves the tree has, and its root. 404 before the seal. `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle.")),
    responses((status = 200, body = String, content_type = "text/plain", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/checkpoint")]
pub async fn get_checkpoint(
    config: web::Data<Config>,
    registry: web::Data<Registry>,
    request: HttpRequest,
    path: RoundPath,
) -> Result<HttpResponse> {
    let (cycle_ref, round) = round_of(path.into_inner())?;
    // What was taken in is what results and destroyed keys rest on: a file that was exchanged since differs from it, so
    // from what the box serves, and every client sees that.
    match exchange::checkpoint_taken_in(&registry, cycle_ref, round).await? {
        Some(bytes) => Ok(answer(
            &request,
            &PublicDocument::Checkpoint,
            Published { digest: sha256(&[&bytes]), bytes, is_final: true },
        )),
        None => serve_round(&config, &request, (cycle_ref, round), PublicDocument::Checkpoint).await,
    }
}

/// Get all leaves of a sealed round.
///
/// For everybody, without logging in, at both listeners: 32 bytes each, ascending; a receipt's leaf must be among them. 404 before the seal. `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle.")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/leaves")]
pub async fn get_leaves(config: web::Data<Config>, request: HttpRequest, path: RoundPath) -> Result<HttpResponse> {
    serve(&config, &request, path.into_inner(), PublicDocument::Leaves).await
}

/// Get the digests of a round's reading packs.
///
/// For everybody, without logging in, at both listeners: one for each subject, by which a reviewer checks that all of the panel
/// read the same acts; signed by the first issuer's `doc_key`. 404 where the methodology gives reviewers no acts to read.
/// `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle.")),
    responses((status = 200, body = String, content_type = "application/json", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/packs")]
pub async fn get_packs(config: web::Data<Config>, request: HttpRequest, path: RoundPath) -> Result<HttpResponse> {
    serve(&config, &request, path.into_inner(), PublicDocument::Packs).await
}

/// Get an issuer's ledger of a round.
///
/// For everybody, without logging in, at both listeners: how many credentials the issuer gave out for each subject, entry
/// by entry; a reviewer's own must be among them. 404 before issuance has closed. `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle."), ("issuer_id" = String, Path, max_length = 40, description = "The issuer, as the manifest names it.")),
    responses((status = 200, body = String, content_type = "application/json", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/ledger/{issuer_id}")]
pub async fn get_ledger(
    config: web::Data<Config>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse> {
    let (cycle_ref, round, issuer_id) = path.into_inner();
    serve(&config, &request, (cycle_ref, round), PublicDocument::Ledger(issuer_id)).await
}

/// Get the complaints of a sealed round.
///
/// For everybody, without logging in, at both listeners: the receipts whose leaves the box sealed without, one a line,
/// ascending by leaf. Each is a proof: the manifest's receipt key signed it, and the leaf is not among the leaves. 404
/// before the seal; empty where nobody complained. `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/complaints")]
pub async fn get_complaints(config: web::Data<Config>, request: HttpRequest, path: RoundPath) -> Result<HttpResponse> {
    serve(&config, &request, path.into_inner(), PublicDocument::Complaints).await
}

/// Get a generation of a round's manifest.
///
/// For everybody, without logging in, at both listeners: every generation stays, so that the chain of digests can be
/// followed from the first one. `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle."), ("generation" = u32, Path, maximum = 2_147_483_647, description = "The generation, from 0.")),
    responses((status = 200, body = String, content_type = "application/json", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/manifests/{generation}")]
pub async fn get_manifest_of_generation(
    config: web::Data<Config>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse> {
    let (cycle_ref, round, generation) = path.into_inner();
    serve(&config, &request, (cycle_ref, round), PublicDocument::manifest_of(&generation)?).await
}

/// Get an issuer's ledger of a generation.
///
/// For everybody, without logging in, at both listeners: where issuance was closed under several generations, each
/// ledger stays. `ETag` is the digest of its bytes.
#[utoipa::path(tag = "public documents", security(()),
    params(("cycle_ref" = String, Path, max_length = 22, description = "The box's name of the cycle."), ("round" = u32, Path, minimum = 1, maximum = 2_147_483_647, description = "The round within the cycle."), ("issuer_id" = String, Path, max_length = 40, description = "The issuer, as the manifest names it."), ("generation" = u32, Path, maximum = 2_147_483_647, description = "The generation, from 0.")),
    responses((status = 200, body = String, content_type = "application/json", headers(("ETag" = String, description = "The digest."))), NotModified, PublicReadProblems))]
#[get("/v1/public/cycles/{cycle_ref}/rounds/{round}/ledger/{issuer_id}/{generation}")]
pub async fn get_ledger_of_generation(
    config: web::Data<Config>,
    request: HttpRequest,
    path: web::Path<(String, String, String, String)>,
) -> Result<HttpResponse> {
    let (cycle_ref, round, issuer_id, generation) = path.into_inner();
    serve(&config, &request, (cycle_ref, round), PublicDocument::ledger_of(issuer_id, &generation)?).await
}

async fn serve(
    config: &Config,
    request: &HttpRequest,
    round: (String, String),
    document: PublicDocument,
) -> Result<HttpResponse> {
    serve_round(config, request, round_of(round)?, document).await
}

fn round_of((cycle_ref, round): (String, String)) -> Result<(Ref, u32)> {
    let cycle_ref: Ref = cycle_ref.parse().map_err(|_| Error::from(Code::UnknownCycle))?;
    Ok((cycle_ref, round.parse().map_err(|_| Error::from(Code::UnknownCycle))?))
}

async fn serve_round(
    config: &Config,
    request: &HttpRequest,
    (cycle_ref, round): (Ref, u32),
    document: PublicDocument,
) -> Result<HttpResponse> {
    let folder = Folder::new(&config.publication_dir).round(&cycle_ref, round);
    let wanted = document.clone();
    let found = tokio::task::spawn_blocking(move || folder.find_public(&wanted)).await.map_err(Error::internal)??;
    Ok(answer(request, &document, found.ok_or(Code::NotFound)?))
}

fn answer(request: &HttpRequest, document: &PublicDocument, published: Published) -> HttpResponse {
    let etag = format!("\"{}\"", published.digest);
    let known = request.headers().get(header::IF_NONE_MATCH);
    let mut response = if known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, etag.as_str()))
        .insert_header((header::CACHE_CONTROL, published.cache_control()))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        // A saved page on another host compares these bytes with the box's.
        .insert_header(("Cross-Origin-Resource-Policy", "cross-origin"));
    if known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return response.finish();
    }
    response.content_type(document.content_type()).body(published.bytes)
}
