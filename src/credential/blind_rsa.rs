//! Blind RSA signatures: RFC 9474, `RSABSSA-SHA384-PSS-Randomized`, over OpenSSL's raw RSA operation.
//!
//! What a newcomer would get wrong: the private operation works on numbers that strangers choose, so it must stay in
//! OpenSSL with its base blinding on; a crate in pure Rust leaks the key through its timing (RUSTSEC-2023-0071). And
//! nothing leaves [`IssuerKey::blind_sign`] before `s^e mod n == z` holds, for one faulty signature gives away a factor.
//! The sizes that a manifest must keep are in [`IssuerPublicKey::check`]; the arithmetic takes keys of any size.

use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::{Padding, Rsa};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credential::encoding::{Blob, Bytes, Digest, Ref, Secret, fill_random, random, sha256};
use crate::credential::pss::{self, HASH_SIZE};
use crate::error::{Code, Error, Result};

/// The size that every issuer key of a manifest has, in bits.
pub const MODULUS_BITS: i32 = 3072;

/// The size of a signature and of a blinded message under such a key, in bytes.
pub const SIGNATURE_SIZE: usize = 384;

/// Below this no modulus may have a factor; it catches keys made to be weak in plain sight.
const FACTOR_BOUND: u32 = 2000;

/// The salt of every signature, in bytes: as long as the hash.
const SALT_SIZE: usize = HASH_SIZE;

/// Bytes drawn above the modulus so that the blinding factor is uniform to within 2^-64.
const SURPLUS_SIZE: usize = 8;

/// An issuer's private key for one subject; wiped by OpenSSL when dropped.
pub struct IssuerKey {
    rsa: Rsa<Private>,
    public: IssuerPublicKey,
}

/// An issuer's public key, with the exact SPKI bytes that its `key_id` hashes.
pub struct IssuerPublicKey {
    rsa: Rsa<Public>,
    spki: Vec<u8>,
    key_id: Digest,
}

/// What makes a public key unfit for a manifest (design, section 4 (c)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// The public exponent is not 65537.
    Exponent,
    /// The modulus does not have exactly 3072 bits; holds the bits it has.
    Size(i32),
    /// The modulus is even.
    Even,
    /// The modulus has this factor, below 2000.
    SmallFactor(u32),
}

/// What the client keeps between asking for a credential and receiving it.
///
/// It holds the inverse that links the request with the credential: kept only in the encrypted pending card, and
/// erased as soon as [`Pending::finalize`] has succeeded. The blinded message is kept so that a repeated request is the same bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The random prefix of RFC 9474's PrepareRandomize; part of the credential, public with it.
    pub prefix: Bytes<32>,
    /// What the issuer is asked to sign; tells nothing of the message.
    pub blinded_msg: Blob,
    /// The inverse of the blinding factor.
    inv: Secret,
}

/// `msg = "EJF-CRED-v1\0" ‖ cycle_ref ‖ subject_ref ‖ key_id ‖ epk`, 108 bytes: what a credential certifies.
pub fn credential_message(cycle_ref: &Ref, subject_ref: &Ref, key_id: &Digest, epk: &Bytes<32>) -> Vec<u8> {
    [b"EJF-CRED-v1\0".as_slice(), &cycle_ref.0, &subject_ref.0, &key_id.0, &epk.0].concat()
}

/// True if `signature` is a valid signature of `prefix ‖ msg`: SHA-384, salt of exactly 48 bytes, a number below n.
pub fn verify(key: &IssuerPublicKey, prefix: &Bytes<32>, msg: &[u8], signature: &[u8]) -> bool {
    key.verify_pss(&input_msg(prefix, msg), signature, SALT_SIZE)
}

impl Pending {
    /// Blinds `prefix ‖ msg` with fresh randomness; `credential_invalid` if the key cannot blind (a hostile modulus).
    pub fn blind(key: &IssuerPublicKey, msg: &[u8]) -> Result<Self> {
        let prefix = Bytes::random()?;
        let salt = Zeroizing::new(random::<SALT_SIZE>()?);
        let factor = blinding_factor(key)?;
        let (blinded_msg, inv) = blind_with(key, &input_msg(&prefix, msg), salt.as_slice(), &factor)?;
        Ok(Pending { prefix, blinded_msg: Blob(blinded_msg), inv: Secret(inv) })
    }

    /// Unblinds the issuer's answer to the signature of `prefix ‖ msg`, and verifies it under the pinned key.
    ///
    /// `credential_invalid` if it does not verify: then the issuer used another key, or has erred. The client discards
    /// the credential, raises the alarm and never tries another key.
    pub fn finalize(&self, key: &IssuerPublicKey, msg: &[u8], blind_sig: &[u8]) -> Result<Vec<u8>> {
        finalize_with(key, &input_msg(&self.prefix, msg), blind_sig, &self.inv.0, SALT_SIZE)
    }
}

impl IssuerKey {
    /// A fresh 3072-bit key with exponent 65537; one to two seconds of computing.
    pub fn generate() -> Result<Self> {
        Self::new(Rsa::generate(MODULUS_BITS.unsigned_abs()).map_err(Error::internal)?)
    }

    /// Reads a PKCS#8 key in DER; `internal` if it is none, for it comes from our own store.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self> {
        let key = PKey::private_key_from_pkcs8(der).and_then(|key| key.rsa()).map_err(Error::internal)?;
        Self::new(key)
    }

    /// The key as PKCS#8 in DER, to be wrapped at once; the bytes wipe themselves.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>> {
        let key = PKey::from_rsa(self.rsa.clone()).map_err(Error::internal)?;
        key.private_key_to_pkcs8().map(Zeroizing::new).map_err(Error::internal)
    }

    fn new(rsa: Rsa<Private>) -> Result<Self> {
        let public = rsa
            .n()
            .to_owned()
            .and_then(|n| Rsa::from_public_components(n, rsa.e().to_owned()?))
            .and_then(|public| public.public_key_to_der())
            .map_err(Error::internal)?;
        Ok(IssuerKey { rsa, public: IssuerPublicKey::from_spki_der(&public)? })
    }

    /// The public half.
    pub fn public(&self) -> &IssuerPublicKey {
        &self.public
    }

    /// Signs a blinded message without learning what it says.
    ///
    /// `bad_blinded_msg` unless it has the modulus' length and 0 < z < n; `internal` if the result fails the fault
    /// check: then the key must be disabled.
    pub fn blind_sign(&self, blinded_msg: &[u8]) -> Result<Vec<u8>> {
        let faulty = || Error::internal("an RSA signature failed its fault check: disable the key and the machine");
        self.sign_unless_faulty(blinded_msg)?.ok_or_else(faulty)
    }

    /// As [`IssuerKey::blind_sign`], with `None` where the result failed the fault check, so that a caller can tell a key
    /// that must be disabled from a library that was out of memory.
    pub fn sign_unless_faulty(&self, blinded_msg: &[u8]) -> Result<Option<Vec<u8>>> {
        self.public.check_blinded(blinded_msg)?;
        let size = self.public.modulus_size();
        let mut signature = vec![0; size];
        let length = self.rsa.private_encrypt(blinded_msg, &mut signature, Padding::NONE).map_err(Error::internal)?;
        let is_right = length == size && self.public.raw(&signature).as_deref() == Some(blinded_msg);
        Ok(is_right.then_some(signature))
    }
}

impl std::fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuerKey({})", self.public.key_id)
    }
}

impl std::fmt::Debug for IssuerPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuerPublicKey({})", self.key_id)
    }
}

impl IssuerPublicKey {
    /// Reads an SPKI with the `rsaEncryption` identifier in its one DER form; else `malformed`.
    ///
    /// Whether the key is fit for a manifest is another question: [`IssuerPublicKey::check`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self> {
        let rsa = Rsa::public_key_from_der(der).map_err(|_| Error::from(Code::Malformed))?;
        // OpenSSL also reads the PSS identifier and trailing bytes, which browsers refuse; writing it again shows both.
        if rsa.public_key_to_der().map_err(|_| Error::from(Code::Malformed))? != der {
            return Err(Code::Malformed.into());
        }
        Ok(IssuerPublicKey { rsa, spki: der.to_vec(), key_id: sha256(&[der]) })
    }

    /// The SPKI in DER, as it stands in the manifest.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of the SPKI.
    pub fn key_id(&self) -> Digest {
        self.key_id
    }

    /// The size of the modulus, of signatures and of blinded messages, in bytes.
    pub fn modulus_size(&self) -> usize {
        usize::try_from(self.rsa.n().num_bytes()).unwrap_or_default()
    }

    /// Section 4 (c) of the design: e = 65537, exactly 3072 bits, odd, no factor below 2000.
    pub fn check(&self) -> std::result::Result<(), KeyFault> {
        let (n, e) = (self.rsa.n(), self.rsa.e());
        if e.num_bits() != 17 || e.mod_word(1 << 20).ok() != Some(65537) {
            return Err(KeyFault::Exponent);
        }
        if n.is_negative() || n.num_bits() != MODULUS_BITS {
            return Err(KeyFault::Size(n.num_bits()));
        }
        if !n.is_odd() {
            return Err(KeyFault::Even);
        }
        for factor in (3..FACTOR_BOUND).step_by(2) {
            // A division that fails counts as a factor found: the key is then refused.
            if n.mod_word(factor).unwrap_or(0) == 0 {
                return Err(KeyFault::SmallFactor(factor));
            }
        }
        Ok(())
    }

    /// `bad_blinded_msg` unless a blinded message has the modulus' length and is a number z with 0 < z < n.
    ///
    /// The issuer checks every message of a request with it before the first is signed.
    pub fn check_blinded(&self, blinded_msg: &[u8]) -> Result<()> {
        let z = BigNum::from_slice(blinded_msg).map_err(Error::internal)?;
        if blinded_msg.len() != self.modulus_size() || z.num_bits() == 0 || z.ucmp(self.rsa.n()).is_ge() {
            return Err(Code::BadBlindedMsg.into());
        }
        Ok(())
    }

    /// `s^e mod n`, padded to the modulus; `None` unless `s` has its length and is below n.
    fn raw(&self, s: &[u8]) -> Option<Vec<u8>> {
        let mut power = vec![0; self.modulus_size()];
        if s.len() != power.len() {
            return None;
        }
        // OpenSSL refuses s ≥ n, and hostile keys with an even modulus: both mean "not valid" here.
        let length = self.rsa.public_decrypt(s, &mut power, Padding::NONE).ok()?;
        (length == power.len()).then_some(power)
    }

    /// Whether a signature with a salt of exactly `salt_size` bytes is valid for a message.
    fn verify_pss(&self, input_msg: &[u8], signature: &[u8], salt_size: usize) -> bool {
        self.raw(signature).is_some_and(|power| pss::verify(input_msg, &power, self.encoded_bits(), salt_size))
    }

    /// The bits of an encoded message: one fewer than the modulus has.
    fn encoded_bits(&self) -> usize {
        usize::try_from(self.rsa.n().num_bits()).unwrap_or_default().saturating_sub(1)
    }
}

fn input_msg(prefix: &Bytes<32>, msg: &[u8]) -> Vec<u8> {
    [prefix.0.as_slice(), msg].concat()
}

/// A uniform factor in [1, n), from 64 bits more than the modulus has.
fn blinding_factor(key: &IssuerPublicKey) -> Result<Zeroizing<Vec<u8>>> {
    let mut surplus = Zeroizing::new(vec![0; key.modulus_size() + SURPLUS_SIZE]);
    fill_random(&mut surplus)?;
    let draw = || -> std::result::Result<Vec<u8>, ErrorStack> {
        let mut below = key.rsa.n().to_owned()?;
        below.sub_word(1)?;
        let wide = SecretNumber::from_slice(&surplus)?;
        let mut factor = SecretNumber::new()?;
        factor.0.checked_rem(&wide.0, &below, &mut *BigNumContext::new_secure()?)?;
        factor.0.add_word(1)?;
        factor.0.to_vec_padded(key.rsa.n().num_bytes())
    };
    draw().map(Zeroizing::new).map_err(Error::internal)
}

/// RFC 9474, Blind: the blinded message and the inverse of the factor.
fn blind_with(
    key: &IssuerPublicKey,
    input_msg: &[u8],
    salt: &[u8],
    factor: &[u8],
) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let encoded = pss::encode(input_msg, salt, key.encoded_bits())?;
    let (n, e) = (key.rsa.n(), key.rsa.e());
    let blind = || -> std::result::Result<(Vec<u8>, Vec<u8>), ErrorStack> {
        let mut context = BigNumContext::new_secure()?;
        let message = SecretNumber::from_slice(&encoded)?;
        let factor = SecretNumber::from_slice(factor)?;
        let mut inv = SecretNumber::new()?;
        // Both inversions fail where a number shares a factor with n; of the message's only that is of interest.
        inv.0.mod_inverse(&message.0, n, &mut context)?;
        inv.0.mod_inverse(&factor.0, n, &mut context)?;
        let mut mask = SecretNumber::new()?;
        mask.0.mod_exp(&factor.0, e, n, &mut context)?;
        let mut blinded = BigNum::new()?;
        blinded.mod_mul(&message.0, &mask.0, n, &mut context)?;
        Ok((blinded.to_vec_padded(n.num_bytes())?, inv.0.to_vec_padded(n.num_bytes())?))
    };
    // A well-made key never fails here, so a failure is told as what it means: this key must not be used.
    let (blinded_msg, inv) = blind().map_err(|_| Error::from(Code::CredentialInvalid))?;
    Ok((blinded_msg, Zeroizing::new(inv)))
}

/// RFC 9474, Finalize: unblind and verify.
fn finalize_with(
    key: &IssuerPublicKey,
    input_msg: &[u8],
    blind_sig: &[u8],
    inv: &[u8],
    salt_size: usize,
) -> Result<Vec<u8>> {
    let n: &BigNumRef = key.rsa.n();
    let unblind = || -> std::result::Result<Vec<u8>, ErrorStack> {
        let (answer, inv) = (BigNum::from_slice(blind_sig)?, SecretNumber::from_slice(inv)?);
        let mut signature = BigNum::new()?;
        signature.mod_mul(&answer, &inv.0, n, &mut *BigNumContext::new_secure()?)?;
        signature.to_vec_padded(n.num_bytes())
    };
    if blind_sig.len() != key.modulus_size() {
        return Err(Code::CredentialInvalid.into());
    }
    let signature = unblind().map_err(|_| Error::from(Code::CredentialInvalid))?;
    if !key.verify_pss(input_msg, &signature, salt_size) {
        return Err(Code::CredentialInvalid.into());
    }
    Ok(signature)
}

/// A number that is wiped when dropped, and computed with in constant time where OpenSSL can.
struct SecretNumber(BigNum);

impl SecretNumber {
    fn new() -> std::result::Result<Self, ErrorStack> {
        let mut number = BigNum::new_secure()?;
        number.set_const_time();
        Ok(SecretNumber(number))
    }

    fn from_slice(bytes: &[u8]) -> std::result::Result<Self, ErrorStack> {
        let mut number = Self::new()?;
        number.0.copy_from_slice(bytes)?;
        Ok(number)
    }
}

impl Drop for SecretNumber {
    fn drop(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// The four vectors of RFC 9474, appendix A, by their fields in bytes.
    fn vectors() -> Vec<(String, impl Fn(&str) -> Vec<u8>)> {
        let file: Value = serde_json::from_str(include_str!("../../tests/data/rfc9474_vectors.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap().clone();
        vectors
            .into_iter()
            .map(|vector| {
                (vector["name"].as_str().unwrap().to_owned(), move |field: &str| unhex(vector[field].as_str().unwrap()))
            })
            .collect()
    }

    fn number(bytes: &[u8]) -> BigNum {
        BigNum::from_slice(bytes).unwrap()
    }

    fn key_of(field: &impl Fn(&str) -> Vec<u8>) -> IssuerKey {
        let rsa =
            openssl::rsa::RsaPrivateKeyBuilder::new(number(&field("n")), number(&field("e")), number(&field("d")))
                .unwrap()
                .set_factors(number(&field("p")), number(&field("q")))
                .unwrap()
                .build();
        IssuerKey::new(rsa).unwrap()
    }

    #[test]
    fn all_four_vectors_of_rfc_9474_hold_at_every_step() {
        for (name, field) in vectors() {
            let key = key_of(&field);
            let (input, salt) = (field("input_msg"), field("salt"));
            assert_eq!(input, [field("msg_prefix"), field("msg")].concat(), "{name}");
            assert_eq!(*pss::encode(&input, &salt, key.public.encoded_bits()).unwrap(), field("encoded_msg"), "{name}");

            let mut factor = BigNum::new().unwrap();
            factor.mod_inverse(&number(&field("inv")), key.rsa.n(), &mut BigNumContext::new().unwrap()).unwrap();
            let factor = factor.to_vec_padded(key.rsa.n().num_bytes()).unwrap();
            let (blinded_msg, inv) = blind_with(&key.public, &input, &salt, &factor).unwrap();
            assert_eq!(blinded_msg, field("blinded_msg"), "{name}");
            assert_eq!(*inv, field("inv"), "{name}");

            let blind_sig = key.blind_sign(&blinded_msg).unwrap();
            assert_eq!(blind_sig, field("blind_sig"), "{name}");
            let signature = finalize_with(&key.public, &input, &blind_sig, &inv, salt.len()).unwrap();
            assert_eq!(signature, field("sig"), "{name}");

            let other_salt_size = SALT_SIZE - salt.len();
            assert!(!key.public.verify_pss(&input, &signature, other_salt_size), "{name}");
        }
    }

    #[test]
    fn a_faulty_signature_never_leaves() {
        let (_, field) = vectors().remove(0);
        let mut wrong = number(&field("d"));
        wrong.sub_word(2).unwrap();
        let rsa = Rsa::from_public_components(number(&field("n")), number(&field("e"))).unwrap();
        let public = IssuerPublicKey::from_spki_der(&rsa.public_key_to_der().unwrap()).unwrap();
        let rsa =
            openssl::rsa::RsaPrivateKeyBuilder::new(number(&field("n")), number(&field("e")), wrong).unwrap().build();
        let key = IssuerKey { rsa, public };
        assert_eq!(key.blind_sign(&field("blinded_msg")).unwrap_err().code(), Code::Internal);
    }

    #[test]
    fn the_blinding_factor_is_below_the_modulus_and_never_twice_the_same() {
        let (_, field) = vectors().remove(0);
        let key = key_of(&field);
        let factors: Vec<_> = (0..8).map(|_| blinding_factor(&key.public).unwrap()).collect();
        for (at, factor) in factors.iter().enumerate() {
            assert!(number(factor) < number(&field("n")) && number(factor).num_bits() > 4000);
            assert!(!factors[..at].contains(factor));
        }
    }
}
