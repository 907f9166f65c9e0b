//! Who read a judge's file, for the judge. What a newcomer would get wrong: this is no copy of the audit log. It holds the
//! readings of others, which the judge may know of, and nothing of what else staff do.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{PageOf, PageQuery};
use super::lists::Answering;
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, JudgeId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::records::may_read_access_history;
use crate::domain::policy::{Actor, StaffRole};
use crate::error::Result;
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::store::audit::Reading;
use crate::workflow::lists::List;

/// A reading of the own file by somebody else.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"number": 3, "occurred_at": "2027-01-11T04:30:00Z", "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "full_name": "Сәрсенова Айгерім Болатқызы", "staff_role": "secretary", "client_id": null, "client_name": null, "act": "get_judge_file", "purpose": "personnel"}))]
pub struct AccessEntryView {
    /// Which reading of the file it was, from 1.
    #[schema(minimum = 1)]
    number: i64,
    /// When.
    occurred_at: DateTime<Utc>,
    /// Which account; null where it was none.
    account_id: Option<AccountId>,
    /// The reader's name, or null where the account has none; never the name to log in with.
    #[schema(max_length = 200)]
    full_name: Option<String>,
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
        let Reading { entry, full_name, staff_role, client_name } = row;
        AccessEntryView {
            number: entry.reading_number.unwrap_or(0),
            occurred_at: entry.occurred_at.and_utc(),
            account_id: entry.account_id,
            full_name,
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
/// For the judge: each reading of the file, or of a part of it, by somebody else, newest first, with who it was by name, in
/// which role, what was read and why; extracts that were issued or fetched are among them. The judge's own readings are not
/// among them.
#[utoipa::path(tag = "judges", params(PageQuery),
    responses((status = 200, body = PageOf<AccessEntryView>), ReadProblems))]
#[get("/judges/{judge_id}/access-entries")]
pub async fn list_access_entries(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, judge_id.into_inner())?;
    answering.list(actor, list, query.into_inner()).await
}

/// Who read a judge's file, for the judge.
pub fn list(actor: &Actor, judge_id: JudgeId) -> Result<List> {
    may_read_access_history(actor, judge_id)?;
    let find = move |conn: &mut Conn, before, limit| store::audit::readings(conn, judge_id, before, limit);
    let number = |row: &Reading| row.entry.reading_number.unwrap_or(0);
    let list =
        List::new("list_access_entries", format!("access-entries {judge_id}"), find, number, AccessEntryView::from);
    Ok(list.in_file(judge_id, |_, _| Ok(FilePurpose::OwnFile)))
}
