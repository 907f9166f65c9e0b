//! What is answered as a figure or a printed document, in the caller's language. What a newcomer would get wrong: it is the
//! same reading as the JSON beside it, so rights, purpose and record are those of that operation and never looser.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_LANGUAGE, VARY};
use utoipa::IntoParams;

use crate::figures::drawing::Picture;
use crate::figures::svg;

/// The language of a figure or a printed document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only describes the header; `Caller` reads it")]
pub struct LanguageHeader {
    /// The languages that you read, best first, of kk, ru and en; without it the service's own.
    #[param(rename = "Accept-Language", max_length = 255, required = false, nullable = false, example = "kk")]
    accept_language: Option<String>,
}

/// Answers a figure.
pub fn figure(picture: &Picture) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((CONTENT_LANGUAGE, picture.language.as_tag()))
        .insert_header((VARY, "Accept-Language"))
        .body(svg::write(picture))
}
