//! The destruction of what was kept for its time: asked for by two persons, done step by step, each step whole. What a
//! newcomer would get wrong: the trail is written with the deletion, in one transaction, and says nothing of what is gone but
//! digests; those are keyed, since a few words could be guessed from a plain one.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cycles::Mover;
use super::retention::{self, Place};
use crate::cipher::{Cipher, Use};
use crate::db::Conn;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::{RecordId, RetentionRunId};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::retention::{ScheduleRow, Tombstone};
use crate::store::retention_due::Head;
use crate::store::retention_ends::Doomed;
use crate::store::retention_runs::Run;

/// Hours for which the answer of an act may be asked for again; it may hold a record.
const KEPT_ANSWERS_HOURS: i64 = 24;
/// How many tombstones are digested at a time.
const DIGESTED: i64 = 1000;

/// What a run is asked for with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunParameters {
    /// The day on which the time of a record has to be over.
    pub counted_on: NaiveDate,
}

/// The parameters as they were asked for.
fn parameters(text: &str) -> Result<RunParameters> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// Whether a run may be started by this edition.
///
/// # Errors
/// 404; 409 `wrong_phase` where the edition is not the one that holds; 409 `already_exists` while a run is under way.
pub fn check(conn: &mut Conn, id: uuid::Uuid) -> Result<ScheduleRow> {
    let row = retention::find(conn, id)?;
    let refused = |hint: Hint| Err(Error::hinted(Code::WrongPhase, hint));
    match store::retention::schedule_in_force(conn)? {
        None => return refused(Hint::new("retention_not_adopted")),
        Some(in_force) if in_force.id != row.id => {
            return refused(Hint::new("retention_edition_in_force").text("edition", in_force.edition));
        }
        Some(_) => {}
    }
    if store::retention_runs::find_under_way(conn)?.is_some() {
        return Err(Code::AlreadyExists.into());
    }
    Ok(row)
}

/// Starts a run; the worker does it.
pub fn start(conn: &mut Conn, id: uuid::Uuid, asked: &str, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let schedule = check(conn, id)?;
    let counted_on = parameters(asked)?.counted_on;
    if counted_on > date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES) {
        return Err(Code::ApprovalStale.into());
    }
    let run = Run {
        id: RetentionRunId(ids::new_at(now)),
        schedule_id: schedule.id,
        counted_on,
        requested_by: mover.account_id,
        confirmed_by: mover.second.ok_or(Code::SecondPersonRequired)?,
        started_at: now.naive_utc(),
        category: None,
        after_id: None,
        destroyed_count: 0,
        kept_count: 0,
        proof_digest: None,
        finished_at: None,
    };
    store::retention_runs::insert(conn, &run)?;
    let entry = store::audit::NewEntry::new(Some(run.requested_by), "run_retention", "retention_run", run.id);
    store::audit::record(conn, entry.of_digest(schedule.digest), now)
}

/// Goes one step on: destroys what is due of the next records, or passes to the next kind; whether nothing is left.
///
/// All of a step happens or nothing: a stop in the middle leaves no record without its trail, and none half there.
pub fn step(conn: &mut Conn, cipher: &Cipher, id: RetentionRunId, now: DateTime<Utc>) -> Result<bool> {
    let mut run = find(conn, id)?;
    let schedule = retention::find(conn, run.schedule_id.0)?;
    let rules = retention::rules(&schedule)?;
    let known = run.category.map(|category| Place { category, after: run.after_id });
    let mut place = known.or_else(Place::first);
    while let Some(at) = place {
        let heads = retention::heads_at(conn, &rules, run.counted_on, at)?;
        let Some((last, _)) = heads.last() else {
            place = at.next_category();
            continue;
        };
        (run.category, run.after_id) = (Some(at.category), Some(last.id));
        for (head, begun_on) in heads {
            if begun_on.is_none() {
                continue;
            }
            let going = retention::going(conn, at.category, &head)?;
            if going.is_empty() {
                // It went with a record before it.
                continue;
            }
            if retention::kept_because(conn, &head, &going)?.is_some() {
                run.kept_count += 1;
                continue;
            }
            run.destroyed_count += destroy(conn, cipher, &run, &head, &going, now)?;
        }
        store::retention_runs::note_progress(conn, &run)?;
        return Ok(false);
    }
    // With the records, before what the engine still holds is wiped.
    store::retention_runs::drop_kept_answers(conn, (now - TimeDelta::hours(KEPT_ANSWERS_HOURS)).naive_utc())?;
    Ok(true)
}

/// Deletes records and leaves their tombstones and the trail; how many there were.
fn destroy(
    conn: &mut Conn,
    cipher: &Cipher,
    run: &Run,
    head: &Head,
    going: &[Doomed],
    now: DateTime<Utc>,
) -> Result<i64> {
    let mut left = Vec::new();
    for doomed in going {
        let said = [doomed.id.0.as_bytes().as_slice(), &doomed.imprint].concat();
        left.push(Tombstone {
            id: doomed.id,
            judge_id: head.judge_id,
            category: doomed.category,
            digest: hex(&cipher.keyed_hash(Use::Tombstone, &said)?),
            run_id: run.id,
            destroyed_at: now.naive_utc(),
        });
    }
    store::retention_ends::delete(conn, head.judge_id, going)?;
    store::retention::insert_tombstones(conn, &left)?;
    let digest = hex(&left.iter().fold(Sha256::new(), |digest, one| digest.chain_update(line(one))).finalize());
    let entry = store::audit::NewEntry::new(None, "destroy_record", "record", head.id).of_judge(head.judge_id);
    store::audit::record(conn, entry.of_digest(digest), now)?;
    i64::try_from(left.len()).map_err(Error::internal)
}

/// What of a tombstone is digested: nothing that tells whose it is.
fn line(tombstone: &Tombstone) -> String {
    format!("{} {} {}\n", tombstone.id, tombstone.category, tombstone.digest)
}

/// Ends a run of which nothing is left to do and writes the proof of it: the digest over the day, the edition and every
/// tombstone in order, as `proof` says.
pub fn finish(conn: &mut Conn, id: RetentionRunId, now: DateTime<Utc>) -> Result<()> {
    let run = find(conn, id)?;
    if run.finished_at.is_some() {
        return Ok(());
    }
    let proof = proof(conn, &run)?;
    store::retention_runs::finish(conn, id, &proof, now.naive_utc())?;
    let entry = store::audit::NewEntry::new(None, "destroy_records", "retention_run", id);
    store::audit::record(conn, entry.of_digest(proof), now)
}

/// SHA-256 over the line `ejf destruction <run> <edition's digest> <day>` and a line `<id> <category> <digest>` for each
/// record, in order of ids, each with its line end.
fn proof(conn: &mut Conn, run: &Run) -> Result<String> {
    let schedule = retention::find(conn, run.schedule_id.0)?;
    let mut digest = Sha256::new();
    digest.update(format!("ejf destruction {} {} {}\n", run.id, schedule.digest, run.counted_on));
    let mut after: Option<RecordId> = None;
    loop {
        let page = store::retention::tombstones_of_run(conn, run.id, after, DIGESTED)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for tombstone in &page {
            digest.update(line(tombstone));
        }
    }
    Ok(hex(&digest.finalize()))
}

fn find(conn: &mut Conn, id: RetentionRunId) -> Result<Run> {
    Ok(store::retention_runs::find(conn, id)?.ok_or(Code::NotFound)?)
}
