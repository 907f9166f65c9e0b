//! A caller of the registry: one account with its token. A newcomer would log in once and keep the token; the demo's
//! clock leaps over days, so a token that has run out is replaced by a new log-in, once for each call.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::trace::Trace;
use crate::error::{Error, Result};

/// How long one answer may take; making keys is a job and does not hold its answer back.
const ANSWER_SECONDS: u64 = 60;
/// How often a call that finds the service at its limit is tried again.
const BUSY_TRIES: u32 = 20;
/// How long it waits in between.
const BUSY_WAIT_MILLIS: u64 = 250;

/// The way to the registry, shared by all who call it.
#[derive(Clone)]
pub(super) struct Wire {
    /// Its address, without a slash at the end.
    pub base: String,
    /// Where calls are written down.
    pub trace: Trace,
    http: reqwest::Client,
}

impl Wire {
    /// A way to the registry at `base`.
    pub fn to(base: String, trace: Trace) -> Result<Wire> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(std::time::Duration::from_secs(ANSWER_SECONDS))
            .build()
            .map_err(Error::internal)?;
        Ok(Wire { base, trace, http })
    }
}

/// One account that calls the registry.
pub(super) struct Caller {
    /// The login, also for those who read about it.
    pub login: String,
    password: Arc<str>,
    wire: Wire,
    token: Mutex<Option<String>>,
}

impl Caller {
    /// A caller that logs in at its first call.
    pub fn new(wire: &Wire, login: impl Into<String>, password: &Arc<str>) -> Caller {
        Caller { login: login.into(), password: password.clone(), wire: wire.clone(), token: Mutex::new(None) }
    }

    /// What is at a path.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// The answer to a post.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// The bytes at a path.
    pub async fn download(&self, path: &str) -> Result<Vec<u8>> {
        self.wire.trace.call(&self.login, "GET", path, None, None);
        let token = self.fresh_token().await?;
        let request = self.wire.http.get(format!("{}{path}", self.wire.base)).bearer_auth(token);
        let response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(Error::internal)?;
        Ok(response.bytes().await.map_err(Error::internal)?.to_vec())
    }

    /// All items of a list, page by page.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut next = format!("{path}?limit=100");
        loop {
            let mut page = self.get(&next).await?;
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(cursor) => next = format!("{path}?limit=100&cursor={cursor}"),
                None => return Ok(items),
            }
        }
    }

    /// Asks for an act of two persons as this one and confirms it as the other, who reads the digest from the answer.
    pub async fn act_with(&self, second: &Caller, path: &str, body: Value) -> Result<Value> {
        let approval = self.post(path, body).await?;
        let confirmation = json!({"digest": text(&approval, "digest")?});
        second.post(&format!("/v1/approvals/{}/confirm", text(&approval, "id")?), confirmation).await
    }

    /// A token that has just been granted, for the reviewer's client.
    pub async fn fresh_token(&self) -> Result<String> {
        let body = json!({"login": self.login, "password": &*self.password});
        let (status, answer) = self.send(Method::POST, "/v1/sessions", Some(&body), None, None).await?;
        let granted = self.expect(status, "POST /v1/sessions", answer)?;
        let token = text(&granted, "access_token")?.to_owned();
        *self.token.lock().await = Some(token.clone());
        Ok(token)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let key = (method == Method::POST).then(new_key).transpose()?;
        self.wire.trace.call(&self.login, method.as_str(), path, body.as_ref(), key.as_deref());
        let known = self.token.lock().await.clone();
        let token = match known {
            Some(token) => token,
            None => self.fresh_token().await?,
        };
        let (mut status, mut answer) =
            self.send(method.clone(), path, body.as_ref(), Some(&token), key.as_deref()).await?;
        if status == StatusCode::UNAUTHORIZED {
            let token = self.fresh_token().await?;
            (status, answer) = self.send(method.clone(), path, body.as_ref(), Some(&token), key.as_deref()).await?;
        }
        self.expect(status, &format!("{method} {path}"), answer)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
        key: Option<&str>,
    ) -> Result<(StatusCode, String)> {
        for _ in 0..BUSY_TRIES {
            let mut request = self.wire.http.request(method.clone(), format!("{}{path}", self.wire.base));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request.send().await.map_err(Error::internal)?;
            let status = response.status();
            let answer = response.text().await.map_err(Error::internal)?;
            if status != StatusCode::SERVICE_UNAVAILABLE {
                return Ok((status, answer));
            }
            tokio::time::sleep(std::time::Duration::from_millis(BUSY_WAIT_MILLIS)).await;
        }
        Err(Error::internal(format!("{method} {path}: the service stayed at its limit")))
    }

    fn expect(&self, status: StatusCode, what: &str, answer: String) -> Result<Value> {
        if !status.is_success() {
            return Err(Error::internal(format!("{what} as {}: {status} {answer}", self.login)));
        }
        if answer.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&answer).map_err(Error::internal) }
    }
}

/// A text member of an answer.
pub(super) fn text<'a>(answer: &'a Value, member: &str) -> Result<&'a str> {
    let found = answer.get(member).and_then(Value::as_str);
    found.ok_or_else(|| Error::internal(format!("an answer of the registry lacks {member}")))
}

/// A key under which a repeated post is done once.
fn new_key() -> Result<String> {
    let bytes: [u8; 16] = crate::credential::encoding::random()?;
    Ok(crate::credential::encoding::to_base64url(&bytes))
}
