//! A mail server on this machine that speaks as much of SMTP (RFC 5321) as a sender needs, over a real socket. A newcomer's
//! usual mistake is to count a mail when its text arrives: it is taken where the server says so, and what is refused after
//! its text was never there.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What the server does with one mail that it does not simply take.
#[derive(Debug, Clone, Copy)]
pub enum Mood {
    /// Answers so to the sender's name.
    ToSender(&'static str),
    /// Answers so to the recipient's name.
    ToRecipient(&'static str),
    /// Answers so to the whole text.
    ToText(&'static str),
    /// Hangs up without a word.
    HangsUp,
    /// Waits with its answer to the text until it is told to go on.
    Waits,
}

/// How far a mail is that the server waits with.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Held {
    #[default]
    Nothing,
    HasText,
    GoesOn,
}

/// A mail server: what it took, and in which mood it meets the next senders before it takes all mail.
#[derive(Clone, Default)]
pub struct Mailbox {
    pub port: u16,
    mails: Arc<Mutex<Vec<String>>>,
    moods: Arc<Mutex<VecDeque<Mood>>>,
    held: Arc<(Mutex<Held>, Condvar)>,
}

impl Mailbox {
    /// A server that listens.
    pub fn open(moods: &[Mood]) -> Mailbox {
        let mailbox = Mailbox::closed();
        mailbox.moods.lock().unwrap().extend(moods);
        mailbox.listen();
        mailbox
    }

    /// A server at whose port nobody answers yet.
    pub fn closed() -> Mailbox {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Mailbox { port: listener.local_addr().unwrap().port(), ..Mailbox::default() }
    }

    /// Begins to listen.
    pub fn listen(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        let own = self.clone();
        // It ends with the test's process.
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| own.talk(&stream)));
    }

    /// The mails that it took.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    /// Waits until the server has a whole text that it has not answered.
    pub fn wait_for_text(&self) {
        let (held, changed) = &*self.held;
        let is_waiting = |held: &mut Held| *held != Held::HasText;
        let waited = changed.wait_timeout_while(held.lock().unwrap(), Duration::from_secs(60), is_waiting).unwrap();
        assert!(!waited.1.timed_out(), "no text came");
    }

    /// Lets it answer.
    pub fn go_on(&self) {
        self.turn(Held::GoesOn);
    }

    fn turn(&self, to: Held) {
        let (held, changed) = &*self.held;
        *held.lock().unwrap() = to;
        changed.notify_all();
    }

    /// One conversation; a sender who hangs up ends it.
    fn talk(&self, stream: &TcpStream) {
        let mut lines = BufReader::new(stream).lines();
        let mood = self.moods.lock().unwrap().pop_front();
        if !matches!(mood, Some(Mood::HangsUp)) {
            self.converse(stream, &mut lines, mood);
        }
    }

    fn converse(&self, mut stream: &TcpStream, lines: &mut Lines<impl BufRead>, mood: Option<Mood>) -> Option<()> {
        let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).ok();
        say("220 mail.test ESMTP")?;
        loop {
            let line = lines.next()?.ok()?;
            let verb = line.split(' ').next().unwrap_or("").to_ascii_uppercase();
            match (verb.as_str(), mood) {
                ("EHLO" | "HELO", _) => say("250 mail.test")?,
                ("MAIL", Some(Mood::ToSender(refusal))) | ("RCPT", Some(Mood::ToRecipient(refusal))) => say(refusal)?,
                ("DATA", _) => {
                    say("354 go on")?;
                    let text: Vec<String> =
                        lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                    if let Some(Mood::Waits) = mood {
                        self.turn(Held::HasText);
                        let (held, changed) = &*self.held;
                        drop(changed.wait_while(held.lock().unwrap(), |held| *held != Held::GoesOn).unwrap());
                    }
                    if let Some(Mood::ToText(refusal)) = mood {
                        say(refusal)?;
                        continue;
                    }
                    self.mails.lock().unwrap().push(text.join("\n") + "\n");
                    say("250 taken")?;
                }
                ("QUIT", _) => return say("221 bye"),
                _ => say("250 fine")?,
            };
        }
    }
}
