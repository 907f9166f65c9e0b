//! Where an issuer's fresh keys come from. A newcomer's usual mistake is to make the source configurable: the service
//! always generates, and only a test that cannot wait two seconds a key deals keys made earlier.

use std::sync::{Arc, Mutex, PoisonError};

use crate::credential::blind_rsa::IssuerKey;
use crate::error::{Error, Result};

/// Where fresh issuer keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// Made on the spot, one to two seconds of computing each; what `serve` uses, without any other choice.
    Generate,
    /// Dealt from keys made before, each once; for tests.
    Dealt(Arc<Mutex<Vec<IssuerKey>>>),
}

impl KeySource {
    /// The next key; `internal` where the dealt ones are used up.
    pub fn next_key(&self) -> Result<IssuerKey> {
        match self {
            KeySource::Generate => IssuerKey::generate(),
            KeySource::Dealt(keys) => {
                let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
                keys.pop().ok_or_else(|| Error::internal("the dealt keys are used up"))
            }
        }
    }
}
