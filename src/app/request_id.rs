//! The request's id, and the last net under a panic. Mounted on the registry alone: the ballot box has no ids.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use futures_util::FutureExt;

use crate::domain::ids;
use crate::error::Error;
use crate::problem::RequestId;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LENGTH_MAX: usize = 64;

/// Takes the caller's `X-Request-Id` (at most 64 of `A-Z a-z 0-9 . _ -`) or makes one, and gives it back.
pub(super) async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let given = request.headers().get(&HEADER).and_then(|value| value.to_str().ok()).filter(|text| is_plain(text));
    let id: Arc<str> = match given {
        Some(text) => text.into(),
        // Only the random tail of the id matters here, so the instant in it says nothing.
        None => ids::random().to_string().into(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let outcome = FutureExt::catch_unwind(AssertUnwindSafe(next.call(request))).await;
    let mut response = match outcome {
        Ok(response) => response?,
        Err(_) => return Err(Error::internal("a handler panicked").into()),
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

fn is_plain(text: &str) -> bool {
    (1..=LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
