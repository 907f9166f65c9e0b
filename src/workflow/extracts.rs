//! Extracts: gathered from what a report may rest on, signed, and served while they hold. What a newcomer would get wrong: an
//! extract is not made anew when it is read. What was signed is what is served, whatever the file says by now; where that
//! matters it is revoked.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::cycles;
use crate::cipher::{Cipher, Use};
use crate::credential::encoding::{Bytes, to_base64url};
use crate::credential::{extract, jcs, signing};
use crate::db::Conn;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::events::EventKind;
use crate::domain::extracts::{
    ExtractEvaluation, ExtractFacts, ExtractJudge, ExtractPost, ExtractPurpose, ExtractState, FACTS_MAX, state,
};
use crate::domain::ids::{AccountId, ClientId, EvaluationId, ExtractId, JudgeId, new_at};
use crate::domain::judge_file::{Check, FilePurpose};
use crate::domain::policy::extracts::may_read_extract;
use crate::domain::sections::Content;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::events::NewEvent;
use crate::store::extracts::{Extract, ExtractKey, Revoked};

/// So many extracts of a judge are looked through at once.
const EXTRACTS_AT_ONCE: i64 = 100;
/// For how long a key signs before a new one takes over.
const KEY_DAYS: i64 = 365;

/// What an extract is asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Of whose file.
    pub judge_id: JudgeId,
    /// What for.
    pub purpose: ExtractPurpose,
    /// For whom.
    pub recipient: String,
    /// Which system may fetch it.
    pub recipient_client_id: Option<ClientId>,
    /// The last day on which it is to be good.
    pub expires_on: NaiveDate,
}

/// A fresh key, for the case that none signs yet or the last has signed for a year. Made before the write, as a write may run
/// twice.
pub fn spare_key(cipher: &Cipher, now: DateTime<Utc>) -> Result<ExtractKey> {
    let key = signing::generate()?;
    let public_key = signing::public_key(&key);
    let id = extract::key_id(&public_key);
    let wrapped_private_key = cipher.seal(Use::ExtractKey, id.as_bytes(), key.as_bytes())?;
    Ok(ExtractKey { id, public_key: public_key.0.to_vec(), wrapped_private_key, signs_from: now.naive_utc() })
}

/// Issues an extract.
///
/// # Errors
/// 404 without the judge; 422 where the recipient's system is none that may fetch extracts.
pub fn issue(
    conn: &mut Conn,
    cipher: &Cipher,
    spare: &ExtractKey,
    by: AccountId,
    order: &Order,
    now: DateTime<Utc>,
) -> Result<Extract> {
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let id = ExtractId(new_at(now));
    let facts = gather(conn, id, order, today)?;
    check_recipient(conn, order)?;
    let facts =
        jcs::canonical(&facts).map_err(|error| Error::internal(format!("facts that cannot be signed: {error}")))?;
    let digest = extract::digest(&facts);
    let (key_id, key) = current_key(conn, cipher, spare, now)?;
    let row = Extract {
        id,
        judge_id: order.judge_id,
        purpose: order.purpose,
        recipient: order.recipient.clone(),
        recipient_client_id: order.recipient_client_id,
        facts: String::from_utf8(facts).map_err(Error::internal)?,
        digest: to_base64url(&digest.0),
        key_id,
        signature: to_base64url(&extract::sign(&key, &digest).0),
        issued_by: by,
        issued_at: now.naive_utc(),
        expires_on: order.expires_on,
        revoked_at: None,
        revoked_by: None,
        revocation: None,
        explanation: None,
    };
    store::extracts::insert(conn, &row)?;
    tell(conn, EventKind::ExtractIssued, &row, now)?;
    Ok(row)
}

/// Revokes an extract; the row as it is now.
///
/// # Errors
/// 404 where there is none; 409 `wrong_phase` where it was revoked before.
pub fn revoke(conn: &mut Conn, id: ExtractId, revoked: &Revoked<'_>, now: DateTime<Utc>) -> Result<Extract> {
    let extract = store::extracts::find(conn, id)?.ok_or(Code::NotFound)?;
    if !store::extracts::revoke(conn, id, revoked)? {
        return Err(Error::hinted(Code::WrongPhase, Hint::new("extract_is_revoked")));
    }
    tell(conn, EventKind::ExtractRevoked, &extract, now)?;
    Ok(Extract {
        revoked_at: Some(revoked.at),
        revoked_by: Some(revoked.by),
        revocation: Some(revoked.revocation),
        explanation: Some(revoked.explanation.to_owned()),
        ..extract
    })
}

/// Tells the system that may fetch an extract, and no other: to everybody else there is none. What is handed over on paper is
/// no event.
fn tell(conn: &mut Conn, kind: EventKind, extract: &Extract, now: DateTime<Utc>) -> Result<()> {
    let Some(recipient) = extract.recipient_client_id else { return Ok(()) };
    let (extract_id, recipient_client_id) = (Some(extract.id), Some(recipient));
    let event = NewEvent { extract_id, recipient_client_id, ..NewEvent::new(kind, extract.judge_id) };
    store::events::append(conn, event, now).map(drop)
}

/// The final facts that the purpose needs.
fn gather(conn: &mut Conn, id: ExtractId, order: &Order, today: NaiveDate) -> Result<ExtractFacts> {
    let judge = store::judges::find(conn, order.judge_id)?.ok_or(Code::NotFound)?;
    let basis = store::reportable::find(conn, order.judge_id, today, FACTS_MAX as i64)?;
    let mut posts = Vec::new();
    for position in basis.positions {
        let court = store::courts::find(conn, position.court_id)?;
        let court = court.ok_or_else(|| Error::internal("a post is held at no court"))?;
        posts.push(ExtractPost {
            court_name_kk: court.name_kk,
            court_name_ru: court.name_ru,
            court_name_en: court.name_en,
            kind: position.kind,
            starts_on: position.starts_on,
            ends_on: position.ends_on,
            act_ref: position.act_ref,
        });
    }
    posts.sort_by_key(|post| post.starts_on);
    let judge = ExtractJudge {
        judge_id: judge.id,
        full_name_kk: judge.full_name_kk,
        full_name_ru: judge.full_name_ru,
        full_name_en: judge.full_name_en,
        first_appointed_on: judge.first_appointed_on,
    };
    let days = [today, order.expires_on];
    let mut facts = ExtractFacts::new(id, order.purpose, order.recipient.clone(), days, judge, posts);
    facts.evaluation = final_outcome(conn, order.judge_id, today)?;
    for record in basis.records {
        let content: Content = serde_json::from_str(&record.content).map_err(Error::internal)?;
        facts.take(content);
    }
    Ok(facts)
}

/// The last final outcome of the judge that still serves.
fn final_outcome(conn: &mut Conn, judge: JudgeId, today: NaiveDate) -> Result<Option<ExtractEvaluation>> {
    let Some(decision) = store::decisions::valid_of(conn, judge, today)? else { return Ok(None) };
    let evaluation = store::evaluations::find(conn, decision.evaluation_id)?.ok_or(Code::NotFound)?;
    let methodology = cycles::load(conn, evaluation.cycle_id)?.methodology;
    let broken = || Error::internal("a decision in force lacks what it must have");
    let code = decision.outcome.ok_or_else(broken)?;
    let outcome = methodology.outcome(&code).ok_or_else(broken)?;
    Ok(Some(ExtractEvaluation {
        evaluation_id: decision.evaluation_id,
        outcome_kk: outcome.text.kk.clone(),
        outcome_ru: outcome.text.ru.clone(),
        outcome_en: outcome.text.en.clone(),
        outcome: code,
        in_force_on: decision.in_force_on.ok_or_else(broken)?,
        valid_until: decision.valid_until.ok_or_else(broken)?,
        decision_digest: decision.digest.ok_or_else(broken)?,
    }))
}

/// Revokes the extracts of a judge that state the outcome of an evaluation, as it was quashed.
pub fn revoke_of_evaluation(
    conn: &mut Conn,
    judge: JudgeId,
    evaluation: EvaluationId,
    revoked: &Revoked<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut before = None;
    loop {
        let page = store::extracts::list(conn, judge, before, EXTRACTS_AT_ONCE)?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.id);
        for extract in page.into_iter().filter(|extract| extract.revoked_at.is_none()) {
            let facts: ExtractFacts = serde_json::from_str(&extract.facts).map_err(Error::internal)?;
            if facts.evaluation.is_some_and(|stated| stated.evaluation_id == evaluation) {
                revoke(conn, extract.id, revoked, now)?;
                let entry = store::audit::NewEntry::new(Some(revoked.by), "revoke_extract", "extract", extract.id);
                store::audit::record(conn, entry.of_judge(judge).of_digest(extract.digest), now)?;
            }
        }
    }
}

fn check_recipient(conn: &mut Conn, order: &Order) -> Result<()> {
    let Some(id) = order.recipient_client_id else { return Ok(()) };
    let client = store::clients::find(conn, id)?;
    let may_fetch = client.is_some_and(|client| client.may_read_results && !client.is_closed);
    let mut check = Check::default();
    check.rule(may_fetch, "/recipient_client_id", Rule::Missing);
    check.done()
}

/// The key that signs now, with its name; the spare one where none does.
fn current_key(
    conn: &mut Conn,
    cipher: &Cipher,
    spare: &ExtractKey,
    now: DateTime<Utc>,
) -> Result<(String, SigningKey)> {
    let newest = store::extracts::keys(conn)?.pop();
    let since = (now - TimeDelta::days(KEY_DAYS)).naive_utc();
    let row = match newest.filter(|key| key.signs_from > since) {
        Some(key) => key,
        None => {
            store::extracts::insert_key(conn, spare)?;
            let entry = store::audit::NewEntry::new(None, "create_extract_key", "extract_key", &spare.id);
            store::audit::record(conn, entry, now)?;
            spare.clone()
        }
    };
    let broken = || Error::internal("a key of extracts is broken, or is wrapped under another column key");
    let opened = cipher.open(Use::ExtractKey, row.id.as_bytes(), &row.wrapped_private_key)?.ok_or_else(broken)?;
    let private: [u8; 32] = opened.as_slice().try_into().map_err(|_| broken())?;
    Ok((row.id, SigningKey::from_bytes(&Zeroizing::new(private))))
}

/// The extract that a caller may read, while it holds, and the purpose of that reading.
///
/// # Errors
/// 404 for who may not read it, as where there is none; 410 `extract_revoked` or `extract_expired`.
pub fn served(
    conn: &mut Conn,
    caller: &Caller,
    id: ExtractId,
    asked: Option<FilePurpose>,
    today: NaiveDate,
) -> Result<(Extract, Option<FilePurpose>)> {
    let extract = store::extracts::find(conn, id)?.ok_or(Code::NotFound)?;
    let purpose = may_read_extract(caller, extract.judge_id, extract.recipient_client_id, asked)?;
    match state(extract.revoked_at.is_some(), extract.expires_on, today) {
        ExtractState::Valid => Ok((extract, purpose)),
        ExtractState::Expired => {
            let hint = Hint::new("extract_was_good_until").text("day", extract.expires_on);
            Err(Error::hinted(Code::ExtractExpired, hint))
        }
        ExtractState::Revoked => {
            let reason = extract.revocation.ok_or_else(|| Error::internal("a revocation without a reason"))?;
            let hint = Hint::new("extract_revoked_because").word("reason", "file-revocation", reason.as_str());
            Err(Error::hinted(Code::ExtractRevoked, hint))
        }
    }
}

/// The public half of a key.
pub fn public_key(row: &ExtractKey) -> Result<signing::PublicKey> {
    Bytes::from_slice(&row.public_key)
}
