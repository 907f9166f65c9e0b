//! EMSA-PSS with SHA-384 (RFC 8017, section 9.1): how a message becomes the number that RSA signs.
//!
//! What a newcomer would get wrong: the length of the salt is part of what is verified. A verifier that takes any
//! length takes the signatures of other schemes, so the length is an argument and must fit exactly.

use sha2::{Digest as _, Sha384};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};

/// The length of SHA-384, in bytes.
pub const HASH_SIZE: usize = 48;

/// The encoding of a message into `bits` bits; `credential_invalid` if the key is too small for it.
pub fn encode(input_msg: &[u8], salt: &[u8], bits: usize) -> Result<Zeroizing<Vec<u8>>> {
    let hash = salted_hash(input_msg, salt);
    let padding_size =
        bits.div_ceil(8).checked_sub(HASH_SIZE + salt.len() + 2).ok_or_else(|| Error::from(Code::CredentialInvalid))?;
    let block = Zeroizing::new([vec![0; padding_size].as_slice(), &[0x01], salt].concat());
    let mut encoded = Zeroizing::new(xor(&block, &mgf1(&hash, block.len())));
    if let Some(first) = encoded.first_mut() {
        *first &= top_mask(bits);
    }
    encoded.extend_from_slice(&hash);
    encoded.push(0xbc);
    Ok(encoded)
}

/// True if `power`, a signature raised to e, encodes the message in `bits` bits with a salt of exactly `salt_size` bytes.
pub fn verify(input_msg: &[u8], power: &[u8], bits: usize, salt_size: usize) -> bool {
    let Some((zeros, encoded)) = power.len().checked_sub(bits.div_ceil(8)).map(|at| power.split_at(at)) else {
        return false;
    };
    let Some(block_size) = encoded.len().checked_sub(HASH_SIZE + 1) else {
        return false;
    };
    let Some(padding_size) = block_size.checked_sub(salt_size + 1) else {
        return false;
    };
    let (masked, rest) = encoded.split_at(block_size);
    let (hash, trailer) = rest.split_at(HASH_SIZE);
    let top = top_mask(bits);
    let has_surplus = masked.first().is_none_or(|byte| byte & !top != 0);
    if zeros.iter().any(|byte| *byte != 0) || trailer != [0xbc] || has_surplus {
        return false;
    }
    let mut block = xor(masked, &mgf1(hash, block_size));
    if let Some(first) = block.first_mut() {
        *first &= top;
    }
    let (padding, rest) = block.split_at(padding_size);
    let (one, salt) = rest.split_at(1);
    padding.iter().all(|byte| *byte == 0) && one == [0x01] && salted_hash(input_msg, salt) == hash
}

/// `H(eight zeros ‖ H(message) ‖ salt)`.
fn salted_hash(input_msg: &[u8], salt: &[u8]) -> [u8; HASH_SIZE] {
    let mut hash = Sha384::new();
    hash.update([0; 8]);
    hash.update(Sha384::digest(input_msg));
    hash.update(salt);
    hash.finalize().into()
}

/// The mask generation function of RFC 8017, appendix B.2.1, with SHA-384.
fn mgf1(seed: &[u8], size: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(size + HASH_SIZE);
    let mut counter: u32 = 0;
    while mask.len() < size {
        mask.extend_from_slice(&Sha384::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize());
        counter += 1;
    }
    mask.truncate(size);
    mask
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

/// The bits of the first byte that an encoded message of `bits` bits may use.
fn top_mask(bits: usize) -> u8 {
    0xff >> (bits.div_ceil(8) * 8 - bits)
}
