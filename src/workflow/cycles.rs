//! The moves of a cycle, each judged by the pure rules of `domain::cycle` from facts that are loaded here and written
//! with its trail in one transaction. A newcomer's usual mistake is to move a phase by itself: `enter` writes the move,
//! the evaluations and the audit entry together.

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};

use super::{draws, issuance, pools, reading, reading_packs};
use crate::cipher::Cipher;
use crate::credential::seal_order;
use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::cycle::{Course, Facts, Move, Phase, check_guards, may_move};
use crate::domain::evaluation::EvaluationState;
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::{AccountId, CycleId, JudgeId};
use crate::domain::judge_file::CORRECTION_WORKING_DAYS;
use crate::domain::methodology::Methodology;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::{Cycle, CycleMove};

/// A cycle with what its moves are judged by.
pub struct Loaded {
    /// The row.
    pub cycle: Cycle,
    /// Its days.
    pub dates: CycleDates,
    /// Its rules.
    pub methodology: Methodology,
    /// Whether the methodology is published.
    is_methodology_published: bool,
}

/// Who makes a move, and why.
#[derive(Debug, Clone, Copy)]
pub struct Mover<'a> {
    /// The first person, or the only one.
    pub account_id: AccountId,
    /// The second person, where two are needed.
    pub second: Option<AccountId>,
    /// Why.
    pub reason: Option<&'a str>,
}

/// Loads a cycle.
///
/// # Errors
/// 404 where there is none.
pub fn load(conn: &mut Conn, id: CycleId) -> Result<Loaded> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    let dates = store::cycles::dates(conn, id)?;
    let row = store::methodologies::find(conn, cycle.methodology_id)?
        .ok_or_else(|| Error::internal("a cycle's methodology is missing"))?;
    let methodology = super::methodologies::document(&row)?;
    Ok(Loaded { cycle, dates, methodology, is_methodology_published: row.published_at.is_some() })
}

impl Loaded {
    /// The calendar day of an instant where the cycle takes place.
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        date_at(now, self.methodology.time_limits.utc_offset_minutes)
    }
}

/// Working days in which a request of a judge for correction is to be decided: as the methodology says by which the judge
/// is evaluated, the shortest where there are several, else our own default.
pub fn correction_days(conn: &mut Conn, judge: JudgeId) -> Result<u32> {
    let mut shortest = None;
    for id in store::evaluations::active_cycles(conn, judge)? {
        let days = load(conn, id)?.methodology.time_limits.source_answer_working_days;
        shortest = Some(shortest.map_or(days, |known: u32| known.min(days)));
    }
    Ok(shortest.unwrap_or(CORRECTION_WORKING_DAYS))
}

/// The state that an approval of a cycle's act covers.
pub fn state(conn: &mut Conn, id: uuid::Uuid) -> Result<String> {
    let cycle = store::cycles::find(conn, CycleId(id))?.ok_or(Code::NotFound)?;
    Ok(format!("{} version {}", cycle.phase, cycle.version))
}

/// Whether a cycle may move to `to` now.
///
/// # Errors
/// 404; 409 `wrong_phase` with the move that would help; 409 `guard_not_met` with every guard that is not met.
pub fn check(conn: &mut Conn, id: CycleId, to: Phase, now: DateTime<Utc>) -> Result<(Loaded, &'static Move)> {
    let loaded = load(conn, id)?;
    let step = may_move(loaded.cycle.phase, to)?;
    check_step(conn, &loaded, step, now)?;
    Ok((loaded, step))
}

/// Whether the guards of a move are met now.
///
/// # Errors
/// 409 `guard_not_met` with every guard that is not met.
pub(super) fn check_step(conn: &mut Conn, loaded: &Loaded, step: &Move, now: DateTime<Utc>) -> Result<()> {
    let facts = facts(conn, loaded, step, now)?;
    check_guards(step, &facts, &loaded.dates, &loaded.methodology)
}

/// What the guards ask for. The announcement itself is the notice to the subjects.
fn facts(conn: &mut Conn, loaded: &Loaded, step: &Move, now: DateTime<Utc>) -> Result<Facts> {
    let Loaded { cycle, dates, methodology, is_methodology_published } = loaded;
    let id = cycle.id;
    let offset = methodology.time_limits.utc_offset_minutes;
    let evaluations = store::evaluations::of_cycle(conn, id)?;
    let announced_at = store::cycles::entered_at(conn, id, Phase::Announced)?;
    let issuance = issuance::facts(conn, cycle)?;
    // What is dear to find out is found out where its guard asks for it, which cancelling never does.
    let is_asked_in = |phase: Phase| step.from == phase && step.course == Course::Forward;
    let pools = if is_asked_in(Phase::PoolReview) {
        pools::standing(conn, id, methodology, loaded.today(now))?
    } else {
        pools::Standing::default()
    };
    let round = store::recounts::find_round(conn, id, cycle.round)?;
    let result_digest = round.as_ref().and_then(|round| round.result_digest.as_deref());
    let recounts_equal = match result_digest {
        Some(digest) => count(store::recounts::count_equal(conn, id, cycle.round, digest)?)?,
        None => 0,
    };
    Ok(Facts {
        today: loaded.today(now),
        round: cycle.round,
        subjects_count: count(evaluations.len())?,
        is_methodology_in_force: *is_methodology_published && methodology.in_force_on(dates.starts_on),
        last_notice_on: announced_at.map(|at| date_at(at.and_utc(), offset)),
        packs_undrawn: if is_asked_in(Phase::FileReview) { count(reading::count_undrawn(conn, id)?)? } else { 0 },
        packs_unfrozen: if is_asked_in(Phase::Drawn) { reading_packs::unfrozen(conn, id)? } else { Vec::new() },
        challenges_open: count(store::pools::count_open_challenges(conn, id)?)?,
        pools_too_small: pools.too_small,
        subjects_without_post: pools.without_post,
        is_draw_replayed: is_asked_in(Phase::Drawn) && draws::is_replayed(conn, cycle)?,
        is_manifest_published: issuance.is_manifest_published,
        ledgers_missing: issuance.ledgers_missing,
        gates_undecided: issuance.gates_undecided,
        is_checkpoint_published: cycle.bundle_digest.is_some(),
        is_result_stored: result_digest.is_some(),
        subjects_short: count(store::results::short_of_cycle(conn, id)?.len())?,
        recounts_equal,
        complaints_proven: count(round.as_ref().map_or(0, |round| round.complaint_count))?,
        sealed_on: cycle.sealed_on,
        evaluations_open: count(evaluations.iter().filter(|one| !EvaluationState::ENDED.contains(&one.state)).count())?,
    })
}

fn count<N: TryInto<u32>>(number: N) -> Result<u32> {
    number.try_into().map_err(|_| Error::internal("a count is too large"))
}

/// Opens a cycle: its subjects are told, and the seed of each draw that its methodology may come to is made and committed
/// to before any pool exists.
pub fn open(conn: &mut Conn, cipher: &Cipher, id: CycleId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (mut loaded, step) = check(conn, id, Phase::Announced, now)?;
    for round in (1..).take_while(|round| loaded.methodology.round_counts(*round).is_some()) {
        draws::commit(conn, cipher, id, round)?;
    }
    reading::commit(conn, cipher, &loaded)?;
    enter(conn, &mut loaded.cycle, step, mover, now)
}

/// Moves a cycle where one person suffices.
///
/// # Errors
/// As [`check`]; 409 `approval_required` for moves that two persons make.
pub fn move_on(conn: &mut Conn, actor: &Actor, id: CycleId, to: Phase, now: DateTime<Utc>) -> Result<Cycle> {
    let (mut loaded, step) = check(conn, id, to, now)?;
    if step.needs_two_persons() {
        return Err(Code::ApprovalRequired.into());
    }
    if to == Phase::PoolReview {
        pools::build(conn, id, &loaded.methodology, loaded.today(now), now)?;
    }
    let mover = Mover { account_id: actor.account_id, second: None, reason: None };
    enter(conn, &mut loaded.cycle, step, mover, now)?;
    Ok(loaded.cycle)
}

/// Opens the seed, draws all panels and writes them with the record. Where that comes late, all later days move by as many:
/// reviewers would find their windows past.
pub fn draw(conn: &mut Conn, cipher: &Cipher, id: CycleId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (mut loaded, step) = check(conn, id, Phase::Drawn, now)?;
    let today = loaded.today(now);
    reschedule(conn, &mut loaded, |dates, _| dates.with_draw_on(today))?;
    draws::draw(conn, cipher, &loaded.cycle, &loaded.methodology, today, now)?;
    enter(conn, &mut loaded.cycle, step, mover, now)
}

/// Sets the days of a cycle anew where an act came later than they foresaw.
fn reschedule(
    conn: &mut Conn,
    loaded: &mut Loaded,
    moved: impl FnOnce(&CycleDates, &Methodology) -> CycleDates,
) -> Result<()> {
    let dates = moved(&loaded.dates, &loaded.methodology);
    if dates != loaded.dates {
        store::cycles::set_dates(conn, loaded.cycle.id, &dates)?;
        loaded.dates = dates;
    }
    Ok(())
}

/// Orders the seal: from now on the box may build its tree. Where it comes late, nobody loses a day to complain.
pub fn seal(conn: &mut Conn, cipher: &Cipher, id: CycleId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (mut loaded, step) = check(conn, id, Phase::Sealed, now)?;
    let today = loaded.today(now);
    let calendar = store::work_calendars::load(conn)?;
    reschedule(conn, &mut loaded, |dates, methodology| dates.with_seal_on(today, methodology, &calendar))?;
    let order = (seal_order::Act::Seal, loaded.dates.challenge_close);
    issuance::put_seal_order(conn, cipher, &loaded.cycle, order, now)?;
    loaded.cycle.sealed_on = Some(today);
    enter(conn, &mut loaded.cycle, step, mover, now)
}

/// Closes a cycle: nothing of it is to come any more, and its reviews are deleted when they have been kept for their time.
pub fn close(conn: &mut Conn, id: CycleId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (mut loaded, step) = check(conn, id, Phase::Closed, now)?;
    enter(conn, &mut loaded.cycle, step, mover, now)
}

/// Cancels a cycle; where reviews were or could have been given, the box is ordered to destroy them unread. What is sealed
/// stays: it is the evidence of the promise that the box broke.
pub fn cancel(conn: &mut Conn, cipher: &Cipher, id: CycleId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (mut loaded, step) = check(conn, id, Phase::Cancelled, now)?;
    if step.from != Phase::Sealed {
        // Windows open by date, whatever the phase says, so the box may hold reviews before `submission`.
        let order = (seal_order::Act::Destroy, loaded.dates.challenge_close);
        issuance::put_seal_order(conn, cipher, &loaded.cycle, order, now)?;
    }
    // The keys of the round have no further use.
    super::results::delete_private_keys(conn, id, loaded.cycle.round, now)?;
    loaded.cycle.cancel_reason = mover.reason.map(str::to_owned);
    enter(conn, &mut loaded.cycle, step, mover, now)
}

/// Writes the phase, the move, the evaluations' states and the audit entry.
pub(super) fn enter(
    conn: &mut Conn,
    cycle: &mut Cycle,
    step: &Move,
    mover: Mover<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    cycle.phase = step.to;
    store::cycles::update(conn, cycle)?;
    let moved = CycleMove {
        id: ids::new_at(now).to_string(),
        cycle_id: cycle.id,
        from_phase: step.from,
        to_phase: step.to,
        account_id: mover.account_id,
        second_account_id: mover.second,
        reason: mover.reason.map(str::to_owned),
        moved_at: now.naive_utc(),
    };
    store::cycles::insert_move(conn, &moved)?;
    super::notices::phase_entered(conn, cycle, step.from, now)?;
    if let Some(state) = evaluation_state(step.to) {
        store::evaluations::set_state_of_cycle(conn, cycle.id, state)?;
    }
    let act = format!("move_cycle_to_{}", step.to);
    let entry = store::audit::NewEntry::new(Some(mover.account_id), &act, "cycle", cycle.id);
    store::audit::record(conn, entry, now)?;
    Ok(())
}

/// Where evaluations stand while their cycle is in a phase; `None` where they go on by themselves.
fn evaluation_state(phase: Phase) -> Option<EvaluationState> {
    match phase {
        Phase::Draft => Some(EvaluationState::Planned),
        Phase::Announced => Some(EvaluationState::Notified),
        Phase::FileReview => Some(EvaluationState::FileReview),
        Phase::PoolReview => Some(EvaluationState::PoolReview),
        Phase::Drawn | Phase::Issuance | Phase::Submission => Some(EvaluationState::Collecting),
        Phase::Reporting => Some(EvaluationState::Counted),
        Phase::Sealed | Phase::Closed => None,
        Phase::Cancelled => Some(EvaluationState::Cancelled),
    }
}

/// The digest of a draw's record, in hex: public, so that the record cannot be exchanged afterwards.
pub fn record_digest(record: &str) -> String {
    hex(&Sha256::digest(record.as_bytes()))
}
