//! What a file answers of a judge's person beside the name. What a newcomer would get wrong: to add sex to the view of a
//! record. It stands in one place alone, the judge's own whole file, and a view that lacks it cannot leak it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::{AccountId, ClientId, ImportId, JudgeId, ParticularsId};
use crate::domain::judge_file::RecordStatus;
use crate::domain::particulars::{Sex, Sight};
use crate::store::particulars::Particulars;

/// What a source told of a judge's person; never the sex, which the judge alone sees in the own file.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "birth_date": "1985-06-15", "legal_service_hundredths": 1750, "source_system": "hr", "as_of": "2027-01-10", "received_at": "2027-01-11T04:30:00Z", "recorded_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "recorded_by_client": null, "status": "active", "supersedes_id": null, "batch_id": null}))]
pub struct ParticularsView {
    /// The record's id.
    id: ParticularsId,
    /// Of whom.
    judge_id: JudgeId,
    /// The birth date, or null; never derived from the IIN.
    birth_date: Option<NaiveDate>,
    /// Years of legal service on the day `as_of`, in hundredths, as the source counts them, or null.
    #[schema(minimum = 0, maximum = 6000)]
    legal_service_hundredths: Option<i64>,
    /// The system of record.
    #[schema(max_length = 40)]
    source_system: String,
    /// The day whose state the source told.
    as_of: NaiveDate,
    /// When it was recorded here.
    received_at: DateTime<Utc>,
    /// By which account; null where a machine client recorded it.
    recorded_by: Option<AccountId>,
    /// By which machine client; null where a person recorded it.
    recorded_by_client: Option<ClientId>,
    /// `active`, `disputed` while its correction is asked for, or `corrected` where a newer record has taken its place.
    status: RecordStatus,
    /// The record that this one replaces, or null.
    supersedes_id: Option<ParticularsId>,
    /// The import that it came in with, or null.
    batch_id: Option<ImportId>,
}

impl From<Particulars> for ParticularsView {
    fn from(row: Particulars) -> Self {
        ParticularsView {
            id: row.id,
            judge_id: row.judge_id,
            birth_date: row.birth_date,
            legal_service_hundredths: row.legal_service_hundredths,
            source_system: row.source_system,
            as_of: row.as_of,
            received_at: row.received_at.and_utc(),
            recorded_by: row.recorded_by,
            recorded_by_client: row.recorded_by_client,
            status: row.status,
            supersedes_id: row.supersedes_id,
            batch_id: row.batch_id,
        }
    }
}

/// What a reader of the file sees of the records, and the sex that is held, for the judge.
pub fn seen(told: Vec<Particulars>, sight: Sight) -> (Option<Vec<ParticularsView>>, Option<Sex>) {
    let sex = told.iter().rfind(|row| row.status.is_in_force()).and_then(|row| row.sex);
    let views = || told.into_iter().map(ParticularsView::from).collect();
    match sight {
        Sight::Whole => (Some(views()), sex),
        Sight::Personnel => (Some(views()), None),
        Sight::Nothing => (None, None),
    }
}
