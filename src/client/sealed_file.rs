//! The file that a card lies in: encrypted under a passphrase, replaced whole. Design, section 5.
//!
//! What a newcomer would get wrong: writing over the file. A crash half way would lose the keys of every review, so the
//! new text goes into a file beside it, to the disk, and takes the name last. The derived key stays in memory, for a
//! passphrase costs half a second; the initialisation vector is fresh each time.
//!
//! And two programs with one card: the second to save would write over the receipts of the first. So whoever has a card
//! holds a lock beside it from reading to the last writing.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::failure::{CardFailure, Result};
use crate::credential::encoding::{Blob, Bytes, fill_random};
use crate::error::Error;

const IV_SIZE: usize = 12;
const TAG_SIZE: usize = 16;
const CIPHER: &str = "aes-256-gcm";
/// The largest file that is read as a card, in bytes.
const FILE_SIZE_MAX: u64 = 64 * 1024 * 1024;
const PBKDF2_ITERATIONS: u32 = 600_000;
/// Above these costs, and below ours, a file is refused: one would hang the reader, the other be cheap to guess.
const PBKDF2_ITERATIONS_MAX: u32 = 10_000_000;
const ARGON2_MEMORY_KIB: u32 = 65_536;
const ARGON2_MEMORY_KIB_MAX: u32 = 1_048_576;
const ARGON2_PASSES: u32 = 3;
const ARGON2_PASSES_MAX: u32 = 20;
const PASSPHRASE_MIN: usize = 12;
/// A card is its owner's alone, and so is all that lies beside it.
const MODE: u32 = 0o600;

/// How the key is made of the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kdf {
    /// PBKDF2 with HMAC-SHA-512, which a browser can compute too.
    Pbkdf2Sha512,
    /// Argon2id, costlier to guess; a browser cannot read the card.
    Argon2id,
}

/// The derivation as it stands in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "name", deny_unknown_fields)]
enum Derivation {
    #[serde(rename = "pbkdf2-sha512")]
    Pbkdf2Sha512 { iterations: u32, salt: Bytes<16> },
    #[serde(rename = "argon2id")]
    Argon2id { memory_kib: u32, passes: u32, salt: Bytes<16> },
}

/// The text of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    v: u32,
    kdf: Derivation,
    cipher: String,
    iv: Bytes<IV_SIZE>,
    /// With the tag at its end, as browsers have it.
    ciphertext: Blob,
}

/// A file, the key to it, and the lock that keeps every other program from it.
pub struct SealedFile {
    path: PathBuf,
    derivation: Derivation,
    key: Zeroizing<[u8; 32]>,
    // Held for as long as this value lives.
    _lock: File,
}

/// Overwrites a card's file with random bytes, to the disk, and removes it with all that lies beside it; needs no
/// passphrase.
///
/// `missing`, `inaccessible`, or `in_use`, for another program would write the card anew. What the disk itself keeps of
/// earlier writings is out of any program's reach.
pub fn destroy(path: &Path) -> Result<()> {
    let _lock = take(path)?;
    let wipe = || -> std::io::Result<()> {
        overwrite(&unfinished(path))?;
        overwrite(path)?;
        std::fs::remove_file(beside(path, ".lock"))?;
        File::open(folder_of(path))?.sync_all()
    };
    // The cause would only repeat what the reader sees: that this file cannot be written.
    wipe().map_err(|_| CardFailure::Inaccessible.into())
}

/// Puts a file of the reviewer's into the place of an earlier one, whole or not at all, readable by its owner alone.
pub fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = unfinished(path);
    let mut new = File::options().write(true).create(true).truncate(true).mode(MODE).open(&unfinished)?;
    new.write_all(bytes)?;
    new.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    // Only then is the name itself on the disk.
    File::open(folder_of(path))?.sync_all()
}

impl SealedFile {
    /// A key for a file that does not exist yet; nothing of it is written. `in_use` if another program makes it, or has
    /// just done so.
    pub(super) fn create(path: &Path, passphrase: &str, kdf: Kdf) -> Result<Self> {
        let is_weak = passphrase.chars().count() < PASSPHRASE_MIN
            || zxcvbn::zxcvbn(passphrase, &[]).score() < zxcvbn::Score::Three;
        if is_weak {
            return Err(CardFailure::WeakPassphrase.into());
        }
        let lock = lock(path)?;
        if path.exists() {
            return Err(CardFailure::InUse.into());
        }
        let salt = Bytes::random()?;
        let derivation = match kdf {
            Kdf::Pbkdf2Sha512 => Derivation::Pbkdf2Sha512 { iterations: PBKDF2_ITERATIONS, salt },
            Kdf::Argon2id => Derivation::Argon2id { memory_kib: ARGON2_MEMORY_KIB, passes: ARGON2_PASSES, salt },
        };
        let key = derivation.key(passphrase)?;
        Ok(SealedFile { path: path.to_owned(), derivation, key, _lock: lock })
    }

    /// The file with its key, and the text that it holds; `in_use` while another program has it.
    pub(super) fn open(path: &Path, passphrase: &str) -> Result<(Self, Zeroizing<Vec<u8>>)> {
        let lock = take(path)?;
        // Another program that was killed while it saved; it holds the same keys under the same passphrase.
        overwrite(&unfinished(path)).map_err(|_| CardFailure::Inaccessible)?;
        let sealed: Sealed = serde_json::from_slice(&read(path)?).map_err(|_| CardFailure::Unreadable)?;
        if sealed.v != 1 || sealed.cipher != CIPHER || !sealed.kdf.is_bearable() {
            return Err(CardFailure::Unreadable.into());
        }
        let key = sealed.kdf.key(passphrase)?;
        let text = sealed.ciphertext.0.split_last_chunk::<TAG_SIZE>().and_then(|(body, tag)| {
            decrypt_aead(Cipher::aes_256_gcm(), key.as_slice(), Some(&sealed.iv.0), &[], body, tag).ok()
        });
        // A wrong passphrase and a changed file look alike, and have to.
        let text = text.map(Zeroizing::new).ok_or(CardFailure::WrongPassphrase)?;
        Ok((SealedFile { path: path.to_owned(), derivation: sealed.kdf, key, _lock: lock }, text))
    }

    /// Encrypts the text and puts it in the place of the file, readable by its owner alone.
    pub(super) fn write(&self, text: &[u8]) -> Result<()> {
        let iv: Bytes<IV_SIZE> = Bytes::random()?;
        let mut tag = [0; TAG_SIZE];
        let mut ciphertext = encrypt_aead(Cipher::aes_256_gcm(), self.key.as_slice(), Some(&iv.0), &[], text, &mut tag)
            .map_err(Error::internal)?;
        ciphertext.extend_from_slice(&tag);
        let sealed =
            Sealed { v: 1, kdf: self.derivation.clone(), cipher: CIPHER.to_owned(), iv, ciphertext: Blob(ciphertext) };
        let bytes = serde_json::to_vec(&sealed).map_err(Error::internal)?;
        // The cause would only repeat what the reader sees: that this file cannot be written.
        put(&self.path, &bytes).map_err(|_| CardFailure::Inaccessible.into())
    }
}

impl Derivation {
    fn is_bearable(&self) -> bool {
        match self {
            Derivation::Pbkdf2Sha512 { iterations, .. } => {
                (PBKDF2_ITERATIONS..=PBKDF2_ITERATIONS_MAX).contains(iterations)
            }
            Derivation::Argon2id { memory_kib, passes, .. } => {
                (ARGON2_MEMORY_KIB..=ARGON2_MEMORY_KIB_MAX).contains(memory_kib)
                    && (ARGON2_PASSES..=ARGON2_PASSES_MAX).contains(passes)
            }
        }
    }

    fn key(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>> {
        let mut key = Zeroizing::new([0; 32]);
        match self {
            Derivation::Pbkdf2Sha512 { iterations, salt } => {
                let iterations = usize::try_from(*iterations).map_err(Error::internal)?;
                pbkdf2_hmac(passphrase.as_bytes(), &salt.0, iterations, MessageDigest::sha512(), key.as_mut_slice())
                    .map_err(Error::internal)?;
            }
            Derivation::Argon2id { memory_kib, passes, salt } => {
                let told = |error: argon2::Error| Error::internal(error.to_string());
                let params = Params::new(*memory_kib, *passes, 1, Some(32)).map_err(told)?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(passphrase.as_bytes(), &salt.0, key.as_mut_slice())
                    .map_err(told)?;
            }
        }
        Ok(key)
    }
}

/// The lock of a card that exists.
fn take(path: &Path) -> Result<File> {
    // Nothing is made beside what is no card.
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => lock(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(CardFailure::Missing.into()),
        Ok(_) | Err(_) => Err(CardFailure::Inaccessible.into()),
    }
}

fn lock(path: &Path) -> Result<File> {
    let place = beside(path, ".lock");
    let open = || File::options().write(true).create(true).truncate(false).mode(MODE).open(&place);
    loop {
        let file = open().map_err(|_| CardFailure::Inaccessible)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CardFailure::InUse.into()),
            Err(TryLockError::Error(_)) => return Err(CardFailure::Inaccessible.into()),
        }
        // Whoever destroyed the card meanwhile removed this lock with it: it keeps nobody out any more.
        let own = file.metadata().map_err(|_| CardFailure::Inaccessible)?;
        if std::fs::metadata(&place).is_ok_and(|named| named.ino() == own.ino()) {
            return Ok(file);
        }
    }
}

/// Random bytes over a file, to the disk, before it is removed; nothing where there is none.
fn overwrite(path: &Path) -> std::io::Result<()> {
    let mut file = match File::options().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let size = usize::try_from(file.metadata()?.len()).map_err(std::io::Error::other)?;
    let mut noise = vec![0; size];
    fill_random(&mut noise).map_err(std::io::Error::other)?;
    file.write_all(&noise)?;
    file.sync_all()?;
    std::fs::remove_file(path)
}

/// Where a file is written before it takes its name; a name of its own, so that what a crash leaves there is found.
fn unfinished(path: &Path) -> PathBuf {
    beside(path, ".unfinished")
}

/// The hidden file that goes with this one.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(ending);
    path.with_file_name(name)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => CardFailure::Missing,
        _ => CardFailure::Inaccessible,
    })?;
    let mut bytes = Vec::new();
    file.take(FILE_SIZE_MAX).read_to_end(&mut bytes).map_err(|_| CardFailure::Inaccessible)?;
    Ok(bytes)
}
