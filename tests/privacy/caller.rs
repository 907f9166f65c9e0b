//! A caller of the registry, and a listener in front of it that keeps what passes, as an insider can who holds the
//! registry's certificate.
//!
//! What a newcomer would get wrong: the transcripts are evidence. Blinded messages are nowhere stored whole, but whoever
//! runs the registry could have kept them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::PASSWORD;

/// One client for all that is not the released one; making one costs more than most requests.
pub fn http() -> reqwest::Client {
    static HTTP: OnceLock<reqwest::Client> = OnceLock::new();
    // No connection is kept: each test has a runtime of its own, and a connection does not outlive it.
    let build = || reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    HTTP.get_or_init(build).clone()
}

/// One account that calls the registry and logs in when it must.
pub struct Caller {
    pub login: String,
    base: String,
    http: reqwest::Client,
    token: tokio::sync::Mutex<Option<String>>,
}

impl Caller {
    pub fn new(base: &str, login: impl Into<String>) -> Caller {
        Caller { login: login.into(), base: base.to_owned(), http: http(), token: tokio::sync::Mutex::new(None) }
    }

    /// The answer to a GET, whatever it is: status, headers that may differ, body.
    pub async fn look(&self, path: &str) -> (u16, Vec<u8>) {
        let (status, body) = self.call(Method::GET, path, None).await;
        (status.as_u16(), body)
    }

    pub async fn get(&self, path: &str) -> Value {
        self.expect(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.expect(Method::POST, path, Some(body)).await
    }

    /// All items of a list, page by page.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = format!("{path}?limit=100");
        loop {
            let page = self.get(&next).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { return items };
            next = format!("{path}?limit=100&cursor={cursor}");
        }
    }

    /// Asks for an act of two persons as this one and confirms it as the other.
    pub async fn act_with(&self, second: &Caller, path: &str, body: Value) -> Value {
        let approval = self.post(path, body).await;
        let confirm = format!("/v1/approvals/{}/confirm", approval["id"].as_str().unwrap());
        second.post(&confirm, json!({"digest": approval["digest"]})).await
    }

    /// Logs in anew, as a judge does who comes to the service.
    pub async fn log_in(&self) -> String {
        let body = json!({"login": self.login, "password": PASSWORD});
        let (status, answer) = self.send(Method::POST, "/v1/sessions", Some(&body), None).await;
        assert_eq!(status, StatusCode::CREATED, "{}: {}", self.login, String::from_utf8_lossy(&answer));
        let granted: Value = serde_json::from_slice(&answer).unwrap();
        let token = granted["access_token"].as_str().unwrap().to_owned();
        *self.token.lock().await = Some(token.clone());
        token
    }

    async fn expect(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.call(method.clone(), path, body).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(status.is_success(), "{method} {path} as {}: {status} {text}", self.login);
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Vec<u8>) {
        let known = self.token.lock().await.clone();
        let token = match known {
            Some(token) => token,
            None => self.log_in().await,
        };
        let answer = self.send(method.clone(), path, body.as_ref(), Some(&token)).await;
        if answer.0 != StatusCode::UNAUTHORIZED {
            return answer;
        }
        let token = self.log_in().await;
        self.send(method, path, body.as_ref(), Some(&token)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
    ) -> (StatusCode, Vec<u8>) {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if method == Method::POST {
            request = request.header("Idempotency-Key", uuid::Uuid::new_v4().to_string());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.bytes().await.unwrap().to_vec())
    }
}

/// What passed one connection, in both directions.
#[derive(Debug, Clone, Default)]
pub struct Passed {
    pub request: Vec<u8>,
    pub answer: Vec<u8>,
}

/// A listener in front of a server.
pub struct Recorder {
    pub base: String,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Recorder {
    /// Listens and passes everything on to the server at `target`.
    pub fn before(target: &str) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let target = target.strip_prefix("http://").unwrap().to_owned();
        let passed: Arc<Mutex<Vec<Passed>>> = Arc::default();
        let kept = passed.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                // A client that is gone again has nothing to record.
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&target)) else { continue };
                let kept = kept.clone();
                std::thread::spawn(move || {
                    let one = record(&client, &server);
                    kept.lock().unwrap().push(one);
                });
            }
        });
        Recorder { base, passed }
    }

    /// What passed so far on connections that have ended.
    pub fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }
}

fn record(client: &TcpStream, server: &TcpStream) -> Passed {
    let mut passed = Passed::default();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| pump(client, server));
        passed.answer = pump(server, client);
        passed.request = asking.join().unwrap();
    });
    passed
}

/// Passes on what comes, until no more does.
fn pump(mut from: &TcpStream, mut to: &TcpStream) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    // A connection that breaks off ends like one that is closed.
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        kept.extend(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    kept
}

/// The JSON body of a message.
pub fn body(message: &[u8]) -> Option<Value> {
    let head = message.windows(4).position(|window| window == b"\r\n\r\n")?;
    // What is no JSON has no body that matters here.
    serde_json::from_slice(&message[head + 4..]).ok()
}
