//! Does the run that destroys what was kept for its time. What a newcomer would get wrong: the rows are gone before their
//! bytes are, so the run ends only when the engine was made to wipe what it still held.

use super::Workshop;
use crate::error::Result;
use crate::store;
use crate::workflow::retention_runs::{finish, step};

/// Goes on with the run that is under way, to its end; whether there was one.
///
/// # Errors
/// 503 `busy` while somebody reads pages from before; the run is taken up again.
pub async fn go_on(shop: &Workshop) -> Result<bool> {
    let registry = &shop.registry.0;
    let Some(run) = registry.read(store::retention_runs::find_under_way).await? else { return Ok(false) };
    loop {
        let (cipher, now) = (shop.cipher.clone(), shop.clock.now());
        if registry.write(move |conn| step(conn, &cipher, run.id, now)).await? {
            break;
        }
    }
    registry.maintain(|conn, _| store::retention_runs::wipe(conn)).await?;
    let now = shop.clock.now();
    registry.write(move |conn| finish(conn, run.id, now)).await?;
    Ok(true)
}
