//! V-2: our client and our issuer against other implementations of RFC 9474, both ways. What a newcomer would get wrong:
//! the others are no dependencies. They are programs beside this one, started where `scripts/privacy` has made them; the
//! fast subset meets the client in JavaScript, which needs nothing but Node.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ejf::credential::blind_rsa::{IssuerKey, Pending, verify};
use ejf::credential::encoding::Bytes;
use serde_json::{Map, Value};

use crate::dice::Dice;
use crate::key_pool;
use crate::runs::variable;

/// Runs of the fast subset; those of the whole are told by `EJF_PRIVACY_ORACLES`.
const FEW: u64 = 8;
const KEYS: usize = 3;

/// Another implementation as a process: a request a line, an answer a line.
struct Oracle {
    name: &'static str,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    is_issuer: bool,
}

/// What came of the runs with one implementation; each run is a dealing each way, where the other can issue.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    dealings: u64,
    /// Signatures that both took.
    taken: u64,
    /// Damaged signatures, messages and answers that both refused.
    refused: u64,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn oracles() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles")
}

impl Oracle {
    fn start(name: &'static str, mut command: Command, is_issuer: bool) -> Oracle {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start (Node 18 or newer must be installed): {error}"));
        let (requests, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Oracle { name, child, requests, answers, is_issuer }
    }

    /// One of the implementations in JavaScript.
    fn in_javascript(name: &'static str, is_issuer: bool) -> Oracle {
        let mut node = Command::new("node");
        node.arg(oracles().join("exchange.mjs")).arg(name);
        Oracle::start(name, node, is_issuer)
    }

    /// The crate, where `scripts/privacy` builds it.
    fn of_crate() -> Oracle {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/oracles/debug/oracle");
        Oracle::start("blind-rsa-signatures", Command::new(program), true)
    }

    /// The answer's member as bytes; none where it refused.
    fn ask(&mut self, act: &str, members: &[(&str, &[u8])]) -> Value {
        let mut request: Map<String, Value> =
            members.iter().map(|(name, bytes)| ((*name).to_owned(), Value::from(hex(bytes)))).collect();
        request.insert("act".to_owned(), Value::from(act));
        writeln!(self.requests, "{}", Value::from(request)).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {act}: {line:?}: {error}", self.name))
    }

    fn bytes(&mut self, act: &str, members: &[(&str, &[u8])], name: &str) -> Option<Vec<u8>> {
        let answer = self.ask(act, members);
        if answer["refused"] == true {
            return None;
        }
        Some(unhex(answer[name].as_str().unwrap_or_else(|| panic!("{}: {act}: {answer}", self.name))))
    }

    fn takes(&mut self, key: &IssuerKey, prefix: &[u8], msg: &[u8], signature: &[u8]) -> bool {
        let spki = key.public().spki_der();
        let members = [("spki", spki), ("prefix", prefix), ("msg", msg), ("signature", signature)];
        let answer = self.ask("verify", &members);
        answer["refused"] != true && answer["is_valid"].as_bool().unwrap()
    }

    /// Our client asks their issuer.
    fn issue(&mut self, key: &IssuerKey, msg: &[u8], dice: &mut Dice, tally: &mut Tally) {
        let pending = Pending::blind(key.public(), msg).unwrap();
        let pkcs8 = key.to_pkcs8_der().unwrap();
        let members = [("pkcs8", pkcs8.as_slice()), ("blinded", pending.blinded_msg.0.as_slice())];
        let answer = self.bytes("sign", &members, "answer").unwrap();
        assert_eq!(answer, key.blind_sign(&pending.blinded_msg.0).unwrap(), "{}: another answer than ours", self.name);
        assert!(pending.finalize(key.public(), msg, &damaged(&answer, dice)).is_err());
        tally.refused += 1;
        let signature = pending.finalize(key.public(), msg, &answer).unwrap();
        self.compare(key, &pending.prefix, msg, &signature, dice, tally);
    }

    /// Their client asks our issuer.
    fn collect(&mut self, key: &IssuerKey, msg: &[u8], dice: &mut Dice, tally: &mut Tally) {
        let asked = self.ask("blind", &[("spki", key.public().spki_der()), ("msg", msg)]);
        let part = |name: &str| unhex(asked[name].as_str().unwrap());
        let (prefix, blinded) = (Bytes::from_slice(&part("prefix")).unwrap(), part("blinded"));
        let answer = key.blind_sign(&blinded).unwrap();
        let damaged = damaged(&answer, dice);
        assert_eq!(self.bytes("finalize", &[("answer", &damaged)], "signature"), None, "{}", self.name);
        tally.refused += 1;
        let signature = self.bytes("finalize", &[("answer", &answer)], "signature").unwrap();
        self.compare(key, &prefix, msg, &signature, dice, tally);
    }

    /// Both take the signature, and neither takes it with a flipped bit in any part.
    fn compare(
        &mut self,
        key: &IssuerKey,
        prefix: &Bytes<32>,
        msg: &[u8],
        signature: &[u8],
        dice: &mut Dice,
        tally: &mut Tally,
    ) {
        let mut judge = |prefix: &[u8], msg: &[u8], signature: &[u8]| {
            let ours = verify(key.public(), &Bytes::from_slice(prefix).unwrap(), msg, signature);
            assert_eq!(self.takes(key, prefix, msg, signature), ours, "{}: {}", self.name, hex(signature));
            ours
        };
        assert!(judge(&prefix.0, msg, signature));
        assert!(!judge(&damaged(&prefix.0, dice), msg, signature));
        assert!(!judge(&prefix.0, &damaged(msg, dice), signature));
        assert!(!judge(&prefix.0, msg, &damaged(signature, dice)));
        // Where that byte is a zero, OpenSSL and so the engine behind Node takes the rest for the whole, which RFC 8017,
        // 8.1.2, forbids: here the verdict is ours alone.
        assert!(!verify(key.public(), prefix, msg, &signature[1..]));
        tally.dealings += 1;
        tally.taken += 1;
        tally.refused += 3;
    }

    fn deal(mut self, keys: &[IssuerKey], runs: u64, seed: u64) -> Tally {
        let (mut dice, mut tally) = (Dice::new(seed), Tally::default());
        for run in 0..runs {
            let key = &keys[usize::try_from(run).unwrap() % keys.len()];
            self.collect(key, &dice.bytes::<108>(), &mut dice, &mut tally);
            if self.is_issuer {
                self.issue(key, &dice.bytes::<108>(), &mut dice, &mut tally);
            }
        }
        drop(self.requests);
        assert!(self.child.wait().unwrap().success(), "{}", self.name);
        tally
    }
}

/// The bytes with one bit flipped.
fn damaged(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let place = usize::try_from(dice.below(8 * bytes.len() as u64)).unwrap();
    let mut damaged = bytes.to_vec();
    damaged[place / 8] ^= 1 << (place % 8);
    damaged
}

fn expect(tally: &Tally, runs: u64, ways: u64) {
    assert_eq!(*tally, Tally { dealings: runs * ways, taken: runs * ways, refused: runs * ways * 4 });
}

#[test]
fn the_client_in_javascript_deals_with_our_issuer() {
    let keys = key_pool::deal(KEYS);
    expect(&Oracle::in_javascript("own", false).deal(&keys, FEW, 1), FEW, 1);
}

/// Each implementation in processes of its own, as many as there are cores: the slowest signs for a second.
#[test]
fn other_implementations_accept_and_refuse_what_ours_do_both_ways() {
    let Some(runs) = variable("EJF_PRIVACY_ORACLES") else { return };
    let runs: u64 = runs.parse().unwrap();
    let keys = key_pool::deal(KEYS);
    let starts: [(fn() -> Oracle, u64); 3] = [
        (|| Oracle::in_javascript("own", false), 1),
        (|| Oracle::in_javascript("cloudflare", true), 2),
        (Oracle::of_crate, 2),
    ];
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    for (start, ways) in starts {
        std::thread::scope(|scope| {
            for core in 0..cores {
                let share = (runs + core) / cores;
                let keys = &keys;
                scope.spawn(move || expect(&start().deal(keys, share, core), share, ways));
            }
        });
    }
}
