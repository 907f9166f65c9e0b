//! Packs as wholes: what they lack, their freezing, the list that is published with the manifest, and what a reviewer gets. A
//! newcomer's usual mistake is to give out one pack at a time: whoever asks for one subject shows interest in it.

use std::collections::HashMap;

use chrono::{DateTime, NaiveTime, Utc};

use super::issuance::{first_document_key, methodology_of, today};
use super::reading::{self, entry};
use crate::cipher::Cipher;
use crate::credential::encoding::{Blob, Digest, Ref, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::packs::{ListedPack, PackList, PackedAct, ReadingPack};
use crate::db::Conn;
use crate::domain::cycle::{HINTS_OF_A_KIND_MAX, Phase};
use crate::domain::ids::{CycleId, EvaluationId, JudgeId};
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::reading::{Gaps, PackGap, ReadingActState, TextVerdict};
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::assignments::{AssignmentState, Duty};
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;
use crate::store::reading_packs::{FrozenContent, Pack, ReadingAct};
use crate::store::reading_texts::ReadingText;

/// The list of a round's packs.
pub const PACKS_FILE: &str = "packs.json";

/// A pack as staff see it on a list: how far it is, and nothing of what is in it.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Whose it is.
    pub evaluation: Evaluation,
    /// The pack.
    pub pack: Pack,
    /// Acts that are in it as things are.
    pub acts_count: u32,
    /// Acts in whose place another was taken.
    pub replaced_count: u32,
    /// What it lacks.
    pub gaps: Gaps,
}

/// What the acts of a pack lack.
pub fn gaps(acts: &[ReadingAct]) -> Gaps {
    let mut gaps = Gaps::default();
    for act in acts {
        match act.state {
            ReadingActState::Drawn | ReadingActState::SentBack => gaps.texts_missing += 1,
            ReadingActState::Uploaded => gaps.texts_unchecked += 1,
            ReadingActState::Passed | ReadingActState::Replaced => {}
        }
        gaps.objections_open += u32::from(act.has_open_objection());
    }
    gaps
}

/// How far the packs of these evaluations are; those without a pack are left out.
pub fn standings(conn: &mut Conn, evaluations: Vec<Evaluation>) -> Result<Vec<Standing>> {
    let of: Vec<EvaluationId> = evaluations.iter().map(|evaluation| evaluation.id).collect();
    let packs = store::reading_packs::of_evaluations(conn, &of)?;
    let mut packs: HashMap<EvaluationId, Pack> = packs.into_iter().map(|pack| (pack.evaluation_id, pack)).collect();
    let mut acts: HashMap<EvaluationId, Vec<ReadingAct>> = HashMap::new();
    for act in store::reading_packs::acts_of(conn, &of)? {
        acts.entry(act.evaluation_id).or_default().push(act);
    }
    let mut standings = Vec::with_capacity(packs.len());
    for evaluation in evaluations {
        let Some(pack) = packs.remove(&evaluation.id) else { continue };
        let acts = acts.remove(&evaluation.id).unwrap_or_default();
        let in_use = acts.iter().filter(|act| act.state.is_in_use()).count();
        standings.push(Standing {
            acts_count: u32::try_from(in_use).map_err(Error::internal)?,
            replaced_count: u32::try_from(acts.len() - in_use).map_err(Error::internal)?,
            gaps: gaps(&acts),
            evaluation,
            pack,
        });
    }
    Ok(standings)
}

/// The packs of a cycle's subjects that are not frozen, each with what it lacks; none where there are no packs.
pub fn unfrozen(conn: &mut Conn, id: CycleId) -> Result<Vec<PackGap>> {
    let evaluations = store::evaluations::of_cycle(conn, id)?;
    let open = standings(conn, evaluations)?;
    let open = open.into_iter().filter(|standing| standing.pack.digest.is_none());
    Ok(open.map(|standing| PackGap { judge: standing.evaluation.judge_id, gaps: standing.gaps }).collect())
}

/// Freezes a pack: from then on its bytes are the same for everybody and for good, and those of other texts are erased.
///
/// # Errors
/// 404; 409 `wrong_phase` but in `drawn`, when the judge cannot object any more; 409 `guard_not_met` with what it lacks; 422 at
/// `/short_reason` where there are fewer acts than the methodology asks for and nobody says why, or the reverse.
pub fn freeze(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    short_reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let opened = reading::open(conn, id)?;
    opened.expect_phase(&[Phase::Drawn])?;
    opened.expect_open()?;
    let acts = store::reading_packs::acts_of(conn, &[id])?;
    let gaps = gaps(&acts);
    if opened.pack.record_digest.is_none() || !gaps.is_closed() {
        let gap = PackGap { judge: opened.evaluation.judge_id, gaps };
        return Err(Error::hinted(Code::GuardNotMet, gap.hint()));
    }
    let passed = store::reading_texts::passed_of_pack(conn, id)?;
    let is_short = passed.len() < opened.rules.acts_min as usize;
    let mut check = Check::default();
    check.rule(!is_short || short_reason.is_some(), "/short_reason", Rule::Required);
    check.rule(is_short || short_reason.is_none(), "/short_reason", Rule::Unknown);
    check.done()?;
    let packed = passed.into_iter().map(|text| PackedAct {
        category: text.category,
        language: text.language,
        media_type: text.media_type,
        content: Blob(text.content),
    });
    let content = ReadingPack { v: 1, acts: packed.collect() }.to_bytes()?;
    let digest = sha256(&[&content]).to_string();
    let frozen = FrozenContent { content: &content, digest: &digest, short_reason, frozen_at: now.naive_utc() };
    store::reading_packs::freeze(conn, id, &frozen)?;
    erase_others(conn, id, &acts)?;
    let entry = entry(actor, "freeze_reading_pack", &opened.evaluation);
    store::audit::record(conn, entry.of_digest(digest), now)
}

/// Erases what did not get into a pack: what was sent back, and all texts of acts that were replaced, may name people.
fn erase_others(conn: &mut Conn, id: EvaluationId, acts: &[ReadingAct]) -> Result<()> {
    let is_passed = |text: &ReadingText| {
        let act = acts.iter().find(|act| act.id == text.reading_act_id);
        text.verdict == Some(TextVerdict::Passed) && act.is_some_and(|act| act.state == ReadingActState::Passed)
    };
    let texts = store::reading_texts::of_pack(conn, id)?;
    let others: Vec<_> = texts.iter().filter(|text| !is_passed(text)).map(|text| text.id).collect();
    store::reading_texts::erase(conn, &others)
}

/// 409 `guard_not_met` with every pack of a cycle that is not frozen: no manifest is, before reviewers' acts are.
pub fn expect_frozen(conn: &mut Conn, id: CycleId) -> Result<()> {
    let open = unfrozen(conn, id)?;
    if open.is_empty() {
        return Ok(());
    }
    let hints = open.iter().take(HINTS_OF_A_KIND_MAX).map(PackGap::hint).collect();
    Err(Error::hints(Code::GuardNotMet, hints))
}

/// Signs the list of a round's packs and stores it beside the round's first manifest, in the caller's write; nothing where the
/// methodology gives reviewers no acts to read.
pub fn publish(conn: &mut Conn, cipher: &Cipher, cycle: &Cycle, manifest: &Frozen, now: DateTime<Utc>) -> Result<()> {
    let mut packs = Vec::new();
    let evaluations = store::evaluations::of_round(conn, cycle.id, cycle.round)?;
    for standing in standings(conn, evaluations)? {
        let subject_ref = standing.evaluation.subject_ref.as_deref();
        let subject_ref = subject_ref.ok_or_else(|| Error::internal("a subject of the manifest has no name"))?;
        let (Some(digest), Some(size)) = (standing.pack.digest, standing.pack.size) else {
            return Err(Error::internal("a manifest is frozen before its packs"));
        };
        packs.push(ListedPack {
            subject_ref: Ref::from_slice(subject_ref)?,
            digest: digest.parse::<Digest>()?,
            size: u32::try_from(size).map_err(Error::internal)?,
        });
    }
    if packs.is_empty() {
        return Ok(());
    }
    let key = first_document_key(conn, cipher, cycle.id, manifest)?;
    let list = PackList::build(manifest, packs, &key)?.to_bytes()?;
    store::cycles::put_document(conn, cycle.id, cycle.round, PACKS_FILE, &list)?;
    let entry = store::audit::NewEntry::new(None, "publish_reading_packs", "cycle", cycle.id);
    store::audit::record(conn, entry.of_digest(sha256(&[&list]).to_string()), now)
}

/// The packs of all subjects of a cycle for whom the judge holds credentials, each in its frame, by the box's names of the
/// subjects. As with credentials the entry bears the date alone and names no subject; and from the opening of submission on
/// there is nothing to log in for.
///
/// # Errors
/// 404 where there is none.
pub fn of_reviewer(conn: &mut Conn, actor: &Actor, judge: JudgeId, id: CycleId, now: DateTime<Utc>) -> Result<Vec<u8>> {
    let duties = store::assignments::duties_of(conn, judge)?;
    let is_held = |duty: &Duty| duty.cycle.id == id && duty.assignment.state == AssignmentState::Issued;
    let mut held: Vec<Duty> = duties.into_iter().filter(is_held).collect();
    let Some(cycle) = held.first().map(|duty| duty.cycle.clone()) else { return Err(Code::NotFound.into()) };
    let (methodology, _) = methodology_of(conn, &cycle)?;
    if today(&methodology, now) >= store::cycles::dates(conn, id)?.submit_open {
        return Err(Code::NotFound.into());
    }
    let list = store::cycles::document(conn, id, cycle.round, PACKS_FILE)?.ok_or(Code::NotFound)?;
    let list = PackList::parse(&list)?;
    held.sort_by(|one, other| one.evaluation.subject_ref.cmp(&other.evaluation.subject_ref));
    let mut frames = Vec::new();
    for duty in held {
        let subject_ref = duty.evaluation.subject_ref.as_deref();
        let subject_ref = subject_ref.ok_or_else(|| Error::internal("a credential for a subject without a name"))?;
        let content = store::reading_packs::content(conn, duty.evaluation.id)?;
        let content = content.ok_or_else(|| Error::internal("a pack on the list is not frozen"))?;
        frames.extend(list.enframe(&Ref::from_slice(subject_ref)?, &content)?);
    }
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let entry = store::audit::NewEntry::new(Some(actor.account_id), "get_my_reading_packs", "cycle", id);
    store::audit::record(conn, entry, midnight)?;
    Ok(frames)
}
