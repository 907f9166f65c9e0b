//! The first half of every act of two persons: it is asked for, nothing happens yet, and the answer shows the digest
//! that another person confirms at `POST /v1/approvals/{approval_id}/confirm`.

use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Deed, Reply, act_once};
use crate::db::Registry;
use crate::domain::ids::{AccountId, ApprovalId, AssignmentId};
use crate::domain::policy::Actor;
use crate::error::{Error, Result};
use crate::store::approvals::Approval;
use crate::workflow::approvals::{self, Request};
use crate::workflow::generations::BumpReason;
use crate::workflow::recusals::RecusalReason;

/// What an act does besides what its name says: the members that it has, and no others. The second person confirms these.
///
/// An act with a parameter more is not shown until it stands here, as nobody may confirm what is not seen.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"accepts_draft_texts": true}))]
pub struct ActParameters {
    /// Of `publish_methodology`: whether texts that are marked as drafts are published, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepts_draft_texts: Option<bool>,
    /// Of `bump_subject`: why the keys are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<BumpReason>,
    /// Of `bump_subject`: the assignment that is left, for a recusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment_id: Option<AssignmentId>,
    /// Of `bump_subject`: why that person leaves, for a recusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    recusal_reason: Option<RecusalReason>,
    /// Of `begin_supplementary_round`: the first day on which its credentials are issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    issue_open: Option<NaiveDate>,
    /// Of `extend_cycle`: the last day on which credentials are issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    issue_close: Option<NaiveDate>,
    /// Of `extend_cycle`: the first day on which reviews are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    submit_open: Option<NaiveDate>,
    /// Of `extend_cycle`: the last such day.
    #[serde(skip_serializing_if = "Option::is_none")]
    submit_close: Option<NaiveDate>,
    /// Of `extend_cycle`: the last day for the seal.
    #[serde(skip_serializing_if = "Option::is_none")]
    seal_by: Option<NaiveDate>,
    /// Of `extend_cycle`: the last day to prove that a review is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_close: Option<NaiveDate>,
    /// Of `run_retention`: the day on which the time of a record has to be over.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_on: Option<NaiveDate>,
}

/// An act that waits for its second person, or had it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "act": "publish_methodology", "object_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "parameters": {"accepts_draft_texts": true}, "reason": null, "requested_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "requested_at": "2027-01-11T04:30:00Z", "expires_at": "2027-01-12T04:30:00Z", "confirmed_by": null, "confirmed_at": null}))]
pub struct ApprovalView {
    /// Its id.
    pub id: ApprovalId,
    /// What is to be done: the operation's id.
    #[schema(max_length = 64)]
    pub act: String,
    /// The thing it is done to.
    #[schema(max_length = 64)]
    pub object_id: String,
    /// SHA-256, in hex, of exactly what is to happen; the second person sends it back.
    #[schema(min_length = 64, max_length = 64)]
    pub digest: String,
    /// What the act does besides; part of what the digest covers.
    pub parameters: ActParameters,
    /// Why, in the first person's words, or null.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// The first person.
    pub requested_by: AccountId,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it lapses: a day later.
    pub expires_at: DateTime<Utc>,
    /// The second person, or null while it waits.
    pub confirmed_by: Option<AccountId>,
    /// When it was done, or null.
    pub confirmed_at: Option<DateTime<Utc>>,
}

impl ApprovalView {
    /// The view of a row; parameters that no act has are our fault.
    pub fn new(row: Approval) -> Result<ApprovalView> {
        Ok(ApprovalView {
            id: row.id,
            act: row.act,
            object_id: row.object_id,
            digest: row.digest,
            parameters: serde_json::from_str(&row.parameters).map_err(Error::internal)?,
            reason: row.reason,
            requested_by: row.requested_by,
            requested_at: row.requested_at.and_utc(),
            expires_at: row.expires_at.and_utc(),
            confirmed_by: row.confirmed_by,
            confirmed_at: row.confirmed_at.map(|at| at.and_utc()),
        })
    }
}

/// Notes that an act is asked for and answers 202 with the approval that waits.
pub async fn ask(
    registry: &Registry,
    actor: Actor,
    deed: Deed,
    request: Request,
    now: DateTime<Utc>,
) -> Result<HttpResponse> {
    let deed = Deed { key: deed.key.required()?, ..deed };
    act_once(registry, deed, now, move |conn| {
        let approval = approvals::request(conn, &actor, &request, now)?;
        Reply::accepted(format!("/v1/approvals/{}", approval.id), &ApprovalView::new(approval)?)
    })
    .await
}
