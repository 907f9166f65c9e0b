//! Errors as RFC 9457 problems: the one table from code to status, and the answer that a caller sees.
//! What a newcomer would get wrong: `ResponseError` does not see the request, so what it renders is only a stand-in in
//! English; [`middleware::localise`] renders it again in the caller's language and with the request id.

pub mod extract;
pub mod json;
pub mod middleware;
pub mod responses;

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::hint::{Hint, HintArg};
use crate::error::{Code, Error, Fault, Place, Refusal, Rule};
use crate::texts::{self, Arg, Language};

/// The media type of every problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// How many fields at fault one problem names: whoever has more mends these first.
const ERRORS_MAX: usize = 1000;

/// `Retry-After` of a 429 or 503 whose refusal names no time, in seconds.
pub const RETRY_AFTER_SECONDS_DEFAULT: u32 = 5;

/// The id of a request, as the caller reads it in the answer and we find it in the log.
///
/// A middleware outside [`middleware::localise`] puts it into the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// What went wrong, and what to do (RFC 9457).
///
/// `code` is stable and never translated; `title` and `detail` are in the language that `Accept-Language` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/problems/invalid",
    "title": "The data is not valid",
    "status": 422,
    "detail": "The request was read, but its data breaks the rules. Correct the fields listed in errors and send the request again.",
    "code": "invalid",
    "request_id": "01980f3a-6c1e-7b3d-9e10-4f2a6c8d0b11",
    "errors": [{"pointer": "/numerator", "code": "range", "detail": "Must be from 0 to 30000, both included."}]
}))]
pub struct Problem {
    /// The address of the problem's description: `/problems/<code>`.
    #[serde(rename = "type")]
    #[schema(max_length = 80, pattern = "^/problems/[a-z_]+$")]
    pub problem_type: String,
    /// The problem in a few words.
    #[schema(max_length = 200)]
    pub title: &'static str,
    /// The HTTP status, once more.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong and what to do, a sentence for each condition that is not met; absent with status 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub detail: Option<String>,
    /// The reason for programs, in snake_case. More codes may come.
    #[schema(max_length = 64, pattern = "^[a-z_]+$")]
    pub code: &'static str,
    /// Names the request in the service's log; give it when asking for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    pub request_id: Option<String>,
    /// The fields at fault, where there are any; the first thousand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub errors: Vec<FieldProblem>,
}

/// One field at fault: in the body (`pointer`), or in the path, query or headers (`parameter`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"pointer": "/numerator", "code": "range", "detail": "Must be from 0 to 30000, both included."}))]
pub struct FieldProblem {
    /// RFC 6901 pointer into the body; empty for the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub pointer: Option<String>,
    /// The name of the path, query or header parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub parameter: Option<String>,
    /// The rule that the field breaks, in snake_case. More rules may come.
    #[schema(max_length = 64, pattern = "^[a-z_]+$")]
    pub code: &'static str,
    /// The rule in words.
    #[schema(max_length = 1000)]
    pub detail: String,
}

/// The HTTP status of a code.
pub fn status(code: Code) -> u16 {
    match code {
        Code::Malformed | Code::BadCursor | Code::IdentifiedRequestRefused | Code::WrongSize => 400,
        Code::Unauthenticated | Code::LoginFailed | Code::RefreshRefused => 401,
        Code::Forbidden | Code::NotAssigned | Code::Recused => 403,
        Code::GateClosed | Code::CredentialInvalid | Code::SignatureInvalid => 403,
        Code::NotFound | Code::UnknownCycle => 404,
        Code::MethodNotAllowed => 405,
        Code::RequestTimeout => 408,
        Code::AlreadyExists | Code::WrongPhase | Code::GuardNotMet => 409,
        Code::ApprovalRequired | Code::ApprovalStale | Code::SecondPersonRequired => 409,
        Code::MethodologyPublished | Code::MethodologyNotInForce | Code::DraftTexts => 409,
        Code::PoolTooSmall | Code::BoxNotReady | Code::CredentialAlreadyIssued | Code::SeqConflict => 409,
        Code::ObservationExists | Code::AlreadySuperseded => 409,
        Code::WindowClosed | Code::ReviewsDeleted | Code::ExtractExpired | Code::ExtractRevoked => 410,
        Code::Stale | Code::ManifestMismatch => 412,
        Code::PayloadTooLarge => 413,
        Code::UnsupportedMediaType => 415,
        Code::Invalid | Code::ExportTooLarge | Code::IdempotencyKeyReused | Code::IncompleteRequest => 422,
        Code::BadBlindedMsg | Code::UnknownSubject | Code::InvalidReview | Code::InvalidReceipt => 422,
        Code::TooEarly => 425,
        Code::PreconditionRequired => 428,
        Code::TooManyRequests => 429,
        Code::Internal => 500,
        Code::BoxUnfit | Code::Busy => 503,
    }
}

/// The title of a code in `language`.
pub fn title(code: Code, language: Language) -> &'static str {
    // A test holds that every code has its title; the code itself would still tell the caller more than nothing.
    texts::plain(language, &format!("{}-title", code.as_str())).unwrap_or(code.as_str())
}

/// The title of a code in English, for the ballot box, which knows no caller's language.
pub fn english_title(code: Code) -> &'static str {
    title(code, Language::En)
}

/// The answer to an error. A 500 is logged here, and nowhere else: call it once for each error.
///
/// Carries `Content-Language` and `Vary`, `WWW-Authenticate` with 401, `Retry-After` with 429 and 503. `Allow`, which a
/// 405 needs, is the caller's to add, as only the router knows the methods.
pub fn render(error: &Error, language: Language, request_id: Option<&str>) -> HttpResponse {
    if status(error.code()) == 500 {
        let cause = cause(error);
        tracing::error!(request_id = request_id.unwrap_or("-"), cause, "a request failed: {cause}");
    }
    answer(error, language, request_id)
}

impl Problem {
    /// The problem that an error is to its caller.
    pub fn new(error: &Error, language: Language, request_id: Option<&str>) -> Problem {
        let code = error.code();
        let refusal = match error {
            Error::Refused(refusal) => Some(refusal),
            Error::Sql(_) | Error::Internal(_) => None,
        };
        Problem {
            problem_type: format!("/problems/{}", code.as_str()),
            title: title(code, language),
            status: status(code),
            detail: refusal.and_then(|refusal| detail(refusal, language)),
            code: code.as_str(),
            request_id: request_id.map(str::to_owned),
            errors: refusal.map_or_else(Vec::new, |refusal| {
                refusal.faults.iter().take(ERRORS_MAX).map(|fault| FieldProblem::new(fault, language)).collect()
            }),
        }
    }
}

impl FieldProblem {
    /// A fault in words.
    pub fn new(fault: &Fault, language: Language) -> FieldProblem {
        let (pointer, parameter) = match &fault.place {
            Place::Pointer(pointer) => (Some(pointer.clone()), None),
            Place::Parameter(name) => (None, Some(name.clone())),
        };
        FieldProblem { pointer, parameter, code: fault.rule.code(), detail: rule_text(&fault.rule, language) }
    }
}

/// A rule in words: what the field must be.
pub fn rule_text(rule: &Rule, language: Language) -> String {
    kept_rule_text(rule.code(), rule.argument().as_deref(), language)
}

/// A rule in words, of which its code and argument were kept.
pub fn kept_rule_text(code: &str, argument: Option<&str>, language: Language) -> String {
    let argument = argument.unwrap_or_default();
    let (min, max) = argument.split_once("..").unwrap_or((argument, ""));
    let form = texts::named(language, "form", argument).unwrap_or(argument);
    let args = [("min", min), ("max", max), ("expected", form), ("allowed", argument), ("other", argument)];
    texts::text(language, &format!("rule-{code}"), &args.map(|(name, value)| (name, Arg::Text(value))))
}

/// What was found in a row of a file, in words: the rule that it breaks, a reason to refuse it, or a warning.
pub fn finding_text(code: &str, argument: Option<&str>, is_warning: bool, language: Language) -> String {
    if is_warning {
        return texts::text(
            language,
            &format!("warning-{code}"),
            &[("change", Arg::Text(argument.unwrap_or_default()))],
        );
    }
    match texts::plain(language, &format!("{code}-detail")) {
        Some(detail) => detail.to_owned(),
        None => kept_rule_text(code, argument, language),
    }
}

/// What is wrong and what to do, followed by all the hints.
fn detail(refusal: &Refusal, language: Language) -> Option<String> {
    if refusal.code == Code::Internal {
        return None;
    }
    let seconds = refusal.retry_after_seconds.unwrap_or(RETRY_AFTER_SECONDS_DEFAULT);
    let key = format!("{}-detail", refusal.code.as_str());
    let mut detail = texts::text(language, &key, &[("retry_after", Arg::Count(seconds))]);
    for hint in &refusal.hints {
        detail.push(' ');
        detail.push_str(&hint_text(hint, language));
    }
    Some(detail)
}

/// A hint in words: one sentence.
pub fn hint_text(hint: &Hint, language: Language) -> String {
    let values: Vec<(&'static str, String)> =
        hint.args.iter().map(|(name, arg)| (*name, hint_value(arg, language))).collect();
    let args: Vec<(&'static str, Arg<'_>)> = values.iter().map(|(name, value)| (*name, Arg::Text(value))).collect();
    texts::text(language, &format!("hint-{}", hint.key), &args)
}

/// A variable of a hint; a word that no catalogue has stands as its code.
fn hint_value(arg: &HintArg, language: Language) -> String {
    match arg {
        HintArg::Text(text) => text.clone(),
        HintArg::Words { family, codes } => {
            let words = codes.iter().map(|code| texts::named(language, family, code).unwrap_or(code));
            words.collect::<Vec<_>>().join(", ")
        }
    }
}

fn answer(error: &Error, language: Language, request_id: Option<&str>) -> HttpResponse {
    let problem = Problem::new(error, language, request_id);
    let mut response = HttpResponse::build(error.status_code());
    response
        .content_type(CONTENT_TYPE)
        .insert_header((header::CONTENT_LANGUAGE, language.as_tag()))
        .insert_header((header::VARY, "Accept-Language"));
    if problem.status == 401 {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    if let Some(seconds) = retry_after_seconds(error) {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    response.json(problem)
}

/// Always with 429 and 503, elsewhere where the refusal says so.
fn retry_after_seconds(error: &Error) -> Option<u32> {
    let named = match error {
        Error::Refused(refusal) => refusal.retry_after_seconds,
        Error::Sql(_) | Error::Internal(_) => None,
    };
    match status(error.code()) {
        429 | 503 => named.or(Some(RETRY_AFTER_SECONDS_DEFAULT)),
        _ => named,
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        // The table holds valid statuses only, by test.
        StatusCode::from_u16(status(self.code())).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// A stand-in in English and without request id, not logged: [`middleware::localise`] replaces it.
    fn error_response(&self) -> HttpResponse {
        answer(self, Language::En, None)
    }
}

/// The chain of causes for the log, on one line.
///
/// Whatever stands in double quotes is left out: there, engines and parsers repeat the value that they choked on, and it
/// may be a name or a number of a person. Constraint and table are named apart, as PostgreSQL puts them in quotes, too.
fn cause(error: &Error) -> String {
    use diesel::result::Error::DatabaseError;
    let cause = match error {
        Error::Refused(refusal) => refusal.code.as_str().to_owned(),
        Error::Sql(DatabaseError(kind, facts)) => format!(
            "database: {kind:?}: {} (table {}, constraint {})",
            without_values(facts.message()),
            facts.table_name().unwrap_or("-"),
            facts.constraint_name().unwrap_or("-"),
        ),
        Error::Sql(other) => format!("database: {}", chain(other)),
        Error::Internal(cause) => chain(cause.as_ref()),
    };
    cause.replace(['\n', '\r'], " ")
}

fn chain(cause: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(cause), |cause| cause.source());
    causes.map(|cause| without_values(&cause.to_string())).collect::<Vec<_>>().join(": ")
}

fn without_values(message: &str) -> String {
    // Every second part stands between quotes; an opened quote that never closes hides the rest.
    let parts = message.split('"').enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { part } else { "\"…\"" }).collect()
}

#[cfg(test)]
mod tests;
