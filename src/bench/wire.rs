//! The lean client that both sides of a measurement are driven by. A newcomer would take the HTTP client of the rest of
//! the crate; it would cost more than what is measured. This one writes bytes made before and reads a status, a length
//! and a body, of answers that our own servers give.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::{Error, Result};

/// What is read from the socket at once.
const CHUNK_SIZE: usize = 16 * 1024;

/// One connection, opened again where the server has closed it.
pub(super) struct Line {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// An answer, which lies in the line's buffer until the next call.
pub(super) struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

/// What a request carries besides its target.
#[derive(Default, Clone, Copy)]
pub(super) struct Extras<'a> {
    /// The bearer token.
    pub token: Option<&'a str>,
    /// The idempotency key.
    pub key: Option<&'a str>,
    /// The body, which is JSON where nothing else is said.
    pub body: &'a [u8],
    /// What the body is.
    pub content_type: Option<&'a str>,
}

/// The bytes of a request.
pub(super) fn request(method: &str, path: &str, extras: Extras<'_>) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    if let Some(token) = extras.token {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if let Some(key) = extras.key {
        head.push_str(&format!("Idempotency-Key: {key}\r\n"));
    }
    if !extras.body.is_empty() {
        let kind = extras.content_type.unwrap_or("application/json");
        head.push_str(&format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", extras.body.len()));
    }
    head.push_str("\r\n");
    [head.as_bytes(), extras.body].concat()
}

impl Line {
    /// A line to a server; it connects at the first call.
    pub fn to(address: SocketAddr) -> Line {
        Line { address, stream: None, buffer: Vec::with_capacity(CHUNK_SIZE) }
    }

    /// Sends a request and reads the whole answer.
    pub async fn call(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await.map_err(Error::internal)?;
                stream.set_nodelay(true).map_err(Error::internal)?;
                stream
            }
        };
        stream.write_all(request).await.map_err(Error::internal)?;
        self.buffer.clear();
        let head = loop {
            if let Some(head) = Head::read(&self.buffer)? {
                break head;
            }
            read_more(&mut stream, &mut self.buffer).await?;
        };
        let end = head.size + head.body_size;
        while self.buffer.len() < end {
            read_more(&mut stream, &mut self.buffer).await?;
        }
        if !head.is_last {
            self.stream = Some(stream);
        }
        let body = self.buffer.get(head.size..end).unwrap_or_default();
        Ok(Answer { status: head.status, body })
    }

    /// Sends a request and reads the JSON of its answer, which must have the status expected.
    pub async fn ask(&mut self, request: &[u8], expected: u16) -> Result<Value> {
        let answer = self.call(request).await?;
        answer.expect(expected)?;
        serde_json::from_slice(answer.body).map_err(Error::internal)
    }
}

impl Answer<'_> {
    /// Fails with the answer's text unless it has the status expected.
    pub fn expect(&self, expected: u16) -> Result<()> {
        if self.status == expected {
            return Ok(());
        }
        let text = String::from_utf8_lossy(self.body);
        Err(Error::internal(format!("a service under measurement answered {}: {text}", self.status)))
    }
}

async fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.reserve(CHUNK_SIZE);
    match stream.read_buf(buffer).await.map_err(Error::internal)? {
        0 => Err(Error::internal("a service under measurement hung up")),
        _ => Ok(()),
    }
}

/// What a client must know of an answer's head.
struct Head {
    status: u16,
    size: usize,
    body_size: usize,
    is_last: bool,
}

impl Head {
    /// `None` until the head is whole.
    fn read(buffer: &[u8]) -> Result<Option<Head>> {
        let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(buffer.get(..end).unwrap_or_default()).map_err(Error::internal)?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| Error::internal("an answer without a status"))?;
        let mut head = Head { status, size: end + 4, body_size: 0, is_last: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.body_size = value.parse().map_err(Error::internal)?;
            } else if name.eq_ignore_ascii_case("connection") {
                head.is_last = value.eq_ignore_ascii_case("close");
            }
        }
        Ok(Some(head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_length_and_whether_the_line_ends() {
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\nconnection: close\r\n\r\nabc";
        let head = Head::read(answer).unwrap().unwrap();
        assert_eq!((head.status, head.body_size, head.is_last), (202, 3, true));
        assert_eq!(&answer[head.size..], b"abc");
        assert!(Head::read(b"HTTP/1.1 200 OK\r\nContent-").unwrap().is_none());
    }

    #[test]
    fn a_request_carries_what_it_was_given() {
        let extras = Extras { token: Some("t"), key: Some("k"), body: b"{}", ..Extras::default() };
        let text = String::from_utf8(request("POST", "/v1/x", extras)).unwrap();
        assert!(text.starts_with("POST /v1/x HTTP/1.1\r\n") && text.ends_with("Content-Length: 2\r\n\r\n{}"), "{text}");
        assert!(text.contains("Bearer t\r\n") && text.contains("Idempotency-Key: k\r\n"), "{text}");
    }
}
