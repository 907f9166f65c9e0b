//! The bytes of documents, once for each judge and digest, apart from what is told of them: no list loads a byte.

use diesel::prelude::*;

use super::schema::document_contents;
use crate::db::Conn;
use crate::domain::ids::JudgeId;
use crate::error::Result;
use crate::on;

/// Keeps bytes under their digest; where they are kept already, nothing happens.
pub fn put(conn: &mut Conn, judge: JudgeId, sha256: &str, content: &[u8]) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(document_contents::table)
            .values((
                document_contents::judge_id.eq(judge),
                document_contents::sha256.eq(sha256),
                document_contents::content.eq(content),
            ))
            .on_conflict_do_nothing()
            .execute(c)
    })?;
    Ok(())
}

/// The bytes with this digest.
pub fn find(conn: &mut Conn, judge: JudgeId, sha256: &str) -> Result<Option<Vec<u8>>> {
    Ok(on!(conn, |c| {
        document_contents::table.find((judge, sha256)).select(document_contents::content).first(c).optional()
    })?)
}
