//! The catalogue of indicators, as it stands in the registry. It is put in when the service starts and read here; whether
//! an indicator may ever be scored is part of its definition, and a methodology cannot change that.

use actix_web::{HttpResponse, get, web};

use super::extract::{PageOf, PageQuery};
use super::lists::Answering;
use crate::db::Conn;
use crate::domain::indicators::Indicator;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::workflow::lists::List;

/// List the indicators.
///
/// For everybody but administrators, by code.
#[utoipa::path(tag = "indicators", params(PageQuery),
    responses((status = 200, body = PageOf<Indicator>), ReadProblems))]
#[get("/indicators")]
pub async fn list_indicators(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// The catalogue, for whoever may read it.
pub fn list(actor: &Actor) -> Result<List> {
    policy::may_read_catalogues(actor)?;
    let find = |conn: &mut Conn, after: Option<String>, limit| store::indicators::list(conn, after.as_deref(), limit);
    let code = |row: &Indicator| row.code.clone();
    Ok(List::new("list_indicators", "indicators", find, code, |indicator| indicator))
}
