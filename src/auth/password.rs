//! Password hashing: Argon2id on a blocking thread, few at once. A newcomer's usual mistake is to answer unknown names
//! at once: they are checked against a dummy hash of the same cost.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Fault, Result, Rule};

/// Fewest characters of a password (NIST SP 800-63B-4 for single-factor use; `privacy.md` 15).
pub const PASSWORD_MIN: u64 = 15;
/// Most characters of a password; longer ones would only buy work for us.
pub const PASSWORD_MAX: u64 = 128;
/// Hashes at once for each core; each takes its memory.
const HASHES_PER_CORE: usize = 2;
/// Requests that may wait for their turn to hash before others are told to come back.
const WAITING_PER_PERMIT: usize = 16;

/// The hashing of passwords under one cost.
#[derive(Clone)]
pub struct Passwords {
    params: Params,
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    dummy_hash: Arc<str>,
}

impl Passwords {
    /// Hashing with `memory_kib` and `passes`, parallelism 1; makes the dummy hash, so it takes one hash's time.
    pub fn new(memory_kib: u32, passes: u32) -> Result<Passwords> {
        let params = Params::new(memory_kib, passes, 1, None).map_err(Error::internal)?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let permits = cores * HASHES_PER_CORE;
        let dummy_hash = hash_now(&params, b"nobody has this password")?;
        Ok(Passwords {
            params,
            permits: Arc::new(Semaphore::new(permits)),
            waiting: Arc::new(Semaphore::new(permits * WAITING_PER_PERMIT)),
            dummy_hash: dummy_hash.into(),
        })
    }

    /// The hash of a password in PHC form.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String> {
        self.turn()?.hash(password).await
    }

    /// A place among those who wait to hash.
    ///
    /// # Errors
    /// 503 `busy` where too many wait already.
    pub fn turn(&self) -> Result<Turn> {
        let place = self.waiting.clone().try_acquire_owned().map_err(|_| Error::retry_after(Code::Busy, 2))?;
        Ok(Turn { passwords: self.clone(), place: Arc::new(place) })
    }

    /// Whether `hash` was made with another cost than the present one and should be made anew at a log-in.
    pub fn is_outdated(&self, hash: &str) -> bool {
        let expected = format!("m={},t={},p=1", self.params.m_cost(), self.params.t_cost());
        !hash.contains(&expected)
    }
}

/// A place among those who wait to hash, for all hashes of one request.
pub struct Turn {
    passwords: Passwords,
    place: Arc<OwnedSemaphorePermit>,
}

impl Turn {
    /// The hash of a password in PHC form.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String> {
        let params = self.passwords.params.clone();
        self.take(move || hash_now(&params, password.as_bytes())).await
    }

    /// Whether the password is the one of `hash`; with no hash, the same work is done and the answer is no.
    pub async fn verify(&self, password: Zeroizing<String>, hash: Option<String>) -> Result<bool> {
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.passwords.dummy_hash.to_string());
        let is_right = self
            .take(move || {
                let parsed = PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
                Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await?;
        Ok(is_right && is_known)
    }

    /// Works on a blocking thread when it is its turn. Work that has begun cannot be stopped, so both permits go with it:
    /// a caller who hangs up meanwhile makes no room for the next.
    async fn take<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let permit = self.passwords.permits.clone().acquire_owned().await.map_err(Error::internal)?;
        let place = self.place.clone();
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((permit, place));
            done
        });
        working.await.map_err(Error::internal)?
    }
}

fn hash_now(params: &Params, password: &[u8]) -> Result<String> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    argon2.hash_password(password).map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
}

/// Refuses a password that is too short, too long, or easily guessed; `pointer` is its field. No rule of composition.
pub fn check_strength(password: &str, login: &str, pointer: &str) -> Result<()> {
    let length = u64::try_from(password.chars().count()).unwrap_or(u64::MAX);
    if !(PASSWORD_MIN..=PASSWORD_MAX).contains(&length) {
        let rule = Rule::Length { min: PASSWORD_MIN, max: PASSWORD_MAX };
        return Err(Error::faults(Code::Invalid, vec![Fault::at(pointer, rule)]));
    }
    if zxcvbn::zxcvbn(password, &[login]).score() < zxcvbn::Score::Three {
        return Err(Error::invalid(pointer, Rule::Weak));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_verified_and_an_unknown_name_never() {
        let passwords = Passwords::new(64, 2).unwrap();
        let password = || Zeroizing::new("correct horse battery staple".to_owned());
        let hash = passwords.hash(password()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{hash}");
        let turn = passwords.turn().unwrap();
        assert!(turn.verify(password(), Some(hash.clone())).await.unwrap());
        assert!(!turn.verify(Zeroizing::new("wrong".to_owned()), Some(hash.clone())).await.unwrap());
        assert!(!turn.verify(Zeroizing::new("nobody has this password".to_owned()), None).await.unwrap());
        assert!(!passwords.is_outdated(&hash));
        assert!(Passwords::new(128, 2).unwrap().is_outdated(&hash));
    }

    #[tokio::test]
    async fn work_whose_caller_has_hung_up_keeps_its_place_until_it_ends() {
        let passwords = Passwords::new(64, 2).unwrap();
        let free = || (passwords.permits.available_permits(), passwords.waiting.available_permits());
        let (hashes, waiting) = free();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel();

        let turn = passwords.turn().unwrap();
        let working = turn.take(move || {
            begin.send(()).unwrap();
            ended.recv().map_err(Error::internal)
        });
        tokio::select! {
            _ = working => panic!("it waits for its end"),
            said = begun => said.unwrap(),
        }
        drop(turn);

        assert_eq!(free(), (hashes - 1, waiting - 1));
        end.send(()).unwrap();
        let _all = passwords.waiting.acquire_many(u32::try_from(waiting).unwrap()).await.unwrap();
        assert_eq!(free(), (hashes, 0));
    }

    #[test]
    fn short_long_and_guessable_passwords_are_refused_and_passphrases_taken() {
        assert!(check_strength("short", "aigul", "/password").is_err());
        assert!(check_strength(&"x".repeat(129), "aigul", "/password").is_err());
        assert!(check_strength("passwordpassword", "aigul", "/password").is_err());
        assert!(check_strength("aigul.nurlanova1", "aigul.nurlanova", "/password").is_err());
        assert!(check_strength("correct horse battery staple", "aigul", "/password").is_ok());
    }
}
