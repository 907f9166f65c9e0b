//! Settings for the framework's extractors, so that their failures become our errors.
//! What a newcomer would get wrong: `web::Json` does not say where in a body it failed. A handler that takes a body
//! uses [`super::json::parse_json`], which does.

use actix_web::error::{PathError, QueryPayloadError};
use actix_web::{HttpRequest, web};
use uuid::Uuid;

use super::json::read_message;
use crate::error::{Code, Error, Fault, Rule};

/// For `web::Query`: an unknown, absent or unreadable parameter is 400.
pub fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, request| from_query(&error, request).into())
}

/// For `web::Path`: a part of the path that cannot be read is 400.
pub fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|error, request| from_path(&error, request).into())
}

fn from_query(error: &QueryPayloadError, request: &HttpRequest) -> Error {
    let QueryPayloadError::Deserialize(cause) = error else {
        return Code::Malformed.into();
    };
    let message = cause.to_string();
    let (name, rule) = read_message(&message);
    match name.map(str::to_owned).or_else(|| sole_culprit(&message, request)) {
        Some(name) => malformed([name], &rule),
        None => Code::Malformed.into(),
    }
}

/// The parameter at fault where serde does not name it: the only one, or the one with the variant it quotes.
fn sole_culprit(message: &str, request: &HttpRequest) -> Option<String> {
    // Pairs of texts can be read from every query; were one not to, the fault would just stay unnamed.
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?.into_inner();
    let is_quoted = |value: &str| message.starts_with(&format!("unknown variant `{value}`"));
    match pairs.as_slice() {
        [(name, _)] => Some(name.clone()),
        pairs => pairs.iter().find(|(_, value)| is_quoted(value)).map(|(name, _)| name.clone()),
    }
}

fn from_path(error: &PathError, request: &HttpRequest) -> Error {
    let PathError::Deserialize(_) = error else {
        return Code::Malformed.into();
    };
    // The cause does not name the part. Our ids are UUIDs and are called `…_id`, so those that are none are at fault.
    let parts = request.match_info();
    let is_bad_id = |(name, value): &(&str, &str)| name.ends_with("_id") && Uuid::parse_str(value).is_err();
    let bad_ids: Vec<String> = parts.iter().filter(is_bad_id).map(|(name, _)| name.to_owned()).collect();
    if !bad_ids.is_empty() {
        return malformed(bad_ids, &Rule::Format { expected: "UUID" });
    }
    let names: Vec<&str> = parts.iter().map(|(name, _)| name).collect();
    match names.as_slice() {
        [name] => malformed([(*name).to_owned()], &Rule::Type),
        _ => Code::Malformed.into(),
    }
}

fn malformed(names: impl IntoIterator<Item = String>, rule: &Rule) -> Error {
    let faults = names.into_iter().map(|name| Fault::parameter(short(name), rule.clone())).collect();
    Error::faults(Code::Malformed, faults)
}

/// A name as the caller wrote it, but never longer than the document allows.
fn short(name: String) -> String {
    if name.len() <= 256 { name } else { name.chars().take(64).collect() }
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use actix_web::{App, HttpResponse};
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sort {
        CreatedAt,
        Name,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        limit: Option<u8>,
        sort: Option<Sort>,
        court: String,
    }

    async fn list(filter: web::Query<Filter>) -> HttpResponse {
        let filter = filter.into_inner();
        let sort = filter.sort.map(|sort| match sort {
            Sort::CreatedAt => 1,
            Sort::Name => 2,
        });
        HttpResponse::Ok().json(json!([filter.limit, sort, filter.court]))
    }

    async fn show(_ids: web::Path<(Uuid, Uuid)>) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }

    async fn quarter(_number: web::Path<u8>) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }

    /// Status, code and faults of the answer to a GET.
    async fn get(uri: &str) -> (u16, Value, Value) {
        let app = init_service(
            App::new()
                .app_data(query_config())
                .app_data(path_config())
                .service(web::resource("/list").to(list))
                .service(web::resource("/judges/{judge_id}/acts/{act_id}").to(show))
                .service(web::resource("/quarters/{number}").to(quarter)),
        )
        .await;
        let response = call_service(&app, TestRequest::get().uri(uri).to_request()).await;
        let status = response.status().as_u16();
        let body: Value = read_body_json(response).await;
        let bare: Vec<Value> = body["errors"]
            .as_array()
            .map(|errors| errors.iter().map(|error| json!([error["parameter"], error["code"]])).collect())
            .unwrap_or_default();
        (status, body["code"].clone(), json!(bare))
    }

    #[actix_web::test]
    async fn a_query_that_cannot_be_read_names_its_parameter() {
        for (uri, faults) in [
            ("/list", json!([["court", "required"]])),
            ("/list?court=a&colour=red", json!([["colour", "unknown"]])),
            ("/list?court=a&court=b", json!([["court", "duplicate"]])),
            ("/list?court=a&sort=size", json!([["sort", "one_of"]])),
            ("/list?limit=many", json!([["limit", "type"]])),
            ("/list?court=a&limit=many", json!([])),
        ] {
            assert_eq!(get(uri).await, (400, json!("malformed"), faults), "{uri}");
        }
    }

    #[actix_web::test]
    async fn a_path_that_cannot_be_read_names_its_part() {
        let id = Uuid::nil();
        let both = json!([["judge_id", "format"], ["act_id", "format"]]);
        assert_eq!(get("/judges/7/acts/8").await, (400, json!("malformed"), both));
        let one = json!([["act_id", "format"]]);
        assert_eq!(get(&format!("/judges/{id}/acts/8")).await, (400, json!("malformed"), one));
        assert_eq!(get("/quarters/one").await, (400, json!("malformed"), json!([["number", "type"]])));
    }
}
