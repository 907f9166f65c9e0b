//! The request's id, and the last net under a panic. Mounted on the registry alone: the ballot box has no ids.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use futures_util::FutureExt;

use crate::domain::ids;
use crate::error::Error;
use crate::problem::RequestId;
use crate::problem::middleware::Caller;

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
    let caller = Caller::of(request.request());
    let outcome = FutureExt::catch_unwind(AssertUnwindSafe(next.call(request))).await;
    let mut response = match outcome {
        Ok(response) => response?,
        Err(_) => return Err(answer_to_panic(&caller, &id)),
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

/// The whole answer where nothing is left of the request: layers outside add their headers to answers alone, and without
/// the request there is only a failure.
fn answer_to_panic(caller: &Caller, id: &str) -> actix_web::Error {
    let mut answer = caller.render(&Error::internal("a handler panicked"));
    for (name, value) in super::SECURITY_HEADERS {
        answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        answer.headers_mut().insert(HEADER, value);
    }
    InternalError::from_response("a handler panicked", answer).into()
}

fn is_plain(text: &str) -> bool {
    (1..=LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service, try_call_service};
    use actix_web::{App, HttpResponse, web};
    use serde_json::Value;

    use super::*;
    use crate::problem::middleware::localise;

    async fn broken() -> HttpResponse {
        panic!("a bug")
    }

    #[actix_web::test]
    async fn a_panic_is_answered_as_any_other_fault_of_ours() {
        let app = App::new().service(web::resource("/broken").to(broken));
        let app = init_service(app.wrap(from_fn(localise)).wrap(from_fn(identify))).await;
        let request = TestRequest::get().uri("/broken");
        let request = request.insert_header(("Accept-Language", "ru")).insert_header(("X-Request-Id", "req-1"));

        let failure = try_call_service(&app, request.to_request()).await.map(drop).unwrap_err();
        let answer = failure.error_response();

        assert_eq!(answer.status(), 500);
        let headers = answer.headers().clone();
        for (name, value) in crate::app::SECURITY_HEADERS {
            assert_eq!(headers.get(name).unwrap(), value);
        }
        assert_eq!(headers.get("content-type").unwrap(), "application/problem+json");
        assert_eq!(headers.get("content-language").unwrap(), "ru");
        assert_eq!(headers.get("x-request-id").unwrap(), "req-1");
        let body: Value = serde_json::from_slice(&to_bytes(answer.into_body()).await.unwrap()).unwrap();
        assert_eq!((&body["code"], &body["request_id"]), (&"internal".into(), &"req-1".into()));
    }
}
