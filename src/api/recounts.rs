//! What auditors get of a sealed round, and what they state about it: bundle, accepted counts, recounts.
//!
//! What a newcomer would get wrong: nothing here computes. The bundle goes out as it lies in the folder, and an auditor
//! recounts it with `ejf recount` on another machine; a server that recounted itself would prove nothing.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, RoundQuery, Valid, act_once,
};
use super::lists::Answering;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Conn, Registry};
use crate::domain::ids::{AccountId, CycleId, EvaluationId};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::domain::scoring::rules::DISPLAY_MIN_FLOOR;
use crate::error::{Code, Error, Result, Rule};
use crate::exchange;
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::recounts::{RecountOutcome, RecountStatement};
use crate::workflow::lists::List;
use crate::workflow::{deletions, recounts};

crate::problem_responses! {
    /// Reading what there is after the seal alone.
    pub SealedProblems = [400, 401, 403, 404, 409, 429, 500, 503];
    /// The same of what does not stay for ever.
    pub BundleProblems = [400, 401, 403, 404, 409, 410, 429, 500, 503];
}

/// How many pieces of a bundle wait for a slow reader.
const PIECES_WAITING: usize = 4;

/// How many reviews the box accepted for a subject.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "accepted_count": 13, "is_below_five": false}))]
pub struct AcceptedCountView {
    /// The subject's evaluation.
    evaluation_id: EvaluationId,
    /// Withdrawn reviews are among them, and those of every round; null below five.
    #[schema(minimum = 5, maximum = 128)]
    accepted_count: Option<i64>,
    /// Whether there are fewer than five, which is all that is said then.
    is_below_five: bool,
}

impl From<(EvaluationId, i64)> for AcceptedCountView {
    fn from((evaluation_id, count): (EvaluationId, i64)) -> Self {
        // A floor of the publication rules that no methodology may undercut.
        let is_below_five = usize::try_from(count).unwrap_or_default() < DISPLAY_MIN_FLOOR;
        AcceptedCountView { evaluation_id, accepted_count: (!is_below_five).then_some(count), is_below_five }
    }
}

/// What an auditor states after a recount.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"result_digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "outcome": "equal"}))]
pub struct NewRecount {
    /// SHA-256 of the canonical results, in hex: the last line of `ejf recount`.
    #[validate(length(min = 64, max = 64))]
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    result_digest: String,
    /// How the recount ended.
    outcome: RecountOutcome,
}

/// A statement of an auditor.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"round": 1, "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "result_digest": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "outcome": "equal", "stated_at": "2027-03-10T04:30:00Z"}))]
pub struct RecountView {
    /// The last round of those that the results are of.
    #[schema(minimum = 1, maximum = 2)]
    round: i32,
    /// The auditor.
    account_id: AccountId,
    /// SHA-256, in hex, of the results that were recounted.
    #[schema(min_length = 64, max_length = 64)]
    result_digest: String,
    /// How the recount ended.
    outcome: RecountOutcome,
    /// When it was stated.
    stated_at: DateTime<Utc>,
}

impl From<RecountStatement> for RecountView {
    fn from(row: RecountStatement) -> Self {
        RecountView {
            round: row.round,
            account_id: row.account_id,
            result_digest: row.result_digest,
            outcome: row.outcome,
            stated_at: row.stated_at.and_utc(),
        }
    }
}

/// The place of a statement in the list: its round, auditor and digest.
struct Place((i32, AccountId, String));

impl Place {
    fn of(row: &RecountStatement) -> Self {
        Place((row.round, row.account_id, row.result_digest.clone()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place((round, account_id, result_digest)) = self;
        write!(f, "{round} {account_id} {result_digest}")
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::from(Code::BadCursor);
        let (round, rest) = text.split_once(' ').ok_or_else(refused)?;
        let (account_id, result_digest) = rest.split_once(' ').ok_or_else(refused)?;
        let account_id = account_id.parse().map_err(|_| refused())?;
        Ok(Place((round.parse().map_err(|_| refused())?, account_id, result_digest.to_owned())))
    }
}

/// Download the sealed bundle.
///
/// For auditors alone, once the results of the sealed cycle are computed (409 `wrong_phase` or `guard_not_met` before):
/// every review of the round with its credentials, as an uncompressed tar; the same bytes each time. Unpack it and run
/// `ejf recount`, after a supplementary round with the bundle of the first as `--earlier`. Without `round` it is the
/// present one's. Each download is recorded. Once the reviews have been kept for their time it is 410 `reviews_deleted`,
/// which says since when; results, accepted counts, statements of auditors and the public documents stay.
#[utoipa::path(tag = "recounts", params(RoundQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/x-tar"), BundleProblems))]
#[get("/cycles/{cycle_id}/bundle")]
pub async fn get_bundle(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
    cycle_id: web::Path<CycleId>,
    query: web::Query<RoundQuery>,
) -> Result<HttpResponse> {
    policy::may_recount(&actor)?;
    let now = clock.now();
    let (id, asked) = (cycle_id.into_inner(), query.round()?);
    let (cycle, round) = registry
        .0
        .read(move |conn| {
            let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
            let round = recounts::check_round_sealed(&cycle, asked)?;
            deletions::check_kept(conn, id, round)?;
            Ok((cycle, round))
        })
        .await?;
    let archive = exchange::archive(&config.publication_dir, &cycle, round).await?;
    registry
        .0
        .write(move |conn| {
            let digest = recounts::stored_digest(conn, id, Some(round))?;
            let entry = store::audit::NewEntry {
                digest: Some(digest),
                ..store::audit::NewEntry::new(Some(actor.account_id), "get_bundle", "cycle", id)
            };
            store::audit::record(conn, entry, now)?;
            Ok(())
        })
        .await?;
    let size = archive.size();
    let (sender, mut receiver) = mpsc::channel(PIECES_WAITING);
    tokio::task::spawn_blocking(move || {
        let mut pieces = Pieces(sender);
        if let Err(error) = archive.write_to(&mut pieces) {
            // The length was promised: an answer that ends early is seen as broken by whoever still reads.
            let _ = pieces.0.blocking_send(Err(error));
        }
    });
    let stream = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
    Ok(HttpResponse::Ok()
        .content_type("application/x-tar")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"bundle-{id}-{round}.tar\"")))
        .body(SizedStream::new(size, stream)))
}

/// What is written goes to the answer, piece by piece, as fast as it is read.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(piece)));
        sent.map(|()| piece.len()).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// List how many reviews were accepted, by evaluation.
///
/// For members of the commission and auditors, once the results of the sealed cycle are computed (409 before); nobody
/// has them earlier. Below five no number is told. While a supplementary round is under way its subjects are shown to
/// auditors alone.
#[utoipa::path(tag = "recounts", params(PageQuery),
    responses((status = 200, body = PageOf<AcceptedCountView>), SealedProblems))]
#[get("/cycles/{cycle_id}/accepted-counts")]
pub async fn list_accepted_counts(
    actor: Actor,
    cycle_id: web::Path<CycleId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list_counts(&actor, cycle_id.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// How many reviews of a cycle were accepted, for whoever may know.
pub fn list_counts(actor: &Actor, id: CycleId) -> Result<List> {
    policy::may_read_accepted_counts(actor)?;
    let is_auditor = policy::may_recount(actor).is_ok();
    let find = move |conn: &mut Conn, after, limit| {
        let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
        let under_way = recounts::round_under_way(conn, &cycle)?;
        if under_way.is_none() {
            recounts::stored_digest(conn, id, None)?;
        }
        store::recounts::list_accepted(conn, id, under_way.filter(|_| !is_auditor), after, limit)
    };
    let name = format!("accepted counts {id}");
    Ok(List::new("list_accepted_counts", name, find, |row| row.0, AcceptedCountView::from))
}

/// State how a recount ended.
///
/// For auditors, once for each digest (409 `already_exists`), while the cycle is sealed and its results are computed, and
/// afterwards while an appeal panel waits for a recount (409 else). Two auditors must find the stored results equal before the
/// cycle can report; 422 where `equal` is said of another digest than theirs. Results that were computed anew and differ are
/// stated anew.
#[utoipa::path(tag = "recounts", params(IdempotencyKeyHeader), request_body = NewRecount,
    responses((status = 201, body = RecountView), CreateProblems))]
#[post("/cycles/{cycle_id}/recounts")]
pub async fn create_recount(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    cycle_id: web::Path<CycleId>,
    key: IdempotencyKey,
    new: Valid<NewRecount>,
) -> Result<HttpResponse> {
    policy::may_recount(&actor)?;
    let now = clock.now();
    let id = cycle_id.into_inner();
    let Valid { body: NewRecount { result_digest, outcome }, digest } = new;
    if !result_digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(Error::invalid("/result_digest", Rule::Format { expected: "64 digits 0-9 a-f" }));
    }
    let deed = Deed { by: actor.id(), operation: "create_recount", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let statement = recounts::state(conn, &actor, id, &result_digest, outcome, now)?;
        Reply::created(format!("/v1/cycles/{id}/recounts"), None, &RecountView::from(statement))
    })
    .await
}

/// List the auditors' statements about a cycle.
///
/// For secretaries, members, appeal members and auditors and, once the cycle reports, the judges evaluated in it; by round
/// and auditor.
#[utoipa::path(tag = "recounts", params(PageQuery),
    responses((status = 200, body = PageOf<RecountView>), ReadProblems))]
#[get("/cycles/{cycle_id}/recounts")]
pub async fn list_recounts(
    actor: Actor,
    cycle_id: web::Path<CycleId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, cycle_id.into_inner());
    answering.list(actor, list, query.into_inner()).await
}

/// The statements about a cycle, for whoever may read them.
pub fn list(actor: &Actor, id: CycleId) -> List {
    let actor = actor.clone();
    let find = move |conn: &mut Conn, after: Option<Place>, limit: i64| {
        let cycle = store::cycles::find(conn, id)?;
        let is_subject = match actor.judge_id {
            Some(judge) => store::evaluations::is_subject(conn, id, judge)?,
            None => false,
        };
        policy::recounts::may_read_recounts(&actor, cycle.as_ref().map(|cycle| cycle.phase), is_subject)?;
        cycle.ok_or(Code::NotFound)?;
        store::recounts::list(conn, id, after.as_ref().map(|Place(after)| after), limit)
    };
    List::new("list_recounts", format!("recounts {id}"), find, Place::of, RecountView::from)
}
