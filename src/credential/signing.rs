//! Ed25519 as the protocol wants it: strict, and always under a tag.
//!
//! What a newcomer would get wrong: libraries differ in which odd signatures they take, and a recount in another
//! language must never differ from ours. So the scalar must be canonical, no point may have a small order, and the
//! public key must be the canonical writing of its point; `verify_strict` alone does not check the last.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::credential::encoding::{Bytes, random};
use crate::error::Result;

/// A public Ed25519 key.
pub type PublicKey = Bytes<32>;

/// An Ed25519 signature.
pub type Sig = Bytes<64>;

/// True if `signature` is a strictly valid Ed25519 signature of the parts, read one after the other.
pub fn verify(key: &PublicKey, parts: &[&[u8]], signature: &Sig) -> bool {
    let Ok(point) = VerifyingKey::from_bytes(&key.0) else {
        return false;
    };
    if point.to_edwards().compress().to_bytes() != key.0 {
        return false;
    }
    point.verify_strict(&Zeroizing::new(parts.concat()), &Signature::from_bytes(&signature.0)).is_ok()
}

/// Signs the parts, read one after the other; the same bytes always get the same signature.
pub fn sign(key: &SigningKey, parts: &[&[u8]]) -> Sig {
    Bytes(key.sign(&Zeroizing::new(parts.concat())).to_bytes())
}

/// A fresh key from the operating system's generator.
pub fn generate() -> Result<SigningKey> {
    let seed = Zeroizing::new(random::<32>()?);
    Ok(SigningKey::from_bytes(&seed))
}

/// The public half of a key.
pub fn public_key(key: &SigningKey) -> PublicKey {
    Bytes(key.verifying_key().to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
    }

    #[test]
    fn rfc_8032_test_2_holds() {
        let key = SigningKey::from_bytes(&hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
        let public = public_key(&key);
        assert_eq!(public.0, hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
        let signature = sign(&key, &[&[0x72]]);
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                        085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(signature.0, hex(expected));
        assert!(verify(&public, &[&[0x72]], &signature));
        assert!(!verify(&public, &[&[0x73]], &signature));
    }

    #[test]
    fn a_scalar_above_the_group_order_is_refused() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut signature = sign(&key, &[b"x"]);
        let order: [u8; 32] = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut carry = 0;
        for (byte, addend) in signature.0[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(addend) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert!(!verify(&public_key(&key), &[b"x"], &signature));
    }

    #[test]
    fn keys_of_small_order_and_keys_not_canonical_are_refused() {
        // With the neutral point as key, R = neutral point and S = 0 fit every message unless small orders are refused.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!verify(&Bytes(neutral), &[b"x"], &Bytes(signature)));
        // p + 1 is a second writing of the neutral point.
        let second = hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
        assert!(!verify(&Bytes(second), &[b"x"], &Bytes(signature)));
    }
}
