//! How a delivery is signed: the scheme of Standard Webhooks 1.0, HMAC-SHA256 over id, time and body. What a newcomer would get
//! wrong: whoever only checks the body can be sent an old one again; the id and the time are signed with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Bytes of a secret; the scheme takes 24 to 64.
const SECRET_BYTES: usize = 32;

/// A fresh secret, shared with one receiver.
pub fn fresh_secret() -> Result<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(vec![0u8; SECRET_BYTES]);
    getrandom::fill(&mut secret).map_err(Error::internal)?;
    Ok(secret)
}

/// A secret as it is handed to whoever runs the receiver: `whsec_` and base64.
pub fn secret_text(secret: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(format!("whsec_{}", Zeroizing::new(STANDARD.encode(secret)).as_str()))
}

/// The value of `webhook-signature`: one signature by each secret that is good, with blanks between.
pub fn sign(secrets: &[Zeroizing<Vec<u8>>], id: &str, timestamp: i64, body: &[u8]) -> Result<String> {
    let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let signatures = secrets.iter().map(|secret| {
        let key = PKey::hmac(secret).map_err(Error::internal)?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(Error::internal)?;
        let mac = signer.sign_oneshot_to_vec(&signed).map_err(Error::internal)?;
        Ok(format!("v1,{}", STANDARD.encode(mac)))
    });
    Ok(signatures.collect::<Result<Vec<_>>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the reference libraries of Standard Webhooks are tested with.
    #[test]
    fn a_signature_is_that_of_the_reference_libraries() {
        let secret = Zeroizing::new(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let body = br#"{"test": 2432232314}"#;
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let sign = |secrets: &[Zeroizing<Vec<u8>>]| {
            sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap()
        };
        assert_eq!(sign(std::slice::from_ref(&secret)), expected);
        let both = sign(&[fresh_secret().unwrap(), secret]);
        assert_eq!(both.split(' ').nth(1), Some(expected), "while a secret is replaced both sign");
        assert_ne!(both.split(' ').next(), Some(expected));
    }

    #[test]
    fn a_secret_is_long_enough_and_never_the_same() {
        let (one, other) = (fresh_secret().unwrap(), fresh_secret().unwrap());
        assert_ne!(one, other);
        let text = secret_text(&one);
        let coded = text.strip_prefix("whsec_").unwrap();
        assert_eq!(STANDARD.decode(coded).unwrap(), one.as_slice());
        assert!((24..=64).contains(&one.len()));
    }
}
