//! Who read a judge's file, for the judge. What a newcomer would get wrong: this is no copy of the audit log. It holds the
//! readings of others, which the judge may know of, and nothing of what else staff do.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{PageOf, PageQuery, page};
use crate::cipher::Cipher;
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::ids::{AccountId, ClientId, JudgeId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::records::may_read_access_history;
use crate::domain::policy::{Actor, StaffRole};
use crate::error::Result;
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::store::audit::Reading;

/// A reading of the own file by somebody else.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"number": 3, "occurred_at": "2027-01-11T04:30:00Z", "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "login": "aigerim.s", "staff_role": "secretary", "client_id": null, "client_name": null, "act": "get_judge_file", "purpose": "personnel"}))]
pub struct AccessEntryView {
    /// Which reading of the file it was, from 1.
    #[schema(minimum = 1)]
    number: i64,
    /// When.
    occurred_at: DateTime<Utc>,
    /// Which account; null where it was none.
    account_id: Option<AccountId>,
    /// The name that the reader logs in with, or null.
    #[schema(max_length = 64)]
    login: Option<String>,
    /// The reader's role, as it is now, or null.
    staff_role: Option<StaffRole>,
    /// Which machine client; null where it was a person.
    client_id: Option<ClientId>,
    /// What that client is called, or null.
    #[schema(max_length = 100)]
    client_name: Option<String>,
    /// What was read, by its operation.
    #[schema(max_length = 64)]
    act: String,
    /// Why.
    #[schema(max_length = 64)]
    purpose: Option<String>,
}

impl From<Reading> for AccessEntryView {
    fn from(row: Reading) -> Self {
        let Reading { entry, login, staff_role, client_name } = row;
        AccessEntryView {
            number: entry.reading_number.unwrap_or(0),
            occurred_at: entry.occurred_at.and_utc(),
            account_id: entry.account_id,
            login,
            staff_role,
            client_id: entry.client_id,
            client_name,
            act: entry.act,
            purpose: entry.purpose,
        }
    }
}

/// List who read the own file.
///
/// For the judge: each reading of the file, or of a part of it, by somebody else, newest first, with who it was, in which
/// role, what was read and why; extracts that were issued or fetched are among them. The judge's own readings are not among them.
#[utoipa::path(tag = "judges", params(PageQuery),
    responses((status = 200, body = PageOf<AccessEntryView>), ReadProblems))]
#[get("/judges/{judge_id}/access-entries")]
pub async fn list_access_entries(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    query: web::Query<PageQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let judge_id = judge_id.into_inner();
    may_read_access_history(&actor, judge_id)?;
    let now = clock.now();
    let limit = query.limit()?;
    let list = format!("access-entries {judge_id}");
    let before = query.after::<i64>(&cipher, &list)?;
    let rows = registry
        .0
        .write(move |conn| {
            let act = "list_access_entries";
            store::audit::record_reading(conn, actor.account_id, act, judge_id, FilePurpose::OwnFile, now)?;
            store::audit::readings(conn, judge_id, before, limit + 1)
        })
        .await?;
    page(&request, &cipher, &list, limit, rows, |row| row.entry.reading_number.unwrap_or(0), AccessEntryView::from)
}
