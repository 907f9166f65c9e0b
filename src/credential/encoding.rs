//! Bytes as the protocol writes them: base64url without padding in JSON, length-prefixed in hashed texts.
//!
//! What a newcomer would get wrong: base64url of other lengths than multiples of three has several readings. Here a
//! text is taken only if writing its bytes again gives the same text, so that one value has one name everywhere.
//! And the order of byte strings is the order of the *bytes*; the order of their base64url texts is another one.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};

/// A byte string of fixed length, base64url in JSON and in `Display`.
///
/// For public values only: `Debug` prints it whole. Secrets are [`Secret`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const N: usize>(pub [u8; N]);

/// A SHA-256 value.
pub type Digest = Bytes<32>;

/// The box's name of a cycle or a subject: 16 random bytes, in which no time is hidden.
pub type Ref = Bytes<16>;

/// A byte string of any length, base64url in JSON.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Blob(pub Vec<u8>);

/// A secret byte string: wiped when dropped, never shown by `Debug`, base64url where it is written on purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Zeroizing<Vec<u8>>);

/// Base64url without padding.
pub fn to_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a canonical base64url text without padding; else `malformed`.
pub fn from_base64url(text: &str) -> Result<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::from(Code::Malformed))?;
    if to_base64url(&bytes) != text {
        return Err(Code::Malformed.into());
    }
    Ok(bytes)
}

/// Standard base64 with padding, as C2SP notes write it.
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a canonical standard base64 text with padding; else `malformed`.
pub fn from_base64(text: &str) -> Result<Vec<u8>> {
    let bytes = STANDARD.decode(text).map_err(|_| Error::from(Code::Malformed))?;
    if to_base64(&bytes) != text {
        return Err(Code::Malformed.into());
    }
    Ok(bytes)
}

/// Appends `lp(bytes)`: the length as u32, big-endian, then the bytes.
///
/// Saturates above 4 GiB, which no caller can reach: a signed document is a few KiB.
pub fn lp(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// SHA-256 over the parts, one after the other and without separators.
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    Bytes(hash.finalize().into())
}

/// Random bytes from the operating system; `internal` where it has none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

/// Fills `bytes` from the operating system's generator; `internal` where it has none.
pub fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(Error::internal)
}

impl<const N: usize> Bytes<N> {
    /// N random bytes, such as a new `cycle_ref`, `subject_ref` or nonce.
    pub fn random() -> Result<Self> {
        random().map(Bytes)
    }

    /// The bytes of a slice of exactly this length; else `malformed`.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Bytes).map_err(|_| Code::Malformed.into())
    }
}

impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64url(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> AsRef<[u8]> for Bytes<N> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> FromStr for Bytes<N> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::from_slice(&from_base64url(text)?)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64url(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A secret holding a copy of these bytes; the caller wipes the original.
    pub fn new(bytes: &[u8]) -> Self {
        Secret(Zeroizing::new(bytes.to_vec()))
    }
}

/// Reads a base64url text into bytes; the three types above share it.
struct Base64Url;

impl Visitor<'_> for Base64Url {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("canonical base64url without padding")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Vec<u8>, E> {
        // The text itself is left out of the message: it may be a secret.
        from_base64url(text).map_err(|_| E::custom("not canonical base64url without padding"))
    }
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64url(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let bytes = deserializer.deserialize_str(Base64Url)?;
        bytes.as_slice().try_into().map(Bytes).map_err(|_| de::Error::custom("a byte string of the wrong length"))
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64url(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_str(Base64Url).map(Blob)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(to_base64url(&self.0)))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_str(Base64Url).map(|bytes| Secret(Zeroizing::new(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_taken_only_in_its_one_canonical_form() {
        assert_eq!(from_base64url("AA").unwrap(), [0]);
        for wrong in ["AB", "AA==", "A", "A A", "AA\n", "+/8", "é"] {
            assert_eq!(from_base64url(wrong).unwrap_err().code(), Code::Malformed, "{wrong:?}");
        }
    }

    #[test]
    fn bytes_have_exactly_their_length() {
        assert_eq!("AAE".parse::<Bytes<2>>().unwrap(), Bytes([0, 1]));
        assert!("AAE".parse::<Bytes<3>>().is_err());
        assert!(serde_json::from_str::<Bytes<3>>("\"AAE\"").is_err());
    }

    #[test]
    fn a_length_prefix_is_four_bytes_big_endian() {
        let mut out = Vec::new();
        lp(&mut out, b"abc");
        assert_eq!(out, b"\0\0\0\x03abc");
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new(b"key")), "Secret(…)");
    }
}
