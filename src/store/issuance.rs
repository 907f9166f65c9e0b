//! What issuance needs and leaves: the issuers' keys, wrapped, and what was signed without being seen. A newcomer's usual
//! mistake is to add a time: no row here says when a credential was collected.

use std::collections::HashMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::assignments::AssignmentState;
use super::schema::{assignments, evaluations, issuances, issuer_document_keys, issuer_keys, key_bumps};
use crate::db::Conn;
use crate::domain::ids::{AssignmentId, CycleId, EvaluationId};
use crate::error::{Code, Error, Result};
use crate::on;

/// How often SQLite's log is tried to be emptied while others read.
const ERASING_ATTEMPTS: usize = 2;

/// An issuer's key for one subject and generation.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = issuer_keys, treat_none_as_default_value = false)]
pub struct IssuerKeyRow {
    /// The subject's evaluation.
    pub evaluation_id: EvaluationId,
    /// Whose key it is.
    pub issuer_id: String,
    /// The round that it is for.
    pub round: i32,
    /// The generation of the manifest that named it first.
    pub generation: i32,
    /// SHA-256 of the public key.
    pub key_id: Vec<u8>,
    /// The public key, SPKI in DER.
    pub public_key: Vec<u8>,
    /// The private key, wrapped under the round's key file; gone after the seal.
    pub wrapped_private_key: Option<Vec<u8>>,
}

/// The key with which an issuer signs ledgers and seal orders of a cycle.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = issuer_document_keys)]
pub struct DocumentKeyRow {
    /// The cycle.
    pub cycle_id: CycleId,
    /// Whose key it is.
    pub issuer_id: String,
    /// The Ed25519 public key.
    pub public_key: Vec<u8>,
    /// The private key, encrypted.
    pub wrapped_private_key: Vec<u8>,
}

/// What was signed for one assignment by one issuer's key.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = issuances)]
pub struct Issuance {
    /// The assignment.
    pub assignment_id: AssignmentId,
    /// The issuer.
    pub issuer_id: String,
    /// The issuer's key.
    pub key_id: Vec<u8>,
    /// SHA-256 of the blinded message.
    pub blinded_hash: Vec<u8>,
}

/// Adds an issuer's key where the subject has none of that issuer, round and generation; the first one stays.
pub fn insert_issuer_key(conn: &mut Conn, key: &IssuerKeyRow) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(issuer_keys::table).values(key).on_conflict_do_nothing().execute(c) })?;
    Ok(())
}

/// The issuers' keys of a cycle in one generation of a round, by evaluation and issuer.
pub fn issuer_keys(conn: &mut Conn, cycle: CycleId, round: i32, generation: i32) -> Result<Vec<IssuerKeyRow>> {
    Ok(on!(conn, |c| {
        issuer_keys::table
            .inner_join(evaluations::table.on(evaluations::id.eq(issuer_keys::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle))
            .filter(issuer_keys::round.eq(round).and(issuer_keys::generation.eq(generation)))
            .order((issuer_keys::evaluation_id, issuer_keys::issuer_id))
            .select(IssuerKeyRow::as_select())
            .load(c)
    })?)
}

/// The newest key in a round of each issuer for each of these evaluations, by evaluation and issuer.
pub fn current_keys(conn: &mut Conn, evaluations: &[EvaluationId], round: i32) -> Result<Vec<IssuerKeyRow>> {
    let mut rows: Vec<IssuerKeyRow> = on!(conn, |c| {
        issuer_keys::table
            .filter(issuer_keys::evaluation_id.eq_any(evaluations).and(issuer_keys::round.eq(round)))
            .order((issuer_keys::evaluation_id, issuer_keys::issuer_id, issuer_keys::generation.desc()))
            .select(IssuerKeyRow::as_select())
            .load(c)
    })?;
    rows.dedup_by(|older, newer| (older.evaluation_id, &older.issuer_id) == (newer.evaluation_id, &newer.issuer_id));
    Ok(rows)
}

/// Notes that a subject's keys are replaced in this generation of a round; noted already is noted.
pub fn insert_key_bump(conn: &mut Conn, evaluation: EvaluationId, round: i32, generation: i32) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(key_bumps::table)
            .values((
                key_bumps::evaluation_id.eq(evaluation),
                key_bumps::round.eq(round),
                key_bumps::generation.eq(generation),
            ))
            .on_conflict_do_nothing()
            .execute(c)
    })?;
    Ok(())
}

/// The subjects of a cycle whose keys are replaced in this generation of a round, by evaluation.
pub fn key_bumps(conn: &mut Conn, cycle: CycleId, round: i32, generation: i32) -> Result<Vec<EvaluationId>> {
    Ok(on!(conn, |c| {
        key_bumps::table
            .inner_join(evaluations::table.on(evaluations::id.eq(key_bumps::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle))
            .filter(key_bumps::round.eq(round).and(key_bumps::generation.eq(generation)))
            .order(key_bumps::evaluation_id)
            .select(key_bumps::evaluation_id)
            .load(c)
    })?)
}

/// Takes back that a subject's keys are replaced in this generation of a round: keys that were made for it go, and who of the panel
/// holds a credential under the key before has collected again.
pub fn drop_key_bump(conn: &mut Conn, evaluation: EvaluationId, round: i32, generation: i32) -> Result<()> {
    on!(conn, |c| {
        diesel::delete(key_bumps::table.find((evaluation, round, generation))).execute(c)?;
        let made = issuer_keys::table.filter(issuer_keys::evaluation_id.eq(evaluation));
        let of_round = issuer_keys::round.eq(round).and(issuer_keys::generation.eq(generation));
        diesel::delete(made.filter(of_round)).execute(c)
    })?;
    let key_ids: Vec<Vec<u8>> = current_keys(conn, &[evaluation], round)?.into_iter().map(|row| row.key_id).collect();
    let (drawn, issued) = (AssignmentState::Drawn, AssignmentState::Issued);
    on!(conn, |c| {
        let holders = issuances::table.filter(issuances::key_id.eq_any(&key_ids)).select(issuances::assignment_id);
        let of_panel = assignments::evaluation_id.eq(evaluation).and(assignments::state.eq(drawn));
        diesel::update(assignments::table.filter(of_panel.and(assignments::id.eq_any(holders))))
            .set(assignments::state.eq(issued))
            .execute(c)
    })?;
    Ok(())
}

/// The ids of all issuer keys of a cycle's round, of every generation, ascending.
pub fn key_ids(conn: &mut Conn, cycle: CycleId, round: i32) -> Result<Vec<Vec<u8>>> {
    Ok(on!(conn, |c| {
        issuer_keys::table
            .inner_join(evaluations::table.on(evaluations::id.eq(issuer_keys::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(issuer_keys::round.eq(round)))
            .order(issuer_keys::key_id)
            .select(issuer_keys::key_id)
            .load(c)
    })?)
}

/// Deletes the private half of every issuer key of a cycle's round; how many there were.
pub fn delete_private_keys(conn: &mut Conn, cycle: CycleId, round: i32) -> Result<usize> {
    let none: Option<Vec<u8>> = None;
    Ok(on!(conn, |c| {
        let of_cycle = evaluations::table.filter(evaluations::cycle_id.eq(cycle)).select(evaluations::id);
        diesel::update(
            issuer_keys::table
                .filter(issuer_keys::evaluation_id.eq_any(of_cycle).and(issuer_keys::round.eq(round)))
                .filter(issuer_keys::wrapped_private_key.is_not_null()),
        )
        .set(issuer_keys::wrapped_private_key.eq(none))
        .execute(c)
    })?)
}

/// Removes what the engine still holds of deleted private keys in its own files, as far as it can; outside a transaction.
///
/// SQLite overwrites what is deleted and then empties its log; PostgreSQL writes the tables anew. Of PostgreSQL's log, and
/// of backups, nothing is removed here: issuers' keys lie there wrapped, and the key file that opens them is gone;
/// document keys lie there under the column key, which stays.
///
/// # Errors
/// 503 `busy` where a long reader holds SQLite's log, each time after the engine's own patience; the same again will then
/// succeed.
pub fn erase_deleted_keys(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(c) => empty_log(c),
        Conn::Postgres(c) => {
            // Each alone: together they would be one transaction, in which no table is written anew.
            c.batch_execute("VACUUM FULL issuer_keys")?;
            Ok(c.batch_execute("VACUUM FULL issuer_document_keys")?)
        }
    }
}

/// What SQLite says of a checkpoint of its log, in a row and not as an error.
#[derive(QueryableByName)]
struct Checkpointed {
    /// 1 where somebody still reads what is in the log.
    #[diesel(sql_type = Integer)]
    busy: i32,
}

fn empty_log(conn: &mut SqliteConnection) -> Result<()> {
    for _ in 0..ERASING_ATTEMPTS {
        let Checkpointed { busy } = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(conn)?;
        if busy == 0 {
            return Ok(());
        }
    }
    Err(Error::retry_after(Code::Busy, 5))
}

/// Deletes the private half of one issuer key, so that nothing is signed with it any more.
pub fn disable_key(conn: &mut Conn, key_id: &[u8]) -> Result<()> {
    let none: Option<Vec<u8>> = None;
    on!(conn, |c| {
        diesel::update(issuer_keys::table.filter(issuer_keys::key_id.eq(key_id)))
            .set(issuer_keys::wrapped_private_key.eq(none))
            .execute(c)
    })?;
    Ok(())
}

/// Adds the document key of an issuer where the cycle has none of it; the first one stays.
pub fn insert_document_key(conn: &mut Conn, key: &DocumentKeyRow) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(issuer_document_keys::table).values(key).on_conflict_do_nothing().execute(c)
    })?;
    Ok(())
}

/// The document keys of a cycle, by issuer.
pub fn document_keys(conn: &mut Conn, cycle: CycleId) -> Result<Vec<DocumentKeyRow>> {
    Ok(on!(conn, |c| {
        issuer_document_keys::table
            .filter(issuer_document_keys::cycle_id.eq(cycle))
            .order(issuer_document_keys::issuer_id)
            .select(DocumentKeyRow::as_select())
            .load(c)
    })?)
}

/// Deletes the document keys of a cycle; their public halves stand in its manifests.
pub fn delete_document_keys(conn: &mut Conn, cycle: CycleId) -> Result<()> {
    on!(conn, |c| {
        diesel::delete(issuer_document_keys::table.filter(issuer_document_keys::cycle_id.eq(cycle))).execute(c)
    })?;
    Ok(())
}

/// Adds what was signed.
pub fn insert_issuance(conn: &mut Conn, row: &Issuance) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(issuances::table).values(row).execute(c) })?;
    Ok(())
}

/// What was signed for these assignments.
pub fn issuances_of(conn: &mut Conn, assignments: &[AssignmentId]) -> Result<Vec<Issuance>> {
    Ok(on!(conn, |c| {
        issuances::table
            .filter(issuances::assignment_id.eq_any(assignments))
            .order((issuances::assignment_id, issuances::issuer_id, issuances::key_id))
            .select(Issuance::as_select())
            .load(c)
    })?)
}

/// All that was signed in a cycle's round, with the evaluation each is for; a few tens of thousands at most.
pub fn issuances_of_round(conn: &mut Conn, cycle: CycleId, round: i32) -> Result<Vec<(EvaluationId, Issuance)>> {
    Ok(on!(conn, |c| {
        issuances::table
            .inner_join(assignments::table.on(assignments::id.eq(issuances::assignment_id)))
            .inner_join(evaluations::table.on(evaluations::id.eq(assignments::evaluation_id)))
            .filter(evaluations::cycle_id.eq(cycle).and(assignments::round.eq(round)))
            .order((issuances::assignment_id, issuances::issuer_id, issuances::key_id))
            .select((assignments::evaluation_id, Issuance::as_select()))
            .load(c)
    })?)
}

/// How many of a subject's panel are in it and how many of these hold a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PanelCount {
    /// The subject's evaluation.
    pub evaluation_id: EvaluationId,
    /// Those drawn who did not leave.
    pub panel_size: u32,
    /// Those among them who collected.
    pub issued_count: u32,
}

/// The counts of these evaluations, each in its last round, in the order given.
pub fn panel_counts(conn: &mut Conn, of: &[EvaluationId]) -> Result<Vec<PanelCount>> {
    let counted: Vec<(EvaluationId, AssignmentState, i64)> = on!(conn, |c| {
        assignments::table
            .inner_join(evaluations::table.on(evaluations::id.eq(assignments::evaluation_id)))
            .filter(assignments::evaluation_id.eq_any(of).and(assignments::round.eq(evaluations::last_round)))
            .group_by((assignments::evaluation_id, assignments::state))
            .select((assignments::evaluation_id, assignments::state, diesel::dsl::count_star()))
            .load(c)
    })?;
    let counted: HashMap<(EvaluationId, AssignmentState), i64> =
        counted.into_iter().map(|(id, state, count)| ((id, state), count)).collect();
    let count = |id: EvaluationId, state: AssignmentState| {
        counted.get(&(id, state)).map_or(0, |count| u32::try_from(*count).unwrap_or(u32::MAX))
    };
    let counts = of.iter().map(|&evaluation_id| {
        let issued_count = count(evaluation_id, AssignmentState::Issued);
        let panel_size = issued_count + count(evaluation_id, AssignmentState::Drawn);
        PanelCount { evaluation_id, panel_size, issued_count }
    });
    Ok(counts.collect())
}
