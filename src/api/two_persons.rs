//! The first half of every act of two persons: it is asked for, nothing happens yet, and the answer shows the digest
//! that another person confirms at `POST /v1/approvals/{approval_id}/confirm`.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Deed, Reply, act_once};
use crate::db::Registry;
use crate::domain::ids::{AccountId, ApprovalId};
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::store::approvals::Approval;
use crate::workflow::approvals::{self, Request};

/// An act that waits for its second person, or had it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "act": "publish_methodology", "object_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "reason": null, "requested_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "requested_at": "2027-01-11T04:30:00Z", "expires_at": "2027-01-12T04:30:00Z", "confirmed_by": null, "confirmed_at": null}))]
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

impl From<Approval> for ApprovalView {
    fn from(row: Approval) -> Self {
        ApprovalView {
            id: row.id,
            act: row.act,
            object_id: row.object_id,
            digest: row.digest,
            reason: row.reason,
            requested_by: row.requested_by,
            requested_at: row.requested_at.and_utc(),
            expires_at: row.expires_at.and_utc(),
            confirmed_by: row.confirmed_by,
            confirmed_at: row.confirmed_at.map(|at| at.and_utc()),
        }
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
        Reply::accepted(format!("/v1/approvals/{}", approval.id), &ApprovalView::from(approval))
    })
    .await
}
