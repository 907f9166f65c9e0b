//! The key that signs checkpoints of the audit log and nothing else. It lies in the folder of checkpoints, wrapped under
//! the column key. A newcomer's usual mistake is to think that it proves the log to be honest: whoever runs the server
//! can sign another log with it, which is why checkpoints are kept elsewhere.

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::folder::Folder;
use crate::cipher::{Cipher, Use};
use crate::credential::encoding::{from_base64, to_base64};
use crate::credential::note::{Checkpoint, VerifierKey};
use crate::credential::signing;
use crate::durable;
use crate::error::{Code, Error, Result};

const FILE: &str = "audit-key";
const MODE: u32 = 0o600;

/// The key with its name.
pub struct AuditKey {
    signing: SigningKey,
    verifier: VerifierKey,
}

impl AuditKey {
    /// The key of the folder; where it has none, one is made under `name`, such as `registry.sjc.example/audit`.
    pub fn open(folder: &Folder, cipher: &Cipher, name: &str) -> Result<AuditKey> {
        if let Some(key) = AuditKey::load(folder, cipher)? {
            return Ok(key);
        }
        let signing = signing::generate()?;
        let verifier = VerifierKey::new(name, signing::public_key(&signing))?.to_string();
        let sealed = cipher.seal(Use::AuditKey, verifier.as_bytes(), signing.as_bytes())?;
        let text = format!("{verifier}\n{}\n", to_base64(&sealed));
        durable::create(folder.path(), FILE, text.as_bytes(), MODE)?;
        // Another process may have been quicker; its key is then the folder's.
        AuditKey::load(folder, cipher)?.ok_or_else(|| Error::internal("a new audit key vanished"))
    }

    /// The key of the folder; `None` where it has none.
    pub(super) fn load(folder: &Folder, cipher: &Cipher) -> Result<Option<AuditKey>> {
        let Some(bytes) = durable::read(&folder.path().join(FILE))? else { return Ok(None) };
        let broken = || Error::internal("the audit key is broken, or is wrapped under another column key");
        let text = String::from_utf8(bytes).map_err(|_| broken())?;
        let (verifier, sealed) = text.trim_end().split_once('\n').ok_or_else(broken)?;
        let sealed = from_base64(sealed).map_err(|_| broken())?;
        let opened = cipher.open(Use::AuditKey, verifier.as_bytes(), &sealed)?.ok_or_else(broken)?;
        let private: [u8; 32] = opened.as_slice().try_into().map_err(|_| broken())?;
        let signing = SigningKey::from_bytes(&Zeroizing::new(private));
        let verifier = VerifierKey::parse(verifier).map_err(|_| broken())?;
        if *verifier.key() != signing::public_key(&signing) {
            return Err(broken());
        }
        Ok(Some(AuditKey { signing, verifier }))
    }

    /// The key that checks its signatures, as it is printed.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signed note of a checkpoint of this log.
    pub fn sign(&self, size: u64, root: crate::credential::encoding::Digest) -> Result<String> {
        Checkpoint { origin: self.verifier.name().to_owned(), size, root }.sign(&self.signing)
    }
}

/// The verifier key that the folder itself names, read without opening the key; `None` where there is none.
pub fn own_verifier(folder: &Folder) -> Result<Option<VerifierKey>> {
    let Some(bytes) = durable::read(&folder.path().join(FILE))? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| Error::from(Code::Malformed))?;
    VerifierKey::parse(text.lines().next().unwrap_or_default()).map(Some)
}
