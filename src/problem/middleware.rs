//! The last step of an error on its way out: the caller's language, the request id, and one form for every failure.
//! What a newcomer would get wrong: it renders again what `ResponseError` rendered, so a handler adds headers to an
//! error's response freely (`Allow`), and they are kept; a body that is meant (SCIM, OAuth, a page) must name its type.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use super::RequestId;
use crate::error::{Code, Error};
use crate::texts::Language;

/// The language for callers that ask for none; put into the app's data, and `kk` where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultLanguage(pub Language);

/// Turns every failure into a problem in the caller's language, with the id of the request.
///
/// For `actix_web::middleware::from_fn`. Renders our [`Error`], wherever in the app it arose, and any 4xx or 5xx of the
/// framework, which has no body or a plain text. An answer of another content type is left alone. The middleware that
/// sets [`RequestId`] must be wrapped around this one.
///
/// # Errors
/// Only where an inner middleware failed instead of answering; the error then carries the finished problem.
pub async fn localise<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let caller = Caller::of(request.request());
    match next.call(request).await {
        Ok(response) => Ok(match caller.problem_for(response.response()) {
            None => response.map_into_left_body(),
            Some(answer) => {
                let (request, old) = response.into_parts();
                ServiceResponse::new(request, with_headers_of(answer, old.headers()).map_into_right_body())
            }
        }),
        Err(error) => {
            let answer = match error.as_error::<Error>() {
                Some(ours) => caller.render(ours),
                None => caller.render(&from_framework(&error)),
            };
            Err(InternalError::from_response(error, answer).into())
        }
    }
}

/// What an answer needs to know of its request, which is gone by the time it fails.
pub struct Caller {
    wish: Option<header::HeaderValue>,
    default: Language,
    request_id: Option<RequestId>,
}

impl Caller {
    /// The caller of a request that has its [`RequestId`].
    pub fn of(request: &HttpRequest) -> Caller {
        Caller {
            wish: request.headers().get(header::ACCEPT_LANGUAGE).cloned(),
            default: request.app_data::<DefaultLanguage>().map_or(Language::Kk, |default| default.0),
            request_id: request.extensions().get::<RequestId>().cloned(),
        }
    }

    /// The problem that takes the answer's place; `None` where the answer stays.
    fn problem_for<B>(&self, response: &HttpResponse<B>) -> Option<HttpResponse> {
        if !response.status().is_client_error() && !response.status().is_server_error() {
            return None;
        }
        match response.error() {
            Some(error) => match error.as_error::<Error>() {
                Some(ours) => Some(self.render(ours)),
                None => is_bare(response.headers()).then(|| self.render(&from_framework(error))),
            },
            None => is_bare(response.headers()).then(|| self.render(&from_status(response.status(), "no cause given"))),
        }
    }

    /// The error as the caller's problem; a 500 is logged, so call it once for each error.
    pub fn render(&self, error: &Error) -> HttpResponse {
        super::render(error, self.language(), self.request_id.as_ref().map(|id| &*id.0))
    }

    /// The language that the caller likes best.
    pub fn language(&self) -> Language {
        // A header that is not even text is malformed, and such a one asks for nothing.
        let wish = self.wish.as_ref().and_then(|wish| wish.to_str().ok());
        Language::from_accept_language(wish, self.default)
    }
}

/// Whether an answer has no body of its own making: the framework's are empty or plain text.
fn is_bare(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|value| value.as_bytes().starts_with(b"text/plain"))
}

/// The error that a failure of the framework means.
fn from_framework(error: &actix_web::Error) -> Error {
    from_status(error.as_response_error().status_code(), &error.to_string())
}

/// The error that a bare status means; a status that we do not use becomes the general one of its class.
fn from_status(status: StatusCode, cause: &str) -> Error {
    match status.as_u16() {
        401 => Code::Unauthenticated.into(),
        403 => Code::Forbidden.into(),
        404 => Code::NotFound.into(),
        405 => Code::MethodNotAllowed.into(),
        408 => Code::RequestTimeout.into(),
        410 => Code::WindowClosed.into(),
        412 => Code::Stale.into(),
        413 => Code::PayloadTooLarge.into(),
        415 => Code::UnsupportedMediaType.into(),
        422 => Code::Invalid.into(),
        425 => Code::TooEarly.into(),
        428 => Code::PreconditionRequired.into(),
        429 => Code::TooManyRequests.into(),
        503 => Code::Busy.into(),
        400..500 => Code::Malformed.into(),
        _ => Error::internal(format!("status {}: {cause}", status.as_u16())),
    }
}

/// The answer with the headers of the one it replaces, but for those that speak of the old body.
fn with_headers_of(mut answer: HttpResponse, old: &HeaderMap) -> HttpResponse {
    let of_body = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::ETAG];
    let set: Vec<_> = answer.headers().keys().cloned().collect();
    for (name, value) in old.iter().filter(|(name, _)| !of_body.contains(name)) {
        let is_other_vary = *name == header::VARY && value.as_bytes() != b"Accept-Language";
        if is_other_vary || !set.contains(name) {
            answer.headers_mut().append(name.clone(), value.clone());
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::web::{self, Bytes};
    use actix_web::{App, HttpResponse};
    use serde_json::{Value, json};

    use super::*;

    async fn set_request_id<B: MessageBody>(
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<B>, actix_web::Error> {
        request.extensions_mut().insert(RequestId("req-1".into()));
        next.call(request).await
    }

    async fn refuse<B: MessageBody>(
        _request: ServiceRequest,
        _next: Next<B>,
    ) -> Result<ServiceResponse<B>, actix_web::Error> {
        Err(Error::from(Code::Unauthenticated).into())
    }

    async fn missing() -> Result<HttpResponse, Error> {
        Err(Code::NotFound.into())
    }

    async fn wrong_method() -> HttpResponse {
        let mut response = HttpResponse::from_error(Error::from(Code::MethodNotAllowed));
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, POST"));
        response.headers_mut().append(header::VARY, header::HeaderValue::from_static("Origin"));
        response
    }

    async fn broken() -> Result<HttpResponse, Error> {
        Err(Error::internal("disk \"Aliya\" gone"))
    }

    async fn io_failure() -> Result<HttpResponse, std::io::Error> {
        Err(std::io::Error::other("disk gone"))
    }

    async fn scim_failure() -> HttpResponse {
        HttpResponse::NotFound().content_type("application/scim+json").body("{}")
    }

    async fn take_bytes(body: Bytes) -> String {
        body.len().to_string()
    }

    /// Sends a request through the app; gives status, headers and body.
    async fn send(request: TestRequest) -> (u16, HeaderMap, Value) {
        let app = init_service(
            App::new()
                .app_data(DefaultLanguage(Language::Ru))
                .app_data(web::PayloadConfig::new(64))
                .wrap(from_fn(localise))
                .wrap(from_fn(set_request_id))
                .service(web::resource("/missing").to(missing))
                .service(web::resource("/method").to(wrong_method))
                .service(web::resource("/broken").to(broken))
                .service(web::resource("/io").to(io_failure))
                .service(web::resource("/scim").to(scim_failure))
                .service(web::resource("/bytes").to(take_bytes))
                .service(web::resource("/ok").to(HttpResponse::NoContent)),
        )
        .await;
        let response = call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read_body(response).await;
        (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn get(path: &str) -> TestRequest {
        TestRequest::get().uri(path).insert_header((header::ACCEPT_LANGUAGE, "en"))
    }

    #[actix_web::test]
    async fn an_error_of_a_handler_speaks_the_callers_language_and_names_the_request() {
        let (status, headers, body) = send(get("/missing")).await;
        assert_eq!(status, 404);
        assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
        assert_eq!(headers.get(header::CONTENT_LANGUAGE).unwrap(), "en");
        assert_eq!(headers.get_all(header::VARY).count(), 1);
        assert_eq!(
            body,
            json!({
                "type": "/problems/not_found", "title": "Not found", "status": 404,
                "detail": "What you asked for does not exist or is not open to you. Check the address and the identifier.",
                "code": "not_found", "request_id": "req-1"
            })
        );
    }

    #[actix_web::test]
    async fn who_asks_for_no_language_gets_the_services_own() {
        let (_, headers, body) = send(TestRequest::get().uri("/missing")).await;
        assert_eq!(headers.get(header::CONTENT_LANGUAGE).unwrap(), "ru");
        assert_eq!(body["title"], "Не найдено");
    }

    #[actix_web::test]
    async fn an_unknown_path_looks_like_a_missing_thing() {
        assert_eq!(send(get("/nowhere")).await.2, send(get("/missing")).await.2);
    }

    #[actix_web::test]
    async fn headers_that_a_handler_adds_to_an_error_survive() {
        let (status, headers, _) = send(get("/method")).await;
        assert_eq!(status, 405);
        assert_eq!(headers.get(header::ALLOW).unwrap(), "GET, POST");
        let vary: Vec<_> = headers.get_all(header::VARY).collect();
        assert_eq!(vary, ["Accept-Language", "Origin"]);
    }

    #[actix_web::test]
    async fn our_own_faults_say_nothing_but_the_request_id() {
        for path in ["/broken", "/io"] {
            let (status, _, body) = send(get(path)).await;
            assert_eq!(status, 500);
            let expected = json!({"type": "/problems/internal", "title": "Internal error", "status": 500, "code": "internal", "request_id": "req-1"});
            assert_eq!(body, expected);
        }
    }

    #[actix_web::test]
    async fn failures_of_the_framework_become_problems() {
        let long = "x".repeat(65);
        let (status, headers, body) = send(get("/bytes").set_payload(long)).await;
        assert_eq!((status, &body["code"]), (413, &json!("payload_too_large")));
        assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
    }

    #[actix_web::test]
    async fn answers_that_are_meant_are_left_alone() {
        let (status, headers, body) = send(get("/scim")).await;
        assert_eq!((status, body), (404, json!({})));
        assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "application/scim+json");
        assert_eq!(send(get("/ok")).await.0, 204);
    }

    #[actix_web::test]
    async fn an_inner_middleware_that_fails_gives_the_same_problem() {
        let app = init_service(
            App::new()
                .wrap(from_fn(localise))
                .service(web::scope("/v1").wrap(from_fn(refuse)).service(web::resource("/x").to(missing))),
        )
        .await;
        let request = get("/v1/x").to_request();
        let error = actix_web::dev::Service::call(&app, request).await.map(|_| ()).unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers().get(header::WWW_AUTHENTICATE).unwrap(), "Bearer");
        assert_eq!(response.headers().get(header::CONTENT_LANGUAGE).unwrap(), "en");
    }

    #[test]
    fn every_bare_status_keeps_its_class_and_known_ones_their_number() {
        for number in 400..600 {
            let status = StatusCode::from_u16(number).unwrap();
            let found = super::super::status(from_status(status, "").code());
            assert_eq!(found / 100, number / 100);
        }
        for number in [400, 401, 403, 404, 405, 408, 410, 412, 413, 415, 422, 425, 428, 429, 500, 503] {
            let status = StatusCode::from_u16(number).unwrap();
            assert_eq!(super::super::status(from_status(status, "").code()), number);
        }
    }
}
