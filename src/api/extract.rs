//! What handlers take from a request and give back: a validated body, a page, conditions, an idempotency key, a reply.
//! A newcomer's usual mistake is to answer by hand: an act's answer is a [`Reply`], so that it can be kept in the act's
//! transaction and given again to a repeat.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::openapi::{RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, ToSchema};
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};
use zeroize::Zeroizing;

use crate::cipher::{Cipher, Use};
use crate::db::{Conn, Registry};
use crate::domain::caller::CallerId;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::problem;
use crate::store;

/// Bytes of a JSON body where the operation does not say otherwise.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Seconds in which a body must have arrived; actix-web has no such limit of its own.
const BODY_SECONDS_MAX: u64 = 10;
/// Hours for which an answer is kept under its Idempotency-Key.
const KEPT_HOURS: i64 = 24;

/// A JSON body that was read strictly and is valid; at most `MAX` bytes.
pub struct Valid<T, const MAX: usize = BODY_BYTES_MAX> {
    /// The body.
    pub body: T,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

impl<T: DeserializeOwned + Validate + 'static, const MAX: usize> FromRequest for Valid<T, MAX> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request.content_type().eq_ignore_ascii_case("application/json");
        let is_plain = !request.headers().contains_key(CONTENT_ENCODING);
        let payload = payload.take();
        Box::pin(async move {
            if !is_json || !is_plain {
                return Err(Error::from(Code::UnsupportedMediaType).into());
            }
            let bytes = read_body(payload, MAX).await?;
            let digest = Sha256::digest(&bytes).into();
            let body: T = problem::json::parse_json(&bytes)?;
            body.validate().map_err(invalid)?;
            Ok(Valid { body, digest })
        })
    }
}

/// A body of at most `max` bytes that arrives in time.
pub async fn read_body(payload: Payload, max: usize) -> Result<web::Bytes> {
    let arriving = actix_web::body::to_bytes_limited(actix_web::body::BodyStream::new(payload), max);
    let arrived = tokio::time::timeout(Duration::from_secs(BODY_SECONDS_MAX), arriving).await;
    arrived
        .map_err(|_| Error::from(Code::RequestTimeout))?
        .map_err(|_| Error::from(Code::PayloadTooLarge))?
        .map_err(|_| Error::from(Code::Malformed))
}

/// All that `validator` found, with a pointer for each field, and never the rejected value.
pub fn invalid(errors: ValidationErrors) -> Error {
    let mut faults = Vec::new();
    collect(&errors, "", &mut faults);
    faults.sort_by(|a, b| format!("{:?}", a.place).cmp(&format!("{:?}", b.place)));
    Error::faults(Code::Invalid, faults)
}

fn collect(errors: &ValidationErrors, at: &str, faults: &mut Vec<Fault>) {
    for (field, kind) in errors.errors() {
        let pointer = format!("{at}/{field}");
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(inner, &pointer, faults),
            ValidationErrorsKind::List(inner) => {
                for (index, errors) in inner {
                    collect(errors, &format!("{pointer}/{index}"), faults);
                }
            }
            ValidationErrorsKind::Field(found) => {
                faults.extend(found.iter().map(|error| Fault::at(&pointer, rule(error))));
            }
        }
    }
}

fn rule(error: &ValidationError) -> Rule {
    let number = |name: &str| error.params.get(name).and_then(serde_json::Value::as_f64);
    match error.code.as_ref() {
        "range" => Rule::Range {
            min: number("min").map_or(i64::MIN, |min| min as i64),
            max: number("max").map_or(i64::MAX, |max| max as i64),
        },
        "length" => Rule::Length {
            min: number("min").map_or(0, |min| min as u64),
            max: number("max").map_or(u64::MAX, |max| max as u64),
        },
        _ => Rule::Format { expected: "as the document says" },
    }
}

/// For `#[validate(custom)]`: reasons of 10 to 2000 characters, not counting the blanks around them.
pub fn reasons(text: &str) -> std::result::Result<(), ValidationError> {
    let is_said = text.trim().chars().count() >= 10 && text.chars().count() <= 2000;
    if is_said { Ok(()) } else { Err(length_error(10, 2000)) }
}

/// For `#[validate(custom)]`: a password or token of 1 to 128 characters.
pub fn secret(text: &Zeroizing<String>) -> std::result::Result<(), ValidationError> {
    if (1..=128).contains(&text.chars().count()) { Ok(()) } else { Err(length_error(1, 128)) }
}

fn length_error(min: u64, max: u64) -> ValidationError {
    let mut error = ValidationError::new("length");
    error.add_param("min".into(), &min);
    error.add_param("max".into(), &max);
    error
}

/// The page of a list that is asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items at most: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Which of its parameters are given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = [("limit", self.limit.is_some()), ("cursor", self.cursor.is_some())];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// The limit, 50 where none is asked for; 400 outside 1 to 100.
    pub fn limit(&self) -> Result<i64> {
        match self.limit {
            None => Ok(50),
            Some(limit @ 1..=100) => Ok(i64::from(limit)),
            Some(_) => {
                let rule = Rule::Range { min: 1, max: 100 };
                Err(Error::faults(Code::Malformed, vec![Fault::parameter("limit", rule)]))
            }
        }
    }

    /// The last key of the page before, out of the cursor; `list` names the list and its filters, and a cursor of
    /// another one is refused as `bad_cursor`.
    pub fn after(&self, cipher: &Cipher, list: &str) -> Result<Option<String>> {
        use base64::Engine;
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let refused = || Error::from(Code::BadCursor);
        let sealed = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let opened = cipher.open(Use::Cursor, list.as_bytes(), &sealed)?.ok_or_else(refused)?;
        String::from_utf8(opened.to_vec()).map(Some).map_err(|_| refused())
    }
}

/// The round of a cycle that is asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoundQuery {
    /// The round of collection: 1, or 2 for the supplementary one; where none is asked for, as the operation says.
    #[param(minimum = 1, maximum = 2)]
    round: Option<i32>,
}

impl RoundQuery {
    /// The round, if one is asked for; 400 outside 1 to 2.
    pub fn round(&self) -> Result<Option<i32>> {
        if self.round.is_none_or(|round| (1..=2).contains(&round)) {
            return Ok(self.round);
        }
        Err(Error::faults(Code::Malformed, vec![Fault::parameter("round", Rule::Range { min: 1, max: 2 })]))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageOf<T> {
    /// The items, in the list's order.
    #[schema(max_items = 100)]
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page; null on the last one.
    #[schema(max_length = 512)]
    pub next_cursor: Option<String>,
}

/// The version that the caller last saw, from `If-Match`: `"n"`, or `W/"n"`, which a compressing proxy makes of it.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub i64);

/// The header of a conditional write, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only describes the header; `IfMatch` reads it")]
pub struct IfMatchHeader {
    /// The `ETag` that you last saw, e.g. `"3"`; without it the write is refused (428), and when it is old too (412).
    #[param(rename = "If-Match", max_length = 32, example = "\"3\"")]
    if_match: String,
}

impl FromRequest for IfMatch {
    type Error = actix_web::Error;
    type Future = std::future::Ready<std::result::Result<IfMatch, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let value = request.headers().get(IF_MATCH).and_then(|value| value.to_str().ok());
        let result = match value.map(str::trim) {
            None | Some("*") => Err(Error::from(Code::PreconditionRequired)),
            // A tag of another form was never ours, so it cannot be current.
            Some(tag) => entity_tag(tag).map(IfMatch).ok_or_else(|| Error::from(Code::Stale)),
        };
        std::future::ready(result.map_err(Into::into))
    }
}

fn entity_tag(tag: &str) -> Option<i64> {
    tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// Answers a read of one thing with its version, or 304 where `If-None-Match` names that version.
pub fn versioned(request: &HttpRequest, version: i64, view: &impl Serialize) -> HttpResponse {
    let tag = format!("\"{version}\"");
    let named = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if named.split(',').any(|one| entity_tag(one.trim()) == Some(version)) {
        return HttpResponse::NotModified().insert_header((ETAG, tag)).finish();
    }
    changed(version, view)
}

/// Answers a write with the thing as it is now; never 304, which says that there is nothing new.
pub fn changed(version: i64, view: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((ETAG, format!("\"{version}\""))).json(view)
}

/// What a read of one thing may answer instead, for the document.
pub struct NotModified;

impl IntoResponses for NotModified {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let words = "`If-None-Match` names the present `ETag`: there is nothing new.";
        BTreeMap::from([("304".to_owned(), RefOr::T(ResponseBuilder::new().description(words).build()))])
    }
}

/// The caller's `Idempotency-Key`, if given, with what the request is.
pub struct IdempotencyKey {
    key: Option<String>,
    target: String,
    cipher: web::Data<Cipher>,
}

/// The header by which a repeat is known, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only describes the header; `IdempotencyKey` reads it")]
pub struct IdempotencyKeyHeader {
    /// A value of your choice, 1 to 255 visible ASCII characters: the same request again gets the same answer for 24
    /// hours and does nothing twice.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, required = false, nullable = false)]
    idempotency_key: Option<String>,
}

impl FromRequest for IdempotencyKey {
    type Error = actix_web::Error;
    type Future = std::future::Ready<std::result::Result<IdempotencyKey, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let fault = |rule| Error::faults(Code::Malformed, vec![Fault::parameter("Idempotency-Key", rule)]);
        let key = match request.headers().get("Idempotency-Key") {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Ok(text) if (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) => {
                    Ok(Some(text.to_owned()))
                }
                Ok(_) | Err(_) => Err(fault(Rule::Format { expected: "1 to 255 visible ASCII characters" })),
            },
        };
        let target = request.path().to_owned();
        let cipher = request.app_data::<web::Data<Cipher>>().cloned();
        let made = key.and_then(|key| {
            let cipher = cipher.ok_or_else(|| Error::internal("a service is not configured"))?;
            Ok(IdempotencyKey { key, target, cipher })
        });
        std::future::ready(made.map_err(Into::into))
    }
}

impl IdempotencyKey {
    /// Refuses a request without a key: the act cannot be undone, so a lost answer must not lead to a second one.
    pub fn required(self) -> Result<IdempotencyKey> {
        if self.key.is_some() {
            return Ok(self);
        }
        Err(Error::faults(Code::Malformed, vec![Fault::parameter("Idempotency-Key", Rule::Required)]))
    }
}

/// The answer of an act, as it is kept and given again.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    location: Option<String>,
    version: Option<i64>,
    body: String,
}

impl Reply {
    /// 201 with where the new thing is.
    pub fn created(location: String, version: Option<i64>, view: &impl Serialize) -> Result<Reply> {
        Reply::new(StatusCode::CREATED, Some(location), version, view)
    }

    /// 202 with where the work or the waiting act is.
    pub fn accepted(location: String, view: &impl Serialize) -> Result<Reply> {
        Reply::new(StatusCode::ACCEPTED, Some(location), None, view)
    }

    /// 200 with the thing as it is now.
    pub fn ok(version: Option<i64>, view: &impl Serialize) -> Result<Reply> {
        Reply::new(StatusCode::OK, None, version, view)
    }

    fn new(status: StatusCode, location: Option<String>, version: Option<i64>, view: &impl Serialize) -> Result<Reply> {
        let body = serde_json::to_string(view).map_err(Error::internal)?;
        Ok(Reply { status, location, version, body })
    }

    fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if let Some(version) = self.version {
            response.insert_header((ETAG, format!("\"{version}\"")));
        }
        response.content_type("application/json").body(self.body)
    }
}

/// Who does which operation with which body: what makes a repeat a repeat.
pub struct Deed {
    /// Who.
    pub by: CallerId,
    /// The operation's id.
    pub operation: &'static str,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// The body's digest; zeros for an operation without one.
    pub digest: [u8; 32],
}

impl Deed {
    /// The digest of the whole request. Keyed: the body may hold a password or an IIN, which could be guessed from a plain
    /// hash.
    fn request_digest(&self) -> Result<Vec<u8>> {
        self.key.cipher.keyed_hash(Use::RequestDigest, &[self.key.target.as_bytes(), b"\0", &self.digest].concat())
    }
}

/// The kept answer of a deed that was done before, for whoever must look at more than the database before the write: what
/// stands in the way of the act by now does not stand in the way of its answer.
pub async fn kept_answer(registry: &Registry, deed: &Deed, now: DateTime<Utc>) -> Result<Option<HttpResponse>> {
    let Some(key) = deed.key.key.clone() else { return Ok(None) };
    let (caller_id, operation, request_digest) = (deed.by.to_string(), deed.operation, deed.request_digest()?);
    let since = kept_since(now);
    let found = registry.0.read(move |conn| store::idempotency::find(conn, &caller_id, operation, &key, since)).await?;
    found.map(|kept| repeat(kept, &request_digest).map(Reply::into_response)).transpose()
}

fn kept_since(now: DateTime<Utc>) -> NaiveDateTime {
    (now - TimeDelta::hours(KEPT_HOURS)).naive_utc()
}

/// Runs an act in one write, once for its key: a repeat gets the kept answer, another body under the same key is
/// refused with 422.
pub async fn act_once(
    registry: &Registry,
    deed: Deed,
    now: DateTime<Utc>,
    work: impl Fn(&mut Conn) -> Result<Reply> + Send + 'static,
) -> Result<HttpResponse> {
    let request_digest = deed.request_digest()?;
    let Deed { by, operation, key, .. } = deed;
    let (caller_id, key) = (by.to_string(), key.key);
    let reply = registry
        .0
        .write(move |conn| {
            let Some(key) = &key else { return work(conn) };
            let since = kept_since(now);
            if let Some(kept) = store::idempotency::find(conn, &caller_id, operation, key, since)? {
                return repeat(kept, &request_digest);
            }
            let reply = work(conn)?;
            let kept = store::idempotency::KeptAnswer {
                caller_id: caller_id.clone(),
                operation: operation.to_owned(),
                key: key.clone(),
                request_digest: request_digest.clone(),
                status: i32::from(reply.status.as_u16()),
                location: reply.location.clone(),
                version: reply.version,
                body: reply.body.clone(),
                created_at: now.naive_utc(),
            };
            store::idempotency::save(conn, &kept, since)?;
            Ok(reply)
        })
        .await?;
    Ok(reply.into_response())
}

fn repeat(kept: store::idempotency::KeptAnswer, request_digest: &[u8]) -> Result<Reply> {
    if kept.request_digest != request_digest {
        return Err(Code::IdempotencyKeyReused.into());
    }
    let status = u16::try_from(kept.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| Error::internal("a kept answer has no valid status"))?;
    Ok(Reply { status, location: kept.location, version: kept.version, body: kept.body })
}
