//! Depersonalised texts of drawn acts. Appended, never overwritten: what was sent back stays, so that it can be seen what a
//! second person found. No list loads a byte of a text.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{evaluations, reading_acts, reading_texts};
use crate::db::Conn;
use crate::domain::ids::{AccountId, EvaluationId, JudgeId, ReadingActId, ReadingTextId};
use crate::domain::reading::{ReadingActState, ReadingLanguage, ReadingType, TextVerdict};
use crate::error::{Error, Result};
use crate::on;

/// A text without its bytes.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = reading_texts, treat_none_as_default_value = false)]
pub struct ReadingText {
    /// Its id.
    pub id: ReadingTextId,
    /// The act that it is of.
    pub reading_act_id: ReadingActId,
    /// Its language.
    pub language: ReadingLanguage,
    /// Its type.
    pub media_type: ReadingType,
    /// How many bytes it has.
    pub size: i32,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Who put it in.
    pub uploaded_by: AccountId,
    /// When.
    pub uploaded_at: NaiveDateTime,
    /// What the second person found.
    pub verdict: Option<TextVerdict>,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// Who the second person is.
    pub checked_by: Option<AccountId>,
    /// When.
    pub checked_at: Option<NaiveDateTime>,
}

/// A text of the pack, as it is frozen.
#[derive(Debug, Clone, Queryable)]
pub struct PassedText {
    /// The kind of case.
    pub category: String,
    /// Its language.
    pub language: ReadingLanguage,
    /// Its type.
    pub media_type: ReadingType,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Adds a text with its bytes.
pub fn insert(conn: &mut Conn, text: &ReadingText, content: &[u8]) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(reading_texts::table).values((text, reading_texts::content.eq(content))).execute(c)
    })?;
    Ok(())
}

/// The text with this id.
pub fn find(conn: &mut Conn, id: ReadingTextId) -> Result<Option<ReadingText>> {
    Ok(on!(conn, |c| { reading_texts::table.find(id).select(ReadingText::as_select()).first(c).optional() })?)
}

/// Of whose act it is; one statement, as for acts.
pub fn subject_of(conn: &mut Conn, id: ReadingTextId) -> Result<Option<JudgeId>> {
    Ok(on!(conn, |c| {
        reading_texts::table
            .inner_join(reading_acts::table.on(reading_acts::id.eq(reading_texts::reading_act_id)))
            .inner_join(evaluations::table.on(evaluations::id.eq(reading_acts::evaluation_id)))
            .filter(reading_texts::id.eq(id))
            .select(evaluations::judge_id)
            .first(c)
            .optional()
    })?)
}

/// The bytes of a text; none once they are erased.
pub fn content(conn: &mut Conn, id: ReadingTextId) -> Result<Option<Vec<u8>>> {
    let content: Option<Option<Vec<u8>>> =
        on!(conn, |c| { reading_texts::table.find(id).select(reading_texts::content).first(c).optional() })?;
    Ok(content.flatten())
}

/// Erases the bytes of some texts; what is told of them stays.
pub fn erase(conn: &mut Conn, ids: &[ReadingTextId]) -> Result<()> {
    on!(conn, |c| {
        diesel::update(reading_texts::table.filter(reading_texts::id.eq_any(ids)))
            .set(reading_texts::content.eq(None::<Vec<u8>>))
            .execute(c)
    })?;
    Ok(())
}

/// The texts of a pack by act and id.
pub fn of_pack(conn: &mut Conn, evaluation: EvaluationId) -> Result<Vec<ReadingText>> {
    Ok(on!(conn, |c| {
        reading_texts::table
            .inner_join(reading_acts::table.on(reading_acts::id.eq(reading_texts::reading_act_id)))
            .filter(reading_acts::evaluation_id.eq(evaluation))
            .order((reading_texts::reading_act_id, reading_texts::id))
            .select(ReadingText::as_select())
            .load(c)
    })?)
}

/// What goes into a pack: the texts that passed, of acts that did, by category and drawn order.
pub fn passed_of_pack(conn: &mut Conn, evaluation: EvaluationId) -> Result<Vec<PassedText>> {
    Ok(on!(conn, |c| {
        reading_texts::table
            .inner_join(reading_acts::table.on(reading_acts::id.eq(reading_texts::reading_act_id)))
            .filter(reading_acts::evaluation_id.eq(evaluation))
            .filter(reading_acts::state.eq(ReadingActState::Passed))
            .filter(reading_texts::verdict.eq(TextVerdict::Passed).and(reading_texts::content.is_not_null()))
            .order((reading_acts::category, reading_acts::place, reading_texts::id))
            .select((
                reading_acts::category,
                reading_texts::language,
                reading_texts::media_type,
                reading_texts::content.assume_not_null(),
            ))
            .load(c)
    })?)
}

/// Notes what a second person found, once.
pub fn put_verdict(conn: &mut Conn, text: &ReadingText) -> Result<()> {
    let changed = on!(conn, |c| {
        let unchecked = reading_texts::table.find(text.id).filter(reading_texts::verdict.is_null());
        diesel::update(unchecked)
            .set((
                reading_texts::verdict.eq(text.verdict),
                reading_texts::reason.eq(&text.reason),
                reading_texts::checked_by.eq(text.checked_by),
                reading_texts::checked_at.eq(text.checked_at),
            ))
            .execute(c)
    })?;
    if changed == 1 { Ok(()) } else { Err(Error::internal("a text was checked twice")) }
}
