//! Acts of two persons: what waits, and the confirmation that carries it out. A newcomer's usual mistake is to confirm
//! an id alone: the second person names the digest of exactly what is to happen.

use actix_web::{HttpResponse, get, post, web};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::lists::Answering;
use super::two_persons::ApprovalView;
use crate::cipher::Cipher;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Conn, Registry};
use crate::domain::ids::{ApprovalId, CycleId};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::exchange;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::workflow;
use crate::workflow::jobs::Bell;
use crate::workflow::lists::List;

/// The second person's word.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7"}))]
pub struct Confirmation {
    /// The digest shown in the approval.
    #[validate(length(min = 64, max = 64))]
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
}

/// List acts of two persons.
///
/// For secretaries and auditors, oldest first, done ones included.
#[utoipa::path(tag = "approvals", params(PageQuery),
    responses((status = 200, body = PageOf<ApprovalView>), ReadProblems))]
#[get("/approvals")]
pub async fn list_approvals(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All acts of two persons, for whoever may read them.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_approvals(actor)?;
    let find = |conn: &mut Conn, after, limit| {
        store::approvals::list(conn, after, limit)?.into_iter().map(ApprovalView::new).collect::<Result<Vec<_>>>()
    };
    Ok(List::new("list_approvals", "approvals", find, |view| view.id, |view| view))
}

/// Get an act of two persons.
///
/// For secretaries and auditors.
#[utoipa::path(tag = "approvals", responses((status = 200, body = ApprovalView), ReadProblems))]
#[get("/approvals/{approval_id}")]
pub async fn get_approval(
    actor: Actor,
    registry: web::Data<Registry>,
    approval_id: web::Path<ApprovalId>,
) -> Result<HttpResponse> {
    policy::may_read_approvals(&actor)?;
    let approval_id = approval_id.into_inner();
    let row = registry.0.read(move |conn| store::approvals::find(conn, approval_id)).await?;
    Ok(HttpResponse::Ok().json(ApprovalView::new(row.ok_or(Code::NotFound)?)?))
}

/// Confirm an act and carry it out.
///
/// For a secretary other than the one who asked (409 `second_person_required`), who has read the act with its parameters
/// and its reason. The digest must be the one shown, and
/// the thing must not have changed since (409 `approval_stale`). The act is done in the same transaction: its own
/// refusals (wrong phase, guard not met) are answered here, and then nothing has happened.
#[utoipa::path(tag = "approvals", params(IdempotencyKeyHeader), request_body = Confirmation,
    responses((status = 200, body = ApprovalView), CreateProblems))]
#[post("/approvals/{approval_id}/confirm")]
pub async fn confirm_approval(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    bell: web::Data<Bell>,
    approval_id: web::Path<ApprovalId>,
    key: IdempotencyKey,
    confirmation: Valid<Confirmation>,
) -> Result<HttpResponse> {
    policy::may_confirm_approvals(&actor)?;
    let now = clock.now();
    let approval_id = approval_id.into_inner();
    let Valid { body, digest } = confirmation;
    let deed = Deed { by: actor.id(), operation: "confirm_approval", key, digest };
    let cipher = cipher.into_inner();
    let response = act_once(&registry, deed, now, move |conn| {
        let approval = workflow::approvals::confirm(conn, &cipher, &actor, approval_id, &body.digest, now)?;
        Reply::ok(None, &ApprovalView::new(approval)?)
    })
    .await?;
    // A destruction that was confirmed is the worker's to do.
    bell.ring();
    // An order to the box is published once it is committed; an act on anything but a cycle leaves nothing to publish.
    let approval = registry.0.read(move |conn| store::approvals::find(conn, approval_id)).await?;
    if let Some(Ok(cycle_id)) = approval.map(|approval| approval.object_id.parse::<CycleId>()) {
        exchange::publish_documents(&registry, &config.publication_dir, cycle_id).await?;
        exchange::destroy_due_keys(&registry, &config.key_dir, cycle_id, now).await?;
    }
    Ok(response)
}
