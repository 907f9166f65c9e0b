//! How long records are kept: an edition is adopted by two persons; what its time is over for, and what holds it back. What a
//! newcomer would get wrong: that a record is due does not end it. What holds it back is asked again when it would go.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::Conn;
use crate::domain::ids::{JudgeId, RecordId, RetentionScheduleId};
use crate::domain::policy::Actor;
use crate::domain::retention::{KeptBecause, RetentionCategory, RetentionRules, RetentionStart};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::retention::ScheduleRow;
use crate::store::retention_due::Head;
use crate::store::retention_ends::Doomed;

/// How many records are looked through at a time.
const LOOKED_THROUGH: i64 = 200;

/// A record whose time is over.
#[derive(Debug, Clone)]
pub struct DueRecord {
    /// What kind of record.
    pub category: RetentionCategory,
    /// Its id.
    pub id: RecordId,
    /// Whose file it is in.
    pub judge_id: JudgeId,
    /// When its time began.
    pub begun_on: NaiveDate,
    /// Why it is kept all the same, if so.
    pub kept_because: Option<KeptBecause>,
    /// What goes with it: those that it replaced, and what was said about any of them.
    pub goes_with: Vec<RecordId>,
}

/// A place in the order of what is due: a kind, and the last record of it that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The kind.
    pub category: RetentionCategory,
    /// The record; none before the first.
    pub after: Option<RecordId>,
}

impl Place {
    /// Before everything.
    pub fn first() -> Option<Place> {
        RetentionCategory::ALL.first().map(|category| Place { category: *category, after: None })
    }

    /// Before the next kind; none after the last.
    pub fn next_category(self) -> Option<Place> {
        let rest = RetentionCategory::ALL.iter().skip_while(|category| **category != self.category);
        rest.copied().nth(1).map(|category| Place { category, after: None })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            Some(after) => write!(f, "{} {after}", self.category),
            None => write!(f, "{}", self.category),
        }
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Place> {
        let (category, after) = text.split_once(' ').map_or((text, None), |(category, after)| (category, Some(after)));
        let category = category.parse().map_err(|_| Error::from(Code::BadCursor))?;
        let after = after.map(str::parse).transpose().map_err(|_| Error::from(Code::BadCursor))?;
        Ok(Place { category, after })
    }
}

/// The rules of a stored edition, which were valid when they were stored.
pub fn rules(row: &ScheduleRow) -> Result<RetentionRules> {
    serde_json::from_str(&row.document).map_err(Error::internal)
}

/// The state that an approval covers: the document's digest, and whether it is adopted.
pub fn state(conn: &mut Conn, id: uuid::Uuid) -> Result<String> {
    let row = find(conn, id)?;
    let standing = if row.adopted_at.is_some() { "adopted" } else { "draft" };
    Ok(format!("{} edition {} {standing}", row.digest, row.edition))
}

/// Whether an edition may be adopted.
///
/// # Errors
/// 404; 409 `wrong_phase` where it is adopted already, or a later edition is.
pub fn check_adopt(conn: &mut Conn, id: uuid::Uuid) -> Result<ScheduleRow> {
    let row = find(conn, id)?;
    let in_force = store::retention::schedule_in_force(conn)?.map_or(0, |in_force| in_force.edition);
    if row.adopted_at.is_some() || row.edition < in_force {
        return Err(Error::hinted(Code::WrongPhase, Hint::new("retention_edition_is_settled")));
    }
    Ok(row)
}

/// Adopts it: from then on it is the one that holds.
pub fn adopt(conn: &mut Conn, id: uuid::Uuid, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let row = check_adopt(conn, id)?;
    store::retention::adopt(conn, row.id, now.naive_utc())?;
    let act = "adopt_retention_schedule";
    let entry = store::audit::NewEntry::new(Some(actor.account_id), act, "retention_schedule", row.id);
    store::audit::record(conn, entry.of_digest(row.digest), now)
}

/// The edition with this id; 404 without it.
pub fn find(conn: &mut Conn, id: uuid::Uuid) -> Result<ScheduleRow> {
    Ok(store::retention::find_schedule(conn, RetentionScheduleId(id))?.ok_or(Code::NotFound)?)
}

/// Records whose time is over on a day, from a place on, and at most `limit`; of one kind alone where one is named. It
/// changes nothing.
pub fn due(
    conn: &mut Conn,
    rules: &RetentionRules,
    day: NaiveDate,
    only: Option<RetentionCategory>,
    from: Option<Place>,
    limit: usize,
) -> Result<Vec<DueRecord>> {
    let begin = only.map(|category| Place { category, after: None }).or_else(Place::first);
    let mut place = from.or(begin);
    let mut found = Vec::new();
    while let Some(at) = place
        && found.len() < limit
    {
        let heads = heads_at(conn, rules, day, at)?;
        place = match heads.last() {
            Some((last, _)) => Some(Place { after: Some(last.id), ..at }),
            None if only.is_some() => None,
            None => at.next_category(),
        };
        for (head, begun_on) in heads {
            let Some(begun_on) = begun_on else { continue };
            let going = going(conn, at.category, &head)?;
            let kept_because = kept_because(conn, &head, &going)?;
            let Head { id, judge_id, .. } = head;
            let goes_with = going.into_iter().map(|doomed| doomed.id).filter(|going| *going != id).collect();
            found.push(DueRecord { category: at.category, id, judge_id, begun_on, kept_because, goes_with });
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// The next records of a kind that may be due, each with the day on which its time began where it is.
pub fn heads_at(
    conn: &mut Conn,
    rules: &RetentionRules,
    day: NaiveDate,
    at: Place,
) -> Result<Vec<(Head, Option<NaiveDate>)>> {
    let Some(rule) = rules.of(at.category) else { return Ok(Vec::new()) };
    let Some(begun_by) = rule.begun_by(day) else { return Ok(Vec::new()) };
    let heads = store::retention_due::heads(conn, rule, begun_by, at.after, LOOKED_THROUGH)?;
    let mut known: Option<(JudgeId, Option<NaiveDate>)> = None;
    let mut dated = Vec::new();
    for head in heads {
        let begun_on = match rule.starts_with {
            RetentionStart::EndOfOffice => match known {
                Some((judge, ended_on)) if judge == head.judge_id => ended_on,
                _ => {
                    let ended_on = store::retention_due::office_ended_on(conn, head.judge_id)?;
                    known = Some((head.judge_id, ended_on));
                    ended_on
                }
            },
            RetentionStart::Recorded | RetentionStart::EffectEnded | RetentionStart::Decided => head.begun_on,
        };
        dated.push((head, begun_on.filter(|begun_on| *begun_on <= begun_by)));
    }
    Ok(dated)
}

/// All that goes with a record: those that it replaced, the requests to correct any of them, and what the judge said beside
/// them. What a judge says about a penalty tells of the penalty.
pub fn going(conn: &mut Conn, category: RetentionCategory, head: &Head) -> Result<Vec<Doomed>> {
    let mut going = store::retention_ends::chain(conn, category, head.id)?;
    let mut fresh: Vec<RecordId> = going.iter().map(|doomed| doomed.id).collect();
    // What is said beside a statement goes with that statement, and so on; each round finds only what is new.
    while !fresh.is_empty() {
        let mut about = store::retention_ends::about(conn, head.judge_id, &fresh)?;
        about.retain(|found| going.iter().all(|known| known.id != found.id));
        fresh = about.iter().map(|doomed| doomed.id).collect();
        going.append(&mut about);
    }
    Ok(going)
}

/// Why a record whose time is over is kept all the same.
pub fn kept_because(conn: &mut Conn, head: &Head, going: &[Doomed]) -> Result<Option<KeptBecause>> {
    let ids: Vec<RecordId> = going.iter().map(|doomed| doomed.id).collect();
    if store::retention::is_held(conn, head.judge_id, &ids)? {
        return Ok(Some(KeptBecause::Held));
    }
    if head.is_disputed || store::retention_ends::is_disputed(conn, &ids)? {
        return Ok(Some(KeptBecause::Disputed));
    }
    let is_under_evaluation = store::retention::is_under_evaluation(conn, head.judge_id)?;
    Ok(is_under_evaluation.then_some(KeptBecause::UnderEvaluation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_leads_through_every_kind_once() {
        let mut kinds = 0;
        let mut place = Place::first();
        while let Some(at) = place {
            let within = Place { after: Some(RecordId(uuid::Uuid::nil())), ..at };
            for known in [at, within] {
                assert_eq!(known.to_string().parse::<Place>().unwrap(), known);
            }
            kinds += 1;
            place = at.next_category();
        }
        assert_eq!(kinds, RetentionCategory::ALL.len());
        assert!("penalty".parse::<Place>().is_err());
    }
}
