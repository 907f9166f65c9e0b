//! A caller of the ballot box, over a real socket and a connection for each request. Of every answer it checks what the
//! box promises of all of them: one size, no name of the caller, the connection closed.

use ejf::credential::envelope::Envelope;
use ejf::credential::receipt::Receipt;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Clone)]
pub struct BoxClient {
    base: String,
    headers: Vec<(String, String)>,
    http: reqwest::Client,
}

#[derive(Debug)]
pub struct BoxAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub body: Value,
}

impl BoxClient {
    pub fn new(base: String) -> BoxClient {
        // No connection is kept: the protocol wants one for each request.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        BoxClient { base, headers: Vec::new(), http }
    }

    pub fn with_header(&self, name: &str, value: &str) -> BoxClient {
        let mut headers = self.headers.clone();
        headers.push((name.to_owned(), value.to_owned()));
        BoxClient { headers, ..self.clone() }
    }

    /// Posts a review as the protocol wants it.
    pub async fn submit(&self, envelope: &Envelope) -> BoxAnswer {
        self.post(envelope.to_submission().unwrap()).await
    }

    /// Complains of a receipt as the protocol wants it.
    pub async fn complain(&self, receipt: &Receipt) -> BoxAnswer {
        self.send(Method::POST, "/v1/anon/complaints", Some(complaint(receipt))).await
    }

    /// Posts bytes as JSON.
    pub async fn post(&self, bytes: Vec<u8>) -> BoxAnswer {
        self.send(Method::POST, "/v1/anon/reviews", Some(bytes)).await
    }

    pub async fn get(&self, path: &str) -> BoxAnswer {
        self.send(Method::GET, path, None).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> BoxAnswer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if body.is_some() && !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("Content-Type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.expect("the box answers");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.unwrap().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let answer = BoxAnswer { status, headers, bytes, body };
        answer.check(path);
        answer
    }
}

/// A receipt filled up to the one size.
pub fn complaint(receipt: &Receipt) -> Vec<u8> {
    let mut text = serde_json::json!({"receipt": receipt, "pad": ""}).to_string();
    let missing = 8192 - text.len();
    text = serde_json::json!({"receipt": receipt, "pad": "0".repeat(missing)}).to_string();
    text.into_bytes()
}

impl BoxAnswer {
    fn check(&self, path: &str) {
        if path.starts_with("/v1/anon/") || self.status >= 400 {
            assert_eq!(self.bytes.len(), 1024, "{path}: {}", self.body);
        }
        if self.status >= 400 {
            assert_eq!(self.header("content-type"), "application/problem+json");
            let members: Vec<&String> = self.body.as_object().unwrap().keys().collect();
            assert_eq!(members, ["code", "pad", "status", "title", "type"]);
            assert_eq!(self.body["status"], self.status);
        }
        assert_eq!(self.header("connection"), "close", "{path}");
        assert_eq!(self.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{path}");
        for name in ["x-request-id", "set-cookie", "server", "access-control-allow-credentials", "vary"] {
            assert!(!self.headers.contains_key(name), "{path}: {name}");
        }
    }

    /// The answer, if it has this status; the test's diagnosis otherwise.
    #[track_caller]
    pub fn expect(self, status: u16) -> BoxAnswer {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The answer, if it is the problem of this code.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> BoxAnswer {
        assert_eq!((self.status, self.body["code"].as_str().unwrap_or_default()), (status, code), "{}", self.body);
        self
    }

    /// The receipt in an answer to a submission that was taken.
    #[track_caller]
    pub fn receipt(self) -> Receipt {
        let answer = self.expect(202);
        serde_json::from_value(answer.body["receipt"].clone()).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
