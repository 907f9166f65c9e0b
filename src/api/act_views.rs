//! How the review of an act is answered, by its own operations and in the file as a whole. What a newcomer would get wrong:
//! the last finding alone says whether the judge answers for it, and one that is disputed is named in no report.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::acts::{ActInstance, ActOutcome, ActReason, Attributable};
use crate::domain::ids::{AccountId, ActId, ClientId, ImportId, JudgeId};
use crate::domain::judge_file::RecordStatus;
use crate::store;
use crate::store::acts::{Act, Attribution};

/// The review of an act by a higher court. It enters no score.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "case_no": "7517-26-00-2/1042", "category": "civil", "act_date": "2026-05-04", "appealed_on": "2026-05-20", "instance": "appeal", "outcome": "cancelled_remitted", "reason_code": "procedural_error", "jury_decision_ref": null, "attributable": "undetermined", "may_be_named_in_report": false, "attributions": [], "source_system": "toerelik", "source_record_id": "AC-2026-88120", "as_of": "2026-09-01", "received_at": "2027-01-11T04:30:00Z", "recorded_by": null, "recorded_by_client": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "status": "active", "supersedes_id": null, "legal_basis": null, "batch_id": null}))]
pub struct ActView {
    /// The record's id.
    pub id: ActId,
    /// Whose act.
    judge_id: JudgeId,
    /// The number of the case.
    #[schema(max_length = 64)]
    case_no: String,
    /// The kind of case.
    #[schema(max_length = 40)]
    category: String,
    /// The day of the act.
    act_date: NaiveDate,
    /// The day of the appeal.
    appealed_on: NaiveDate,
    /// Which instance.
    instance: ActInstance,
    /// What became of the act.
    outcome: ActOutcome,
    /// Why, or null where it was upheld.
    reason_code: Option<ActReason>,
    /// The decision of the Judicial Jury on a gross breach, or null.
    #[schema(max_length = 200)]
    jury_decision_ref: Option<String>,
    /// Whether the judge answers for it: the last finding, or `undetermined`.
    attributable: Attributable,
    /// Whether a report may name it: only where the judge answers for it and the record is in force and not disputed.
    may_be_named_in_report: bool,
    /// What members found on this record, oldest first.
    #[schema(max_items = 100)]
    attributions: Vec<AttributionView>,
    /// The system of record.
    #[schema(max_length = 40)]
    source_system: String,
    /// The record's name there, or null.
    #[schema(max_length = 100)]
    source_record_id: Option<String>,
    /// The day whose state the source told.
    as_of: NaiveDate,
    /// When it was recorded here.
    received_at: DateTime<Utc>,
    /// By which account; null where a machine client recorded it.
    recorded_by: Option<AccountId>,
    /// By which machine client; null where a person recorded it.
    recorded_by_client: Option<ClientId>,
    /// How the record stands.
    status: RecordStatus,
    /// The record that this one replaces, or null.
    supersedes_id: Option<ActId>,
    /// The law by which it is kept, or null.
    #[schema(max_length = 200)]
    legal_basis: Option<String>,
    /// The import that it came in with, or null.
    batch_id: Option<ImportId>,
}

/// What a member found.
#[derive(Clone, Serialize, ToSchema)]
#[schema(example = json!({"number": 1, "attributable": "no", "reason": "The expert report was filed after the act.", "decided_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "decided_at": "2027-01-11T04:30:00Z"}))]
pub struct AttributionView {
    /// Its place among the findings on the record, from 1.
    #[schema(minimum = 1)]
    number: i32,
    /// Whether the judge answers for it.
    attributable: Attributable,
    /// Why.
    #[schema(max_length = 4000)]
    reason: String,
    /// Which account decided.
    decided_by: AccountId,
    /// When.
    decided_at: DateTime<Utc>,
}

impl From<Attribution> for AttributionView {
    fn from(row: Attribution) -> Self {
        AttributionView {
            number: row.number,
            attributable: row.attributable,
            reason: row.reason,
            decided_by: row.decided_by,
            decided_at: row.decided_at.and_utc(),
        }
    }
}

impl ActView {
    /// The view of a record with what was found on it, in the order of the findings.
    pub fn new(row: Act, found: Vec<Attribution>) -> ActView {
        let may_be_named_in_report = store::acts::may_be_named(&row, &found);
        ActView {
            id: row.id,
            judge_id: row.judge_id,
            case_no: row.case_no,
            category: row.category,
            act_date: row.act_date,
            appealed_on: row.appealed_on,
            instance: row.instance,
            outcome: row.outcome,
            reason_code: row.reason_code,
            jury_decision_ref: row.jury_decision_ref,
            attributable: store::acts::attributable(&found),
            may_be_named_in_report,
            attributions: found.into_iter().map(AttributionView::from).collect(),
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
