//! Depersonalised texts: put in by one secretary, looked through by a machine, checked by another secretary. A newcomer's usual
//! mistake is to let the machine's silence stand for the check; it sees numbers and names, a person sees people.

use chrono::{DateTime, Utc};

use super::reading::{self, Opened, entry};
use crate::credential::encoding::sha256;
use crate::db::Conn;
use crate::domain::hex::hex;
use crate::domain::ids;
use crate::domain::ids::{AccountId, ReadingActId, ReadingTextId};
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::reading::scan::{Identifiers, findings};
use crate::domain::reading::{
    Checklist, PREPARING, ReadingActState, ReadingLanguage, ReadingType, ReplacementGround, TextVerdict, may_check,
};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::store;
use crate::store::reading_packs::ReadingAct;
use crate::store::reading_texts::ReadingText;

/// More posts than a judge ever holds.
const POSTS_MAX: i64 = 100;

/// A text as it is put in.
#[derive(Debug, Clone)]
pub struct NewText {
    /// The act that it is of.
    pub act_id: ReadingActId,
    /// Its language.
    pub language: ReadingLanguage,
    /// Its type.
    pub media_type: ReadingType,
}

/// Puts a text in; it waits for another person then.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` where the act awaits no text or the pack is frozen; 422 with all that a
/// machine sees in it.
pub fn add(conn: &mut Conn, actor: &Actor, new: &NewText, content: &[u8], now: DateTime<Utc>) -> Result<ReadingText> {
    let (opened, mut act) = reading::open_act(conn, new.act_id)?;
    opened.expect_phase(&PREPARING)?;
    opened.expect_open()?;
    if !act.state.awaits_text() {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("reading_text_unawaited")));
    }
    let identifiers = identifiers(conn, &opened, &act)?;
    let found = findings(new.media_type, content, &identifiers);
    if !found.is_empty() {
        let faults = found.iter().map(|one| Fault::at("", Rule::Format { expected: one.expected() }));
        return Err(Error::faults(Code::Invalid, faults.collect()));
    }
    let digest = hex(&sha256(&[content]).0);
    let text = ReadingText {
        id: ReadingTextId(ids::new_at(now)),
        reading_act_id: act.id,
        language: new.language,
        media_type: new.media_type,
        size: i32::try_from(content.len()).map_err(Error::internal)?,
        sha256: digest.clone(),
        uploaded_by: actor.account_id,
        uploaded_at: now.naive_utc(),
        verdict: None,
        reason: None,
        checked_by: None,
        checked_at: None,
    };
    store::reading_texts::insert(conn, &text, content)?;
    act.state = ReadingActState::Uploaded;
    store::reading_packs::update_act(conn, &act)?;
    let entry = entry(actor, "add_reading_text", &opened.evaluation);
    store::audit::record(conn, entry.of_digest(digest), now)?;
    Ok(text)
}

/// What must not stand in the text of an act: the case, the judge's names, and every court where the judge held a post.
fn identifiers(conn: &mut Conn, opened: &Opened, act: &ReadingAct) -> Result<Identifiers> {
    let judge_id = opened.evaluation.judge_id;
    let judge = store::judges::find(conn, judge_id)?.ok_or_else(|| Error::internal("a subject is no judge"))?;
    let mut court_names = Vec::new();
    for post in store::positions::list(conn, judge_id, None, POSTS_MAX)? {
        if let Some(court) = store::courts::find(conn, post.court_id)? {
            court_names.extend([Some(court.name_kk), Some(court.name_ru), court.name_en].into_iter().flatten());
        }
    }
    let names = [Some(judge.full_name_kk), Some(judge.full_name_ru), judge.full_name_en];
    Ok(Identifiers { case_no: act.case_no.clone(), judge_names: names.into_iter().flatten().collect(), court_names })
}

/// What a second person found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The verdict.
    pub verdict: TextVerdict,
    /// What was looked for.
    pub checklist: Checklist,
    /// Why, unless it passes.
    pub reason: Option<String>,
}

/// Notes what a second person found of a text. Who recognises something says so here, as staff, before anybody is asked to
/// review: no reviewer ever does.
///
/// # Errors
/// 404; 409 `second_person_required` for who put it in; 409 `guard_not_met` where it was checked or the pack is frozen; 422
/// where it passes with a point of the list open, or does not pass without a reason.
pub fn check(
    conn: &mut Conn,
    actor: &Actor,
    id: ReadingTextId,
    found: &Finding,
    now: DateTime<Utc>,
) -> Result<ReadingText> {
    let mut text = store::reading_texts::find(conn, id)?.ok_or(Code::NotFound)?;
    let (opened, mut act) = reading::open_act(conn, text.reading_act_id)?;
    opened.expect_phase(&PREPARING)?;
    opened.expect_open()?;
    may_check::<AccountId>(text.uploaded_by, actor.account_id)?;
    if text.verdict.is_some() || act.state != ReadingActState::Uploaded {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("reading_text_is_checked")));
    }
    let mut faults = Check::default();
    match found.verdict {
        TextVerdict::Passed => found.checklist.check(&mut faults),
        TextVerdict::SentBack | TextVerdict::Recognisable => {
            faults.rule(found.reason.is_some(), "/reason", Rule::Required);
        }
    }
    faults.done()?;
    text.verdict = Some(found.verdict);
    text.reason = found.reason.clone();
    text.checked_by = Some(actor.account_id);
    text.checked_at = Some(now.naive_utc());
    store::reading_texts::put_verdict(conn, &text)?;
    let entry = entry(actor, "check_reading_text", &opened.evaluation);
    store::audit::record(conn, entry.of_digest(text.sha256.clone()), now)?;
    match found.verdict {
        TextVerdict::Passed => act.state = ReadingActState::Passed,
        TextVerdict::SentBack => act.state = ReadingActState::SentBack,
        TextVerdict::Recognisable => {
            let reason = found.reason.as_deref().unwrap_or_default();
            reading::replace(conn, actor, act, ReplacementGround::Recognisable, reason, now)?;
            return Ok(text);
        }
    }
    store::reading_packs::update_act(conn, &act)?;
    Ok(text)
}
