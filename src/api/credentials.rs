//! Collecting credentials: blind signatures for all of a judge's assignments at once. A newcomer's usual mistake is to keep
//! the answer under an Idempotency-Key: a repeat is signed again to the same bytes, and what was sent is stored nowhere.

use actix_web::{HttpResponse, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::Valid;
use crate::cipher::round_key;
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::encoding::{Digest, from_base64url, to_base64url};
use crate::db::Registry;
use crate::domain::ids::AssignmentId;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::problem::responses::TimedProblems;
use crate::store;
use crate::workflow::credentials;
use crate::workflow::credentials::{Ask, SigningFault};

/// Messages of one request: the load of a year, nine assignments, with eight issuers.
const REQUESTS_MAX: usize = 72;

/// Everything that a judge wants signed in one cycle.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"manifest_digest": "Wm5ec0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr3a7b", "requests": [{"assignment_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "issuer_id": "council", "key_id": "b0JtWm5ec0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr", "blinded_msg": "hT7c"}]}))]
pub struct CredentialRequest {
    /// The digest of the manifest that the client has pinned, base64url.
    #[schema(value_type = String, min_length = 43, max_length = 43, example = "Wm5ec0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr3a7b")]
    manifest_digest: String,
    /// One for each assignment, issuer and key.
    #[validate(nested)]
    #[schema(min_items = 1, max_items = 72)]
    requests: Vec<BlindRequest>,
}

/// One blinded message.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"assignment_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "issuer_id": "council", "key_id": "b0JtWm5ec0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr", "blinded_msg": "hT7c"}))]
pub struct BlindRequest {
    /// The caller's assignment.
    assignment_id: AssignmentId,
    /// The issuer that shall sign.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40)]
    issuer_id: String,
    /// The issuer's key for the subject, from the manifest.
    #[schema(min_length = 43, max_length = 43)]
    key_id: String,
    /// What is to be signed: 384 bytes, base64url.
    #[validate(length(min = 1, max = 1024))]
    #[schema(min_length = 1, max_length = 1024)]
    blinded_msg: String,
}

/// The signatures, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct CredentialResponse {
    /// One for each message.
    #[schema(max_items = 72)]
    results: Vec<BlindSignature>,
}

/// One blind signature.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"assignment_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "issuer_id": "council", "blind_sig": "A".repeat(512)}))]
pub struct BlindSignature {
    /// The assignment.
    assignment_id: AssignmentId,
    /// The issuer.
    #[schema(max_length = 40)]
    issuer_id: String,
    /// The signature of the blinded message: 384 bytes, base64url.
    #[schema(min_length = 512, max_length = 512)]
    blind_sig: String,
}

/// Collect one's credentials.
///
/// For the assigned judge, within the window of issuance. Checks in this order: 403 `not_assigned` or `recused`; 412
/// `manifest_mismatch`; 425 `too_early` or 410 `window_closed`; 422 `incomplete_request` unless all of the caller's
/// assignments not yet collected are covered, for every issuer and key; 422 `bad_blinded_msg`; 409
/// `credential_already_issued` where another message was signed before. The same message gets the same signature again.
/// Nothing is signed unless everything is. No time of day is kept.
#[utoipa::path(tag = "credentials", request_body = CredentialRequest,
    responses((status = 200, body = CredentialResponse), TimedProblems))]
#[post("/me/credentials")]
pub async fn collect_credentials(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    request: Valid<CredentialRequest>,
) -> Result<HttpResponse> {
    let judge = actor.judge()?;
    let now = clock.now();
    if !(1..=REQUESTS_MAX).contains(&request.body.requests.len()) {
        return Err(Error::invalid("/requests", Rule::Length { min: 1, max: REQUESTS_MAX as u64 }));
    }
    let manifest_digest = digest_at(&request.body.manifest_digest, "/manifest_digest")?;
    let asks = request.body.requests.into_iter().enumerate().map(|(at, request)| ask(at, request));
    let asks = asks.collect::<Result<Vec<Ask>>>()?;

    let judged = asks.clone();
    let admitted = registry.0.read(move |conn| credentials::admit(conn, judge, &manifest_digest, &judged, now)).await?;
    let (cycle_id, round) = (admitted.cycle().id, admitted.cycle().round);
    let file = round_key::path(&config.key_dir, &cycle_id.to_string(), round);
    let signing = tokio::task::spawn_blocking(move || {
        let key = round_key::load(&file).map_err(SigningFault::Other)?;
        let key = key.ok_or_else(|| SigningFault::Other(Error::internal("the round has no key file")))?;
        credentials::sign(&admitted, &key, &asks).map(|signatures| (signatures, asks))
    });
    let (signatures, asks) = match signing.await.map_err(Error::internal)? {
        Ok(signed) => signed,
        Err(SigningFault::Other(error)) => return Err(error),
        Err(SigningFault::Key(key_id)) => return Err(disable(&registry, key_id, now).await),
    };

    let kept = asks.clone();
    registry.0.write(move |conn| credentials::keep(conn, &actor, judge, &manifest_digest, &kept, now)).await?;
    let results = asks.into_iter().zip(signatures).map(|(ask, signature)| BlindSignature {
        assignment_id: ask.assignment_id,
        issuer_id: ask.issuer_id,
        blind_sig: to_base64url(&signature),
    });
    Ok(HttpResponse::Ok().json(CredentialResponse { results: results.collect() }))
}

/// A message that is no base64url is bad like one that is no number below the modulus, and told at the same place.
fn ask(at: usize, request: BlindRequest) -> Result<Ask> {
    Ok(Ask {
        assignment_id: request.assignment_id,
        key_id: digest_at(&request.key_id, &format!("/requests/{at}/key_id"))?,
        issuer_id: request.issuer_id,
        blinded_msg: from_base64url(&request.blinded_msg).unwrap_or_default(),
    })
}

fn digest_at(text: &str, pointer: &str) -> Result<Digest> {
    let expected = "32 bytes in base64url without padding";
    let fault = || Error::faults(Code::Invalid, vec![Fault::at(pointer, Rule::Format { expected })]);
    text.parse().map_err(|_| fault())
}

/// Takes a key that computed a wrong signature out of use: one faulty signature would give away a factor.
async fn disable(registry: &Registry, key_id: Vec<u8>, now: DateTime<Utc>) -> Error {
    tracing::error!(key_id = to_base64url(&key_id), "an issuer key failed its fault check and is disabled");
    let disabled = registry
        .0
        .write(move |conn| {
            store::issuance::disable_key(conn, &key_id)?;
            let entry = store::audit::NewEntry::new(None, "disable_issuer_key", "issuer_key", to_base64url(&key_id));
            store::audit::record(conn, entry, now)
        })
        .await;
    match disabled {
        Ok(_) => Error::internal("an issuer key failed its fault check"),
        Err(error) => error,
    }
}
