//! Reviews handed in beside their rows alone, and beside a handler that reads as much and writes the row. A newcomer would
//! let the limits commit as they like; a commit costs the same whatever it holds, so they keep to the service's.

use std::sync::Arc;

use super::ballots::Review;
use super::limits::FloorServer;
use super::load::{Load, Order, Round, Rounds, measure};
use super::report::{Comparison, Limit};
use super::wire::{Extras, request};
use super::{Floors, ROUNDS, Sizes, Stage};
use crate::db::Location;
use crate::error::{Error, Result};

/// Submissions of reviews beside their rows alone, and beside a handler that reads as much and writes the row.
pub(super) async fn compare(
    stage: &Stage,
    floors: &Floors,
    server: &FloorServer,
    reviews: &mut [Review],
    sizes: &Sizes,
) -> Result<Comparison> {
    let requests: Vec<Vec<u8>> = reviews.iter_mut().map(|review| std::mem::take(&mut review.request)).collect();
    let (count, connections) = (sizes.submissions, sizes.connections);
    let sample = requests.first().cloned().unwrap_or_default();
    let body_start = sample.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(0, |end| end + 4);
    let sample_body = sample.get(body_start..).unwrap_or_default();
    let raw = request("POST", "/reviews", Extras { body: sample_body, ..Extras::default() });
    let service = Load { address: stage.ballot_box.address, requests: Arc::new(requests), expected: 202, connections };
    let handler = Load { address: server.box_address, requests: Arc::new(vec![raw]), ..service.clone() };
    service.round(connections, Order::From(count * ROUNDS)).await?;
    handler.round(connections, Order::From(0)).await?;

    let (mut own, mut rows, mut handled) = (Tally::default(), Tally::default(), Tally::default());
    let (own_store, raw_store) = (&stage.config.ballot_database, &floors.alone.config.ballot_database);
    let handler_store = &floors.behind_handlers.config.ballot_database;
    for round in 0..ROUNDS {
        own.add(own_store, count, service.round(count, Order::From(round * count))).await?;
        // A commit costs the same whatever it holds. The service's holds fewer, since checking keeps the cores busy, and
        // the limits keep to that: what they lack is the checking.
        if round == 0 && own.commits > 0 {
            let rows = own.rows.div_ceil(usize::try_from(own.commits).map_err(Error::internal)?);
            floors.alone.commit_about(rows);
            floors.behind_handlers.commit_about(rows);
        }
        let alone = measure(connections, count, |_, next| {
            let floor = floors.alone.clone();
            async move {
                while next.take().is_some() {
                    floor.put_review().await?;
                }
                Ok(())
            }
        });
        rows.add(raw_store, count, alone).await?;
        handled.add(handler_store, count, handler.round(count, Order::From(0))).await?;
    }
    let rows_alone = rows.limit("its row alone under a random key, as many writers, no HTTP");
    let behind_handler = handled.limit("a handler that reads as many bytes, writes the row and answers");
    Ok(Comparison {
        operation: "review submit",
        requests: count,
        per_commit: own.per_commit(),
        service: own.rounds,
        // The handler waits for the same network as the service does, so it is the limit that a target speaks of.
        limits: vec![behind_handler, rows_alone],
    })
}

/// Rounds of writes to one store, and in how many commits.
#[derive(Default)]
struct Tally {
    rounds: Rounds,
    rows: usize,
    commits: u32,
}

impl Tally {
    async fn add(&mut self, store: &Location, count: usize, round: impl Future<Output = Result<Round>>) -> Result<()> {
        let before = commits(store);
        self.rounds.push(round.await?);
        // A compaction has put another file in place if the count went back; such a round tells nothing.
        if let Some(commits) = before.zip(commits(store)).and_then(|(before, after)| after.checked_sub(before)) {
            self.rows += count;
            self.commits += commits;
        }
        Ok(())
    }

    fn per_commit(&self) -> Option<f64> {
        (self.commits > 0).then(|| self.rows as f64 / f64::from(self.commits))
    }

    fn limit(self, what: &'static str) -> Limit {
        Limit { what, per_commit: self.per_commit(), rounds: self.rounds }
    }
}

/// How often an SQLite file without a write-ahead log was changed: its header counts the commits.
fn commits(store: &Location) -> Option<u32> {
    let Location::Sqlite(path) = store else { return None };
    // A file that cannot be read leaves the column empty, nothing else.
    let head = std::fs::read(path).ok()?;
    head.get(24..28).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
}
