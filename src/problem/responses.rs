//! The problems that an operation declares in the API document, as named sets.
//! What a newcomer would get wrong: a set only refers to the schema `Problem`; the document must list
//! `components(schemas(problem::Problem))` once, or the references lead nowhere.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// Declares a set of problem responses: `problem_responses!(/// Doc. pub Name = [400, 404];)`.
///
/// The name then stands among the `responses(…)` of `#[utoipa::path]`. Elsewhere in the crate: `crate::problem_responses!`.
#[macro_export]
macro_rules! problem_responses {
    ($($(#[$doc:meta])* $visibility:vis $name:ident = [$($status:literal),+ $(,)?];)+) => {
        $(
            $(#[$doc])*
            $visibility struct $name;

            impl utoipa::IntoResponses for $name {
                fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                    $crate::problem::responses::declare(&[$($status),+])
                }
            }
        )+
    };
}

problem_responses! {
    /// Reading without signing in.
    pub PublicReadProblems = [400, 404, 429, 500, 503];
    /// Writing without signing in: log-in, tokens.
    pub PublicWriteProblems = [400, 401, 403, 408, 413, 415, 422, 429, 500, 503];
    /// Reading.
    pub ReadProblems = [400, 401, 403, 404, 429, 500, 503];
    /// Reading what follows from a methodology in force, of which there may be none.
    pub PlanReadProblems = [400, 401, 403, 404, 409, 429, 500, 503];
    /// Creating or acting: a POST.
    pub CreateProblems = [400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503];
    /// Creating or acting within a window of time.
    pub TimedProblems = [400, 401, 403, 404, 408, 409, 410, 412, 413, 415, 422, 425, 429, 500, 503];
    /// Changing with `If-Match`: a PUT, PATCH or DELETE.
    pub ChangeProblems = [400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 428, 429, 500, 503];
}

/// One response for each status, as `application/problem+json` of the schema `Problem`, with the headers it carries.
pub fn declare(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    statuses.iter().map(|status| (status.to_string(), RefOr::T(response(*status)))).collect()
}

fn response(status: u16) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let language = text_header("The language of title and detail: kk, ru or en.", 2);
    let response = ResponseBuilder::new()
        .description(meaning(status))
        .content(super::CONTENT_TYPE, content)
        .header("Content-Language", language);
    let response = match status {
        401 => response.header("WWW-Authenticate", text_header("How to sign in: `Bearer`.", 64)),
        429 | 503 => {
            let seconds = Object::builder().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(86_400)).build();
            let wait = HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds to wait.")).build();
            response.header("Retry-After", wait)
        }
        _ => response,
    };
    response.build()
}

fn text_header(description: &str, length_max: usize) -> utoipa::openapi::Header {
    let schema = Object::builder().schema_type(Type::String).max_length(Some(length_max)).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

/// What a status means here, for the reader of the document.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read: broken JSON, wrong type, unknown field or parameter.",
        401 => "No valid access token, or signing in failed.",
        403 => "The account may not do this.",
        404 => "Nothing is here, or nothing that the caller may know of.",
        405 => "The method is not one of this address.",
        408 => "The body took too long to arrive.",
        409 => "The state does not allow this now.",
        410 => "Too late: the window for this act has closed, or what was here is deleted or no longer handed out.",
        412 => "`If-Match`, or the manifest named, is not current.",
        413 => "The body is larger than this operation takes.",
        415 => "The content type is not the one this operation takes.",
        422 => "The request can be read but is not valid; `errors` names the fields.",
        425 => "The window for this act has not opened yet.",
        428 => "The write must carry `If-Match`.",
        429 => "Too many attempts; wait as `Retry-After` says.",
        500 => "Our fault; ask with the request id.",
        503 => "The service is at its limit; wait as `Retry-After` says.",
        _ => "A problem.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::{IntoResponses, OpenApi};

    use super::*;
    use crate::error::Code;
    use crate::problem::{self, Problem};

    #[utoipa::path(get, path = "/things", responses((status = 204, description = "Nothing."), ReadProblems))]
    fn list_things() {}

    #[derive(OpenApi)]
    #[openapi(paths(list_things), components(schemas(Problem)))]
    struct Document;

    #[test]
    fn an_operation_declares_its_problems_in_one_word() {
        list_things();
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let responses = &document["paths"]["/things"]["get"]["responses"];
        let statuses: Vec<&str> = responses.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(statuses, ["204", "400", "401", "403", "404", "429", "500", "503"]);
        let reference = &responses["404"]["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(reference, "#/components/schemas/Problem");
        assert!(responses["401"]["headers"]["WWW-Authenticate"].is_object());
        assert!(responses["429"]["headers"]["Retry-After"].is_object());
    }

    #[test]
    fn the_schema_of_a_problem_has_its_bounds_and_its_parts() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let schemas = &document["components"]["schemas"];
        let names: Vec<&str> =
            schemas["Problem"]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["code", "detail", "errors", "request_id", "status", "title", "type"]);
        assert_eq!(schemas["Problem"]["required"], json!(["type", "title", "status", "code"]));
        assert_eq!(schemas["Problem"]["properties"]["errors"]["maxItems"], 1000);
        assert_eq!(schemas["FieldProblem"]["properties"]["pointer"]["maxLength"], 256);
        for schema in ["Problem", "FieldProblem"] {
            for (name, property) in schemas[schema]["properties"].as_object().unwrap() {
                let is_bounded =
                    ["maxLength", "maxItems", "maximum"].iter().any(|bound| property[bound] != Value::Null);
                assert!(is_bounded, "{schema}.{name} has no bound: {property}");
            }
        }
    }

    #[test]
    fn every_status_that_a_code_has_is_explained() {
        for code in Code::ALL {
            assert_ne!(meaning(problem::status(*code)), "A problem.", "{}", code.as_str());
        }
        assert_eq!(ChangeProblems::responses().len(), 14);
    }
}
