//! Challenges: a subject's reasons against a person in the eligible pool, before the draw (CCJE Opinion 17, § 36).

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once, reasons};
use super::lists::Answering;
use crate::clock::Clock;
use crate::coded;
use crate::db::{Conn, Registry};
use crate::domain::cycle::Phase;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids;
use crate::domain::ids::{AccountId, ChallengeId, EvaluationId, PoolEntryId};
use crate::domain::notices::NoticeKind;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::pool::Exclusion;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems, TimedProblems};
use crate::store;
use crate::store::pools::{Challenge, ChallengeStatus};
use crate::workflow;
use crate::workflow::lists::List;

/// A challenge of one person.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pool_entry_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "ground": "We were opposing parties in a civil case in 2025."}))]
pub struct NewChallenge {
    /// The entry of the pool.
    pool_entry_id: PoolEntryId,
    /// The reasons; a challenge without them is no challenge.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    ground: String,
}

coded! {
    /// How a challenge is decided.
    ChallengeOutcome {
        /// The person leaves the pool.
        Accepted = "accepted",
        /// The person stays.
        Rejected = "rejected",
    }
}

/// The decision on a challenge.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "accepted", "reason": "The case is on record."}))]
pub struct ChallengeDecision {
    /// How it is decided.
    outcome: ChallengeOutcome,
    /// The reasons, which the subject reads.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// A challenge.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "pool_entry_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "ground": "We were opposing parties in a civil case in 2025.", "status": "open", "reason": null, "filed_at": "2027-03-03T05:00:00Z", "decided_by": null, "decided_at": null, "version": 1}))]
pub struct ChallengeView {
    /// Its id.
    id: ChallengeId,
    /// Whose pool it concerns.
    evaluation_id: EvaluationId,
    /// The person challenged.
    pool_entry_id: PoolEntryId,
    /// The subject's reasons.
    #[schema(max_length = 2000)]
    ground: String,
    /// Where it stands.
    status: ChallengeStatus,
    /// The reasons of the decision, or null.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// When it was filed.
    filed_at: DateTime<Utc>,
    /// Who decided it, or null.
    decided_by: Option<AccountId>,
    /// When, or null.
    decided_at: Option<DateTime<Utc>>,
    /// Grows by one with each change.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Challenge> for ChallengeView {
    fn from(row: Challenge) -> Self {
        ChallengeView {
            id: row.id,
            evaluation_id: row.evaluation_id,
            pool_entry_id: row.pool_entry_id,
            ground: row.ground,
            status: row.status,
            reason: row.reason,
            filed_at: row.filed_at.and_utc(),
            decided_by: row.decided_by,
            decided_at: row.decided_at.map(|at| at.and_utc()),
            version: row.version,
        }
    }
}

/// Challenge a person of my eligible pool.
///
/// For the subject, with reasons, in the days of `pool_review` that the cycle names; at most as many persons as the
/// methodology allows. There is no silent veto: a member of the commission decides.
#[utoipa::path(tag = "evaluations", params(IdempotencyKeyHeader), request_body = NewChallenge,
    responses((status = 201, body = ChallengeView), TimedProblems))]
#[post("/evaluations/{evaluation_id}/challenges")]
pub async fn create_challenge(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
    key: IdempotencyKey,
    new: Valid<NewChallenge>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let Valid { body: new, digest } = new;
    let deed = Deed { by: actor.id(), operation: "create_challenge", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let evaluation = store::evaluations::find(conn, id)?;
        let evaluation = evaluation.filter(|row| actor.judge_id == Some(row.judge_id)).ok_or(Code::NotFound)?;
        let loaded = workflow::cycles::load(conn, evaluation.cycle_id)?;
        if loaded.cycle.phase < Phase::PoolReview {
            let hint = Hint::new("pool_not_shown").text("day", loaded.dates.pool_review_open);
            return Err(Error::hinted(Code::TooEarly, hint));
        }
        let is_over = loaded.cycle.phase > Phase::PoolReview || evaluation.state == EvaluationState::Cancelled;
        if is_over || loaded.today(now) > loaded.dates.pool_challenge_close {
            return Err(Error::hinted(Code::WindowClosed, Hint::new("challenge_too_late")));
        }
        let entry = store::pools::find_entry(conn, new.pool_entry_id)?;
        if !entry.is_some_and(|entry| entry.evaluation_id == id && !entry.is_excluded) {
            return Err(Error::invalid("/pool_entry_id", Rule::Missing));
        }
        let most = loaded.methodology.counts.challenged_names_max;
        if store::pools::count_challenges(conn, id)? >= i64::from(most) {
            return Err(Error::hinted(Code::GuardNotMet, Hint::new("challenges_used_up").text("most", most)));
        }
        let challenge = Challenge {
            id: ChallengeId(ids::new_at(now)),
            evaluation_id: id,
            pool_entry_id: new.pool_entry_id,
            ground: new.ground.clone(),
            status: ChallengeStatus::Open,
            reason: None,
            filed_at: now.naive_utc(),
            decided_by: None,
            decided_at: None,
            version: 1,
        };
        store::pools::insert_challenge(conn, &challenge)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "create_challenge", "challenge", challenge.id);
        store::audit::record(conn, entry, now)?;
        let location = format!("/v1/evaluations/{id}/challenges");
        Reply::created(location, Some(1), &ChallengeView::from(challenge))
    })
    .await
}

/// List the challenges of an evaluation.
///
/// For staff but administrators, and for its subject.
#[utoipa::path(tag = "evaluations", params(PageQuery),
    responses((status = 200, body = PageOf<ChallengeView>), ReadProblems))]
#[get("/evaluations/{evaluation_id}/challenges")]
pub async fn list_challenges(
    actor: Actor,
    evaluation_id: web::Path<EvaluationId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, evaluation_id.into_inner());
    answering.list(actor, list, query.into_inner()).await
}

/// The challenges of an evaluation, for those for whom it is there.
pub fn list(actor: &Actor, id: EvaluationId) -> List {
    let (is_staff, own) = (policy::may_read_cycles(actor).is_ok(), actor.judge_id);
    let find = move |conn: &mut Conn, after, limit| {
        let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
        if !is_staff && own != Some(evaluation.judge_id) {
            return Err(Code::NotFound.into());
        }
        store::pools::list_challenges(conn, id, after, limit)
    };
    List::new("list_challenges", format!("challenges {id}"), find, |row| row.id, ChallengeView::from)
}

/// Decide a challenge.
///
/// For members of the commission, once, with reasons; not for the subject, the person challenged, their colleagues of
/// the same court or anybody with a declared conflict with them (403). An accepted one takes the person out of the pool.
#[utoipa::path(tag = "evaluations", params(IdempotencyKeyHeader), request_body = ChallengeDecision,
    responses((status = 200, body = ChallengeView), CreateProblems))]
#[post("/challenges/{challenge_id}/decide")]
pub async fn decide_challenge(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    challenge_id: web::Path<ChallengeId>,
    key: IdempotencyKey,
    decision: Valid<ChallengeDecision>,
) -> Result<HttpResponse> {
    policy::may_decide_challenges(&actor)?;
    let now = clock.now();
    let id = challenge_id.into_inner();
    let Valid { body, digest } = decision;
    let deed = Deed { by: actor.id(), operation: "decide_challenge", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let challenge = store::pools::find_challenge(conn, id)?.ok_or(Code::NotFound)?;
        let evaluation = store::evaluations::find(conn, challenge.evaluation_id)?.ok_or(Code::NotFound)?;
        let entry = store::pools::find_entry(conn, challenge.pool_entry_id)?.ok_or(Code::NotFound)?;
        let loaded = workflow::cycles::load(conn, evaluation.cycle_id)?;
        let (cycle, today) = (&loaded.cycle, loaded.today(now));
        if let Some(member) = actor.judge_id {
            for concerned in [evaluation.judge_id, entry.judge_id] {
                if workflow::members::nearness(conn, concerned, member, today)?.is_some() {
                    return Err(Code::Forbidden.into());
                }
            }
        }
        if cycle.phase != Phase::PoolReview {
            let hint =
                Hint::new("challenges_not_decided_now").phase("phase", cycle.phase).phase("needed", Phase::PoolReview);
            return Err(Error::hinted(Code::WrongPhase, hint));
        }
        let status = match body.outcome {
            ChallengeOutcome::Accepted => ChallengeStatus::Accepted,
            ChallengeOutcome::Rejected => ChallengeStatus::Rejected,
        };
        if !store::pools::decide_challenge(conn, id, status, &body.reason, actor.account_id, now.naive_utc())? {
            return Err(Error::hinted(Code::WrongPhase, Hint::new("challenge_decided")));
        }
        if body.outcome == ChallengeOutcome::Accepted {
            store::pools::exclude(conn, challenge.pool_entry_id, Exclusion::Challenge)?;
        }
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "decide_challenge", "challenge", id);
        store::audit::record(conn, entry, now)?;
        workflow::notices::of_evaluation(conn, NoticeKind::ChallengeDecided, &evaluation, now)?;
        let decided = store::pools::find_challenge(conn, id)?.ok_or(Code::NotFound)?;
        Reply::ok(Some(decided.version), &ChallengeView::from(decided))
    })
    .await
}
