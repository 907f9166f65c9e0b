//! The reviewer's page of the registry. What a newcomer would get wrong: anything of its reader in it. It is the same
//! bytes for everybody, and what it does after that it does through the operations of this document.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};

use crate::booth::Page;
use crate::problem::responses::PublicReadProblems;

/// Get the page with which a reviewer collects credentials.
///
/// For everybody, without logging in: one HTML file, the same bytes for everybody, which loads nothing else. It logs in by
/// `create_session`, collects all credentials of a round and writes the reviewer's card as a download; the page of the
/// ballot box reads the card. It does what `ejf peer collect` does, but whoever serves it could serve another one.
#[utoipa::path(tag = "service", security(()),
    responses((status = 200, body = String, content_type = "text/html"), PublicReadProblems))]
#[get("/booth")]
pub async fn get_booth(page: web::Data<Page>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, page.policy()))
        .content_type("text/html; charset=utf-8")
        .body(page.html().to_owned())
}
