//! How the records of a file are answered: one view of each, for its own operations and for the file as a whole. What a
//! newcomer would get wrong: a view is made from a row by name, field by field, so that a new column is not answered by
//! itself. None has an IIN.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use unicode_normalization::UnicodeNormalization;
use utoipa::{IntoParams, ToSchema};

use super::extract::PageQuery;
use crate::domain::calendar::Period;
use crate::domain::ids::{
    AccountId, ClientId, ConflictId, CorrectionRequestId, CourtId, ImportId, JudgeId, ObservationId, PositionId,
    RecordId,
};
use crate::domain::judge_file::{
    Check, ConflictKind, CorrectionStatus, EndedReason, ExternalId, FilePurpose, PositionKind, RecordStatus,
};
use crate::domain::sections::{ConfirmationState, Content, RecordType, Section};
use crate::domain::specialisations::{SpecialisationCode, Specialisations};
use crate::error::{Error, Result};
use crate::store::conflicts::Conflict;
use crate::store::corrections::CorrectionRequest;
use crate::store::file_records::FileRecord;
use crate::store::judges::Judge;
use crate::store::observations::Observation;
use crate::store::positions::Position;
use crate::workflow::checks::REGION_LENGTH_MAX;

/// Why a part of a file is read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PurposeQuery {
    /// Why it is read; recorded, and shown to the judge. Everybody but the judge names it.
    #[param(inline)]
    pub purpose: Option<FilePurpose>,
}

/// A page of the records of a person, and why they are read.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordsQuery {
    /// Why the records are read; recorded, and shown to the judge. Everybody but the judge names it.
    #[param(inline)]
    pub purpose: Option<FilePurpose>,
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    pub cursor: Option<String>,
}

impl RecordsQuery {
    /// The page that is asked for.
    pub fn page(&self) -> PageQuery {
        PageQuery { limit: self.limit, cursor: self.cursor.clone() }
    }
}

/// A region that is asked for, as bodies are read: the same one is found whatever form its letters came in.
pub fn asked_region(region: Option<&str>) -> Result<Option<String>> {
    let region: Option<String> = region.map(|region| region.nfc().collect());
    if let Some(region) = &region {
        let mut check = Check::default();
        check.text("region", region, REGION_LENGTH_MAX);
        check.parameters()?;
    }
    Ok(region)
}

/// A judge by name; never the IIN.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "full_name_kk": "Нұрлан Серікұлы Әбдіров", "full_name_ru": "Абдиров Нурлан Серикович", "full_name_en": null, "first_appointed_on": "2015-03-02", "external_ids": [{"source_system": "toerelik", "value": "J-20417"}], "version": 1}))]
pub struct JudgeView {
    /// The id, the only key of a judge outside of the file.
    pub id: JudgeId,
    /// The full name in Kazakh.
    #[schema(min_length = 1, max_length = 200)]
    pub full_name_kk: String,
    /// The full name in Russian.
    #[schema(min_length = 1, max_length = 200)]
    pub full_name_ru: String,
    /// The full name in English, or null.
    #[schema(min_length = 1, max_length = 200)]
    pub full_name_en: Option<String>,
    /// The day of the first appointment to a judge's post.
    pub first_appointed_on: NaiveDate,
    /// The judge's names in other systems.
    #[schema(max_items = 100)]
    pub external_ids: Vec<ExternalId>,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl JudgeView {
    /// The view of a row with its names in other systems.
    pub fn new(row: Judge, external_ids: Vec<ExternalId>) -> JudgeView {
        JudgeView {
            id: row.id,
            full_name_kk: row.full_name_kk,
            full_name_ru: row.full_name_ru,
            full_name_en: row.full_name_en,
            first_appointed_on: row.first_appointed_on,
            external_ids,
            version: row.version,
        }
    }
}

/// A record of a post held. Its end is told by a newer record that supersedes it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "court_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "kind": "judge", "act_ref": "Decree 417 of 2 March 2015", "starts_on": "2015-03-02", "ends_on": null, "ended_reason": null, "specialisations": ["civil", "juvenile"], "source_system": "hr", "source_record_id": "P-114", "as_of": "2027-01-10", "received_at": "2027-01-11T04:30:00Z", "recorded_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "recorded_by_client": null, "status": "active", "supersedes_id": null, "legal_basis": null, "batch_id": null}))]
pub struct PositionView {
    /// The record's id.
    pub id: PositionId,
    /// Who holds the post.
    pub judge_id: JudgeId,
    /// At which court.
    pub court_id: CourtId,
    /// What kind of post.
    pub kind: PositionKind,
    /// The act of appointment, or null.
    #[schema(max_length = 200)]
    pub act_ref: Option<String>,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day, or null while it is held.
    pub ends_on: Option<NaiveDate>,
    /// Why it ended, or null.
    pub ended_reason: Option<EndedReason>,
    /// In what it is specialised; empty where nothing is told.
    #[schema(value_type = Vec<SpecialisationCode>, max_items = 20)]
    pub specialisations: Specialisations,
    /// The system of record.
    #[schema(max_length = 40)]
    pub source_system: String,
    /// The record's name there, or null.
    #[schema(max_length = 100)]
    pub source_record_id: Option<String>,
    /// The day whose state the source told.
    pub as_of: NaiveDate,
    /// When it was recorded here.
    pub received_at: DateTime<Utc>,
    /// By which account; null where a machine client recorded it.
    pub recorded_by: Option<AccountId>,
    /// By which machine client; null where a person recorded it.
    pub recorded_by_client: Option<ClientId>,
    /// How the record stands.
    pub status: RecordStatus,
    /// The record that this one replaces, or null.
    pub supersedes_id: Option<PositionId>,
    /// The law by which it is kept, or null.
    #[schema(max_length = 200)]
    pub legal_basis: Option<String>,
    /// The import that it came in with, or null.
    pub batch_id: Option<ImportId>,
}

impl From<Position> for PositionView {
    fn from(row: Position) -> Self {
        PositionView {
            id: row.id,
            judge_id: row.judge_id,
            court_id: row.court_id,
            kind: row.kind,
            act_ref: row.act_ref,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            ended_reason: row.ended_reason,
            specialisations: row.specialisations,
            source_system: row.source_system,
            source_record_id: row.source_record_id,
            as_of: row.as_of,
            received_at: row.received_at.and_utc(),
            recorded_by: row.recorded_by,
            recorded_by_client: row.recorded_by_client,
            status: row.status,
            supersedes_id: row.supersedes_id,
            legal_basis: row.legal_basis,
            batch_id: row.batch_id,
        }
    }
}

/// One observed value of an indicator.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 214, "denominator": null, "source_system": "toerelik", "source_record_id": "2026/Q3/20417", "as_of": "2026-10-05", "received_at": "2027-01-11T04:30:00Z", "recorded_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "recorded_by_client": null, "status": "active", "supersedes_id": null, "legal_basis": null, "batch_id": null}))]
pub struct ObservationView {
    /// The record's id.
    pub id: ObservationId,
    /// Whose work.
    pub judge_id: JudgeId,
    /// The indicator.
    #[schema(max_length = 40)]
    pub indicator_code: String,
    /// The kind of case.
    #[schema(max_length = 40)]
    pub category: String,
    /// The quarter.
    pub period: Period,
    /// The value, or the numerator of a ratio, in the indicator's scaled integers.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub numerator: i64,
    /// The denominator of a ratio, or null.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub denominator: Option<i64>,
    /// The system of record.
    #[schema(max_length = 40)]
    pub source_system: String,
    /// The record's name there, or null.
    #[schema(max_length = 100)]
    pub source_record_id: Option<String>,
    /// The day whose state the source told.
    pub as_of: NaiveDate,
    /// When it was recorded here.
    pub received_at: DateTime<Utc>,
    /// By which account; null where a machine client recorded it.
    pub recorded_by: Option<AccountId>,
    /// By which machine client; null where a person recorded it.
    pub recorded_by_client: Option<ClientId>,
    /// How the record stands.
    pub status: RecordStatus,
    /// The record that this one replaces, or null.
    pub supersedes_id: Option<ObservationId>,
    /// The law by which it is kept, or null.
    #[schema(max_length = 200)]
    pub legal_basis: Option<String>,
    /// The import that it came in with, or null.
    pub batch_id: Option<ImportId>,
}

impl ObservationView {
    /// The view of a row; a quarter that no calendar knows is our fault.
    pub fn new(row: Observation) -> Result<ObservationView> {
        Ok(ObservationView {
            id: row.id,
            judge_id: row.judge_id,
            indicator_code: row.indicator_code,
            category: row.category,
            period: period(row.period_start)?,
            numerator: row.numerator,
            denominator: row.denominator,
            source_system: row.source_system,
            source_record_id: row.source_record_id,
            as_of: row.as_of,
            received_at: row.received_at.and_utc(),
            recorded_by: row.recorded_by,
            recorded_by_client: row.recorded_by_client,
            status: row.status,
            supersedes_id: row.supersedes_id,
            legal_basis: row.legal_basis,
            batch_id: row.batch_id,
        })
    }
}

/// The quarter of a stored first day.
pub fn period(starts_on: NaiveDate) -> Result<Period> {
    Period::containing(starts_on).ok_or_else(|| Error::internal("an observation lies before the first quarter"))
}

/// A record of one of the file's other sections. A change is told by a newer record that supersedes it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "section": "education", "content": {"education": {"degree": "LL.M.", "institution": "Қазақ ұлттық университеті", "year": 2008}}, "source_system": "hr", "source_record_id": "E-114", "as_of": "2027-01-10", "received_at": "2027-01-11T04:30:00Z", "recorded_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "recorded_by_client": null, "status": "active", "supersedes_id": null, "legal_basis": null, "confirmation": "not_needed", "confirmed_by": null, "confirmed_at": null, "ended_at": null, "end_reason": null, "batch_id": null}))]
pub struct RecordView {
    /// The record's id.
    pub id: RecordId,
    /// Whose file.
    pub judge_id: JudgeId,
    /// Which section.
    pub section: Section,
    /// The section's fields.
    #[schema(value_type = Content)]
    pub content: Box<RawValue>,
    /// The system of record; `judge` where the judge declared it.
    #[schema(max_length = 40)]
    pub source_system: String,
    /// The record's name there, or null.
    #[schema(max_length = 100)]
    pub source_record_id: Option<String>,
    /// The day whose state the source told.
    pub as_of: NaiveDate,
    /// When it was recorded here.
    pub received_at: DateTime<Utc>,
    /// By which account; null where a machine client recorded it.
    pub recorded_by: Option<AccountId>,
    /// By which machine client; null where a person recorded it.
    pub recorded_by_client: Option<ClientId>,
    /// How the record stands.
    pub status: RecordStatus,
    /// The record that this one replaces, or null.
    pub supersedes_id: Option<RecordId>,
    /// The law by which it is kept, or null.
    #[schema(max_length = 200)]
    pub legal_basis: Option<String>,
    /// Whether what the judge declared is confirmed.
    pub confirmation: ConfirmationState,
    /// Which account confirmed it, or null.
    pub confirmed_by: Option<AccountId>,
    /// When, or null.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When it was replaced or withdrawn, or null.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was withdrawn, or null.
    #[schema(max_length = 2000)]
    pub end_reason: Option<String>,
    /// The import that it came in with, or null.
    pub batch_id: Option<ImportId>,
}

impl RecordView {
    /// The view of a row. Its content goes out as it is kept: it was checked when it came in.
    pub fn new(row: FileRecord) -> Result<RecordView> {
        Ok(RecordView {
            id: row.id,
            judge_id: row.judge_id,
            section: row.section,
            content: RawValue::from_string(row.content).map_err(Error::internal)?,
            source_system: row.source_system,
            source_record_id: row.source_record_id,
            as_of: row.as_of,
            received_at: row.received_at.and_utc(),
            recorded_by: row.recorded_by,
            recorded_by_client: row.recorded_by_client,
            status: row.status,
            supersedes_id: row.supersedes_id,
            legal_basis: row.legal_basis,
            confirmation: row.confirmation,
            confirmed_by: row.confirmed_by,
            confirmed_at: row.confirmed_at.map(|at| at.and_utc()),
            ended_at: row.ended_at.map(|at| at.and_utc()),
            end_reason: row.end_reason,
            batch_id: row.batch_id,
        })
    }
}

/// A judge's request to correct a record.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "record_type": "observation", "record_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "claim": "Six of these cases were transferred to another judge in August.", "evidence": "Order 114 of 9 August 2026", "document_ids": [], "status": "open", "reason": null, "due_on": "2027-01-25", "is_overdue": false, "filed_at": "2027-01-11T04:30:00Z", "decided_by": null, "decided_at": null, "version": 1}))]
pub struct CorrectionRequestView {
    /// Its id.
    pub id: CorrectionRequestId,
    /// Who asks.
    pub judge_id: JudgeId,
    /// The kind of the record in question.
    pub record_type: RecordType,
    /// The record in question.
    pub record_id: RecordId,
    /// What is wrong with it, in the judge's words.
    #[schema(min_length = 1, max_length = 4000)]
    pub claim: String,
    /// What proves that, or null.
    #[schema(max_length = 4000)]
    pub evidence: Option<String>,
    /// The documents of the file that prove it.
    #[schema(max_items = 10)]
    pub document_ids: Vec<RecordId>,
    /// How it stands.
    pub status: CorrectionStatus,
    /// The reason of the decision, or null.
    #[schema(max_length = 4000)]
    pub reason: Option<String>,
    /// The day until which it is to be decided.
    pub due_on: NaiveDate,
    /// Whether that day has passed and nobody has decided; the record stays disputed, and out of reports, all the same.
    pub is_overdue: bool,
    /// When it was filed.
    pub filed_at: DateTime<Utc>,
    /// Which account decided, or null.
    pub decided_by: Option<AccountId>,
    /// When, or null.
    pub decided_at: Option<DateTime<Utc>>,
    /// Grows by one with each change.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl CorrectionRequestView {
    /// The view of a row as it stands on a day.
    pub fn new(row: CorrectionRequest, today: NaiveDate) -> Result<CorrectionRequestView> {
        let is_overdue = row.is_overdue(today);
        Ok(CorrectionRequestView {
            is_overdue,
            id: row.id,
            judge_id: row.judge_id,
            record_type: row.record_type,
            record_id: row.record_id,
            claim: row.claim,
            evidence: row.evidence,
            document_ids: serde_json::from_str(&row.document_ids).map_err(Error::internal)?,
            status: row.status,
            reason: row.reason,
            due_on: row.due_on,
            filed_at: row.filed_at.and_utc(),
            decided_by: row.decided_by,
            decided_at: row.decided_at.map(|at| at.and_utc()),
            version: row.version,
        })
    }
}

/// A declared conflict between two judges.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "other_judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "kind": "relative", "starts_on": "2010-06-01", "ends_on": null}))]
pub struct ConflictView {
    /// Its id.
    id: ConflictId,
    /// The judge of the two whose id is smaller.
    judge_id: JudgeId,
    /// The other one.
    other_judge_id: JudgeId,
    /// Why the two may not evaluate one another.
    kind: ConflictKind,
    /// The first day.
    starts_on: NaiveDate,
    /// The last day, or null while it lasts.
    ends_on: Option<NaiveDate>,
}

impl From<Conflict> for ConflictView {
    fn from(row: Conflict) -> Self {
        ConflictView {
            id: row.id,
            judge_id: row.judge_id,
            other_judge_id: row.other_judge_id,
            kind: row.kind,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
        }
    }
}
