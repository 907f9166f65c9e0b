//! Reviews by the thousand: a round whose registry and reviewers the test plays, and a poster that is only a socket. What
//! a newcomer would get wrong: the box is the real one, in its own process; only what is not looked at is played.

use std::io::{Read, Write};
use std::net::TcpStream;

use chrono::{DateTime, TimeDelta, Utc};
use ejf::ballot::leaks::Leak;
use ejf::credential::encoding::Digest;
use ejf::credential::envelope::Envelope;
use ejf::publication::Folder;
use serde_json::Value;

use crate::server::Server;
use crate::stage::{Engine, Stores};

/// A box in its process, with the folder in which the test plays the registry.
pub struct Box {
    pub stores: Stores,
    pub server: Server,
    pub folder: Folder,
}

impl Box {
    pub fn start(engine: &Engine) -> Box {
        Box::leaking(engine, None)
    }

    /// The same with a deliberate leak.
    pub fn leaking(engine: &Engine, leak: Option<Leak>) -> Box {
        let mut stores = Stores::create(engine, 0, leak);
        let server = stores.start();
        stores.terms.is_new = false;
        let folder = Folder::new(stores.terms.folder.join("public"));
        Box { stores, server, folder }
    }

    /// Starts it again on the same stores, after it died or was killed.
    pub fn restarted(self) -> Box {
        let Box { mut stores, server, folder } = self;
        stores.terms.now = server.now;
        server.kill();
        let server = stores.start();
        Box { stores, server, folder }
    }

    pub fn address(&self) -> String {
        self.server.ballot.strip_prefix("http://localhost").map(|port| format!("127.0.0.1{port}")).unwrap()
    }
}

/// Noon in Astana of a day so many days after 1 January 2027.
pub fn noon(day: i64) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2027-01-01T07:00:00Z".parse().unwrap();
    first + TimeDelta::days(day)
}

/// What came back for a review; nothing where the connection broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub code: String,
    /// The leaf that was promised to be in the tree.
    pub leaf: Option<Digest>,
}

/// Posts a review; `None` where the connection broke before an answer.
pub fn post(address: &str, review: &Envelope) -> Option<Reply> {
    post_bytes(address, &review.to_submission().unwrap())
}

/// Posts the bytes of a review.
pub fn post_bytes(address: &str, bytes: &[u8]) -> Option<Reply> {
    ask_for_reply(address, &submission("Content-Type: application/json\r\n", bytes))
}

/// A submission as it goes over the wire, with these headers.
pub fn submission(headers: &str, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let head = format!("POST /v1/anon/reviews HTTP/1.1\r\nHost: box\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

/// What comes back for the bytes of a whole request.
pub fn ask_for_reply(address: &str, request: &[u8]) -> Option<Reply> {
    let (status, body) = ask(address, request)?;
    let answer: Value = serde_json::from_slice(&body).ok()?;
    let leaf = answer["receipt"]["leaf"].as_str().map(|leaf| leaf.parse().unwrap());
    Some(Reply { status, code: answer["code"].as_str().unwrap_or_default().to_owned(), leaf })
}

/// Gets a document of the box; `None` where the connection broke.
pub fn get(address: &str, path: &str) -> Option<(u16, Vec<u8>)> {
    ask(address, format!("GET {path} HTTP/1.1\r\nHost: box\r\n\r\n").as_bytes())
}

fn ask(address: &str, request: &[u8]) -> Option<(u16, Vec<u8>)> {
    // Whatever breaks on the way, there is no answer.
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(request).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()?;
    Some((status, answer.split_off(head + 4)))
}
