//! Results as they may be published, one for each evaluation. A newcomer's usual mistake is to store more: exact figures
//! stay in the sealed bundle.

use diesel::prelude::*;

use super::schema::results;
use crate::coded;
use crate::db::Conn;
use crate::domain::ids::EvaluationId;
use crate::error::Result;
use crate::on;

coded! {
    /// What a result may be used for.
    ResultStatus {
        /// It may ground a decision.
        Ok = "ok",
        /// One word, which grounds no decision.
        Indicative = "indicative",
        /// Too few reviews: nothing is shown.
        Insufficient = "insufficient",
    }
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = results)]
pub struct ResultRow {
    /// The subject's evaluation.
    pub evaluation_id: EvaluationId,
    /// What it may be used for.
    pub status: ResultStatus,
    /// The published image as canonical JSON.
    pub document: String,
    /// The version of formulas and constants.
    pub algorithm_version: String,
    /// SHA-256, in hex, of the envelopes it was computed from.
    pub input_digest: String,
}

/// Puts a result in place of an earlier one of the same evaluation.
pub fn put(conn: &mut Conn, row: &ResultRow) -> Result<()> {
    on!(conn, |c| {
        diesel::delete(results::table.find(row.evaluation_id)).execute(c)?;
        diesel::insert_into(results::table).values(row).execute(c)
    })?;
    Ok(())
}

/// The result of an evaluation.
pub fn find(conn: &mut Conn, id: EvaluationId) -> Result<Option<ResultRow>> {
    Ok(on!(conn, |c| { results::table.find(id).select(ResultRow::as_select()).first(c).optional() })?)
}
