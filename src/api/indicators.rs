//! The catalogue of indicators, as it stands in the registry. It is put in when the service starts and read here; whether
//! an indicator may ever be scored is part of its definition, and a methodology cannot change that.

use actix_web::{HttpRequest, HttpResponse, get, web};

use super::extract::{PageOf, PageQuery, page};
use crate::cipher::Cipher;
use crate::db::Registry;
use crate::domain::indicators::Indicator;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::problem::responses::ReadProblems;
use crate::store;

/// List the indicators.
///
/// For everybody but administrators, by code.
#[utoipa::path(tag = "indicators", params(PageQuery),
    responses((status = 200, body = PageOf<Indicator>), ReadProblems))]
#[get("/indicators")]
pub async fn list_indicators(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    query: web::Query<PageQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    policy::may_read_catalogues(&actor)?;
    let limit = query.limit()?;
    let after = query.after::<String>(&cipher, "indicators")?;
    let rows = registry.0.read(move |conn| store::indicators::list(conn, after.as_deref(), limit + 1)).await?;
    page(&request, &cipher, "indicators", limit, rows, |row| row.code.clone(), |indicator| indicator)
}
