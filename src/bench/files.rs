//! The raw limit of a whole file: the same rows, read from the service's own store by the judge and made into nothing, and
//! as many bytes written as JSON. A newcomer would compare with an answer that lies ready; this one is made each time, too.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{HttpResponse, web};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::Value;

use crate::db::{Conn, Registry};
use crate::error::{Error, Result};
use crate::on;

/// A table with all that a file shows of it, and the plain row.
macro_rules! raw {
    ($table:ident ($key:ident) $row:ident { $($column:ident ($($sql:tt)+) $rust:ty,)* }) => {
        diesel::table! { $table ($key) { $($column -> $($sql)+,)* } }
        type $row = ($($rust,)*);
    };
}

raw! {
    judges (id) OfJudges {
        id (Text) String,
        full_name_kk (Text) String,
        full_name_ru (Text) String,
        full_name_en (Nullable<Text>) Option<String>,
        first_appointed_on (Date) NaiveDate,
        version (BigInt) i64,
        batch_id (Nullable<Text>) Option<String>,
    }
}

raw! {
    positions (id) OfPositions {
        id (Text) String,
        judge_id (Text) String,
        court_id (Text) String,
        kind (Text) String,
        act_ref (Nullable<Text>) Option<String>,
        starts_on (Date) NaiveDate,
        ends_on (Nullable<Date>) Option<NaiveDate>,
        ended_reason (Nullable<Text>) Option<String>,
        source_system (Text) String,
        as_of (Date) NaiveDate,
        received_at (Timestamp) NaiveDateTime,
        recorded_by (Nullable<Text>) Option<String>,
        recorded_by_client (Nullable<Text>) Option<String>,
        status (Text) String,
        supersedes_id (Nullable<Text>) Option<String>,
        source_record_id (Nullable<Text>) Option<String>,
        legal_basis (Nullable<Text>) Option<String>,
        batch_id (Nullable<Text>) Option<String>,
        specialisations (Text) String,
    }
}

raw! {
    observations (id) OfObservations {
        id (Text) String,
        judge_id (Text) String,
        indicator_code (Text) String,
        category (Text) String,
        period_start (Date) NaiveDate,
        period_end (Date) NaiveDate,
        numerator (BigInt) i64,
        denominator (Nullable<BigInt>) Option<i64>,
        source_system (Text) String,
        source_record_id (Nullable<Text>) Option<String>,
        as_of (Date) NaiveDate,
        received_at (Timestamp) NaiveDateTime,
        recorded_by (Nullable<Text>) Option<String>,
        recorded_by_client (Nullable<Text>) Option<String>,
        status (Text) String,
        supersedes_id (Nullable<Text>) Option<String>,
        legal_basis (Nullable<Text>) Option<String>,
        batch_id (Nullable<Text>) Option<String>,
    }
}

raw! {
    acts (id) OfActs {
        id (Text) String,
        judge_id (Text) String,
        case_no (Text) String,
        category (Text) String,
        act_date (Date) NaiveDate,
        appealed_on (Date) NaiveDate,
        instance (Text) String,
        outcome (Text) String,
        reason_code (Nullable<Text>) Option<String>,
        jury_decision_ref (Nullable<Text>) Option<String>,
        source_system (Text) String,
        source_record_id (Nullable<Text>) Option<String>,
        as_of (Date) NaiveDate,
        received_at (Timestamp) NaiveDateTime,
        recorded_by (Nullable<Text>) Option<String>,
        recorded_by_client (Nullable<Text>) Option<String>,
        status (Text) String,
        supersedes_id (Nullable<Text>) Option<String>,
        legal_basis (Nullable<Text>) Option<String>,
        batch_id (Nullable<Text>) Option<String>,
    }
}

raw! {
    file_records (id) OfFileRecords {
        id (Text) String,
        judge_id (Text) String,
        section (Text) String,
        content (Text) String,
        effective_from (Nullable<Date>) Option<NaiveDate>,
        effective_to (Nullable<Date>) Option<NaiveDate>,
        shown (Text) String,
        about_id (Nullable<Text>) Option<String>,
        sha256 (Nullable<Text>) Option<String>,
        source_system (Text) String,
        source_record_id (Nullable<Text>) Option<String>,
        as_of (Date) NaiveDate,
        received_at (Timestamp) NaiveDateTime,
        recorded_by (Nullable<Text>) Option<String>,
        recorded_by_client (Nullable<Text>) Option<String>,
        status (Text) String,
        first_id (Text) String,
        supersedes_id (Nullable<Text>) Option<String>,
        legal_basis (Nullable<Text>) Option<String>,
        confirmation (Text) String,
        confirmed_by (Nullable<Text>) Option<String>,
        confirmed_at (Nullable<Timestamp>) Option<NaiveDateTime>,
        ended_at (Nullable<Timestamp>) Option<NaiveDateTime>,
        end_reason (Nullable<Text>) Option<String>,
        batch_id (Nullable<Text>) Option<String>,
    }
}

raw! {
    correction_requests (id) OfCorrectionRequests {
        id (Text) String,
        judge_id (Text) String,
        record_type (Text) String,
        record_id (Text) String,
        claim (Text) String,
        evidence (Nullable<Text>) Option<String>,
        document_ids (Text) String,
        status (Text) String,
        reason (Nullable<Text>) Option<String>,
        due_on (Date) NaiveDate,
        filed_at (Timestamp) NaiveDateTime,
        decided_by (Nullable<Text>) Option<String>,
        decided_at (Nullable<Timestamp>) Option<NaiveDateTime>,
        version (BigInt) i64,
    }
}

/// Files as they lie in the service's store.
pub(super) struct RawFiles {
    registry: Arc<Registry>,
    judge_ids: Vec<String>,
    /// A file as it was answered: as many bytes are written each time.
    file: Value,
    next: AtomicUsize,
}

impl RawFiles {
    /// The files of some judges; `answer` is what the service answered for one of them.
    pub fn of(registry: Arc<Registry>, judge_ids: Vec<String>, answer: &[u8]) -> Result<RawFiles> {
        let file = serde_json::from_slice(answer).map_err(Error::internal)?;
        Ok(RawFiles { registry, judge_ids, file, next: AtomicUsize::new(0) })
    }
}

/// Loads the rows of one file after the other.
pub(super) async fn read_file(files: web::Data<RawFiles>) -> Result<HttpResponse> {
    let place = files.next.fetch_add(1, Ordering::Relaxed) % files.judge_ids.len().max(1);
    let judge = files.judge_ids.get(place).cloned().unwrap_or_default();
    let shared = files.clone();
    files.registry.0.read(move |conn| load(conn, &judge)).await?;
    let body = serde_json::to_vec(&shared.file).map_err(Error::internal)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

fn load(conn: &mut Conn, judge: &str) -> Result<()> {
    on!(conn, |c| {
        let of_judge = judges::table.filter(judges::id.eq(judge));
        black_box::<Vec<OfJudges>>(of_judge.load(c)?);
        let of_judge = positions::table.filter(positions::judge_id.eq(judge));
        black_box::<Vec<OfPositions>>(of_judge.order(positions::id).load(c)?);
        let of_judge = observations::table.filter(observations::judge_id.eq(judge));
        black_box::<Vec<OfObservations>>(of_judge.order(observations::id).load(c)?);
        let of_judge = acts::table.filter(acts::judge_id.eq(judge));
        black_box::<Vec<OfActs>>(of_judge.order(acts::id).load(c)?);
        let of_judge = file_records::table.filter(file_records::judge_id.eq(judge));
        black_box::<Vec<OfFileRecords>>(of_judge.order(file_records::id).load(c)?);
        let of_judge = correction_requests::table.filter(correction_requests::judge_id.eq(judge));
        black_box::<Vec<OfCorrectionRequests>>(of_judge.order(correction_requests::id).load(c)?);
    });
    Ok(())
}
