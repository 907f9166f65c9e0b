//! Log-in, refresh, log-out, one's own account. A newcomer's usual mistake is to explain a failed log-in: unknown name,
//! wrong password and closed account get the same answer in the same time.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;
use zeroize::Zeroizing;

use super::extract::{Valid, secret};
use crate::auth::{Auth, Granted};
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::ids::{AccountId, JudgeId, SessionId};
use crate::domain::policy::{Actor, StaffRole};
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, PublicWriteProblems, ReadProblems};
use crate::store;

/// Name and password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"login": "a.nurlanova", "password": "correct horse battery staple"}))]
pub struct Credentials {
    /// The account's login; case does not matter.
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    login: String,
    /// Its password.
    #[validate(custom(function = "secret"))]
    #[schema(min_length = 1, max_length = 128, format = Password, value_type = String)]
    password: Zeroizing<String>,
}

/// The refresh token of an earlier answer.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "mF0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr3a7bK8E"}))]
pub struct RefreshRequest {
    /// The token.
    #[validate(custom(function = "secret"))]
    #[schema(min_length = 1, max_length = 128, format = Password, value_type = String)]
    refresh_token: Zeroizing<String>,
}

/// A pair of tokens; both are shown this once.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"access_token": "eyJ0eXAiOiJhdCtqd3Qi…", "token_type": "Bearer", "expires_in_seconds": 600, "refresh_token": "mF0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr3a7bK8E", "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "session_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11"}))]
pub struct TokensView {
    /// Goes into `Authorization: Bearer …`.
    #[schema(max_length = 1024)]
    access_token: String,
    /// Always `Bearer`.
    #[schema(max_length = 6)]
    token_type: &'static str,
    /// For how long the access token is good.
    #[schema(minimum = 60, maximum = 600)]
    expires_in_seconds: u32,
    /// Gets the next pair, once, within 30 minutes.
    #[schema(max_length = 128)]
    refresh_token: String,
    /// Whose log-in it is.
    account_id: AccountId,
    /// Which log-in it is.
    session_id: SessionId,
}

/// One's own account.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "session_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "login": "a.nurlanova", "staff_role": "secretary", "judge_id": null}))]
pub struct MeView {
    /// The account.
    account_id: AccountId,
    /// The log-in that the request was made by.
    session_id: SessionId,
    /// Its login.
    #[schema(max_length = 64)]
    login: String,
    /// Its staff role, or null.
    staff_role: Option<StaffRole>,
    /// The judge it belongs to, or null.
    judge_id: Option<JudgeId>,
}

/// A change of one's own password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"old_password": "correct horse battery staple", "new_password": "seven quiet rivers under snow"}))]
pub struct PasswordChange {
    /// The present password.
    #[validate(custom(function = "secret"))]
    #[schema(min_length = 1, max_length = 128, format = Password, value_type = String)]
    old_password: Zeroizing<String>,
    /// The new one: 15 to 128 characters that are not easily guessed; no rule of composition.
    #[schema(min_length = 15, max_length = 128, format = Password, value_type = String)]
    new_password: Zeroizing<String>,
}

/// Log in.
///
/// For everybody with an account. Gives an access token (a JWT, EdDSA, ten minutes) and a refresh token. After a
/// failure the same name must wait, one second first and twice as long each time up to fifteen minutes: 429 says how
/// long. Unknown names are answered exactly as wrong passwords.
#[utoipa::path(tag = "sessions", security(()), request_body = Credentials,
    responses((status = 201, body = TokensView), PublicWriteProblems))]
#[post("/v1/sessions")]
pub async fn create_session(
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    new: Valid<Credentials>,
) -> Result<HttpResponse> {
    let Credentials { login, password } = new.body;
    let granted = auth.log_in(&registry, &login, password, clock.now()).await?;
    Ok(HttpResponse::Created().json(view(granted)))
}

/// Exchange a refresh token for a new pair.
///
/// Each refresh token works once. One that was used before ends the whole log-in (401 `refresh_refused`): somebody
/// holds a copy.
#[utoipa::path(tag = "sessions", security(()), request_body = RefreshRequest,
    responses((status = 201, body = TokensView), PublicWriteProblems))]
#[post("/v1/sessions/refresh")]
pub async fn refresh_session(
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    request: Valid<RefreshRequest>,
) -> Result<HttpResponse> {
    let granted = auth.refresh(&registry, &request.body.refresh_token, clock.now()).await?;
    Ok(HttpResponse::Created().json(view(granted)))
}

fn view(granted: Granted) -> TokensView {
    TokensView {
        access_token: granted.access_token,
        token_type: "Bearer",
        expires_in_seconds: granted.expires_in_seconds,
        refresh_token: granted.refresh_token.to_string(),
        account_id: granted.account.id,
        session_id: granted.session_id,
    }
}

/// Tell who I am.
///
/// For everybody: the account, its role and the judge it belongs to.
#[utoipa::path(tag = "sessions", responses((status = 200, body = MeView), ReadProblems))]
#[get("/me")]
pub async fn get_me(actor: Actor, registry: web::Data<Registry>) -> Result<HttpResponse> {
    let account_id = actor.account_id;
    let account = registry.0.read(move |conn| store::accounts::find(conn, account_id)).await?;
    let account = account.ok_or(Code::Unauthenticated)?;
    Ok(HttpResponse::Ok().json(MeView {
        account_id,
        session_id: actor.session_id,
        login: account.login,
        staff_role: actor.staff_role,
        judge_id: actor.judge_id,
    }))
}

/// Log out.
///
/// Ends the log-in that the token belongs to; its tokens are refused from now on.
#[utoipa::path(tag = "sessions", responses((status = 204, description = "Logged out."), ReadProblems))]
#[delete("/me/session")]
pub async fn delete_session(
    actor: Actor,
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    auth.log_out(&registry, &actor, clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change my password.
///
/// Needs the present one. Ends all other log-ins of the account, those under way included.
#[utoipa::path(tag = "sessions", request_body = PasswordChange,
    responses((status = 204, description = "Changed."), CreateProblems))]
#[post("/me/password")]
pub async fn change_password(
    actor: Actor,
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    change: Valid<PasswordChange>,
) -> Result<HttpResponse> {
    let PasswordChange { old_password, new_password } = change.body;
    auth.change_password(&registry, &actor, old_password, new_password, clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}
