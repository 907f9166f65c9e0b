//! What is answered as a figure or a printed document, in the caller's language. What a newcomer would get wrong: it is the
//! same reading as the JSON beside it, so rights, purpose and record are those of that operation and never looser.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_LANGUAGE, VARY};
use utoipa::IntoParams;

use crate::error::{Error, Result};
use crate::figures::drawing::Picture;
use crate::figures::svg;
use crate::paper::Paper;

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

/// Prints a document, beside the threads that answer, and hands it over as the file `<name>.pdf`.
pub async fn paper(document: Paper, name: &str) -> Result<HttpResponse> {
    let language = document.language;
    let bytes = tokio::task::spawn_blocking(move || document.print()).await.map_err(Error::internal)??;
    Ok(HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.pdf\"")))
        .insert_header((CONTENT_LANGUAGE, language.as_tag()))
        .insert_header((VARY, "Accept-Language"))
        .body(bytes))
}
