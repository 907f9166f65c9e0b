//! L-1: every issuance fits every credential of its key. For a blinded message z, its blind signature b and a credential
//! (m, s) under the same key, r = b·s⁻¹ is a blinding factor with z = m·rᵉ: so nothing at the issuer tells one from the
//! other. What a newcomer would get wrong: it holds for honest keys alone, and finding one pair without a consistent
//! factor would mean that a key was made for one person.

use ejf::credential::blind_rsa::IssuerPublicKey;
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::pkey::PKey;

/// What the issuer saw of one issuance.
#[derive(Debug, Clone)]
pub struct Issued {
    pub blinded_msg: Vec<u8>,
    pub blind_sig: Vec<u8>,
}

/// How many of the pairs are consistent, and how many there are.
pub fn consistent_pairs(key: &IssuerPublicKey, issued: &[Issued], signatures: &[Vec<u8>]) -> (u64, u64) {
    let rsa = PKey::public_key_from_der(key.spki_der()).unwrap().rsa().unwrap();
    let (n, e) = (rsa.n(), rsa.e());
    let mut ctx = BigNumContext::new().unwrap();
    let mut consistent = 0;
    for signature in signatures {
        let (mut message, mut inverse) = (BigNum::new().unwrap(), BigNum::new().unwrap());
        let signature = BigNum::from_slice(signature).unwrap();
        message.mod_exp(&signature, e, n, &mut ctx).unwrap();
        // What has no inverse is no signature.
        if inverse.mod_inverse(&signature, n, &mut ctx).is_err() {
            continue;
        }
        for one in issued {
            consistent += u64::from(is_consistent(one, &message, &inverse, n, e, &mut ctx));
        }
    }
    (consistent, (issued.len() * signatures.len()) as u64)
}

fn is_consistent(
    issued: &Issued,
    message: &BigNumRef,
    inverse: &BigNumRef,
    n: &BigNumRef,
    e: &BigNumRef,
    ctx: &mut BigNumContext,
) -> bool {
    let (mut factor, mut power, mut product) = (BigNum::new().unwrap(), BigNum::new().unwrap(), BigNum::new().unwrap());
    factor.mod_mul(&BigNum::from_slice(&issued.blind_sig).unwrap(), inverse, n, ctx).unwrap();
    power.mod_exp(&factor, e, n, ctx).unwrap();
    product.mod_mul(message, &power, n, ctx).unwrap();
    let mut divisor = BigNum::new().unwrap();
    divisor.gcd(&factor, n, ctx).unwrap();
    product == BigNum::from_slice(&issued.blinded_msg).unwrap() && divisor == BigNum::from_u32(1).unwrap()
}

#[cfg(test)]
mod tests {
    use ejf::credential::blind_rsa::{IssuerKey, Pending};

    use super::*;
    use crate::key_pool;

    fn issue(key: &IssuerKey, msg: &[u8]) -> (Issued, Vec<u8>) {
        let pending = Pending::blind(key.public(), msg).unwrap();
        let blind_sig = key.blind_sign(&pending.blinded_msg.0).unwrap();
        let signature = pending.finalize(key.public(), msg, &blind_sig).unwrap();
        (Issued { blinded_msg: pending.blinded_msg.0.clone(), blind_sig }, signature)
    }

    #[test]
    fn an_honest_key_fits_every_pair_and_a_key_of_ones_own_does_not() {
        let keys = key_pool::deal(2);
        let (mut issued, mut signatures) = (Vec::new(), Vec::new());
        for msg in [b"one", b"two", b"six"] {
            let (one, signature) = issue(&keys[0], msg);
            issued.push(one);
            signatures.push(signature);
        }
        assert_eq!(consistent_pairs(keys[0].public(), &issued, &signatures), (9, 9));
        issued[2] = issue(&keys[1], b"own").0;
        assert_eq!(consistent_pairs(keys[0].public(), &issued, &signatures), (6, 9));
    }
}
