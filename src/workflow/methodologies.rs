//! Publishing a methodology: after it nothing of it changes. Draft texts are published only by two persons who say so.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::ids::MethodologyId;
use crate::domain::methodology::Methodology;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::methodologies::MethodologyRow;

/// So many published methodologies are looked at for one in force; an older one was replaced long ago.
const LOOKED_AT_MAX: i64 = 20;

/// What the first person says besides.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishParameters {
    /// Whether texts marked as drafts may be published.
    pub accepts_draft_texts: bool,
}

/// The state that an approval covers: the document's digest and the row's version.
pub fn state(conn: &mut Conn, id: uuid::Uuid) -> Result<String> {
    let row = find(conn, id)?;
    Ok(format!("{} version {}", row.digest, row.version))
}

/// Whether the methodology may be published now.
///
/// # Errors
/// 404; 409 `methodology_published`; 409 `draft_texts` where it holds drafts and they were not accepted; 422 where its
/// own rules do not hold.
pub fn check_publish(conn: &mut Conn, id: uuid::Uuid, parameters: &str) -> Result<MethodologyRow> {
    let row = find(conn, id)?;
    if row.state != "draft" {
        return Err(Code::MethodologyPublished.into());
    }
    let parameters: PublishParameters = serde_json::from_str(parameters).map_err(Error::internal)?;
    let methodology = document(&row)?;
    let faults = methodology.validate();
    if !faults.is_empty() {
        return Err(Error::faults(Code::Invalid, faults));
    }
    if methodology.has_draft_texts() && !parameters.accepts_draft_texts {
        let languages = methodology.draft_languages();
        return Err(Error::hinted(
            Code::DraftTexts,
            Hint::new("draft_languages").words("languages", "language", languages),
        ));
    }
    Ok(row)
}

/// Publishes it.
pub fn publish(conn: &mut Conn, id: uuid::Uuid, parameters: &str, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let row = check_publish(conn, id, parameters)?;
    if !store::methodologies::publish(conn, row.id, row.version, now.naive_utc())? {
        return Err(Code::ApprovalStale.into());
    }
    let entry = store::audit::NewEntry {
        digest: Some(row.digest),
        ..store::audit::NewEntry::new(Some(actor.account_id), "publish_methodology", "methodology", row.id)
    };
    store::audit::record(conn, entry, now)?;
    Ok(())
}

/// The methodology that was published last among those in force today. A developmental one counts where there is no other:
/// it stands beside the evaluation that the law asks for, and says nothing of who is due for that.
///
/// # Errors
/// 409 `methodology_not_in_force` where there is none.
pub fn in_force(conn: &mut Conn, now: DateTime<Utc>) -> Result<(MethodologyId, Methodology)> {
    let mut developmental = None;
    for row in store::methodologies::newest_published(conn, LOOKED_AT_MAX)? {
        let methodology = document(&row)?;
        if !methodology.in_force_on(date_at(now, methodology.time_limits.utc_offset_minutes)) {
            continue;
        }
        if !methodology.is_developmental() {
            return Ok((row.id, methodology));
        }
        developmental = developmental.or(Some((row.id, methodology)));
    }
    developmental.ok_or_else(|| Error::hinted(Code::MethodologyNotInForce, Hint::new("methodology_to_publish")))
}

/// The rules in a stored row, which were valid when they were stored.
pub fn document(row: &MethodologyRow) -> Result<Methodology> {
    serde_json::from_str(&row.document).map_err(Error::internal)
}

fn find(conn: &mut Conn, id: uuid::Uuid) -> Result<MethodologyRow> {
    Ok(store::methodologies::find(conn, MethodologyId(id))?.ok_or(Code::NotFound)?)
}
