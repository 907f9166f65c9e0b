//! The key file of a round, outside the database and its backups: it wraps the issuer's private keys, and when it is
//! destroyed at the seal, no backup of the registry can open them again. A newcomer's usual mistake is to keep a copy.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Cipher;
use crate::durable::{create, erase};
use crate::error::{Error, Result};

const KEY_BYTES: usize = 32;

/// Where the key of a cycle's round lies.
pub fn path(dir: &Path, cycle_id: &str, round: i32) -> PathBuf {
    dir.join(format!("{cycle_id}-{round}.key"))
}

/// The cipher of the round, whose key file is made where there is none: 32 random bytes, for the owner alone, on disk
/// before the first use.
pub fn make(file: &Path) -> Result<Cipher> {
    if let Some(cipher) = load(file)? {
        return Ok(cipher);
    }
    let folder = file.parent().ok_or_else(|| Error::internal("the key file has no folder"))?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::internal)?;
    let mut key = Zeroizing::new([0u8; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice()).map_err(Error::internal)?;
    let name = file.file_name().and_then(OsStr::to_str).ok_or_else(|| Error::internal("the key file has no name"))?;
    // One that is there stays: a key that wraps something is never replaced.
    create(folder, name, key.as_slice(), 0o600)?;
    load(file)?.ok_or_else(|| Error::internal("a new key file vanished"))
}

/// The cipher of the round; `None` where its key file is not there, because it is not made yet or destroyed.
pub fn load(file: &Path) -> Result<Option<Cipher>> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::internal(error)),
    };
    let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| Error::internal("a key file is broken"))?;
    Ok(Some(Cipher::new(key)))
}

/// Overwrites and removes the key file, so that nothing that it wrapped can be opened again; whether there was one.
pub fn destroy(file: &Path) -> Result<bool> {
    erase(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::Use;

    #[test]
    fn a_round_key_is_made_once_for_its_owner_alone_and_opens_nothing_after_its_end() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = path(&folder.path().join("keys"), "cycle", 1);
        assert!(load(&file).unwrap().is_none());
        let sealed = make(&file).unwrap().seal(Use::IssuerKey, b"", b"private").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let opened = make(&file).unwrap().open(Use::IssuerKey, b"", &sealed).unwrap();
        assert_eq!(opened.unwrap().as_slice(), b"private");

        assert!(destroy(&file).unwrap());
        assert!(!destroy(&file).unwrap(), "done already is done");
        assert!(!file.exists());
        assert!(make(&file).unwrap().open(Use::IssuerKey, b"", &sealed).unwrap().is_none());
    }

    #[test]
    fn a_broken_key_file_is_a_fault_and_no_absence() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("short.key");
        std::fs::write(&file, b"short").unwrap();
        assert!(load(&file).is_err());
    }
}
