//! What a request is aimed at, settled before it is routed. A newcomer's usual mistake is to add a HEAD route beside a
//! GET: every GET answers HEAD already, and HTTP/1's encoder leaves the body away by itself.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;

use crate::error::{Code, Error};

/// Treats HEAD as the GET it asks about, and refuses a NUL in path or query (400): no text of ours holds one, and
/// PostgreSQL would fail on it where SQLite would not.
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
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}
