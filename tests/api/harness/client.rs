//! A caller over a real socket. Every answer it receives is held against the document: a status that the operation
//! does not declare, an error that is not a problem, a missing header fails the test that asked.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Clone)]
pub struct Client {
    base: String,
    document: Arc<Value>,
    token: Option<String>,
    headers: Vec<(String, String)>,
    http: reqwest::Client,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
    pub bytes: Vec<u8>,
    request: String,
}

impl Client {
    pub fn new(base: String, document: Arc<Value>) -> Client {
        Client { base, document, token: None, headers: Vec::new(), http: reqwest::Client::new() }
    }

    pub fn with_token(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn with_header(&self, name: &str, value: &str) -> Client {
        let mut headers = self.headers.clone();
        headers.push((name.to_owned(), value.to_owned()));
        Client { headers, ..self.clone() }
    }

    pub fn with_key(&self, key: &str) -> Client {
        self.with_header("Idempotency-Key", key)
    }

    pub fn if_match(&self, version: i64) -> Client {
        self.with_header("If-Match", &format!("\"{version}\""))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Reads a part of somebody's file for a purpose; whoever reads another's has to name one.
    pub async fn get_for(&self, purpose: &str, path: &str) -> Answer {
        let joint = if path.contains('?') { '&' } else { '?' };
        self.get(&format!("{path}{joint}purpose={purpose}")).await
    }

    /// Looks a judge up by what `body` names, for a purpose.
    pub async fn look_up_for(&self, purpose: &str, mut body: Value) -> Answer {
        body["purpose"] = Value::from(purpose);
        self.post("/v1/judges/lookup", body).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string().into_bytes())).await
    }

    /// Sends a form, as OAuth wants it.
    pub async fn post_form(&self, path: &str, form: &str) -> Answer {
        let client = self.with_header("Content-Type", "application/x-www-form-urlencoded");
        client.send(Method::POST, path, Some(form.as_bytes().to_vec())).await
    }

    /// Puts a document in: bytes under a content type, and a plain file name.
    pub async fn post_document(&self, path: &str, media_type: &str, name: &str, bytes: &[u8]) -> Answer {
        let disposition = format!("attachment; filename=\"{name}\"");
        let client = self.with_header("Content-Type", media_type).with_header("Content-Disposition", &disposition);
        client.send(Method::POST, path, Some(bytes.to_vec())).await
    }

    /// Sends a file.
    pub async fn post_file(&self, path: &str, content_type: &str, file: impl Into<Vec<u8>>) -> Answer {
        self.with_header("Content-Type", content_type).send(Method::POST, path, Some(file.into())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string().into_bytes())).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body.to_string().into_bytes())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends bytes as JSON, well-formed or not.
    pub async fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Answer {
        let answer = self.send_unchecked(method.clone(), path, body).await;
        self.check(&method, path, &answer);
        answer
    }

    /// Sends without a look at the answer, which to a HEAD has no body.
    pub async fn send_unchecked(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Answer {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let has_type = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            if !has_type {
                request = request.header("Content-Type", "application/json");
            }
            request = request.body(body);
        }
        let response = request.send().await.expect("the service answers");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.expect("the answer is whole").to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, body, text, bytes, request: format!("{method} {path}") }
    }

    fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let path = path.split('?').next().unwrap();
        let mut is_of_oauth = false;
        if let Some(operation) = operation(&self.document, method, path) {
            let declared = operation["responses"].as_object().unwrap();
            let is_declared = declared.contains_key(&answer.status.to_string());
            assert!(is_declared, "{}: {} is not declared\n{}", answer.request, answer.status, answer.text);
            // The one other form of a failure, which the libraries of OAuth know; it is declared as such.
            let content = declared.get(&answer.status.to_string()).map(|response| &response["content"]);
            is_of_oauth = answer.header("content-type") == "application/json"
                && content.is_some_and(|content| content["application/json"].is_object());
        }
        if answer.status >= 400 && is_of_oauth {
            assert!(answer.body["error"].is_string(), "{}: {}", answer.request, answer.text);
        }
        if answer.status >= 400 && !is_of_oauth {
            assert_eq!(
                answer.header("content-type"),
                "application/problem+json",
                "{}: {}",
                answer.request,
                answer.text
            );
            assert_eq!(answer.body["status"], answer.status, "{}", answer.request);
            assert!(answer.body["code"].is_string() && answer.body["title"].is_string(), "{}", answer.text);
            assert_eq!(answer.body["request_id"], answer.header("x-request-id"), "{}", answer.request);
        }
        let needed = match answer.status {
            401 => Some("www-authenticate"),
            405 => Some("allow"),
            429 | 503 => Some("retry-after"),
            _ => None,
        };
        if let Some(needed) = needed {
            assert!(answer.headers.contains_key(needed), "{}: no {needed}", answer.request);
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{}", answer.request);
    }
}

/// The document's operation for a method and a path.
fn operation<'a>(document: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    let segments: Vec<&str> = path.split('/').collect();
    let (_, item) = document["paths"].as_object()?.iter().find(|(template, _)| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == segments.len()
            && parts.iter().zip(&segments).all(|(part, segment)| part.starts_with('{') || part == segment)
    })?;
    item.get(method.as_str().to_lowercase())
}

impl Answer {
    /// The answer, if it has this status; the test's diagnosis otherwise.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}\n{}", self.request, self.text);
        self
    }

    /// The answer, if it is the problem of this code.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Answer {
        assert_eq!((self.status, self.code()), (status, code), "{}\n{}", self.request, self.text);
        self
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().expect("an id").to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The faults as `(pointer or parameter, code)`.
    pub fn faults(&self) -> Vec<(String, String)> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let place = |error: &Value| error["pointer"].as_str().or(error["parameter"].as_str()).unwrap().to_owned();
        errors.iter().map(|error| (place(error), error["code"].as_str().unwrap().to_owned())).collect()
    }
}
