//! From the draw to the ledgers, as the secretary runs it: keys, manifest, who has collected, ledgers. A newcomer's usual
//! mistake is to publish first: a document is committed, then published, so that the folder never shows what is undone.

use actix_web::{HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once, kept_answer,
};
use super::jobs::{JobView, Start, ask_for_work};
use super::lists::Answering;
use crate::booth::{self, Places};
use crate::cipher::Cipher;
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::encoding::{Bytes, Digest, sha256};
use crate::credential::manifest::digest_words;
use crate::db::{Conn, Registry};
use crate::domain::ids::{CycleId, EvaluationId};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::exchange;
use crate::problem::responses::{CreateProblems, ReadProblems, TimedProblems};
use crate::store;
use crate::store::issuance::PanelCount;
use crate::store::jobs::JobKind;
use crate::workflow::issuance;
use crate::workflow::jobs::Bell;
use crate::workflow::lists::List;
use crate::workflow::manifests;
use crate::workflow::manifests::Standing;

/// The digest of a frozen manifest, as it is printed in the order that opens the cycle.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"manifest_digest": "Wm5ec0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr3a7b", "digest_words": "5a6e 5e73 4426 9b7d 58bc 9774 9b73 f8a6 9d67 d704"}))]
pub struct ManifestView {
    /// SHA-256 of the manifest, base64url; whole as a QR code.
    #[schema(min_length = 43, max_length = 43)]
    manifest_digest: String,
    /// Its first 20 bytes as ten groups of four hex digits, for the eye.
    #[schema(min_length = 49, max_length = 49)]
    digest_words: String,
}

impl From<Digest> for ManifestView {
    fn from(digest: Digest) -> Self {
        ManifestView { manifest_digest: digest.to_string(), digest_words: digest_words(&digest) }
    }
}

/// How far a subject's panel has collected; no names and no times.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "issued_count": 12, "panel_size": 14}))]
pub struct IssuanceView {
    /// The subject's evaluation.
    evaluation_id: EvaluationId,
    /// Reviewers of the panel who hold their credential.
    #[schema(minimum = 0, maximum = 60)]
    issued_count: u32,
    /// Reviewers of the panel.
    #[schema(minimum = 0, maximum = 60)]
    panel_size: u32,
}

impl From<PanelCount> for IssuanceView {
    fn from(count: PanelCount) -> Self {
        let PanelCount { evaluation_id, panel_size, issued_count } = count;
        IssuanceView { evaluation_id, issued_count, panel_size }
    }
}

/// The ledgers of a cycle as published.
#[derive(Serialize, ToSchema)]
pub struct LedgersView {
    /// One for each issuer.
    #[schema(max_items = 8)]
    ledgers: Vec<LedgerView>,
}

/// A published ledger.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"issuer_id": "council", "digest": "Wm5ec0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr3a7b"}))]
pub struct LedgerView {
    /// Whose it is.
    #[schema(max_length = 40)]
    issuer_id: String,
    /// SHA-256 of its bytes, base64url.
    #[schema(min_length = 43, max_length = 43)]
    digest: String,
}

/// Make the issuers' keys of a drawn cycle.
///
/// For secretaries; a matter of minutes, so the answer tells where to watch. Keys that exist stay: after a bump those of
/// the subjects bumped are made, and no others. 409 `wrong_phase` unless the cycle is drawn or a generation is to be made.
#[utoipa::path(tag = "issuance", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 202, body = JobView), CreateProblems))]
#[post("/cycles/{cycle_id}/keys")]
pub async fn make_keys(
    actor: Actor,
    registry: web::Data<Registry>,
    bell: web::Data<Bell>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    policy::may_run_issuance(&actor)?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let deed = Deed { by: actor.id(), operation: "make_keys", key, digest: start.digest };
    ask_for_work(&registry, &bell, actor, deed, JobKind::MakeKeys, id.to_string(), now, move |conn| {
        let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
        manifests::check_keys_due(&cycle)
    })
    .await
}

/// Freeze the manifest.
///
/// For secretaries, once the keys are made, all reading packs are frozen (409 `guard_not_met`) and the box has published its own (409 `box_not_ready`,
/// also where its log key is not the one agreed with its operator or the one of earlier cycles).
/// From then on panels, keys, dates and rules of the round are public and settled. A repeat gives the same digest, and
/// takes in the box's note. After a bump or an extension it freezes the next generation, which names the digest of the
/// one before; its words are printed as an addendum. New keys that are not frozen before submission opens are dropped:
/// the subject keeps the old ones, and what was signed with them is good again.
#[utoipa::path(tag = "issuance", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 200, body = ManifestView), CreateProblems))]
#[post("/cycles/{cycle_id}/manifest")]
pub async fn freeze_manifest(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    policy::may_run_issuance(&actor)?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let deed = Deed { by: actor.id(), operation: "freeze_manifest", key: key.required()?, digest: start.digest };
    if let Some(answer) = kept_answer(&registry, &deed, now).await? {
        return Ok(answer);
    }
    let (frozen, built) = match registry.0.read(move |conn| manifests::load(conn, id, now)).await? {
        Standing::Frozen(digest) => (Some(digest), None),
        Standing::First(plan) => {
            let box_keys = exchange::box_keys(&config.publication_dir).await?;
            let agreed = config.box_key.map(Bytes);
            let shared = config.clone();
            let building = tokio::task::spawn_blocking(move || {
                manifests::build(&plan, &box_keys, agreed, booth::digests(Places::of(&shared))?)
            });
            (None, Some(building.await.map_err(Error::internal)??))
        }
        Standing::Next(plan) => {
            let building = tokio::task::spawn_blocking(move || manifests::build_next(&plan));
            (None, Some(building.await.map_err(Error::internal)??))
        }
    };
    let response = act_once(&registry, deed, now, move |conn| {
        let digest = match (frozen, &built) {
            (Some(digest), _) => digest,
            (None, Some(built)) => manifests::put(conn, &cipher, &actor, built, now)?,
            (None, None) => return Err(Error::internal("neither frozen nor built")),
        };
        Reply::ok(None, &ManifestView::from(digest))
    })
    .await?;
    exchange::publish_documents(&registry, &config.publication_dir, id).await?;
    exchange::take_in(&registry, &config.publication_dir, &config.key_dir, id, now).await?;
    Ok(response)
}

/// List how far panels have collected their credentials.
///
/// For secretaries and auditors, by evaluation. That phase is identified: who has not collected may be reminded. Of
/// reviews there is no such count.
#[utoipa::path(tag = "issuance", params(PageQuery),
    responses((status = 200, body = PageOf<IssuanceView>), ReadProblems))]
#[get("/cycles/{cycle_id}/issuance")]
pub async fn list_issuance(
    actor: Actor,
    cycle_id: web::Path<CycleId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, cycle_id.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// How far the panels of a cycle are, for whoever may know.
pub fn list(actor: &Actor, id: CycleId) -> Result<List> {
    policy::may_read_issuance(actor)?;
    let find = move |conn: &mut Conn, after, limit| {
        store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
        let evaluations = store::evaluations::list(conn, id, None, after, limit)?;
        let ids: Vec<EvaluationId> = evaluations.iter().map(|evaluation| evaluation.id).collect();
        store::issuance::panel_counts(conn, &ids)
    };
    Ok(List::new("list_issuance", format!("issuance {id}"), find, |row| row.evaluation_id, IssuanceView::from))
}

/// Sign and publish the ledgers.
///
/// For secretaries, from the day after the last day of issuance (425 `too_early`). Afterwards no credential is issued. A
/// subject with fewer credentials than `issued_min` gets no reviews: its peer part will be `insufficient`. A repeat gives
/// the same.
#[utoipa::path(tag = "issuance", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 200, body = LedgersView), TimedProblems))]
#[post("/cycles/{cycle_id}/ledgers")]
pub async fn publish_ledgers(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    policy::may_run_issuance(&actor)?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let deed = Deed { by: actor.id(), operation: "publish_ledgers", key: key.required()?, digest: start.digest };
    if let Some(answer) = kept_answer(&registry, &deed, now).await? {
        return Ok(answer);
    }
    let input = registry.0.read(move |conn| issuance::load_ledger_input(conn, id, now)).await?;
    let cipher = cipher.into_inner();
    let signing = tokio::task::spawn_blocking(move || {
        let ledgers = issuance::build_ledgers(&cipher, &input)?;
        Ok::<_, Error>((input, ledgers))
    });
    let (input, ledgers) = signing.await.map_err(Error::internal)??;
    let response = act_once(&registry, deed, now, move |conn| {
        issuance::put_ledgers(conn, &actor, &input, &ledgers, now)?;
        let views = ledgers.iter().map(|ledger| LedgerView {
            issuer_id: ledger.issuer_id.clone(),
            digest: sha256(&[&ledger.bytes]).to_string(),
        });
        Reply::ok(None, &LedgersView { ledgers: views.collect() })
    })
    .await?;
    exchange::publish_documents(&registry, &config.publication_dir, id).await?;
    Ok(response)
}
