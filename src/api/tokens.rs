//! OAuth 2.0 for machine clients: client credentials (RFC 6749) and where to find them (RFC 8414). A newcomer's usual
//! mistake is to answer a problem: libraries of OAuth read `error` and `error_description`, and nothing else.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_ENCODING, PRAGMA, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, get, post, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::extract::read_body;
use crate::auth::Auth;
use crate::auth::clients::Grant;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Registry;
use crate::domain::caller::Scope;
use crate::error::Result;
use crate::problem::Problem;
use crate::problem::responses::PublicReadProblems;

crate::problem_responses! {
    /// What has nothing to do with OAuth.
    TokenProblems = [408, 413, 429, 500, 503];
}

/// Bytes of the form; it holds an id, a secret and four words.
const FORM_BYTES_MAX: usize = 4096;
/// The one type of its body.
const FORM: &str = "application/x-www-form-urlencoded";

/// The form of a token request (RFC 6749 section 4.4.2); other fields are ignored, as the RFC wants.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"grant_type": "client_credentials", "client_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "client_secret": "mF0Qm3m1YvJd0m3P4p1n1wTn9i6vYQ2f0cRr3a7bK8E", "scope": "file:write"}))]
pub struct TokenRequest {
    /// Always `client_credentials`.
    #[schema(required = true, max_length = 64)]
    grant_type: Option<String>,
    /// The client, where it does not come by basic authentication.
    #[schema(max_length = 128)]
    client_id: Option<String>,
    /// Its secret, where it does not come by basic authentication.
    #[schema(max_length = 128, format = Password, value_type = Option<String>)]
    client_secret: Option<Zeroizing<String>>,
    /// Scopes, parted by spaces; all of the client's where absent.
    #[schema(max_length = 256)]
    scope: Option<String>,
}

/// A token for a machine client.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"access_token": "eyJ0eXAiOiJhdCtqd3Qi…", "token_type": "Bearer", "expires_in": 600, "scope": "file:write"}))]
pub struct ClientTokenView {
    /// Goes into `Authorization: Bearer …`.
    #[schema(max_length = 1024)]
    access_token: String,
    /// Always `Bearer`.
    #[schema(max_length = 6)]
    token_type: &'static str,
    /// For how many seconds it is good.
    #[schema(minimum = 60, maximum = 600)]
    expires_in: u32,
    /// What it is good for, parted by spaces.
    #[schema(max_length = 256)]
    scope: String,
}

/// Why there is no token (RFC 6749 section 5.2).
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"error": "invalid_client", "error_description": "The client is unknown or closed, or its secret is wrong."}))]
pub struct TokenRefusalView {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type` or `invalid_scope`.
    #[schema(max_length = 64)]
    error: &'static str,
    /// The same for people.
    #[schema(max_length = 200)]
    error_description: &'static str,
}

/// What the server for tokens is and can (RFC 8414).
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"issuer": "https://ejf.example", "token_endpoint": "https://ejf.example/oauth2/token", "jwks_uri": "https://ejf.example/.well-known/jwks.json", "scopes_supported": ["file:write"], "response_types_supported": [], "grant_types_supported": ["client_credentials"], "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}))]
pub struct AuthorizationServerView {
    /// The `iss` of its tokens.
    #[schema(max_length = 512)]
    issuer: String,
    /// Where tokens come from.
    #[schema(max_length = 512)]
    token_endpoint: String,
    /// Where the keys are that verify them.
    #[schema(max_length = 512)]
    jwks_uri: String,
    /// All scopes that there are.
    #[schema(max_items = 4)]
    scopes_supported: Vec<Scope>,
    /// None: nobody is sent here by a browser.
    #[schema(max_items = 0)]
    response_types_supported: Vec<String>,
    /// Always `client_credentials`.
    #[schema(max_items = 1)]
    grant_types_supported: [&'static str; 1],
    /// How a client may show its secret.
    #[schema(max_items = 2)]
    token_endpoint_auth_methods_supported: [&'static str; 2],
}

/// Why a request gets no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Request(&'static str),
    Client,
    GrantType,
    Scope,
}

impl Refusal {
    fn answer(self) -> HttpResponse {
        let (status, error, error_description) = match self {
            Refusal::Request(fault) => (StatusCode::BAD_REQUEST, "invalid_request", fault),
            Refusal::Client => {
                (StatusCode::UNAUTHORIZED, "invalid_client", "The client is unknown or closed, or its secret is wrong.")
            }
            Refusal::GrantType => {
                (StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant_type must be client_credentials.")
            }
            Refusal::Scope => {
                (StatusCode::BAD_REQUEST, "invalid_scope", "The client may not have every scope that it asks for.")
            }
        };
        let mut answer = HttpResponse::build(status);
        if self == Refusal::Client {
            answer.insert_header((WWW_AUTHENTICATE, "Basic realm=\"ejf\""));
        }
        answer.insert_header((PRAGMA, "no-cache")).json(TokenRefusalView { error, error_description })
    }
}

/// The form as it came, or what is wrong with it.
pub struct TokenForm(std::result::Result<TokenRequest, Refusal>);

impl FromRequest for TokenForm {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = request.content_type().eq_ignore_ascii_case(FORM);
        let is_plain = !request.headers().contains_key(CONTENT_ENCODING);
        let payload = payload.take();
        Box::pin(async move {
            if !is_form || !is_plain {
                return Ok(TokenForm(Err(Refusal::Request("The body must be application/x-www-form-urlencoded."))));
            }
            let bytes = read_body(payload, FORM_BYTES_MAX).await?;
            // The reader of queries reads forms too: the encoding is one, and a field that stands twice is refused.
            let form = std::str::from_utf8(&bytes).ok().and_then(|text| web::Query::from_query(text).ok());
            let form = form.map(web::Query::into_inner);
            Ok(TokenForm(form.ok_or(Refusal::Request("The form cannot be read, or a field stands in it twice."))))
        })
    }
}

/// Get a token for a machine client.
///
/// For machine clients, by `client_credentials`: id and secret by basic authentication or in the form, not both. The token
/// is a JWT (RFC 9068, EdDSA, ten minutes) for the scopes asked for, or for all that the client has. Unknown and closed
/// clients are answered exactly as wrong secrets. A token opens what its scope names and nothing else: `file:write` adds
/// courts, judges, posts and observations of the client's own system; the other scopes open nothing yet.
#[utoipa::path(tag = "clients", security(()), request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = ClientTokenView),
        (status = 400, content((TokenRefusalView = "application/json"), (Problem = "application/problem+json")),
            description = "The request, its grant type or its scope is not right; a problem where its target cannot be read."),
        (status = 401, body = TokenRefusalView, description = "The client is unknown or closed, or its secret is wrong.",
            headers(("WWW-Authenticate" = String, description = "How to show the secret: `Basic`."))),
        TokenProblems))]
#[post("/oauth2/token")]
pub async fn issue_token(
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    request: HttpRequest,
    form: TokenForm,
) -> Result<HttpResponse> {
    let wish = match form.0.and_then(|form| Wish::read(&request, form)) {
        Ok(wish) => wish,
        Err(refusal) => return Ok(refusal.answer()),
    };
    let Wish { client_id, client_secret, scope } = wish;
    let granted = auth.grant_to_client(&registry, &client_id, &client_secret, scope.as_deref(), clock.now()).await?;
    Ok(match granted {
        Grant::ClientRefused => Refusal::Client.answer(),
        Grant::ScopeRefused => Refusal::Scope.answer(),
        Grant::Token { access_token, scopes } => {
            let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
            HttpResponse::Ok().insert_header((PRAGMA, "no-cache")).json(ClientTokenView {
                access_token,
                token_type: "Bearer",
                expires_in: auth.tokens.ttl_seconds(),
                scope: scopes.join(" "),
            })
        }
    })
}

/// Who wants a token, and for what.
struct Wish {
    client_id: String,
    client_secret: Zeroizing<String>,
    scope: Option<String>,
}

impl Wish {
    /// Reads the form and the header. A field without a value counts as absent (RFC 6749 section 3.2).
    fn read(request: &HttpRequest, form: TokenRequest) -> std::result::Result<Wish, Refusal> {
        let given = |field: Option<String>| field.filter(|value| !value.is_empty());
        let grant_type = given(form.grant_type).ok_or(Refusal::Request("grant_type is missing."))?;
        if grant_type != "client_credentials" {
            return Err(Refusal::GrantType);
        }
        let client_id = given(form.client_id);
        let client_secret = form.client_secret.filter(|secret| !secret.is_empty());
        let scope = given(form.scope);
        if !request.headers().contains_key(AUTHORIZATION) {
            let (Some(client_id), Some(client_secret)) = (client_id, client_secret) else {
                return Err(Refusal::Client);
            };
            return Ok(Wish { client_id, client_secret, scope });
        }
        let (basic_id, basic_secret) = basic(request).ok_or(Refusal::Client)?;
        if client_secret.is_some() || client_id.is_some_and(|id| id != basic_id) {
            return Err(Refusal::Request("Show the client's id and secret in one way, not in two."));
        }
        Ok(Wish { client_id: basic_id, client_secret: basic_secret, scope })
    }
}

/// Id and secret out of the header, if it is one of basic authentication. Ours hold no character that the form encoding,
/// which the RFC puts below base64, would change.
fn basic(request: &HttpRequest) -> Option<(String, Zeroizing<String>)> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let (scheme, encoded) = values.next()?.to_str().ok()?.split_once(' ')?;
    if values.next().is_some() || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((id.to_owned(), Zeroizing::new(secret.to_owned())))
}

/// Describe the server for tokens.
///
/// For libraries of OAuth: RFC 8414 metadata.
#[utoipa::path(tag = "service", security(()),
    responses((status = 200, body = AuthorizationServerView), PublicReadProblems))]
#[get("/.well-known/oauth-authorization-server")]
pub async fn get_authorization_server(config: web::Data<Config>) -> Result<HttpResponse> {
    let issuer = config.public_url.clone();
    let base = issuer.trim_end_matches('/');
    Ok(HttpResponse::Ok().json(AuthorizationServerView {
        token_endpoint: format!("{base}/oauth2/token"),
        jwks_uri: format!("{base}/.well-known/jwks.json"),
        issuer,
        scopes_supported: Scope::ALL.to_vec(),
        response_types_supported: Vec::new(),
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    }))
}
