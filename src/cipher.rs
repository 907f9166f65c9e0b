//! Encryption of single values at rest and of cursors: AES-256-GCM and a keyed hash, both from one configured key.
//! Each use has its own derived key, so that a cursor can never be opened as an IIN. `store` sees the bytes only.

pub mod round_key;

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// What a value is encrypted for; each use has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A judge's IIN in its column.
    Iin,
    /// The keyed hash by which an IIN is looked up.
    IinLookup,
    /// The keyed hash by which failed log-ins of a name are counted.
    LoginName,
    /// The keyed hash by which a repeated request is known.
    RequestDigest,
    /// A page cursor handed to a client.
    Cursor,
    /// A private key that signs access tokens.
    TokenKey,
    /// A private key of an issuer that certifies reviewers; wrapped under the round's own key file alone.
    IssuerKey,
    /// The key with which an issuer signs ledgers and seal orders.
    DocumentKey,
    /// The key that signs checkpoints of the audit log.
    AuditKey,
    /// The key that signs extracts.
    ExtractKey,
    /// The seed of a draw until it is opened to auditors.
    DrawSeed,
    /// The seed by which acts of a reading pack are drawn, until it is opened to auditors.
    ReadingSeed,
    /// The keyed hash that is left of a record that was destroyed.
    Tombstone,
    /// A file of records that waits to be taken in.
    ImportFile,
    /// A person's address of e-mail in its column.
    Email,
    /// The secret that deliveries to an endpoint are signed with.
    WebhookSecret,
}

impl Use {
    fn label(self) -> &'static [u8] {
        match self {
            Use::Iin => b"ejf column iin",
            Use::IinLookup => b"ejf lookup iin",
            Use::LoginName => b"ejf lookup login",
            Use::RequestDigest => b"ejf request digest",
            Use::Cursor => b"ejf cursor",
            Use::TokenKey => b"ejf token key",
            Use::IssuerKey => b"ejf issuer key",
            Use::DocumentKey => b"ejf document key",
            Use::AuditKey => b"ejf audit key",
            Use::ExtractKey => b"ejf extract key",
            Use::DrawSeed => b"ejf draw seed",
            Use::ReadingSeed => b"ejf reading seed",
            Use::Tombstone => b"ejf tombstone",
            Use::ImportFile => b"ejf import file",
            Use::Email => b"ejf column email",
            Use::WebhookSecret => b"ejf webhook secret",
        }
    }
}

/// The configured key (`EJF_COLUMN_KEY`, 32 bytes) and what is done with it.
#[derive(Clone)]
pub struct Cipher {
    key: Zeroizing<[u8; 32]>,
}

impl Cipher {
    /// A cipher under `key`; the key is wiped when the last copy is dropped.
    pub fn new(key: [u8; 32]) -> Self {
        Cipher { key: Zeroizing::new(key) }
    }

    /// Encrypts `plain` for `purpose`, bound to `context` (which must be given again to open): nonce, ciphertext, tag.
    pub fn seal(&self, purpose: Use, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let key = self.derived(purpose)?;
        let mut nonce = [0u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(Error::internal)?;
        let mut tag = [0u8; TAG_BYTES];
        let sealed = symm::encrypt_aead(symm::Cipher::aes_256_gcm(), &key, Some(&nonce), context, plain, &mut tag)
            .map_err(Error::internal)?;
        Ok([nonce.as_slice(), &sealed, &tag].concat())
    }

    /// Opens what [`Cipher::seal`] made; `None` where the bytes, the purpose or the context are not those of a seal.
    pub fn open(&self, purpose: Use, context: &[u8], sealed: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let key = self.derived(purpose)?;
        let Some((nonce, rest)) = sealed.split_at_checked(NONCE_BYTES) else { return Ok(None) };
        let Some(cut) = rest.len().checked_sub(TAG_BYTES) else { return Ok(None) };
        let (body, tag) = rest.split_at(cut);
        // An authentication failure and a broken library look alike here; both mean that nothing was opened.
        let opened = symm::decrypt_aead(symm::Cipher::aes_256_gcm(), &key, Some(nonce), context, body, tag);
        Ok(opened.ok().map(Zeroizing::new))
    }

    /// The keyed hash (HMAC-SHA256) of `value`: equal values give equal hashes, and only the key holder can try values.
    pub fn keyed_hash(&self, purpose: Use, value: &[u8]) -> Result<Vec<u8>> {
        hmac_sha256(&self.derived(purpose)?, value)
    }

    fn derived(&self, purpose: Use) -> Result<Zeroizing<Vec<u8>>> {
        hmac_sha256(self.key.as_slice(), purpose.label()).map(Zeroizing::new)
    }
}

fn hmac_sha256(key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    let key = PKey::hmac(key).map_err(Error::internal)?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(Error::internal)?;
    signer.sign_oneshot_to_vec(value).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_with_its_purpose_and_context() {
        let cipher = Cipher::new([7; 32]);
        let sealed = cipher.seal(Use::Iin, b"judge 1", b"850101424712").unwrap();
        let opened = cipher.open(Use::Iin, b"judge 1", &sealed).unwrap().unwrap();
        assert_eq!(opened.as_slice(), b"850101424712");
        assert!(cipher.open(Use::Cursor, b"judge 1", &sealed).unwrap().is_none());
        assert!(cipher.open(Use::Iin, b"judge 2", &sealed).unwrap().is_none());
        assert!(Cipher::new([8; 32]).open(Use::Iin, b"judge 1", &sealed).unwrap().is_none());
        assert!(cipher.open(Use::Iin, b"judge 1", b"short").unwrap().is_none());
    }

    #[test]
    fn two_seals_of_one_value_differ_and_two_hashes_agree() {
        let cipher = Cipher::new([7; 32]);
        assert_ne!(cipher.seal(Use::Iin, b"", b"x").unwrap(), cipher.seal(Use::Iin, b"", b"x").unwrap());
        assert_eq!(cipher.keyed_hash(Use::IinLookup, b"x").unwrap(), cipher.keyed_hash(Use::IinLookup, b"x").unwrap());
        assert_ne!(cipher.keyed_hash(Use::IinLookup, b"x").unwrap(), cipher.keyed_hash(Use::Iin, b"x").unwrap());
    }

    #[test]
    fn the_keyed_hash_is_hmac_sha256_as_rfc_4231_has_it() {
        let mac = hmac_sha256(&[0x0b; 20], b"Hi There").unwrap();
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
}
