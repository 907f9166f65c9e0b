//! Puts decisions in force whose time to appeal is over; nobody has to ask for it. A newcomer's usual mistake is to count days
//! here: whether a time is over is said by the rule that a person is held to, and what is not over yet is left alone.

use super::Workshop;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::ids::EvaluationId;
use crate::error::{Code, Result};
use crate::store;
use crate::workflow::appeals::finalise;

/// So many are looked at in one round; those that must wait longer do not keep the others from their turn for ever, as each
/// round begins behind the last.
const ROUND: i64 = 500;

/// Puts in force what is due; a failure is logged, and the next round looks again.
pub async fn put_in_force(shop: &Workshop) {
    let mut after = None;
    loop {
        match round(shop, after).await {
            Ok(Some(last)) => after = Some(last),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "decisions could not be put in force");
                return;
            }
        }
    }
}

/// One round behind an evaluation; the last one looked at, none where there was none.
async fn round(shop: &Workshop, after: Option<EvaluationId>) -> Result<Option<EvaluationId>> {
    let now = shop.clock.now();
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let served = shop.registry.0.read(move |conn| store::decisions::served_until(conn, today, after, ROUND)).await?;
    let last = served.last().copied();
    for id in served {
        match shop.registry.0.write(move |conn| finalise(conn, None, id, now)).await {
            Ok(_) => {}
            // Its time still runs, stands still, or somebody was faster.
            Err(error) if matches!(error.code(), Code::GuardNotMet | Code::WrongPhase | Code::Stale) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(last)
}
