//! What anybody may ask: is it alive, is it ready, which keys sign tokens, what does a problem mean.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Auth;
use crate::db::{Purpose, Registry, is_current};
use crate::error::{Code, Error, Result};
use crate::problem::responses::PublicReadProblems;

/// The state of the service in one word.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct HealthView {
    /// Always `ok`; anything else is a problem.
    #[schema(max_length = 2)]
    status: &'static str,
}

/// A published set of keys (RFC 7517).
#[derive(Serialize, ToSchema)]
pub struct KeySetView {
    /// The keys whose tokens may be good now.
    #[schema(max_items = 16)]
    keys: Vec<KeyView>,
}

/// One public key (RFC 8037).
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}))]
pub struct KeyView {
    /// Always `OKP`.
    #[schema(max_length = 3)]
    kty: &'static str,
    /// Always `Ed25519`.
    #[schema(max_length = 7)]
    crv: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(max_length = 3)]
    purpose: &'static str,
    /// Always `EdDSA`.
    #[schema(max_length = 5)]
    alg: &'static str,
    /// The `kid` of tokens signed with it.
    #[schema(max_length = 64)]
    kid: String,
    /// The key, base64url.
    #[schema(max_length = 43)]
    x: String,
}

/// Tell whether the process lives.
///
/// For whoever restarts it: nothing else is looked at, so a slow database is no reason to answer otherwise.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = HealthView), PublicReadProblems))]
#[get("/livez")]
pub async fn get_live() -> HttpResponse {
    HttpResponse::Ok().json(HealthView { status: "ok" })
}

/// Tell whether the service can work.
///
/// For balancers and container checks: its database answers and has the schema that this program needs, or 503.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = HealthView), PublicReadProblems))]
#[get("/readyz")]
pub async fn get_ready(registry: web::Data<Registry>) -> Result<HttpResponse> {
    ready(&registry).await
}

/// Tell whether the service can work, under a common name.
///
/// The same as `/readyz`.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = HealthView), PublicReadProblems))]
#[get("/healthz")]
pub async fn get_healthz(registry: web::Data<Registry>) -> Result<HttpResponse> {
    ready(&registry).await
}

async fn ready(registry: &Registry) -> Result<HttpResponse> {
    match registry.0.read(|conn| is_current(conn, Purpose::Registry)).await {
        Ok(true) => Ok(HttpResponse::Ok().json(HealthView { status: "ok" })),
        // Not ready is not a bug of this request: a balancer is to come back later, and whoever runs the service reads why.
        Ok(false) => {
            tracing::warn!("not ready: the registry's schema is not the one of this program");
            Err(Error::retry_after(Code::Busy, 5))
        }
        Err(error) => {
            tracing::warn!(%error, "not ready: the registry does not answer");
            Err(Error::retry_after(Code::Busy, 5))
        }
    }
}

/// Get the public keys of access tokens.
///
/// For whoever verifies tokens: a JWK set of Ed25519 keys.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = KeySetView), PublicReadProblems))]
#[get("/.well-known/jwks.json")]
pub async fn get_key_set(auth: web::Data<Auth>) -> HttpResponse {
    let keys = auth
        .tokens
        .public_keys()
        .into_iter()
        .map(|(kid, x)| KeyView { kty: "OKP", crv: "Ed25519", purpose: "sig", alg: "EdDSA", kid, x })
        .collect();
    HttpResponse::Ok().json(KeySetView { keys })
}

/// Explain a problem code.
///
/// The page that a problem's `type` points to: what the code means and what to do.
#[utoipa::path(tag = "service", security(()), params(("code" = String, Path, max_length = 64, example = "not_found", description = "The problem's code.")),
    responses((status = 200, body = String, content_type = "text/markdown"), PublicReadProblems))]
#[get("/problems/{code}")]
pub async fn get_problem_page(code: web::Path<String>) -> Result<HttpResponse> {
    let code = Code::ALL.iter().find(|known| known.as_str() == *code).ok_or(Code::NotFound)?;
    let heading = format!("## {}\n", code.as_str());
    let page = include_str!("../../openapi/problems.md");
    let section = page.split("\n## ").find(|section| section.starts_with(&heading["## ".len()..]));
    let section = section.ok_or_else(|| Error::internal("a code has no heading in problems.md"))?;
    Ok(HttpResponse::Ok().content_type("text/markdown; charset=utf-8").body(format!("# {section}")))
}
