//! From the list of a judge's acts to the acts that were drawn, and to those that follow where one is replaced. A newcomer's
//! usual mistake is to show the order of what was not drawn: who replaces an act would know what comes next.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use zeroize::Zeroizing;

use super::cycles::{self, Loaded, record_digest};
use crate::cipher::{Cipher, Use};
use crate::db::Conn;
use crate::domain::calendar::{days_before, months_before};
use crate::domain::cycle::Phase;
use crate::domain::evaluation::EvaluationState;
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::{CycleId, EvaluationId, ReadingActId};
use crate::domain::indicators::Catalogue;
use crate::domain::judge_file::Check;
use crate::domain::methodology::reading::ReadingPackRules;
use crate::domain::policy::Actor;
use crate::domain::policy::reading::may_object;
use crate::domain::reading::draw::{ReadingInput, ReadingRecord};
use crate::domain::reading::{
    Candidate, DRAWING, OBJECTING, PREPARING, ReadingActState, ReplacementGround, Window, check_candidates, draw,
};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::evaluations::Evaluation;
use crate::store::reading_packs::{Pack, ReadingAct};

/// A pack with what its acts are judged by.
pub struct Opened {
    /// Whose it is.
    pub evaluation: Evaluation,
    /// The pack.
    pub pack: Pack,
    /// How it is made up.
    pub rules: ReadingPackRules,
    /// The phase of its cycle.
    pub phase: Phase,
    /// The days of whose acts is drawn.
    pub window: Window,
}

/// Commits to the seeds by which the acts of a cycle's subjects will be drawn, before any list of acts is filled; nothing
/// where the methodology gives reviewers no acts to read.
pub fn commit(conn: &mut Conn, cipher: &Cipher, loaded: &Loaded) -> Result<()> {
    if loaded.methodology.reading_pack.is_none() {
        return Ok(());
    }
    for evaluation in store::evaluations::of_cycle(conn, loaded.cycle.id)? {
        let mut seed = Zeroizing::new([0u8; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(Error::internal)?;
        let sealed = cipher.seal(Use::ReadingSeed, evaluation.id.to_string().as_bytes(), seed.as_slice())?;
        store::reading_packs::insert(conn, evaluation.id, &hex(&draw::commitment(&seed)), &sealed)?;
    }
    Ok(())
}

/// The pack of an evaluation.
///
/// # Errors
/// 404 where there is no such evaluation, or it has no pack: its methodology gives none, or its cycle is not open.
pub fn open(conn: &mut Conn, id: EvaluationId) -> Result<Opened> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    let pack = store::reading_packs::find(conn, id)?.ok_or(Code::NotFound)?;
    let Loaded { cycle, dates, methodology, .. } = cycles::load(conn, evaluation.cycle_id)?;
    let rules = methodology.reading_pack.ok_or_else(|| Error::internal("a pack without rules"))?;
    let window = window(rules, dates.starts_on);
    Ok(Opened { evaluation, pack, rules, phase: cycle.phase, window })
}

/// The same for an act of it.
///
/// # Errors
/// 404 where there is no such act.
pub fn open_act(conn: &mut Conn, id: ReadingActId) -> Result<(Opened, ReadingAct)> {
    let act = store::reading_packs::find_act(conn, id)?.ok_or(Code::NotFound)?;
    Ok((open(conn, act.evaluation_id)?, act))
}

fn window(rules: ReadingPackRules, starts_on: NaiveDate) -> Window {
    Window { from: months_before(starts_on, rules.window_months), to: days_before(starts_on, 1) }
}

impl Opened {
    /// 409 `wrong_phase` unless the cycle is in one of the phases and the evaluation under way.
    pub fn expect_phase(&self, phases: &[Phase]) -> Result<()> {
        if phases.contains(&self.phase) && self.evaluation.state != EvaluationState::Cancelled {
            return Ok(());
        }
        let codes = phases.iter().map(|phase| phase.as_str()).collect();
        let hint = Hint::new("reading_phase").words("needed", "phase", codes).phase("phase", self.phase);
        Err(Error::hinted(Code::WrongPhase, hint))
    }

    /// 409 `guard_not_met` once the pack is frozen: what reviewers read does not change any more.
    pub fn expect_open(&self) -> Result<()> {
        if self.pack.digest.is_none() { Ok(()) } else { refuse(Hint::new("reading_pack_is_frozen")) }
    }

    fn expect_undrawn(&self) -> Result<()> {
        self.expect_phase(&DRAWING)?;
        if self.pack.record_digest.is_none() { Ok(()) } else { refuse(Hint::new("reading_acts_are_drawn")) }
    }
}

fn refuse<T>(hint: Hint) -> Result<T> {
    Err(Error::hinted(Code::GuardNotMet, hint))
}

/// Puts acts on the list that is drawn from; how many of them are new.
///
/// # Errors
/// 404; 409 `wrong_phase` but in `announced` and `file_review`; 409 `guard_not_met` once acts are drawn; 422.
pub fn add_candidates(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    acts: &[Candidate],
    now: DateTime<Utc>,
) -> Result<usize> {
    let opened = open(conn, id)?;
    opened.expect_undrawn()?;
    let mut check = Check::default();
    check_candidates(&mut check, acts, opened.window, Catalogue::standard()?);
    check.done()?;
    let added = store::reading_packs::add_candidates(conn, id, acts)?;
    record(conn, actor, "add_reading_candidates", &opened.evaluation, now)?;
    Ok(added)
}

/// Takes every act off the list, so that a wrong one can be given anew.
///
/// # Errors
/// As [`add_candidates`].
pub fn clear_candidates(conn: &mut Conn, actor: &Actor, id: EvaluationId, now: DateTime<Utc>) -> Result<()> {
    let opened = open(conn, id)?;
    opened.expect_undrawn()?;
    store::reading_packs::clear_candidates(conn, id)?;
    record(conn, actor, "clear_reading_candidates", &opened.evaluation, now)
}

/// Everything that may be drawn: the list, and the acts of the window that the file has, each once.
pub fn candidates(conn: &mut Conn, opened: &Opened) -> Result<Vec<Candidate>> {
    let mut found: BTreeMap<(String, NaiveDate), Candidate> = BTreeMap::new();
    let listed = store::reading_packs::candidates(conn, opened.evaluation.id)?;
    let in_file = store::reading_packs::acts_of_file(conn, opened.evaluation.judge_id, opened.window)?;
    // An act of the list that a higher court reviewed as well is one act; the list's category stands.
    for act in listed.into_iter().chain(in_file) {
        found.entry((act.case_no.clone(), act.act_date)).or_insert(act);
    }
    Ok(found.into_values().collect())
}

/// Opens the seed and draws the acts of a pack. `expected` is from how many, as the caller saw it: nobody draws from a list
/// that is not whole yet, or that has changed meanwhile.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` once acts are drawn; 422 at `/candidate_count` where there are others.
pub fn draw(
    conn: &mut Conn,
    cipher: &Cipher,
    actor: &Actor,
    id: EvaluationId,
    expected: usize,
    now: DateTime<Utc>,
) -> Result<()> {
    let opened = open(conn, id)?;
    opened.expect_undrawn()?;
    let acts = candidates(conn, &opened)?;
    if acts.len() != expected {
        return Err(Error::invalid("/candidate_count", Rule::Mismatch { other: "candidate_count" }));
    }
    let seed = cipher
        .open(Use::ReadingSeed, id.to_string().as_bytes(), &opened.pack.sealed_seed)?
        .ok_or_else(|| Error::internal("the seed does not open under EJF_COLUMN_KEY"))?;
    let seed: Zeroizing<[u8; 32]> =
        Zeroizing::new(seed.as_slice().try_into().map_err(|_| Error::internal("the seed has a wrong length"))?);
    let ReadingPackRules { acts_per_category, acts_max, .. } = opened.rules;
    let drawn = draw::draw(ReadingInput { acts_per_category, acts_max, acts }, &seed)?;
    let rows = drawn.drawn().map(|(place, act)| row(id, place, act, now)).collect::<Result<Vec<_>>>()?;
    store::reading_packs::insert_acts(conn, &rows)?;
    let text = serde_json::to_string(&drawn).map_err(Error::internal)?;
    let digest = record_digest(&text);
    store::reading_packs::put_record(conn, id, &text, &digest)?;
    let entry = entry(actor, "draw_reading_acts", &opened.evaluation);
    store::audit::record(conn, entry.of_digest(digest), now)
}

fn row(id: EvaluationId, place: usize, act: &Candidate, now: DateTime<Utc>) -> Result<ReadingAct> {
    Ok(ReadingAct {
        id: ReadingActId(ids::new_at(now)),
        evaluation_id: id,
        category: act.category.clone(),
        place: i32::try_from(place).map_err(Error::internal)?,
        case_no: act.case_no.clone(),
        act_date: act.act_date,
        state: ReadingActState::Drawn,
        replacement_ground: None,
        decision_reason: None,
        decided_by: None,
        decided_at: None,
        objection: None,
        objected_at: None,
        objection_decided_at: None,
    })
}

/// Takes the next of the drawn order in the place of an act, which stays with its reason; nothing follows where the order of
/// its category is at its end.
pub fn replace(
    conn: &mut Conn,
    actor: &Actor,
    mut act: ReadingAct,
    ground: ReplacementGround,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    if act.has_open_objection() {
        act.objection_decided_at = Some(now.naive_utc());
    }
    act.state = ReadingActState::Replaced;
    act.replacement_ground = Some(ground);
    act.decision_reason = Some(reason.to_owned());
    act.decided_by = Some(actor.account_id);
    act.decided_at = Some(now.naive_utc());
    store::reading_packs::update_act(conn, &act)?;
    let text = store::reading_packs::record(conn, act.evaluation_id)?;
    let text = text.ok_or_else(|| Error::internal("an act was drawn without a record"))?;
    let drawn: ReadingRecord = serde_json::from_str(&text).map_err(Error::internal)?;
    let next = store::reading_packs::next_place(conn, act.evaluation_id, &act.category)?;
    let next = usize::try_from(next).map_err(Error::internal)?;
    match drawn.at(&act.category, next) {
        Some(follower) => store::reading_packs::insert_acts(conn, &[row(act.evaluation_id, next, follower, now)?]),
        None => Ok(()),
    }
}

/// Notes the judge's objection to an act of the own pack.
///
/// # Errors
/// 404; 409 `wrong_phase` once the pool's review is over; 409 `already_exists` for a second one; 409 `guard_not_met` to an
/// act that is replaced.
pub fn object(
    conn: &mut Conn,
    actor: &Actor,
    id: ReadingActId,
    objection: &str,
    now: DateTime<Utc>,
) -> Result<ReadingAct> {
    let judge = store::reading_packs::subject_of_act(conn, id)?.ok_or(Code::NotFound)?;
    may_object(actor, judge)?;
    let (opened, mut act) = open_act(conn, id)?;
    opened.expect_phase(&OBJECTING)?;
    if !act.state.is_in_use() {
        return refuse(Hint::new("reading_act_is_replaced"));
    }
    if act.objection.is_some() {
        return Err(Code::AlreadyExists.into());
    }
    act.objection = Some(objection.to_owned());
    act.objected_at = Some(now.naive_utc());
    store::reading_packs::update_act(conn, &act)?;
    record(conn, actor, "object_to_reading_act", &opened.evaluation, now)?;
    Ok(act)
}

/// Decides that an act stays against the judge's objection, or that the next one takes its place: since the judge objects, or
/// where there is no text to give.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` where the pack is frozen, the act is replaced, or nobody objects to what is to
/// be kept.
pub fn decide(
    conn: &mut Conn,
    actor: &Actor,
    id: ReadingActId,
    is_replaced: bool,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<ReadingAct> {
    let (opened, mut act) = open_act(conn, id)?;
    opened.expect_phase(&PREPARING)?;
    opened.expect_open()?;
    if !act.state.is_in_use() {
        return refuse(Hint::new("reading_act_is_replaced"));
    }
    if is_replaced {
        let ground =
            if act.has_open_objection() { ReplacementGround::Objection } else { ReplacementGround::Unavailable };
        replace(conn, actor, act, ground, reason, now)?;
        record(conn, actor, "replace_reading_act", &opened.evaluation, now)?;
    } else {
        if !act.has_open_objection() {
            return refuse(Hint::new("reading_act_unobjected"));
        }
        act.objection_decided_at = Some(now.naive_utc());
        act.decision_reason = Some(reason.to_owned());
        act.decided_by = Some(actor.account_id);
        act.decided_at = Some(now.naive_utc());
        store::reading_packs::update_act(conn, &act)?;
        record(conn, actor, "keep_reading_act", &opened.evaluation, now)?;
    }
    store::reading_packs::find_act(conn, id)?.ok_or_else(|| Error::internal("an act vanished"))
}

/// The entry of an act on a pack: of the evaluation, in whose trail auditors find it.
pub fn entry<'a>(actor: &Actor, act: &'a str, evaluation: &Evaluation) -> store::audit::NewEntry<'a> {
    store::audit::NewEntry::new(Some(actor.account_id), act, "evaluation", evaluation.id)
}

/// Records an act on a pack.
pub fn record(conn: &mut Conn, actor: &Actor, act: &str, evaluation: &Evaluation, now: DateTime<Utc>) -> Result<()> {
    store::audit::record(conn, entry(actor, act, evaluation), now)
}

/// Of a cycle's subjects who are not cancelled, how many have no acts drawn yet.
pub fn count_undrawn(conn: &mut Conn, id: CycleId) -> Result<usize> {
    let of = subjects(conn, id)?;
    let packs = store::reading_packs::of_evaluations(conn, &of)?;
    Ok(packs.iter().filter(|pack| pack.record_digest.is_none()).count())
}

/// The evaluations of a cycle that go on.
pub fn subjects(conn: &mut Conn, id: CycleId) -> Result<Vec<EvaluationId>> {
    Ok(store::evaluations::of_cycle(conn, id)?.into_iter().map(|one| one.id).collect())
}
