//! Accounts, as administrators keep them. A newcomer's usual mistake is to delete one: the audit log names it, so an
//! account is closed.

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use validator::Validate;
use zeroize::Zeroizing;

use super::extract::{
    Deed, IdempotencyKey, IdempotencyKeyHeader, IfMatch, IfMatchHeader, NotModified, PageOf, PageQuery, Reply, Valid,
    act_once, changed, versioned,
};
use super::lists::Answering;
use crate::auth::{Auth, grants, password};
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::caller::is_login_name;
use crate::domain::ids;
use crate::domain::ids::{AccountId, JudgeId};
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX};
use crate::domain::policy;
use crate::domain::policy::{Actor, StaffRole};
use crate::error::{Code, Error, Result, Rule};
use crate::problem::responses::{ChangeProblems, CreateProblems, ReadProblems};
use crate::store;
use crate::store::accounts::Account;
use crate::workflow::lists::List;

/// A new account: staff, a judge, or a judge who is a member.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"login": "a.nurlanova", "password": "correct horse battery staple", "staff_role": "secretary", "full_name": "Нұрланова Айгүл Серікқызы"}))]
pub struct NewAccount {
    /// The name to log in with: 3 to 64 of `a-z 0-9 . _ -`; unique.
    #[validate(length(min = 3, max = 64))]
    #[schema(min_length = 3, max_length = 64, pattern = "^[a-z0-9._-]+$")]
    login: String,
    /// 15 to 128 characters that are not easily guessed.
    #[schema(min_length = 15, max_length = 128, format = Password, value_type = String)]
    password: Zeroizing<String>,
    /// The staff role; may be absent for a judge.
    staff_role: Option<StaffRole>,
    /// The judge it belongs to; staff roles other than `member` and `appeal_member` exclude it.
    judge_id: Option<JudgeId>,
    /// Whose account it is; judges whose file is read are told so. A judge's account goes by the judge's name (422).
    #[schema(min_length = 1, max_length = 200)]
    full_name: Option<String>,
}

/// What is to change; an absent field stays.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"is_closed": true}))]
pub struct AccountChange {
    /// The staff role; null ends the role of a judge who has one.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<StaffRole>, required = false)]
    staff_role: Option<Option<StaffRole>>,
    /// Closed accounts cannot log in; their log-ins end at once.
    is_closed: Option<bool>,
    /// Whose account it is; not of a judge's (422).
    #[schema(min_length = 1, max_length = 200)]
    full_name: Option<String>,
}

/// Reads a field that is there, so that null is told from a field that is not.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

/// An account; never its password.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "login": "a.nurlanova", "staff_role": "secretary", "judge_id": null, "is_closed": false, "version": 1, "created_at": "2027-01-11T04:30:00Z", "full_name": "Нұрланова Айгүл Серікқызы"}))]
pub struct AccountView {
    /// Its id.
    id: AccountId,
    /// The name it logs in with.
    #[schema(max_length = 64)]
    login: String,
    /// Its staff role, or null.
    staff_role: Option<StaffRole>,
    /// The judge it belongs to, or null.
    judge_id: Option<JudgeId>,
    /// Whether it can no longer log in.
    is_closed: bool,
    /// Grows by one with each change; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Whose it is, or null where nobody said, or where it is a judge's.
    #[schema(max_length = 200)]
    full_name: Option<String>,
}

impl From<Account> for AccountView {
    fn from(row: Account) -> Self {
        AccountView {
            id: row.id,
            login: row.login,
            staff_role: row.staff_role,
            judge_id: row.judge_id,
            is_closed: row.is_closed,
            version: row.version,
            created_at: row.created_at.and_utc(),
            full_name: row.full_name,
        }
    }
}

/// Create an account.
///
/// For administrators. The first one is made on the server with `ejf account add`.
#[utoipa::path(tag = "accounts", params(IdempotencyKeyHeader), request_body = NewAccount,
    responses((status = 201, body = AccountView), CreateProblems))]
#[post("/accounts")]
pub async fn create_account(
    actor: Actor,
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewAccount>,
) -> Result<HttpResponse> {
    policy::may_manage_accounts(&actor)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    check(&new)?;
    let account = Account {
        id: AccountId(ids::new_at(now)),
        password_hash: auth.passwords.hash(new.password).await?,
        login: new.login,
        staff_role: new.staff_role,
        judge_id: new.judge_id,
        is_closed: false,
        version: 1,
        created_at: now.naive_utc(),
        full_name: new.full_name,
    };
    let deed = Deed { by: actor.id(), operation: "create_account", key, digest };
    act_once(&registry, deed, now, move |conn| {
        if let Some(judge_id) = account.judge_id
            && !store::accounts::is_judge(conn, judge_id)?
        {
            return Err(Error::invalid("/judge_id", Rule::Missing));
        }
        store::accounts::insert(conn, &account)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "create_account", "account", account.id);
        store::audit::record(conn, entry.of_digest(grants::of_account(&account)?), now)?;
        let location = format!("/v1/accounts/{}", account.id);
        Reply::created(location, Some(1), &AccountView::from(account.clone()))
    })
    .await
}

fn check(new: &NewAccount) -> Result<()> {
    if !is_login_name(&new.login) {
        return Err(Error::invalid("/login", Rule::Format { expected: "a-z 0-9 . _ -" }));
    }
    check_roles(new.staff_role, new.judge_id)?;
    check_name(new.full_name.as_deref(), new.judge_id)?;
    password::check_strength(&new.password, &new.login, "/password")
}

/// An account is staff, or a judge's, and only a member or appeal member is both.
fn check_roles(staff_role: Option<StaffRole>, judge_id: Option<JudgeId>) -> Result<()> {
    match (staff_role, judge_id) {
        (None, None) => Err(Error::invalid("/staff_role", Rule::Required)),
        (Some(StaffRole::Administrator | StaffRole::Secretary | StaffRole::Auditor), Some(_)) => {
            Err(Error::invalid("/judge_id", Rule::Mismatch { other: "staff_role" }))
        }
        (Some(_), None) | (None | Some(StaffRole::Member | StaffRole::AppealMember), Some(_)) => Ok(()),
    }
}

/// A name is a text of one account that is no judge's: of those the judge's own name is known.
fn check_name(full_name: Option<&str>, judge_id: Option<JudgeId>) -> Result<()> {
    let mut check = Check::default();
    check.optional_text("/full_name", full_name, NAME_LENGTH_MAX);
    check.rule(full_name.is_none() || judge_id.is_none(), "/full_name", Rule::Mismatch { other: "judge_id" });
    check.done()
}

/// List accounts.
///
/// For administrators and auditors, oldest first.
#[utoipa::path(tag = "accounts", params(PageQuery),
    responses((status = 200, body = PageOf<AccountView>), ReadProblems))]
#[get("/accounts")]
pub async fn list_accounts(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All accounts, for whoever may read them.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_accounts(actor)?;
    Ok(List::new("list_accounts", "accounts", store::accounts::list, |row| row.id, AccountView::from))
}

/// Get an account.
///
/// For administrators and auditors.
#[utoipa::path(tag = "accounts", responses((status = 200, body = AccountView), NotModified, ReadProblems))]
#[get("/accounts/{account_id}")]
pub async fn get_account(
    actor: Actor,
    registry: web::Data<Registry>,
    account_id: web::Path<AccountId>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    policy::may_read_accounts(&actor)?;
    let account_id = account_id.into_inner();
    let row = registry.0.read(move |conn| store::accounts::find(conn, account_id)).await?;
    let row = row.ok_or(Code::NotFound)?;
    Ok(versioned(&request, row.version, &AccountView::from(row)))
}

/// Change an account's role or name, or close it.
///
/// For administrators. Takes effect at once: the account's log-ins end when it is closed. Null as the role of a judge takes
/// the commission's role away; staff that are no judges keep one (422).
#[utoipa::path(tag = "accounts", params(IfMatchHeader), request_body = AccountChange,
    responses((status = 200, body = AccountView), ChangeProblems))]
#[patch("/accounts/{account_id}")]
pub async fn update_account(
    actor: Actor,
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    account_id: web::Path<AccountId>,
    seen: IfMatch,
    change: Valid<AccountChange>,
) -> Result<HttpResponse> {
    policy::may_manage_accounts(&actor)?;
    let now = clock.now();
    let account_id = account_id.into_inner();
    let change = change.body;
    let row = registry
        .0
        .write(move |conn| {
            let mut account = store::accounts::find(conn, account_id)?.ok_or(Code::NotFound)?;
            account.staff_role = change.staff_role.unwrap_or(account.staff_role);
            account.is_closed = change.is_closed.unwrap_or(account.is_closed);
            check_roles(account.staff_role, account.judge_id)?;
            if let Some(full_name) = &change.full_name {
                check_name(Some(full_name), account.judge_id)?;
                account.full_name = Some(full_name.clone());
            }
            if !store::accounts::update(conn, &account, seen.0)? {
                return Err(Code::Stale.into());
            }
            account.version = seen.0.saturating_add(1);
            if account.is_closed {
                store::sessions::revoke_all(conn, account_id, None, now.naive_utc())?;
            }
            let entry = store::audit::NewEntry::new(Some(actor.account_id), "update_account", "account", account_id);
            store::audit::record(conn, entry.of_digest(grants::of_account(&account)?), now)?;
            Ok(account)
        })
        .await?;
    auth.forget(|known| known.account_id == account_id);
    Ok(changed(row.version, &AccountView::from(row)))
}
