//! The draw of a cycle: from frozen pools and the committed seed to panels and a record. A newcomer's usual mistake is to
//! publish the seed: the subject has seen the pool, and pool, algorithm and seed together are the panel. The seed and the
//! record are opened to auditors alone.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use zeroize::Zeroizing;

use super::cycles::record_digest;
use super::issuance::round_counts;
use super::pools::Surroundings;
use crate::cipher::{Cipher, Use};
use crate::db::Conn;
use crate::domain::draw;
use crate::domain::draw::{Caps, DrawInput, DrawRecord, Reviewer, Subject};
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::{AssignmentId, CycleId, EvaluationId, JudgeId};
use crate::domain::methodology::Methodology;
use crate::error::{Error, Result};
use crate::store;
use crate::store::assignments::{Assignment, AssignmentState};
use crate::store::cycles::Cycle;

/// 32 random bytes.
fn make_seed() -> Result<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(Error::internal)?;
    Ok(seed)
}

/// Makes the seed of a round's draw and commits to it, before any pool exists. Seeds do not follow from one another: who
/// audits the first draw learns nothing of the second.
pub fn commit(conn: &mut Conn, cipher: &Cipher, id: CycleId, round: i32) -> Result<()> {
    let seed = make_seed()?;
    let sealed = cipher.seal(Use::DrawSeed, &seed_context(id, round), seed.as_slice())?;
    store::draws::insert(conn, id, round, &hex(&draw::commitment(&seed)), &sealed)
}

/// What a sealed seed is bound to.
fn seed_context(id: CycleId, round: i32) -> Vec<u8> {
    // The first round's is the cycle's name alone, as it was when there was no other.
    if round == 1 { id.to_string().into_bytes() } else { format!("{id} {round}").into_bytes() }
}

/// Whether the draw of the cycle's round gives the same panels again from its record; `false` before the draw.
pub fn is_replayed(conn: &mut Conn, cycle: &Cycle) -> Result<bool> {
    let Some(record) = store::draws::record(conn, cycle.id, cycle.round)? else { return Ok(false) };
    let record: DrawRecord = serde_json::from_str(&record).map_err(Error::internal)?;
    match draw::replay(&record) {
        Ok(()) => Ok(true),
        Err(Error::Refused(_)) => Ok(false),
        Err(broken) => Err(broken),
    }
}

/// Draws the panels of the cycle's round and writes assignments, record and digest.
///
/// # Errors
/// 409 `pool_too_small` where no panels exist within the caps; 409 `guard_not_met` where a subject holds no post.
pub fn draw(
    conn: &mut Conn,
    cipher: &Cipher,
    cycle: &Cycle,
    methodology: &Methodology,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let committed = store::draws::find(conn, cycle.id, cycle.round)?;
    let committed = committed.ok_or_else(|| Error::internal("an open cycle has no seed"))?;
    let seed = cipher
        .open(Use::DrawSeed, &seed_context(cycle.id, cycle.round), &committed.sealed_seed)?
        .ok_or_else(|| Error::internal("the seed does not open under EJF_COLUMN_KEY"))?;
    let seed: Zeroizing<[u8; 32]> =
        Zeroizing::new(seed.as_slice().try_into().map_err(|_| Error::internal("the seed has a wrong length"))?);
    let surroundings = Surroundings::load(conn, methodology, today)?;
    let evaluations = store::evaluations::of_round(conn, cycle.id, cycle.round)?;
    let mut eligible: HashMap<_, Vec<JudgeId>> = HashMap::new();
    for (evaluation, judge) in store::pools::eligible_of_cycle(conn, cycle.id)? {
        eligible.entry(evaluation).or_default().push(judge);
    }
    // Whoever was drawn in an earlier round is no new reviewer, whether they stayed or left.
    let mut known: HashSet<(EvaluationId, JudgeId)> = HashSet::new();
    let mut next_order: HashMap<EvaluationId, i32> = HashMap::new();
    for (evaluation, judge, order) in store::assignments::drawn_of_cycle(conn, cycle.id)? {
        known.insert((evaluation, judge));
        let next = next_order.entry(evaluation).or_default();
        *next = (*next).max(order + 1);
    }
    let mut judges: HashMap<String, JudgeId> = HashMap::new();
    let mut reviewers: HashMap<JudgeId, Reviewer> = HashMap::new();
    let mut subjects = Vec::with_capacity(evaluations.len());
    for evaluation in &evaluations {
        let subject = surroundings.subject(evaluation)?;
        let mut keys = Vec::new();
        // Whoever left office, took a seat on the commission or came into a conflict since the pool was shown cannot be
        // drawn any more.
        let pool = eligible.remove(&evaluation.id).unwrap_or_default();
        let new = pool.into_iter().filter(|judge| !known.contains(&(evaluation.id, *judge)));
        let able = new.filter(|judge| surroundings.is_eligible(evaluation.judge_id, *judge));
        for person in able.filter_map(|judge| surroundings.person(judge)) {
            keys.push(person.key.clone());
            judges.insert(person.key.clone(), person.judge_id);
            reviewers.entry(person.judge_id).or_insert_with(|| Reviewer {
                key: person.key.clone(),
                court: person.court_id.to_string(),
                load: surroundings.load_of(person.judge_id),
            });
        }
        subjects.push(Subject { key: subject.key.clone(), court: subject.court_id.to_string(), eligible: keys });
    }
    let counts = round_counts(methodology, cycle)?;
    let caps = Caps {
        panel_size: counts.panel_size,
        reserve_size: counts.reserve_size,
        same_court_max: counts.same_court_max,
        load_cap: methodology.counts.load_cap,
    };
    let by_key: HashMap<String, _> = evaluations
        .iter()
        .filter_map(|evaluation| Some((surroundings.person(evaluation.judge_id)?.key.clone(), evaluation.id)))
        .collect();
    let record = draw::draw(DrawInput { caps, reviewers: reviewers.into_values().collect(), subjects }, &seed)?;
    let mut rows = Vec::new();
    for panel in &record.panels {
        let evaluation_id = *by_key.get(&panel.subject).ok_or_else(|| Error::internal("a panel without subject"))?;
        let drawn = panel.panel.iter().map(|key| (key, AssignmentState::Drawn));
        let reserve = panel.reserve.iter().map(|key| (key, AssignmentState::Reserve));
        let first = next_order.get(&evaluation_id).copied().unwrap_or_default();
        for (order, (key, state)) in (first..).zip(drawn.chain(reserve)) {
            let judge_id = *judges.get(key).ok_or_else(|| Error::internal("a drawn key without judge"))?;
            let id = AssignmentId(ids::new_at(now));
            rows.push(Assignment {
                id,
                evaluation_id,
                judge_id,
                drawn_order: order,
                state,
                recusal_reason: None,
                round: cycle.round,
            });
        }
    }
    store::assignments::insert_all(conn, &rows)?;
    let text = serde_json::to_string(&record).map_err(Error::internal)?;
    store::draws::put_record(conn, cycle.id, cycle.round, &text, &record_digest(&text))
}
