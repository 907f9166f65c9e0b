//! Signed notes and checkpoints in the formats of C2SP, used as they are.
//!
//! What a newcomer would get wrong: the key name *is* the origin, so one log key has a verifier key of its own for
//! each cycle and round; a signature made for one round never verifies for another, though the key is the same. And
//! notes use standard base64 with padding, where everything else here uses base64url without.

use std::fmt;

use ed25519_dalek::SigningKey;

use crate::credential::encoding::{Bytes, Digest, from_base64, sha256, to_base64};
use crate::credential::signing::{self, PublicKey};
use crate::error::{Code, Error, Result};

/// The C2SP signature type of Ed25519.
const ED25519: u8 = 0x01;

/// The em dash and the space that open a signature line.
const SIGNATURE_PREFIX: &str = "— ";

/// The longest note that is read, in bytes; a note of ours has three lines and one signature.
const NOTE_SIZE_MAX: usize = 16 * 1024;

/// A key that verifies notes, with the name that signature lines must bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: PublicKey,
}

/// A text of three lines: origin, number, hash. Checkpoints and manifest notes both have this shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log and round this is about; equals the name of the signing key.
    pub origin: String,
    /// The number of leaves; in a manifest note the generation.
    pub size: u64,
    /// The root of the tree; in a manifest note the digest of the manifest.
    pub root: Digest,
}

/// The first four bytes of `H(name ‖ 0x0A ‖ 0x01 ‖ public key)`.
pub fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    let Bytes([a, b, c, d, ..]) = sha256(&[name.as_bytes(), b"\n", &[ED25519], &key.0]);
    [a, b, c, d]
}

/// The note over `text`, which must end in a line feed, signed under `name`; `malformed` for an impossible text or name.
pub fn sign(text: &str, name: &str, key: &SigningKey) -> Result<String> {
    if !is_text(text) || !is_name(name) {
        return Err(Code::Malformed.into());
    }
    let mut signature = key_id(name, &signing::public_key(key)).to_vec();
    signature.extend_from_slice(&signing::sign(key, &[text.as_bytes()]).0);
    Ok(format!("{text}\n{SIGNATURE_PREFIX}{name} {}\n", to_base64(&signature)))
}

/// The text of a note that bears a valid signature of `key`.
///
/// Signatures of other keys are passed over, as C2SP wants. `malformed` if it is no note, `signature_invalid` if the
/// key has not signed it or one of its signatures is wrong.
pub fn verify<'a>(note: &'a str, key: &VerifierKey) -> Result<&'a str> {
    let (text, signatures) = split(note)?;
    let key_id = key.key_id();
    let mut is_signed = false;
    for line in signatures.lines() {
        let (name, bytes) = signature_line(line)?;
        if name != key.name || bytes.get(..4) != Some(&key_id) {
            continue;
        }
        let signature = Bytes::from_slice(bytes.get(4..).unwrap_or_default())?;
        if !signing::verify(&key.key, &[text.as_bytes()], &signature) {
            return Err(Code::SignatureInvalid.into());
        }
        is_signed = true;
    }
    if is_signed { Ok(text) } else { Err(Code::SignatureInvalid.into()) }
}

/// Splits at the last blank line: the text with its final line feed, and the signature lines.
fn split(note: &str) -> Result<(&str, &str)> {
    let malformed = || Error::from(Code::Malformed);
    if note.len() > NOTE_SIZE_MAX || !note.ends_with('\n') {
        return Err(malformed());
    }
    let blank = note.rfind("\n\n").ok_or_else(malformed)?;
    let text = note.get(..=blank).ok_or_else(malformed)?;
    let signatures = note.get(blank + 2..).ok_or_else(malformed)?;
    if !is_text(text) || signatures.is_empty() {
        return Err(malformed());
    }
    Ok((text, signatures))
}

fn signature_line(line: &str) -> Result<(&str, Vec<u8>)> {
    let rest = line.strip_prefix(SIGNATURE_PREFIX).ok_or_else(|| Error::from(Code::Malformed))?;
    let (name, encoded) = rest.split_once(' ').ok_or_else(|| Error::from(Code::Malformed))?;
    let bytes = from_base64(encoded)?;
    if !is_name(name) || bytes.len() < 5 {
        return Err(Code::Malformed.into());
    }
    Ok((name, bytes))
}

/// A note's text ends in a line feed and holds no other control character.
fn is_text(text: &str) -> bool {
    text.ends_with('\n') && text.chars().all(|character| character == '\n' || !character.is_control())
}

/// A key name is not empty and holds neither white space nor `+`.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|character| character.is_whitespace() || character.is_control() || character == '+')
}

impl VerifierKey {
    /// A verifier key of this name; `malformed` if the name is empty or holds white space or `+`.
    pub fn new(name: impl Into<String>, key: PublicKey) -> Result<Self> {
        let name = name.into();
        if !is_name(&name) {
            return Err(Code::Malformed.into());
        }
        Ok(VerifierKey { name, key })
    }

    /// Reads `<name>+<8 hex>+base64(0x01 ‖ public key)`; `malformed` unless the key id fits.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = || Error::from(Code::Malformed);
        // Base64 may hold a `+`, the name and the hex may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        let bytes = from_base64(encoded)?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(malformed());
        };
        let key = VerifierKey::new(name, Bytes::from_slice(key)?)?;
        if key.to_string() != text {
            return Err(malformed());
        }
        Ok(key)
    }

    /// The name that signature lines must bear.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The four bytes that open this key's signatures.
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, &self.key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key_id = u32::from_be_bytes(self.key_id());
        let encoded = to_base64(&[&[ED25519], self.key.0.as_slice()].concat());
        write!(f, "{}+{key_id:08x}+{encoded}", self.name)
    }
}

impl Checkpoint {
    /// The three lines, each ended by a line feed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, to_base64(&self.root.0))
    }

    /// Reads exactly three lines in their canonical form; else `malformed`.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = || Error::from(Code::Malformed);
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed());
        };
        let size = size.parse().map_err(|_| malformed())?;
        let root = Bytes::from_slice(&from_base64(root)?)?;
        let checkpoint = Checkpoint { origin: origin.to_owned(), size, root };
        if checkpoint.text() != text {
            return Err(malformed());
        }
        Ok(checkpoint)
    }

    /// The signed note of this checkpoint, under its origin as the key name.
    pub fn sign(&self, key: &SigningKey) -> Result<String> {
        sign(&self.text(), &self.origin, key)
    }

    /// The checkpoint of a note signed by `key`, whose name must be the origin; else as [`verify`], or `malformed`.
    pub fn verify(note: &str, key: &VerifierKey) -> Result<Self> {
        let checkpoint = Checkpoint::parse(verify(note, key)?)?;
        if checkpoint.origin != key.name {
            return Err(Code::SignatureInvalid.into());
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the C2SP and Go note documentation.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETER_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn the_example_of_the_reference_implementation_verifies() {
        let key = VerifierKey::parse(PETER).unwrap();
        assert_eq!(key.to_string(), PETER);
        assert!(verify(PETER_NOTE, &key).unwrap().ends_with("problem is.\n"));
    }

    #[test]
    fn a_changed_text_or_name_does_not_verify() {
        let key = VerifierKey::parse(PETER).unwrap();
        let other = VerifierKey::new("Peter", *key.key()).unwrap();
        assert_eq!(verify(&PETER_NOTE.replace("If", "Of"), &key).unwrap_err().code(), Code::SignatureInvalid);
        assert_eq!(verify(PETER_NOTE, &other).unwrap_err().code(), Code::SignatureInvalid);
    }

    #[test]
    fn signatures_of_other_keys_are_passed_over() {
        let key = SigningKey::from_bytes(&[5; 32]);
        let verifier = VerifierKey::new("a/b", signing::public_key(&key)).unwrap();
        let note = sign("text\n", "a/b", &key).unwrap();
        let witnessed = format!("{note}— witness AAAAAAAA\n");
        assert_eq!(verify(&witnessed, &verifier).unwrap(), "text\n");
    }

    #[test]
    fn what_is_no_note_is_malformed() {
        let key = VerifierKey::parse(PETER).unwrap();
        for text in
            ["", "\n\n", "text\n", "text\n\n", "text\n\nPeter AAAA\n", "text\n\n— Peter AAAA", "a\tb\n\n— P AAAAAAAA\n"]
        {
            assert_eq!(verify(text, &key).unwrap_err().code(), Code::Malformed, "{text:?}");
        }
        assert!(VerifierKey::parse("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").is_err());
        assert!(sign("text", "name", &SigningKey::from_bytes(&[5; 32])).is_err());
        assert!(sign("text\n", "a name", &SigningKey::from_bytes(&[5; 32])).is_err());
    }

    #[test]
    fn a_checkpoint_has_exactly_three_canonical_lines() {
        let checkpoint = Checkpoint { origin: "o/1".to_owned(), size: 1487, root: Bytes([9; 32]) };
        let text = checkpoint.text();
        assert_eq!(Checkpoint::parse(&text).unwrap(), checkpoint);
        for wrong in [
            format!("{text}x\n"),
            text.replace("1487", "01487"),
            text.replace("1487", "+1487"),
            text.replace('\n', "\r\n"),
        ] {
            assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_checkpoint_signed_for_one_round_does_not_pass_for_another() {
        let key = SigningKey::from_bytes(&[5; 32]);
        let checkpoint = Checkpoint { origin: "o/1".to_owned(), size: 1, root: Bytes([9; 32]) };
        let note = checkpoint.sign(&key).unwrap();
        let round = |name| VerifierKey::new(name, signing::public_key(&key)).unwrap();
        assert_eq!(Checkpoint::verify(&note, &round("o/1")).unwrap(), checkpoint);
        assert_eq!(Checkpoint::verify(&note, &round("o/2")).unwrap_err().code(), Code::SignatureInvalid);
    }
}
