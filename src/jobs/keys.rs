//! Makes the issuers' keys of a generation: one for each subject and issuer, as many at once as there are cores. A key is
//! wrapped before it is stored; a stop loses at most the keys in the making.

use std::collections::HashSet;

use tokio::task::JoinSet;

use super::{Workshop, aside};
use crate::cipher::{Cipher, Use, round_key};
use crate::credential::signing;
use crate::domain::ids::{CycleId, EvaluationId};
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::issuance::{DocumentKeyRow, IssuerKeyRow};
use crate::store::jobs::Job;
use crate::workflow::issuance::{document_key_context, issuers, key_context};
use crate::workflow::manifests::check_keys_due;

/// A key to be made.
struct Slot {
    evaluation_id: EvaluationId,
    issuer_id: &'static str,
}

/// Makes all keys of the cycle that do not exist yet.
pub async fn make(shop: &Workshop, job: &Job) -> Result<()> {
    let id: CycleId = job.object_id.parse().map_err(Error::internal)?;
    let (cycle, subjects, made) = shop
        .registry
        .0
        .read(move |conn| {
            let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
            check_keys_due(&cycle)?;
            let keys = store::issuance::issuer_keys(conn, id, cycle.round, cycle.generation)?;
            let made: HashSet<_> = keys.into_iter().map(|key| (key.evaluation_id, key.issuer_id)).collect();
            // A later generation replaces the keys of the subjects that were bumped; the others keep theirs.
            let subjects = match cycle.generation {
                0 => store::evaluations::of_round(conn, id, cycle.round)?
                    .iter()
                    .map(|evaluation| evaluation.id)
                    .collect(),
                generation => store::issuance::key_bumps(conn, id, cycle.round, generation)?,
            };
            Ok((cycle, subjects, made))
        })
        .await?;
    let mut slots: Vec<Slot> = Vec::new();
    for evaluation_id in subjects {
        let issuers = issuers(&cycle).into_iter().map(|issuer| Slot { evaluation_id, issuer_id: issuer.issuer_id });
        slots.extend(issuers.filter(|slot| !made.contains(&(evaluation_id, slot.issuer_id.to_owned()))));
    }
    let done = count(made.len())?;
    let total = done + count(slots.len())?;
    let (job_id, now) = (job.id, shop.clock.now().naive_utc());
    shop.registry.0.write(move |conn| store::jobs::start(conn, job_id, done, total, now)).await?;
    make_document_keys(shop, &cycle).await?;

    let file = round_key::path(&shop.key_dir, &cycle.id.to_string(), cycle.round);
    let round_key = aside(move || round_key::make(&file)).await?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut slots = slots.into_iter();
    let mut making = JoinSet::new();
    let mut failure = None;
    loop {
        while failure.is_none()
            && making.len() < cores
            && let Some(slot) = slots.next()
        {
            making.spawn(make_one(shop, &cycle, &round_key, slot));
        }
        let Some(made) = making.join_next().await else { break };
        let row = match made.map_err(Error::internal).flatten() {
            Ok(row) => row,
            // Keys that are still in the making are kept before the failure is told.
            Err(error) => {
                failure.get_or_insert(error);
                continue;
            }
        };
        let now = shop.clock.now().naive_utc();
        shop.registry
            .0
            .write(move |conn| {
                // The cycle may have been cancelled since the job began.
                check_keys_due(&store::cycles::find(conn, id)?.ok_or(Code::NotFound)?)?;
                store::issuance::insert_issuer_key(conn, &row)?;
                store::jobs::count_done(conn, job_id, 1, now)
            })
            .await?;
    }
    if let Some(error) = failure {
        return Err(error);
    }
    let now = shop.clock.now().naive_utc();
    shop.registry.0.write(move |conn| store::jobs::finish(conn, job_id, None, now)).await
}

/// The making of one key, on a blocking thread, as a task of its own.
fn make_one(
    shop: &Workshop,
    cycle: &Cycle,
    round_key: &Cipher,
    slot: Slot,
) -> impl Future<Output = Result<IssuerKeyRow>> + use<> {
    let (source, round_key) = (shop.key_source.clone(), round_key.clone());
    let (cycle_id, round, generation) = (cycle.id, cycle.round, cycle.generation);
    aside(move || {
        let key = source.next_key()?;
        let context = key_context(cycle_id, round, slot.evaluation_id, slot.issuer_id, generation);
        let wrapped = round_key.seal(Use::IssuerKey, &context, &key.to_pkcs8_der()?)?;
        Ok(IssuerKeyRow {
            evaluation_id: slot.evaluation_id,
            issuer_id: slot.issuer_id.to_owned(),
            round,
            generation,
            key_id: key.public().key_id().0.to_vec(),
            public_key: key.public().spki_der().to_vec(),
            wrapped_private_key: Some(wrapped),
        })
    })
}

/// The keys with which issuers sign ledgers and orders; one that exists stays.
async fn make_document_keys(shop: &Workshop, cycle: &Cycle) -> Result<()> {
    let mut rows = Vec::new();
    for issuer in issuers(cycle) {
        let key = signing::generate()?;
        let context = document_key_context(cycle.id, issuer.issuer_id);
        rows.push(DocumentKeyRow {
            cycle_id: cycle.id,
            issuer_id: issuer.issuer_id.to_owned(),
            public_key: signing::public_key(&key).0.to_vec(),
            wrapped_private_key: shop.cipher.seal(Use::DocumentKey, &context, key.as_bytes())?,
        });
    }
    let insert = move |conn: &mut crate::db::Conn| {
        rows.iter().try_for_each(|row| store::issuance::insert_document_key(conn, row))
    };
    shop.registry.0.write(insert).await
}

fn count(number: usize) -> Result<i32> {
    i32::try_from(number).map_err(Error::internal)
}
