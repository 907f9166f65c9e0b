//! Computes the results of a sealed cycle: the issuers' keys are destroyed, the bundle is checked and scored, and
//! all of it is stored in one write. Every step may be done again; a second run gives the same bytes.

use std::sync::Arc;

use super::{Workshop, aside};
use crate::credential::frozen::Frozen;
use crate::domain::ids::CycleId;
use crate::error::{Error, Result};
use crate::exchange;
use crate::store;
use crate::store::jobs::Job;
use crate::workflow::issuance;
use crate::workflow::results::{self, Expected, Sealed};

/// Checks, destroys, scores and stores.
pub async fn compute(shop: &Workshop, job: &Job) -> Result<()> {
    let id: CycleId = job.object_id.parse().map_err(Error::internal)?;
    let expected = Arc::new(shop.registry.0.read(move |conn| results::load(conn, id)).await?);
    let (job_id, total) = (job.id, expected.subject_count()?);
    let now = shop.clock.now().naive_utc();
    shop.registry.0.write(move |conn| store::jobs::start(conn, job_id, 0, total, now)).await?;

    let (dir, cycle) = (&shop.publication_dir, &expected.cycle);
    let earlier = match expected.earlier_round() {
        Some(round) => {
            let sealed = exchange::sealed(dir, cycle, round).await?;
            Some(Arc::new((sealed, exchange::bundle(dir, cycle, round).await?)))
        }
        None => None,
    };
    let files = exchange::bundle(dir, cycle, cycle.round).await?;
    let sealed = exchange::sealed(dir, cycle, cycle.round).await?;
    // With the box's checkpoint the keys have done their work, whatever the check of the bundle then finds.
    take_in_checkpoint(shop, &expected, &sealed).await?;
    exchange::destroy_due_keys(&shop.registry, &shop.key_dir, id, shop.clock.now()).await?;
    let (checking, before) = (expected.clone(), earlier.clone());
    let files = aside(move || {
        let files = results::without_unfinished_result(files)?;
        let earlier = before.as_deref().map(|(sealed, files)| (sealed, files));
        results::check_bundles(&checking, earlier, (&sealed, &files))?;
        Ok(files)
    })
    .await?;

    let scoring = expected.clone();
    let computed =
        Arc::new(aside(move || results::compute(&scoring, earlier.as_deref().map(|(_, files)| files), files)).await?);
    exchange::write_result(&shop.publication_dir, &expected.cycle, computed.clone()).await?;
    let now = shop.clock.now();
    shop.registry.0.write(move |conn| results::put(conn, job_id, id, &computed, now)).await
}

async fn take_in_checkpoint(shop: &Workshop, expected: &Arc<Expected>, sealed: &Sealed) -> Result<()> {
    let checkpoint = String::from_utf8(sealed.checkpoint.clone()).map_err(Error::internal)?;
    let parsing = expected.clone();
    let manifest = aside(move || Frozen::parse(parsing.manifest()?)).await?;
    let (expected, now) = (expected.clone(), shop.clock.now());
    shop.registry
        .0
        .write(move |conn| issuance::put_box_documents(conn, &expected.cycle, &manifest, None, Some(&checkpoint), now))
        .await
}
