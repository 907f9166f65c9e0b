//! `POST /v1/anon/complaints`: a receipt whose leaf the seal left out is a proof that anybody may see.
//!
//! What a newcomer would get wrong: whoever complains is no better known than whoever submits. The body has the size of a
//! review, the answers are those of a review, and what stays is the receipt: no time, no order, no second fact.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::documents::ComplaintProblems;
use super::intake::{ReceiptView, receive};
use super::tables::{self, RoundKey};
use super::{Ballot, answer, blocking};
use crate::credential::bundle::leaves_from_bytes;
use crate::credential::encoding::Digest;
use crate::credential::jcs;
use crate::credential::note::Checkpoint;
use crate::credential::receipt::Receipt;
use crate::credential::tree::root;
use crate::error::{Code, Error, Result};
use crate::publication::{Document, RoundFolder};

/// A receipt that is complained of, 8192 bytes in all; `pad` fills it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"receipt": {"v": 1, "cycle_ref": "q1Zk8m0sTt2VwYx3aB4cDg", "round": 1, "leaf": "A".repeat(43), "rsig": "A".repeat(86)}, "pad": "0000"}))]
pub struct Complaint {
    /// The receipt as the box gave it.
    pub receipt: ReceiptView,
    /// Zeros, as many as make the whole 8192 bytes.
    #[schema(max_length = 8192, pattern = "^0*$")]
    pub pad: String,
}

/// What became of a complaint, 1024 bytes in all.
#[derive(ToSchema)]
#[schema(example = json!({"outcome": "proof_recorded", "pad": "00"}))]
pub struct ComplaintAnswer {
    /// `proof_recorded`: the leaf is not sealed, and the receipt is published. `leaf_present`: it is sealed.
    #[schema(max_length = 14, pattern = "^(proof_recorded|leaf_present)$")]
    pub outcome: String,
    /// Zeros, as many as make the whole 1024 bytes.
    #[schema(max_length = 1024, pattern = "^0*$")]
    pub pad: String,
}

/// The wire form of a complaint.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    receipt: Receipt,
    pad: String,
}

#[derive(Serialize)]
struct Outcome {
    outcome: &'static str,
}

/// Complain of a review that was not sealed.
///
/// For whoever holds a receipt, from the seal to `challenge_close`, and without logging in; sizes and refusals are those
/// of a review. A receipt of the round whose leaf is not in the sealed tree is a proof against the box: it is recorded
/// and published among the round's complaints, where anybody can check it (202). Where the leaf is there, nothing is
/// recorded (200). A receipt that the box never gave is 422 `invalid_receipt`; before the seal `too_early`, after the
/// challenge window, or where the round was cancelled, `window_closed`.
#[utoipa::path(tag = "ballot", security(()), request_body(content = Complaint, content_type = "application/json"),
    responses((status = 200, body = ComplaintAnswer, description = "The leaf is in the sealed tree."),
        (status = 202, body = ComplaintAnswer, description = "The proof is recorded and published."), ComplaintProblems))]
#[post("/complaints")]
pub async fn submit_complaint(ballot: web::Data<Ballot>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    match accept(&ballot, request.headers(), payload).await {
        Ok(true) => answer::document(StatusCode::ACCEPTED, &Outcome { outcome: "proof_recorded" }),
        Ok(false) => answer::document(StatusCode::OK, &Outcome { outcome: "leaf_present" }),
        Err(error) => answer::problem(error.code()),
    }
}

/// Whether the receipt is a proof, which is then recorded; the cheapest check first.
async fn accept(ballot: &Ballot, headers: &HeaderMap, payload: web::Payload) -> Result<bool> {
    let (text, _in_work) = receive(ballot, headers, payload).await?;
    ballot.check_fitness()?;
    let Sent { receipt, pad } = jcs::read(&text)?;
    if receipt.v != 1 || pad.bytes().any(|byte| byte != b'0') {
        return Err(Code::Malformed.into());
    }
    let unknown = || Error::from(Code::UnknownCycle);
    let key = RoundKey::new(receipt.cycle_ref, receipt.round).ok_or_else(unknown)?;
    let round = ballot.find_round(&receipt.cycle_ref, receipt.round).await?.ok_or_else(unknown)?;
    let manifest = round.rules().current().manifest();
    let closed = ballot.read(move |conn| tables::find_closed(conn, key)).await?;
    let closed = closed.ok_or_else(|| Error::from(Code::TooEarly))?;
    if !closed.is_sealed() || round.is_past_complaints(manifest.date_at(ballot.now())) {
        return Err(Code::WindowClosed.into());
    }
    if !receipt.verify(&manifest.receipt_key) {
        return Err(Code::InvalidReceipt.into());
    }
    let folder = ballot.folder().round(&receipt.cycle_ref, receipt.round);
    let sealed = Checkpoint::verify(&closed.note, round.rules().current().log_key())?;
    let (looking, leaf) = (folder.clone(), receipt.leaf);
    if blocking(move || holds(&looking, &sealed, &leaf)).await? {
        return Ok(false);
    }
    ballot.write(move |conn| tables::put_complaint(conn, key, &receipt)).await?;
    ballot.publish_complaints(key, folder).await?;
    Ok(true)
}

/// Whether the sealed tree has this leaf; `internal` where the leaves in the folder are not those that were sealed.
fn holds(folder: &RoundFolder, sealed: &Checkpoint, leaf: &Digest) -> Result<bool> {
    let leaves = leaves_from_bytes(&folder.read(&Document::Leaves)?.unwrap_or_default())?;
    if sealed.size != leaves.len() as u64 || sealed.root != root(&leaves) {
        return Err(Error::internal("the leaves in the folder are not those that were sealed"));
    }
    Ok(leaves.binary_search(leaf).is_ok())
}

impl Ballot {
    /// Publishes the proofs against a sealed round: a receipt a line, ascending by leaf; an empty list too.
    ///
    /// It is written anew although nothing may have changed, as at every turn of the upkeep: so its time, and that of its
    /// folder, tells when that was and not when somebody complained.
    pub(super) async fn publish_complaints(&self, key: RoundKey, folder: RoundFolder) -> Result<()> {
        // One after the other: else an older list could be written over a newer one.
        let _alone = self.listing_complaints.lock().await;
        let receipts = self.read(move |conn| tables::list_complaints(conn, key)).await?;
        let mut text = Vec::new();
        for receipt in &receipts {
            text.extend(jcs::canonical(receipt)?);
            text.push(b'\n');
        }
        blocking(move || folder.write(&Document::Complaints, &text)).await
    }
}
