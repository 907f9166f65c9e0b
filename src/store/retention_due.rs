//! Which records have been kept for their time. What a newcomer would get wrong: records that replaced one another go by the
//! time of the last, so only the last ones are looked for here; what goes with each is told beside.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::{count, count_star, max};
use diesel::prelude::*;

use super::schema::{acts, correction_requests, extracts, file_records, observations, positions};
use crate::db::Conn;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::ids::{JudgeId, RecordId};
use crate::domain::judge_file::{CorrectionStatus, EndedReason, RecordStatus};
use crate::domain::known::end_of;
use crate::domain::retention::{KeptAs, RetentionRule, RetentionStart};
use crate::domain::sections::Section;
use crate::error::Result;
use crate::on;

/// The last of the records that replaced one another.
#[derive(Debug, Clone)]
pub struct Head {
    /// Its id.
    pub id: RecordId,
    /// Whose file it is in.
    pub judge_id: JudgeId,
    /// When its time began; none where that is the end of an office, which is told apart.
    pub begun_on: Option<NaiveDate>,
    /// Whether its correction is asked for.
    pub is_disputed: bool,
}

/// The judges who left office by a day, as far as the database tells: all posts have ended. Why they ended is asked besides.
macro_rules! left_by {
    ($day:expr) => {
        positions::table
            .filter(positions::status.eq(RecordStatus::Active).or(positions::status.eq(RecordStatus::Disputed)))
            .group_by(positions::judge_id)
            .having(count_star().eq(count(positions::ends_on)).and(max(positions::ends_on).le($day)))
            .select(positions::judge_id)
    };
}

/// The records of a rule's kind whose time may have begun by a day, by id, after `after`, at most `limit`.
pub fn heads(
    conn: &mut Conn,
    rule: &RetentionRule,
    begun_by: NaiveDate,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Head>> {
    let start = rule.starts_with;
    match rule.category.kept_as() {
        KeptAs::Record(section) => records(conn, section, start, begun_by, after, limit),
        KeptAs::Observation => values(conn, start, begun_by, after, limit),
        KeptAs::Act => reviews(conn, start, begun_by, after, limit),
        KeptAs::CorrectionRequest => requests(conn, start, begun_by, after, limit),
        KeptAs::Extract => handed_out(conn, start, begun_by, after, limit),
    }
}

fn records(
    conn: &mut Conn,
    section: Section,
    start: RetentionStart,
    begun_by: NaiveDate,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Head>> {
    type Row = (RecordId, JudgeId, NaiveDateTime, Option<NaiveDate>, Option<NaiveDateTime>, RecordStatus);
    let instant = end_of(begun_by);
    let rows: Vec<Row> = on!(conn, |c| {
        let mut query = file_records::table
            .filter(file_records::section.eq(section).and(file_records::status.ne(RecordStatus::Corrected)))
            .select((
                file_records::id,
                file_records::judge_id,
                file_records::received_at,
                file_records::effective_to,
                file_records::ended_at,
                file_records::status,
            ))
            .order(file_records::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(file_records::id.gt(after));
        }
        match start {
            RetentionStart::Recorded => query.filter(file_records::received_at.lt(instant)).load(c),
            RetentionStart::EffectEnded => {
                query.filter(file_records::effective_to.le(begun_by).or(file_records::ended_at.lt(instant))).load(c)
            }
            RetentionStart::EndOfOffice => query.filter(file_records::judge_id.eq_any(left_by!(begun_by))).load(c),
            RetentionStart::Decided => return Ok(Vec::new()),
        }
    })?;
    let head = |(id, judge_id, received_at, effective_to, ended_at, status): Row| {
        let ended_on = ended_at.map(day_of);
        let begun_on = match start {
            RetentionStart::Recorded => Some(day_of(received_at)),
            RetentionStart::EffectEnded => [effective_to, ended_on].into_iter().flatten().min(),
            RetentionStart::EndOfOffice | RetentionStart::Decided => None,
        };
        Head { id, judge_id, begun_on, is_disputed: status == RecordStatus::Disputed }
    };
    Ok(rows.into_iter().map(head).collect())
}

fn values(
    conn: &mut Conn,
    start: RetentionStart,
    begun_by: NaiveDate,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Head>> {
    type Row = (RecordId, JudgeId, NaiveDateTime, NaiveDate, RecordStatus);
    let instant = end_of(begun_by);
    let rows: Vec<Row> = on!(conn, |c| {
        let mut query = observations::table
            .filter(observations::status.ne(RecordStatus::Corrected))
            .select((
                observations::id,
                observations::judge_id,
                observations::received_at,
                observations::period_end,
                observations::status,
            ))
            .order(observations::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(observations::id.gt(after));
        }
        match start {
            RetentionStart::Recorded => query.filter(observations::received_at.lt(instant)).load(c),
            RetentionStart::EffectEnded => query.filter(observations::period_end.le(begun_by)).load(c),
            RetentionStart::EndOfOffice => query.filter(observations::judge_id.eq_any(left_by!(begun_by))).load(c),
            RetentionStart::Decided => return Ok(Vec::new()),
        }
    })?;
    let head = |(id, judge_id, received_at, period_end, status): Row| {
        let begun_on = match start {
            RetentionStart::Recorded => Some(day_of(received_at)),
            RetentionStart::EffectEnded => Some(period_end),
            RetentionStart::EndOfOffice | RetentionStart::Decided => None,
        };
        Head { id, judge_id, begun_on, is_disputed: status == RecordStatus::Disputed }
    };
    Ok(rows.into_iter().map(head).collect())
}

fn reviews(
    conn: &mut Conn,
    start: RetentionStart,
    begun_by: NaiveDate,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Head>> {
    type Row = (RecordId, JudgeId, NaiveDateTime, RecordStatus);
    let rows: Vec<Row> = on!(conn, |c| {
        let mut query = acts::table
            .filter(acts::status.ne(RecordStatus::Corrected))
            .select((acts::id, acts::judge_id, acts::received_at, acts::status))
            .order(acts::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(acts::id.gt(after));
        }
        match start {
            RetentionStart::Recorded => query.filter(acts::received_at.lt(end_of(begun_by))).load(c),
            RetentionStart::EndOfOffice => query.filter(acts::judge_id.eq_any(left_by!(begun_by))).load(c),
            RetentionStart::EffectEnded | RetentionStart::Decided => return Ok(Vec::new()),
        }
    })?;
    let head = |(id, judge_id, received_at, status): Row| {
        let begun_on = (start == RetentionStart::Recorded).then(|| day_of(received_at));
        Head { id, judge_id, begun_on, is_disputed: status == RecordStatus::Disputed }
    };
    Ok(rows.into_iter().map(head).collect())
}

fn requests(
    conn: &mut Conn,
    start: RetentionStart,
    begun_by: NaiveDate,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Head>> {
    type Row = (RecordId, JudgeId, Option<NaiveDateTime>, CorrectionStatus);
    let rows: Vec<Row> = on!(conn, |c| {
        let mut query = correction_requests::table
            .select((
                correction_requests::id,
                correction_requests::judge_id,
                correction_requests::decided_at,
                correction_requests::status,
            ))
            .order(correction_requests::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(correction_requests::id.gt(after));
        }
        match start {
            RetentionStart::Decided => query.filter(correction_requests::decided_at.lt(end_of(begun_by))).load(c),
            RetentionStart::EndOfOffice => {
                query.filter(correction_requests::judge_id.eq_any(left_by!(begun_by))).load(c)
            }
            RetentionStart::Recorded | RetentionStart::EffectEnded => return Ok(Vec::new()),
        }
    })?;
    let head = |(id, judge_id, decided_at, status): Row| {
        let begun_on = if start == RetentionStart::Decided { decided_at.map(day_of) } else { None };
        Head { id, judge_id, begun_on, is_disputed: status == CorrectionStatus::Open }
    };
    Ok(rows.into_iter().map(head).collect())
}

fn handed_out(
    conn: &mut Conn,
    start: RetentionStart,
    begun_by: NaiveDate,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Head>> {
    type Row = (RecordId, JudgeId, NaiveDateTime, NaiveDate, Option<NaiveDateTime>);
    let instant = end_of(begun_by);
    let rows: Vec<Row> = on!(conn, |c| {
        let mut query = extracts::table
            .select((extracts::id, extracts::judge_id, extracts::issued_at, extracts::expires_on, extracts::revoked_at))
            .order(extracts::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(extracts::id.gt(after));
        }
        match start {
            RetentionStart::Recorded => query.filter(extracts::issued_at.lt(instant)).load(c),
            RetentionStart::EffectEnded => {
                query.filter(extracts::expires_on.le(begun_by).or(extracts::revoked_at.lt(instant))).load(c)
            }
            RetentionStart::EndOfOffice => query.filter(extracts::judge_id.eq_any(left_by!(begun_by))).load(c),
            RetentionStart::Decided => return Ok(Vec::new()),
        }
    })?;
    let head = |(id, judge_id, issued_at, expires_on, revoked_at): Row| {
        let begun_on = match start {
            RetentionStart::Recorded => Some(day_of(issued_at)),
            RetentionStart::EffectEnded => Some(revoked_at.map_or(expires_on, |at| day_of(at).min(expires_on))),
            RetentionStart::EndOfOffice | RetentionStart::Decided => None,
        };
        Head { id, judge_id, begun_on, is_disputed: false }
    };
    Ok(rows.into_iter().map(head).collect())
}

fn day_of(instant: NaiveDateTime) -> NaiveDate {
    date_at(instant.and_utc(), KAZAKHSTAN_UTC_OFFSET_MINUTES)
}

/// The last day of a judge's office; none while a post is held or may follow: who was transferred or promoted is still a
/// judge, whatever became of the record of the next post.
pub fn office_ended_on(conn: &mut Conn, judge: JudgeId) -> Result<Option<NaiveDate>> {
    let posts: Vec<(Option<NaiveDate>, Option<EndedReason>)> = on!(conn, |c| {
        positions::table
            .filter(positions::judge_id.eq(judge))
            .filter(positions::status.eq(RecordStatus::Active).or(positions::status.eq(RecordStatus::Disputed)))
            .select((positions::ends_on, positions::ended_reason))
            .load(c)
    })?;
    let Some(last) = posts.iter().map(|(ends_on, _)| *ends_on).max().flatten() else { return Ok(None) };
    let goes_on = |reason| matches!(reason, Some(EndedReason::Transfer | EndedReason::Promotion));
    let is_over =
        posts.iter().all(|(ends_on, reason)| ends_on.is_some_and(|ends_on| ends_on < last || !goes_on(*reason)));
    Ok(is_over.then_some(last))
}
