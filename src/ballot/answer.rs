//! What leaves the box: answers of one size, and the guard in front of the anonymous routes.
//!
//! What a newcomer would get wrong: an answer's length tells as much as its text. So no error of the framework may reach
//! the caller, and every answer is made here, a panic's too.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, HttpResponseBuilder};
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;

use crate::error::Code;
use crate::problem;

/// The size of every answer of the anonymous routes, and of every problem of the box, in bytes.
pub const ANSWER_SIZE: usize = 1024;
/// `Retry-After` of a 503: constant, as a changing one would tell how much is going on.
const RETRY_AFTER_SECONDS: u32 = 5;
/// What is read of a request that is refused, so that the answer arrives before the connection ends.
const DRAINED_BYTES_MAX: usize = 64 * 1024;
const DRAIN_SECONDS: u64 = 2;

/// The headers that name their sender, certificates passed on by a proxy among them.
const IDENTIFYING: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "client-cert",
    "client-cert-chain",
    "x-forwarded-client-cert",
    "x-client-cert",
    "x-ssl-client-cert",
    "ssl-client-cert",
];

/// A problem of the box: English alone, and nothing that tells one caller from another.
#[derive(Serialize)]
struct Problem {
    #[serde(rename = "type")]
    problem_type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
}

/// The guard: refuses who names itself, forgets every header and address, and makes each answer the one size.
///
/// For `actix_web::middleware::from_fn`, around the anonymous routes and nothing else.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_identified = IDENTIFYING.iter().any(|name| request.headers().contains_key(*name));
    #[cfg(feature = "leaks")]
    let is_identified = is_identified && !super::leaks::is_sender_taken(request.headers());
    if is_identified {
        drain(&mut request.take_payload()).await;
        return Ok(request.into_response(problem(Code::IdentifiedRequestRefused)));
    }
    if *request.method() == Method::OPTIONS {
        return Ok(request.into_response(preflight()));
    }
    forget(&mut request);
    // A panic prints its place alone, by the hook, and answers like any other fault. The request is gone with the
    // handler by then, so that the answer takes the way of an error.
    let refused = |code: Code| Err(InternalError::from_response(code.as_str(), problem(code)).into());
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) if is_ours(response.response()) => Ok(response.map_into_boxed_body()),
        Ok(Ok(response)) => {
            let code = code_of(response.status());
            Ok(response.into_response(problem(code)))
        }
        Ok(Err(error)) => refused(code_of(error.as_response_error().status_code())),
        Err(_) => refused(Code::Internal),
    }
}

/// Leaves content type and length, and the encoding for its refusal; takes the peer's address away.
fn forget(request: &mut ServiceRequest) {
    let kept = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING];
    let head = request.head_mut();
    head.peer_addr = None;
    let dropped: Vec<HeaderName> = head.headers.keys().filter(|name| !kept.contains(name)).cloned().collect();
    for name in dropped {
        head.headers.remove(name);
    }
}

/// Reads what the caller still sends: a connection closed over unread bytes would be reset, and the answer lost.
pub async fn drain(payload: &mut Payload) {
    let read = async {
        let mut size = 0;
        while let Some(Ok(chunk)) = payload.next().await {
            size += chunk.len();
            if size > DRAINED_BYTES_MAX {
                break;
            }
        }
    };
    // Whoever is slower has to do without the answer.
    let _ = tokio::time::timeout(Duration::from_secs(DRAIN_SECONDS), read).await;
}

/// The answer to a browser that asks whether a saved page may post here; everyone may, without credentials.
fn preflight() -> HttpResponse {
    let mut response = builder(StatusCode::OK);
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "POST"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"))
        .content_type("application/json");
    response.body(padded("{".to_owned()))
}

/// A success with a document.
pub fn document<T: Serialize>(status: StatusCode, document: &T) -> HttpResponse {
    match serde_json::to_string(document) {
        Ok(text) => builder(status).content_type("application/json").body(padded(open(text))),
        Err(_) => problem(Code::Internal),
    }
}

/// A refusal, by its code alone.
pub fn problem(code: Code) -> HttpResponse {
    let status = problem::status(code);
    let body = Problem {
        problem_type: format!("/problems/{}", code.as_str()),
        title: problem::english_title(code),
        status,
        code: code.as_str(),
    };
    // A struct of texts and a number always has a JSON form, and the table of statuses holds valid ones, by test.
    let text = serde_json::to_string(&body).unwrap_or_default();
    let mut response = builder(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response.content_type(problem::CONTENT_TYPE);
    if status == 503 {
        response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
    }
    response.body(padded(open(text)))
}

/// 405 with the methods that there are.
pub fn method_not_allowed(allowed: &str) -> HttpResponse {
    let mut response = problem(Code::MethodNotAllowed);
    // The list comes from our own document.
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// An answer with the headers that each answer of the box has; they stand here, as nothing is wrapped around the box.
pub fn builder(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header(("Cross-Origin-Resource-Policy", "cross-origin"));
    response
}

/// A JSON object without its closing brace, ready for one more member.
fn open(mut object: String) -> String {
    object.pop();
    object.push(',');
    object
}

/// The open object closed with `pad`, the whole of one size.
fn padded(mut text: String) -> String {
    text.push_str("\"pad\":\"");
    let missing = ANSWER_SIZE.saturating_sub(text.len() + 2);
    text.push_str(&"0".repeat(missing));
    text.push_str("\"}");
    text
}

fn is_ours<B: MessageBody>(response: &HttpResponse<B>) -> bool {
    response.body().size() == actix_web::body::BodySize::Sized(ANSWER_SIZE as u64)
}

fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        status if status.is_client_error() => Code::Malformed,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service, try_call_service};
    use actix_web::{App, HttpRequest, web};

    use super::*;

    async fn panics() -> HttpResponse {
        let marks = "k1=4";
        panic!("{marks}")
    }

    async fn repeats(request: HttpRequest) -> HttpResponse {
        let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        assert!(request.peer_addr().is_none());
        document(StatusCode::OK, &serde_json::json!({ "names": names }))
    }

    /// Status and body of a request through the guard.
    async fn send(request: TestRequest) -> (u16, String) {
        let app = init_service(
            App::new().service(
                web::scope("/v1/anon")
                    .wrap(from_fn(guard))
                    .service(web::resource("/panics").to(panics))
                    .service(web::resource("/repeats").to(repeats))
                    .service(web::resource("/foreign").to(HttpResponse::Forbidden)),
            ),
        )
        .await;
        let response = match try_call_service(&app, request.to_request()).await {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.unwrap_or_default();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(body.len(), ANSWER_SIZE, "{body}");
        (status, body)
    }

    #[actix_web::test]
    async fn a_panic_answers_like_any_fault_and_repeats_nothing() {
        let (status, body) = send(TestRequest::get().uri("/v1/anon/panics")).await;
        assert_eq!(status, 500);
        assert!(body.starts_with(
            r#"{"type":"/problems/internal","title":"Internal error","status":500,"code":"internal","pad":"00"#
        ));
        assert!(!body.contains("k1"));
    }

    #[actix_web::test]
    async fn a_handler_sees_neither_headers_nor_address() {
        let request = TestRequest::get()
            .uri("/v1/anon/repeats")
            .peer_addr("192.0.2.1:5".parse().unwrap())
            .insert_header(("User-Agent", "canary"))
            .insert_header(("X-Forwarded-For", "192.0.2.1"))
            .insert_header(("X-Request-Id", "canary"))
            .insert_header(("Content-Type", "application/json"));
        let (status, body) = send(request).await;
        assert_eq!(status, 200);
        assert!(body.starts_with(r#"{"names":["content-type"],"pad""#), "{body}");
    }

    #[actix_web::test]
    async fn whoever_names_itself_is_refused_before_the_handler() {
        for name in IDENTIFYING {
            let request = TestRequest::get().uri("/v1/anon/repeats").insert_header((*name, "x"));
            let (status, body) = send(request).await;
            assert_eq!(status, 400);
            assert!(body.contains("identified_request_refused"), "{body}");
        }
    }

    #[actix_web::test]
    async fn what_the_framework_answers_gets_the_one_size_too() {
        assert_eq!(send(TestRequest::get().uri("/v1/anon/nowhere")).await.0, 404);
        assert_eq!(send(TestRequest::get().uri("/v1/anon/foreign")).await.0, 400);
    }

    #[test]
    fn every_problem_has_the_one_size() {
        for code in Code::ALL {
            let response = problem(*code);
            assert!(is_ours(&response), "{}", code.as_str());
        }
    }
}
