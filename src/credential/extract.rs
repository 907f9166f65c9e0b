//! The signature of an extract: over the digest of its facts in canonical JSON, apart from them. What a newcomer would get
//! wrong: whoever checks one needs the exact bytes, so the facts are signed as RFC 8785 writes them and kept like that.

use ed25519_dalek::SigningKey;

use super::encoding::{Digest, sha256};
use super::signing::{self, PublicKey, Sig};
use crate::domain::hex::hex;

const TAG: &[u8] = b"EJF-EXTRACT-v1\0";

/// The digest of canonical facts.
pub fn digest(facts: &[u8]) -> Digest {
    sha256(&[facts])
}

/// Signs a digest.
pub fn sign(key: &SigningKey, digest: &Digest) -> Sig {
    signing::sign(key, &[TAG, &digest.0])
}

/// Whether a signature is this key's over a digest.
pub fn is_signed(key: &PublicKey, digest: &Digest, signature: &Sig) -> bool {
    signing::verify(key, &[TAG, &digest.0], signature)
}

/// The name of a key: the beginning of its digest, in hex.
pub fn key_id(key: &PublicKey) -> String {
    let mut name = hex(&sha256(&[&key.0]).0);
    name.truncate(32);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_digest_and_key_and_no_other() {
        let (key, other) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
        let own = digest(b"{\"v\":1}");
        let signature = sign(&key, &own);
        assert!(is_signed(&signing::public_key(&key), &own, &signature));
        assert!(!is_signed(&signing::public_key(&other), &own, &signature));
        assert!(!is_signed(&signing::public_key(&key), &digest(b"{\"v\":2}"), &signature));
        assert_ne!(key_id(&signing::public_key(&key)), key_id(&signing::public_key(&other)));
    }
}
