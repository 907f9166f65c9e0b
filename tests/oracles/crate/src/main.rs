//! The crate `blind-rsa-signatures` as a program: one request a line, one answer a line, bytes in hexadecimal digits, as
//! `exchange.mjs` beside it. What a newcomer would get wrong: a refusal is an answer, `{"refused": true}`; only a request
//! that nobody knows ends the program.

use std::io::{Write, stdin, stdout};

use blind_rsa_signatures::{
    BlindMessage, BlindSignature, BlindingResult, DefaultRng, MessageRandomizer,
    PublicKeySha384PSSRandomized as PublicKey, SecretKeySha384PSSRandomized as SecretKey, Signature,
};
use serde_json::{Value, json};

/// What stands between a `blind` and the `finalize` after it.
struct Pending {
    key: PublicKey,
    msg: Vec<u8>,
    blinding: BlindingResult,
}

type Answer = Result<Value, blind_rsa_signatures::Error>;

fn main() {
    let mut pending = None;
    for line in stdin().lines() {
        let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let bytes = |name: &str| unhex(request[name].as_str().unwrap());
        let answer = match request["act"].as_str().unwrap() {
            "blind" => blind(&bytes("spki"), bytes("msg"), &mut pending),
            "sign" => sign(&bytes("pkcs8"), bytes("blinded")),
            "finalize" => finalize(pending.as_ref().unwrap(), bytes("answer")),
            "verify" => verify(&bytes("spki"), &bytes("prefix"), &bytes("msg"), bytes("signature")),
            other => panic!("nobody knows how to {other}"),
        };
        let answer = answer.unwrap_or_else(|error| json!({"refused": true, "error": error.to_string()}));
        writeln!(stdout(), "{answer}").unwrap();
    }
}

fn blind(spki: &[u8], msg: Vec<u8>, pending: &mut Option<Pending>) -> Answer {
    let key = PublicKey::from_der(spki)?;
    let blinding = key.blind(&mut DefaultRng, &msg)?;
    let prefix = blinding.msg_randomizer.unwrap().0;
    let answer = json!({"prefix": hex(&prefix), "blinded": hex(&blinding.blind_message.0)});
    *pending = Some(Pending { key, msg, blinding });
    Ok(answer)
}

fn sign(pkcs8: &[u8], blinded: Vec<u8>) -> Answer {
    let answer = SecretKey::from_der(pkcs8)?.blind_sign(&BlindMessage(blinded))?;
    Ok(json!({"answer": hex(&answer.0)}))
}

fn finalize(pending: &Pending, answer: Vec<u8>) -> Answer {
    let signature = pending.key.finalize(&BlindSignature(answer), &pending.blinding, &pending.msg)?;
    Ok(json!({"signature": hex(&signature.0)}))
}

fn verify(spki: &[u8], prefix: &[u8], msg: &[u8], signature: Vec<u8>) -> Answer {
    let prefix = MessageRandomizer(prefix.try_into().unwrap());
    let verdict = PublicKey::from_der(spki)?.verify(&Signature(signature), Some(prefix), msg);
    Ok(json!({"is_valid": verdict.is_ok()}))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
