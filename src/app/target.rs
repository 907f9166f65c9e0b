//! What a request is aimed at, settled before it is routed. A newcomer's usual mistake is to add a HEAD route beside a
//! GET: every GET answers HEAD already, and HTTP/1's encoder leaves the body away by itself.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web;

use super::Paths;
use crate::error::{Code, Error, Fault, Rule};

/// Characters of an unknown parameter's name that are given back.
const NAME_LENGTH_MAX: usize = 64;

/// Treats HEAD as the GET it asks about, and refuses (400) a NUL in path or query: no text of ours holds one, and
/// PostgreSQL would fail on it where SQLite would not. A query that the operation does not read is refused as well: a
/// filter that is ignored in silence looks like one that found everything.
pub(super) async fn settle<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let has_nul = |text: &str| text.contains("%00");
    if has_nul(request.uri().path()) || has_nul(request.query_string()) {
        return Ok(request.error_response(Error::from(Code::Malformed)).map_into_right_body());
    }
    if *request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    if let Some(name) = unknown_parameter(&request) {
        let fault = Fault::parameter(name, Rule::Unknown);
        let refusal = Error::faults(Code::Malformed, vec![fault]);
        return Ok(request.error_response(refusal).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

/// The first query parameter of a request to an operation that has none.
fn unknown_parameter(request: &ServiceRequest) -> Option<String> {
    let first = request.query_string().split('&').find(|pair| !pair.is_empty())?;
    let paths = request.app_data::<web::Data<Paths>>()?;
    let is_ignored = paths.ignores_query(request.method().as_str(), request.path());
    let name = first.split('=').next().unwrap_or_default();
    is_ignored.then(|| name.chars().take(NAME_LENGTH_MAX).collect())
}
