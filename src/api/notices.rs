//! Notices: the own ones, and the outbox that the staff reads. A newcomer's usual mistake is to note that somebody read one:
//! nothing is written here when a notice is read, as near the sending of a review it would be a clock.

use actix_web::http::header::CONTENT_LANGUAGE;
use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::jobs::Start;
use super::lists::Answering;
use super::printed::paper;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::ids::{AccountId, CycleId, JudgeId, NoticeId};
use crate::domain::notices::{Channel, DeliveryState, MailFault, NoticeKind, NoticeLanguage};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::notices;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::notices::{Delivery, Notice};
use crate::workflow;
use crate::workflow::lists::List;

/// One way by which a notice reaches its person.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"channel": "email", "state": "pending", "attempt_count": 1, "next_attempt_at": "2027-01-11T04:31:00Z", "error": "unreachable", "delivered_at": null, "delivered_by": null}))]
pub struct DeliveryView {
    /// The way.
    channel: Channel,
    /// How it stands: `delivered` means shown, taken by the mail server, or handed over.
    state: DeliveryState,
    /// How often a mail was tried.
    #[schema(minimum = 0)]
    attempt_count: i32,
    /// When it is tried next, or null.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed, or null.
    error: Option<MailFault>,
    /// When it was done, or null.
    delivered_at: Option<DateTime<Utc>>,
    /// Who of the staff handed it over, or null.
    delivered_by: Option<AccountId>,
}

impl From<Delivery> for DeliveryView {
    fn from(row: Delivery) -> Self {
        DeliveryView {
            channel: row.channel,
            state: row.state,
            attempt_count: row.attempt_count,
            next_attempt_at: row.next_attempt_at.map(|at| at.and_utc()),
            error: row.error,
            delivered_at: row.delivered_at.map(|at| at.and_utc()),
            delivered_by: row.delivered_by,
        }
    }
}

/// A notice to the caller.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "pool_shown", "language": "kk", "cycle_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "title": "Ықтимал бағалаушылар тобы көрсетілді", "body": "Топпен танысыңыз.", "created_at": "2027-01-11T04:30:00Z"}))]
pub struct NoticeView {
    /// Its id.
    id: NoticeId,
    /// What it is about.
    kind: NoticeKind,
    /// Its language.
    language: NoticeLanguage,
    /// The cycle that it is about, or null.
    cycle_id: Option<CycleId>,
    /// Its title.
    #[schema(max_length = 1000)]
    title: String,
    /// Its text, a paragraph a line.
    #[schema(max_length = 20_000)]
    body: String,
    /// When it was given.
    created_at: DateTime<Utc>,
}

impl From<Notice> for NoticeView {
    fn from(row: Notice) -> Self {
        NoticeView {
            id: row.id,
            kind: row.kind,
            language: row.language,
            cycle_id: row.cycle_id,
            title: row.title,
            body: row.body,
            created_at: row.created_at.and_utc(),
        }
    }
}

/// A notice in the outbox.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "submission_reminder", "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "language": "kk", "cycle_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "created_at": "2027-01-11T04:30:00Z", "deliveries": [{"channel": "by_hand", "state": "pending", "attempt_count": 0, "next_attempt_at": null, "error": null, "delivered_at": null, "delivered_by": null}]}))]
pub struct OutboxEntryView {
    /// Its id.
    id: NoticeId,
    /// What it is about.
    kind: NoticeKind,
    /// To whom.
    account_id: AccountId,
    /// The judge whose account it is, or null.
    judge_id: Option<JudgeId>,
    /// Its language.
    language: NoticeLanguage,
    /// The cycle that it is about, or null.
    cycle_id: Option<CycleId>,
    /// When it was given.
    created_at: DateTime<Utc>,
    /// The ways by which it reaches its person.
    #[schema(max_items = 3)]
    deliveries: Vec<DeliveryView>,
}

fn entry(row: Notice, judge_id: Option<JudgeId>, deliveries: &[Delivery]) -> OutboxEntryView {
    let own = deliveries.iter().filter(|delivery| delivery.notice_id == row.id).cloned();
    OutboxEntryView {
        id: row.id,
        kind: row.kind,
        account_id: row.account_id,
        judge_id,
        language: row.language,
        cycle_id: row.cycle_id,
        created_at: row.created_at.and_utc(),
        deliveries: own.map(DeliveryView::from).collect(),
    }
}

/// Which part of the outbox is asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OutboxQuery {
    /// The notices of one cycle alone.
    cycle_id: Option<CycleId>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// How many reviewers were reminded.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"notice_count": 140}))]
pub struct RemindedView {
    /// Notices that were given. During submission one to each reviewer of the round, whoever has sent a review.
    #[schema(minimum = 0)]
    notice_count: usize,
}

/// List my notices.
///
/// For everybody, oldest first; reading is not recorded. Notices that concern the sending of reviews are not here: they come
/// by mail or by hand, so that nobody signs in for them.
#[utoipa::path(tag = "notices", params(PageQuery),
    responses((status = 200, body = PageOf<NoticeView>), ReadProblems))]
#[get("/me/notices")]
pub async fn list_my_notices(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list_own(&actor);
    answering.list(actor, list, query.into_inner()).await
}

/// The caller's own notices.
pub fn list_own(actor: &Actor) -> List {
    let account_id = actor.account_id;
    let find = move |conn: &mut Conn, after, limit| store::notices::shown_to(conn, account_id, after, limit);
    List::new("list_my_notices", format!("my-notices {account_id}"), find, |row: &Notice| row.id, NoticeView::from)
}

/// List the outbox.
///
/// For secretaries and auditors, oldest first: every notice, to whom, and how its deliveries stand. What is `pending` by
/// `by_hand` waits for the staff.
#[utoipa::path(tag = "notices", params(OutboxQuery),
    responses((status = 200, body = PageOf<OutboxEntryView>), ReadProblems))]
#[get("/notices")]
pub async fn list_notices(actor: Actor, query: web::Query<OutboxQuery>, answering: Answering) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list(&actor, &query)?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// All notices with their deliveries, for whoever may read the outbox.
pub fn list(actor: &Actor, query: &OutboxQuery) -> Result<List> {
    policy::planning::may_read_notices(actor)?;
    let cycle_id = query.cycle_id;
    let find = move |conn: &mut Conn, after, limit| {
        let rows = store::notices::list(conn, cycle_id, after, limit)?;
        let ids: Vec<NoticeId> = rows.iter().map(|(row, _)| row.id).collect();
        let deliveries = store::notices::deliveries(conn, &ids)?;
        Ok(rows.into_iter().map(|(row, judge)| entry(row, judge, &deliveries)).collect::<Vec<_>>())
    };
    Ok(List::new("list_notices", format!("notices {cycle_id:?}"), find, |view| view.id, |view| view))
}

fn find_readable(conn: &mut Conn, actor: &Actor, id: NoticeId) -> Result<Notice> {
    let notice = store::notices::find(conn, id)?.ok_or(Code::NotFound)?;
    policy::planning::may_read_notice(actor, notice.account_id, notice.is_shown)?;
    Ok(notice)
}

/// Get a notice.
///
/// For secretaries and auditors, and for whom it is, where it is shown to them; to everybody else there is none (404).
#[utoipa::path(tag = "notices", responses((status = 200, body = NoticeView), ReadProblems))]
#[get("/notices/{notice_id}")]
pub async fn get_notice(
    actor: Actor,
    registry: web::Data<Registry>,
    notice_id: web::Path<NoticeId>,
) -> Result<HttpResponse> {
    let id = notice_id.into_inner();
    let notice = registry.0.read(move |conn| find_readable(conn, &actor, id)).await?;
    Ok(HttpResponse::Ok().json(NoticeView::from(notice)))
}

/// Get a notice as a page.
///
/// For whoever gets the notice: the same words as HTML, to be printed and handed over.
#[utoipa::path(tag = "notices",
    responses((status = 200, body = String, content_type = "text/html", headers(("Content-Language" = String, description = "The language of the notice: kk, ru or en."))), ReadProblems))]
#[get("/notices/{notice_id}/page")]
pub async fn get_notice_page(
    actor: Actor,
    registry: web::Data<Registry>,
    notice_id: web::Path<NoticeId>,
) -> Result<HttpResponse> {
    let id = notice_id.into_inner();
    let notice = registry.0.read(move |conn| find_readable(conn, &actor, id)).await?;
    let page = notices::page(notice.language, &notice.title, &notice.body);
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_LANGUAGE, notice.language.as_str()))
        .body(page))
}

/// Get a notice as a printed document.
///
/// For whoever gets the notice: the same words as a PDF, tagged, searchable and archival (PDF/A-2a, PDF/UA-1), to be handed
/// over or filed.
#[utoipa::path(tag = "notices",
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf", headers(("Content-Language" = String, description = "The language of the notice: kk, ru or en."))), ReadProblems))]
#[get("/notices/{notice_id}/pdf")]
pub async fn get_notice_pdf(
    actor: Actor,
    registry: web::Data<Registry>,
    notice_id: web::Path<NoticeId>,
) -> Result<HttpResponse> {
    let id = notice_id.into_inner();
    let notice = registry.0.read(move |conn| find_readable(conn, &actor, id)).await?;
    paper(notices::paper(notice.language, &notice.title, &notice.body, notice.created_at.and_utc()), "notice").await
}

/// The entry of the outbox as it is now.
fn present(conn: &mut Conn, notice: Notice) -> Result<OutboxEntryView> {
    let judge_id = store::accounts::find(conn, notice.account_id)?.and_then(|account| account.judge_id);
    let deliveries = store::notices::deliveries(conn, &[notice.id])?;
    Ok(entry(notice, judge_id, &deliveries))
}

/// Record that a notice was handed over.
///
/// For secretaries, where it was given or posted by hand; it counts as delivered by that way from now on. 409
/// `already_exists` where that is on record.
#[utoipa::path(tag = "notices", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 200, body = OutboxEntryView), CreateProblems))]
#[post("/notices/{notice_id}/delivery")]
pub async fn record_delivery(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    notice_id: web::Path<NoticeId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    policy::planning::may_deliver_notices(&actor)?;
    let now = clock.now();
    let id = notice_id.into_inner();
    let deed = Deed { by: actor.id(), operation: "record_delivery", key, digest: start.digest };
    act_once(&registry, deed, now, move |conn| {
        let notice = store::notices::find(conn, id)?.ok_or(Code::NotFound)?;
        let known = store::notices::deliveries(conn, &[id])?;
        let is_done = |one: &Delivery| one.channel == Channel::ByHand && one.state == DeliveryState::Delivered;
        if known.iter().any(is_done) {
            return Err(Code::AlreadyExists.into());
        }
        let delivery = Delivery {
            notice_id: id,
            channel: Channel::ByHand,
            state: DeliveryState::Delivered,
            attempt_count: 0,
            next_attempt_at: None,
            error: None,
            delivered_at: Some(now.naive_utc()),
            delivered_by: Some(actor.account_id),
        };
        store::notices::put_delivery(conn, &delivery)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "record_delivery", "notice", id);
        store::audit::record(conn, entry, now)?;
        Reply::ok(None, &present(conn, notice)?)
    })
    .await
}

/// Send a mail again.
///
/// For secretaries, where the mail of a notice was given up: it is tried anew. 409 `wrong_phase` where it was not.
#[utoipa::path(tag = "notices", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 200, body = OutboxEntryView), CreateProblems))]
#[post("/notices/{notice_id}/resend")]
pub async fn resend_notice(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    notice_id: web::Path<NoticeId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    policy::planning::may_deliver_notices(&actor)?;
    let now = clock.now();
    let id = notice_id.into_inner();
    let deed = Deed { by: actor.id(), operation: "resend_notice", key, digest: start.digest };
    act_once(&registry, deed, now, move |conn| {
        let notice = store::notices::find(conn, id)?.ok_or(Code::NotFound)?;
        let mut known = store::notices::deliveries(conn, &[id])?.into_iter();
        let failed = known.find(|one| one.channel == Channel::Email && one.state == DeliveryState::Failed);
        let failed = failed.ok_or_else(|| Error::hinted(Code::WrongPhase, Hint::new("mail_not_given_up")))?;
        // From 1 on, so that an old notice that somebody sends again is not too old.
        let again = Delivery {
            state: DeliveryState::Pending,
            attempt_count: 1,
            next_attempt_at: Some(now.naive_utc()),
            ..failed
        };
        store::notices::put_delivery(conn, &again)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "resend_notice", "notice", id);
        store::audit::record(conn, entry, now)?;
        Reply::ok(None, &present(conn, notice)?)
    })
    .await
}

/// Remind the reviewers of a cycle.
///
/// For secretaries, once a day. While credentials are issued, those who have not collected all of theirs, which is known.
/// While reviews are taken, every reviewer of the round gets the same words: nobody knows who has sent a review. 409
/// `wrong_phase` in another phase.
#[utoipa::path(tag = "notices", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 200, body = RemindedView), CreateProblems))]
#[post("/cycles/{cycle_id}/reminders")]
pub async fn remind_reviewers(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    policy::may_run_cycles(&actor)?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let deed = Deed { by: actor.id(), operation: "remind_reviewers", key, digest: start.digest };
    act_once(&registry, deed, now, move |conn| {
        let notice_count = workflow::notices::remind(conn, &actor, id, now)?;
        Reply::ok(None, &RemindedView { notice_count })
    })
    .await
}
