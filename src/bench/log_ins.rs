//! Log-ins beside the password hashes that they cannot do without. A newcomer would compare with a handler that hashes
//! nothing; what a log-in costs is the hash, and the limit is how many of those the cores get through.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use super::load::{Load, Order, Rounds, measure};
use super::records::Staff;
use super::report::{Comparison, Limit};
use super::wire::{Extras, request};
use super::{ROUNDS, Sizes, Stage, aside, cores};
use crate::config::Config;
use crate::error::{Error, Result};

/// Log-ins that are at work at once for each core, as in the service.
const HASHES_PER_CORE: usize = 2;

/// Log-ins, each connection under its own name, beside the password hashes alone.
pub(super) async fn compare(stage: &Stage, staff: &Staff, logins: &[String], sizes: &Sizes) -> Result<Comparison> {
    let requests = logins.iter().map(|login| {
        let body = staff.credentials(login);
        request("POST", "/v1/sessions", Extras { body: &body, ..Extras::default() })
    });
    let requests = Arc::new(requests.collect::<Vec<_>>());
    let service = Load { address: stage.registry.address, requests, expected: 201, connections: sizes.connections };
    let Config { argon2_memory_kib, argon2_passes, .. } = stage.config;
    let params = Params::new(argon2_memory_kib, argon2_passes, 1, None).map_err(Error::internal)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hashed = argon2.hash_password(stage.password.as_bytes());
    let hash: Arc<str> = hashed.map_err(|error| Error::internal(error.to_string()))?.to_string().into();
    let (mut own, mut raw) = (Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        own.push(service.round(sizes.logins, Order::Own).await?);
        let verified = measure(cores() * HASHES_PER_CORE, sizes.logins, |_, next| {
            let (hash, password) = (hash.clone(), stage.password.clone());
            async move {
                while next.take().is_some() {
                    let (hash, password) = (hash.clone(), password.clone());
                    aside(move || verify_password(&password, &hash)).await?;
                }
                Ok(())
            }
        });
        raw.push(verified.await?);
    }
    let what = "the Argon2id hashes alone, as many at once as the service lets work";
    let limits = vec![Limit { what, rounds: raw, per_commit: None }];
    Ok(Comparison { operation: "log-in", requests: sizes.logins, service: own, per_commit: None, limits })
}

fn verify_password(password: &str, hash: &str) -> Result<()> {
    let parsed = PasswordHash::new(hash).map_err(|error| Error::internal(error.to_string()))?;
    let verified = Argon2::default().verify_password(password.as_bytes(), &parsed);
    verified.map_err(|error| Error::internal(error.to_string()))
}
