//! From drawn panels to results: keys, manifest, credentials, blind reviews, seal, aggregation. The peers are the
//! reviewer's client of `ejf peer`, with its checks, and cards in memory alone. A newcomer would let staff see who holds
//! which card; nothing here tells the registry which peer sent a review, and the box never learns who asked.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use futures_util::stream::{self, TryStreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::auditing;
use super::people::People;
use super::preparation::{AT_ONCE, Cycle, Registered, Staff};
use super::progress::{Step, Steps};
use super::ratings::ITEM_MEASURES;
use super::reviewers::{Marks, Review};
use super::staff::{Caller, text};
use super::stage::Stage;
use super::trace::Trace;
use crate::client::card::Held;
use crate::client::draft::Draft;
use crate::client::failure::{Failure, Idle};
use crate::client::peer::{Login, collect_pinned};
use crate::client::pinned::{Places, check_words, fetch_manifest, fetch_rules};
use crate::client::review::submit_under;
use crate::credential::encoding::{Ref, from_base64url};
use crate::credential::frozen::Frozen;
use crate::domain::scoring::Status;
use crate::domain::scoring::publication::{Band, CriterionFigure, Figure, Published};
use crate::error::{Error, Result};

/// How often a job is asked how far it is.
const JOB_ASKED_EVERY: Duration = Duration::from_millis(200);
/// The step whose time is shown apart from the others'.
pub(super) const KEY_STEP: &str = "making keys";
/// The round of collection; a demonstration has one.
const ROUND: u32 = 1;

/// The round as the peers see it.
pub(super) struct Round {
    places: Places,
    manifest: Frozen,
}

impl Round {
    /// The manifest that every peer has pinned.
    pub(super) fn manifest(&self) -> &Frozen {
        &self.manifest
    }

    /// A public document of the round, as the box shows it to everybody.
    pub(super) async fn public(&self, document: &str) -> Result<Vec<u8>> {
        let cycle_ref = self.manifest.manifest().cycle_ref;
        let url = format!("{}/v1/public/cycles/{cycle_ref}/rounds/{ROUND}/{document}", self.places.ballot_box);
        let answer = reqwest::get(url).await.and_then(reqwest::Response::error_for_status).map_err(Error::internal)?;
        Ok(answer.bytes().await.map_err(Error::internal)?.to_vec())
    }
}

/// Makes the issuer's keys, one for each subject: the one step whose time hangs on luck, so it is timed by itself.
pub(super) async fn make_keys(staff: &Staff, cycle: &Cycle, steps: &mut Steps, count: usize) -> Result<()> {
    let step = steps.begin(KEY_STEP, count);
    let job = staff.secretary.post(&format!("/v1/cycles/{}/keys", cycle.id), json!({})).await?;
    finish(&staff.secretary, &job, &step).await?;
    steps.end(step);
    Ok(())
}

/// Freezes the manifest, waits for the box's note on it, and checks both as every peer does.
pub(super) async fn freeze_manifest(stage: &Stage, staff: &Staff, cycle: &mut Cycle) -> Result<Round> {
    let path = format!("/v1/cycles/{}/manifest", cycle.id);
    let frozen = staff.secretary.post(&path, json!({})).await?;
    cycle.refresh(staff).await?;
    let cycle_ref = Ref::from_slice(&from_base64url(cycle.text("cycle_ref")?)?)?;
    let places = Places { registry: stage.registry_url(), ballot_box: stage.ballot_url() };
    let manifest = fetch_manifest(&places, &cycle_ref, ROUND).await.map_err(Error::internal)?;
    check_words(&manifest, text(&frozen, "digest_words")?).map_err(Error::internal)?;
    // The box has signed its note by now; the repeat takes it into the registry.
    staff.secretary.post(&path, json!({})).await?;
    Ok(Round { places, manifest })
}

/// Lets every judge collect the credentials of all own assignments at once; before it one of them has no contact with a
/// subject and steps back. Gives the cards that hold something.
pub(super) async fn issue(
    stage: &Stage,
    staff: &Staff,
    cycle: &Cycle,
    round: &Round,
    judges: (&People, &Registered),
    trace: Trace,
    steps: &mut Steps,
) -> Result<Vec<Held>> {
    let (people, registered) = judges;
    stage.move_to(cycle.day("issue_open")?);
    cycle.advance(staff, "issuance").await?;
    recuse_one(people, registered).await?;
    let step = steps.begin("issuing credentials", people.judges().count());
    trace.remark("each judge's client: GET /v1/me/assignments, then POST /v1/me/credentials; see `ejf peer --help`");
    let cards = Mutex::new(Vec::new());
    let now = stage.clock.now();
    stream::iter(people.judges().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |judge| {
            let (cards, step) = (&cards, &step);
            async move {
                let token = registered.caller(judge)?.fresh_token().await?;
                let mut held = Held::in_memory();
                let login = Login::Token(&token);
                match collect_pinned(&round.places.registry, &login, &round.manifest, &mut held, now).await {
                    Ok(_) => cards.lock().await.push(held),
                    Err(Failure::Idle(Idle::NoAssignments)) => {}
                    Err(failure) => return Err(Error::internal(failure)),
                }
                step.advance();
                Ok::<(), Error>(())
            }
        })
        .await?;
    steps.end(step);
    stage.move_to(next_day(cycle.day("issue_close")?)?);
    staff.secretary.post(&format!("/v1/cycles/{}/ledgers", cycle.id), json!({})).await?;
    Ok(cards.into_inner())
}

/// The first of the judges who has an assignment gives one up; the next of the reserve takes it.
async fn recuse_one(people: &People, registered: &Registered) -> Result<()> {
    for judge in &people.peers {
        let caller = registered.caller(judge)?;
        let assignments = caller.list("/v1/me/assignments").await?;
        if let Some(first) = assignments.first() {
            let path = format!("/v1/me/assignments/{}/recuse", text(first, "id")?);
            caller.post(&path, json!({"reason": "no_contact"})).await?;
            return Ok(());
        }
    }
    Err(Error::internal("no judge of the demo was drawn"))
}

/// Hands in the reviews: the k-th review of a subject by whichever card comes k-th among those made out for it.
pub(super) async fn submit(
    stage: &Stage,
    staff: &Staff,
    cycle: &Cycle,
    round: &Round,
    cards: Vec<Held>,
    reviews: &BTreeMap<Ref, &[Review]>,
    steps: &mut Steps,
) -> Result<()> {
    stage.move_to(cycle.day("submit_open")?);
    cycle.advance(staff, "submission").await?;
    let step = steps.begin("submitting blind reviews", reviews.values().map(|reviews| reviews.len()).sum());
    let now = stage.clock.now();
    let any = cards.first().and_then(Held::card).ok_or_else(|| Error::internal("no judge of the demo has a card"))?;
    let rules = fetch_rules(&round.places.ballot_box, any, now).await.map_err(Error::internal)?;
    stream::iter(hand_out(cards, reviews).into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |(mut held, shares)| {
            let (rules, step) = (&rules, &step);
            async move {
                for (subject_ref, marks) in shares {
                    let card = held.card().ok_or_else(|| Error::internal("a card of the demo is empty"))?;
                    let draft = Draft::new(card, subject_ref, named(marks), Vec::new()).map_err(Error::internal)?;
                    let sent = submit_under(&round.places.ballot_box, rules, &mut held, &draft, now).await;
                    sent.map_err(Error::internal)?;
                    step.advance();
                }
                Ok::<(), Error>(())
            }
        })
        .await?;
    steps.end(step);
    Ok(())
}

/// Which reviews each card's holder writes. A subject with fewer reviews than cards leaves the last ones silent.
fn hand_out<'a>(cards: Vec<Held>, reviews: &BTreeMap<Ref, &'a [Review]>) -> Vec<(Held, Vec<(Ref, &'a Marks)>)> {
    let mut left: BTreeMap<Ref, std::slice::Iter<'a, Review>> =
        reviews.iter().map(|(subject_ref, reviews)| (*subject_ref, reviews.iter())).collect();
    let mut shares = Vec::with_capacity(cards.len());
    for held in cards {
        let subjects = held.card().into_iter().flat_map(|card| &card.credentials).map(|subject| subject.subject_ref);
        let share = subjects.filter_map(|subject_ref| {
            let review = left.get_mut(&subject_ref)?.next()?;
            Some((subject_ref, &review.sent))
        });
        let share = share.collect();
        shares.push((held, share));
    }
    shares
}

/// Marks under the codes of their items.
fn named(marks: &Marks) -> BTreeMap<String, Option<i64>> {
    ITEM_MEASURES.iter().zip(marks).map(|((item, _), mark)| ((*item).to_owned(), mark.map(i64::from))).collect()
}

/// Seals the box by two persons and waits for its checkpoint.
pub(super) async fn seal(stage: &Stage, staff: &Staff, cycle: &Cycle, round: &Round, steps: &mut Steps) -> Result<()> {
    let step = steps.begin("sealing", 1);
    stage.move_to(next_day(cycle.day("submit_close")?)?);
    cycle.act(staff, "seal").await?;
    round.public("checkpoint").await?;
    step.advance();
    steps.end(step);
    Ok(())
}

/// Aggregates, has two auditors recount, waits until the time for complaints is over, and gives each subject's published result in their order.
pub(super) async fn aggregate(
    stage: &Stage,
    staff: &Staff,
    cycle: &Cycle,
    round: &Round,
    judges: (&People, &Registered),
    steps: &mut Steps,
) -> Result<Vec<Published>> {
    let (people, registered) = judges;
    let step = steps.begin("aggregating", people.subjects.len());
    let job = staff.secretary.post(&format!("/v1/cycles/{}/results", cycle.id), json!({})).await?;
    finish(&staff.secretary, &job, &step).await?;
    steps.end(step);
    auditing::recount_by_two(staff, cycle, round, steps).await?;
    stage.move_to(next_day(cycle.day("challenge_close")?)?);
    cycle.advance(staff, "reporting").await?;
    let evaluations = cycle.evaluations(staff).await?;
    let member = staff.member.get("/v1/me").await?;
    let assigned = json!({"account_id": text(&member, "account_id")?, "is_rapporteur": true});
    let mut results = Vec::with_capacity(people.subjects.len());
    for judge in &people.subjects {
        let evaluation = evaluations.get(registered.judge_id(judge)?);
        let id = evaluation.ok_or_else(|| Error::internal("a subject of the demo has no evaluation"))?;
        staff.secretary.post(&format!("/v1/evaluations/{id}/members"), assigned.clone()).await?;
        let path = format!("/v1/evaluations/{id}/result");
        let result = published(staff.member.get(&path).await?)?;
        // The judge reads the same as the commission.
        if published(registered.caller(judge)?.get(&path).await?)? != result {
            return Err(Error::internal("a judge was shown another result than the commission"));
        }
        results.push(result);
    }
    Ok(results)
}

/// A result as the service answers it.
#[derive(Deserialize)]
struct ResultView {
    status: Status,
    band: Option<Band>,
    overall: Option<FigureView>,
    criteria: Option<Vec<CriterionView>>,
    statements: Option<Vec<StatementView>>,
}

#[derive(Deserialize)]
struct StatementView {
    code: String,
}

#[derive(Deserialize)]
struct FigureView {
    n: i64,
    point_hundredths: i64,
    lo_hundredths: i64,
    hi_hundredths: i64,
    band: Band,
}

#[derive(Deserialize)]
struct CriterionView {
    code: String,
    figure: FigureView,
}

impl From<FigureView> for Figure {
    fn from(view: FigureView) -> Figure {
        let FigureView { n, point_hundredths, lo_hundredths, hi_hundredths, band } = view;
        Figure { n, point: point_hundredths, lo: lo_hundredths, hi: hi_hundredths, band }
    }
}

/// What is said in an answer, which must say all that its status calls for.
fn published(answer: Value) -> Result<Published> {
    let view: ResultView = serde_json::from_value(answer).map_err(Error::internal)?;
    let incomplete = || Error::internal("a result lacks what its status calls for");
    match view.status {
        Status::Insufficient => Ok(Published::Insufficient {}),
        Status::Indicative => Ok(Published::Indicative { band: view.band.ok_or_else(incomplete)? }),
        Status::Developmental => {
            let statements = view.statements.ok_or_else(incomplete)?;
            Ok(Published::Developmental { statements: statements.into_iter().map(|view| view.code).collect() })
        }
        Status::Ok => {
            let (overall, criteria) = view.overall.zip(view.criteria).ok_or_else(incomplete)?;
            let statements = view.statements.ok_or_else(incomplete)?;
            let criteria =
                criteria.into_iter().map(|view| CriterionFigure { code: view.code, figure: view.figure.into() });
            let statements = statements.into_iter().map(|view| view.code).collect();
            Ok(Published::Ok { overall: overall.into(), criteria: criteria.collect(), statements })
        }
    }
}

/// The subjects by the box's names for them.
pub(super) async fn subject_refs(staff: &Staff, cycle: &Cycle) -> Result<BTreeMap<String, Ref>> {
    let items = staff.secretary.list(&format!("/v1/cycles/{}/evaluations", cycle.id)).await?;
    let named = items.iter().map(|item| {
        let subject_ref = Ref::from_slice(&from_base64url(text(item, "subject_ref")?)?)?;
        Ok((text(item, "judge_id")?.to_owned(), subject_ref))
    });
    named.collect()
}

/// Waits for the end of a job.
async fn finish(caller: &Caller, job: &Value, step: &Step) -> Result<()> {
    let path = format!("/v1/jobs/{}", text(job, "id")?);
    loop {
        let job = caller.get(&path).await?;
        step.reach(job.get("done_count").and_then(Value::as_u64).unwrap_or(0));
        match text(&job, "state")? {
            "done" => return Ok(()),
            "failed" => return Err(Error::internal(format!("a job failed: {job}"))),
            _ => tokio::time::sleep(JOB_ASKED_EVERY).await,
        }
    }
}

fn next_day(day: NaiveDate) -> Result<NaiveDate> {
    day.succ_opt().ok_or_else(|| Error::internal("the calendar ends"))
}
