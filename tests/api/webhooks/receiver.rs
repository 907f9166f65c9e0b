//! A receiver of events on this machine that speaks as much of HTTP/1.1 as a sender needs, over a real socket. A newcomer's usual
//! mistake is to count what came: what is answered with a refusal came too, and has to come again.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use ejf::config::origins::Origins;
use serde_json::Value;

/// What came in one request.
#[derive(Debug, Clone)]
pub struct Came {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The status that it was answered with; none where the receiver hung up.
    pub answered: Option<u16>,
}

impl Came {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// How the receiver answers the requests to come, one after the other, before it takes all.
#[derive(Debug, Clone)]
pub enum Mood {
    /// With this status, and these header lines.
    Answers(u16, &'static str),
    /// To whoever's event this judge's id is in, with 503; to others as if it were not there. It stays.
    Refuses(String),
    /// It hangs up without a word.
    HangsUp,
}

/// A receiver.
#[derive(Clone)]
pub struct Receiver {
    pub port: u16,
    came: Arc<Mutex<Vec<Came>>>,
    moods: Arc<Mutex<VecDeque<Mood>>>,
    listening: Arc<Mutex<Option<u64>>>,
}

impl Receiver {
    /// One that listens.
    pub fn open(moods: &[Mood]) -> Receiver {
        let receiver = Receiver::closed();
        receiver.moods.lock().unwrap().extend(moods.iter().cloned());
        receiver.listen();
        receiver
    }

    /// One at whose port nobody answers yet.
    pub fn closed() -> Receiver {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Receiver { port, came: Arc::default(), moods: Arc::default(), listening: Arc::default() }
    }

    /// Begins to listen.
    pub fn listen(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        let mut listening = self.listening.lock().unwrap();
        let own_turn = listening.unwrap_or(0) + 1;
        *listening = Some(own_turn);
        let own = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if *own.listening.lock().unwrap() != Some(own_turn) {
                    return;
                }
                own.talk(&stream);
            }
        });
    }

    /// Is gone: nobody answers at its port.
    pub fn kill(&self) {
        *self.listening.lock().unwrap() = None;
        // The thread that waits for the next request learns of it by one, and lets go of the port.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            std::thread::yield_now();
        }
    }

    /// How it answers from now on.
    pub fn set_moods(&self, moods: &[Mood]) {
        *self.moods.lock().unwrap() = moods.iter().cloned().collect();
    }

    /// What came, refused or taken.
    pub fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// What it took.
    pub fn taken(&self) -> Vec<Came> {
        self.came().into_iter().filter(|came| came.answered == Some(204)).collect()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/events?to=file", self.port)
    }

    /// The origins of a service that may send to it.
    pub fn origins(&self) -> Origins {
        Origins::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap()
    }

    fn talk(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.parse().ok()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).unwrap();
        let (answered, more) = self.answer(&body);
        self.came.lock().unwrap().push(Came { path, headers, body, answered });
        if let Some(status) = answered {
            let text = format!("HTTP/1.1 {status} As Asked\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n");
            (&mut &*stream).write_all(text.as_bytes()).ok()?;
        }
        Some(())
    }

    fn answer(&self, body: &str) -> (Option<u16>, &'static str) {
        let mut moods = self.moods.lock().unwrap();
        if let Some(Mood::Refuses(judge)) = moods.front() {
            return (Some(if body.contains(judge.as_str()) { 503 } else { 204 }), "");
        }
        match moods.pop_front() {
            Some(Mood::Answers(status, more)) => (Some(status), more),
            Some(Mood::HangsUp) => (None, ""),
            Some(Mood::Refuses(_)) | None => (Some(204), ""),
        }
    }
}
