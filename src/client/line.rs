//! HTTP as the client speaks it: one line to one server, one connection for each request, nothing that identifies.
//!
//! What a newcomer would get wrong: a connection kept open, a cookie, a user agent or a redirect would join what the
//! protocol keeps apart. A line therefore keeps no connection and follows nowhere, and a token is given to a single
//! request. Proxies of the environment are passed over, because such a proxy may add who asks.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::failure::{Failure, Result};
use crate::error::{Code, Error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// The largest answer that is read, in bytes: a manifest of the most subjects allowed has some 20 MB.
const ANSWER_SIZE_MAX: usize = 32 * 1024 * 1024;

/// A way to one server.
pub(super) struct Line {
    client: Client,
    base: String,
}

/// What is read of a problem (RFC 9457); other members are the server's to add.
#[derive(Deserialize)]
struct Problem {
    code: String,
}

impl Line {
    /// A line to the server at `base`, such as `https://box.sjc.example`; nothing is sent yet.
    pub(super) fn to(base: &str) -> Result<Self> {
        let client = Client::builder()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .build()
            .map_err(Error::internal)?;
        Ok(Line { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// The bytes at a path; a problem is told by its code.
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>> {
        self.answer(self.client.get(self.url(path)), StatusCode::OK).await
    }

    /// The bytes at a path that needs a token.
    pub(super) async fn get_bytes_as(&self, path: &str, token: &str) -> Result<Vec<u8>> {
        self.answer(self.client.get(self.url(path)).bearer_auth(token), StatusCode::OK).await
    }

    /// The value at a path that needs a token.
    pub(super) async fn get_as<T: DeserializeOwned>(&self, path: &str, token: &str) -> Result<T> {
        let bytes = self.answer(self.client.get(self.url(path)).bearer_auth(token), StatusCode::OK).await?;
        self.read(StatusCode::OK, &bytes)
    }

    /// The answer to a JSON text; `token` goes with this request alone.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        json: Vec<u8>,
        expected: StatusCode,
    ) -> Result<T> {
        let request = self.client.post(self.url(path)).header(CONTENT_TYPE, "application/json").body(json);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let bytes = self.answer(request, expected).await?;
        self.read(expected, &bytes)
    }

    /// The status of the answer to a JSON text of which the answer's body matters as little as the sender.
    pub(super) async fn post_for_status(&self, path: &str, json: Vec<u8>) -> Result<StatusCode> {
        let request = self.client.post(self.url(path)).header(CONTENT_TYPE, "application/json").body(json);
        let response = request.send().await.map_err(|_| Failure::Unreachable(self.base.clone()))?;
        Ok(response.status())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn read<T: DeserializeOwned>(&self, status: StatusCode, bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|_| self.unexpected(status))
    }

    pub(super) fn unexpected(&self, status: StatusCode) -> Failure {
        Failure::UnexpectedAnswer(self.base.clone(), status.as_u16())
    }

    async fn answer(&self, request: RequestBuilder, expected: StatusCode) -> Result<Vec<u8>> {
        // The cause may name the whole address; the server's own is all that helps the reader.
        let response = request.send().await.map_err(|_| Failure::Unreachable(self.base.clone()))?;
        let status = response.status();
        let bytes = self.body(response).await?;
        if status == expected {
            return Ok(bytes);
        }
        let problem: Option<Problem> = serde_json::from_slice(&bytes).ok(); // A page of a proxy is no problem document.
        let code = problem.and_then(|problem| Code::ALL.iter().copied().find(|code| code.as_str() == problem.code));
        Err(code.map_or_else(|| self.unexpected(status), Failure::Refused))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Unreachable(self.base.clone()))? {
            if bytes.len() + chunk.len() > ANSWER_SIZE_MAX {
                return Err(self.unexpected(response.status()));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
