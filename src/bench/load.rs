//! Rounds of requests, as many at once as there are connections, and what the process spent on them. A newcomer's usual
//! mistake is to compare a round with one of another run: machines drift, so service and limit take turns within a run,
//! with the same client, and the client's own cost is in both.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::task::JoinSet;

use super::wire::Line;
use crate::error::{Error, Result};

/// Ticks of `/proc/self/stat` in a second: Linux shows user space this rate whatever the kernel's own is.
const TICKS_PER_SECOND: f64 = 100.0;

/// What one round took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    /// Answers in a second.
    pub per_second: f64,
    /// Processor time of this whole process, client included, for one answer, in microseconds; none without `/proc`.
    pub cpu_micros: Option<f64>,
}

/// The rounds of one side.
#[derive(Debug, Clone, Default)]
pub(super) struct Rounds(Vec<Round>);

impl Rounds {
    /// Adds a round.
    pub fn push(&mut self, round: Round) {
        self.0.push(round);
    }

    /// Answers in a second in the best round.
    pub fn best(&self) -> f64 {
        self.0.iter().map(|round| round.per_second).fold(0.0, f64::max)
    }

    /// Answers in a second in the round in the middle.
    pub fn median(&self) -> f64 {
        middle(self.0.iter().map(|round| round.per_second).collect()).unwrap_or(0.0)
    }

    /// Processor time for one answer in the round in the middle, in microseconds.
    pub fn cpu_micros(&self) -> Option<f64> {
        middle(self.0.iter().filter_map(|round| round.cpu_micros).collect())
    }
}

fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Which of the requests made before is sent next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// One after the other from a place on, from the start again after the last.
    From(usize),
    /// Each connection always its own.
    Own,
}

/// What is sent, and to whom.
#[derive(Clone)]
pub(super) struct Load {
    /// The server.
    pub address: SocketAddr,
    /// The requests made before.
    pub requests: Arc<Vec<Vec<u8>>>,
    /// The status of every answer; another one ends the measurement.
    pub expected: u16,
    /// How many connections send at once.
    pub connections: usize,
}

impl Load {
    /// Sends `count` requests and tells what they took.
    pub async fn round(&self, count: usize, order: Order) -> Result<Round> {
        let load = self.clone();
        measure(self.connections, count, move |own, next| {
            let load = load.clone();
            async move {
                let mut line = Line::to(load.address);
                while let Some(number) = next.take() {
                    let place = match order {
                        Order::From(first) => first + number,
                        Order::Own => own,
                    };
                    let request = load.requests.get(place % load.requests.len().max(1));
                    let request = request.ok_or_else(|| Error::internal("there is nothing to send"))?;
                    line.call(request).await?.expect(load.expected)?;
                }
                Ok(())
            }
        })
        .await
    }
}

/// Hands out the numbers from 0 up to a count, each once.
#[derive(Clone)]
pub(super) struct Numbers {
    next: Arc<AtomicUsize>,
    count: usize,
}

impl Numbers {
    /// The next number; none when all are taken.
    pub fn take(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.count).then_some(number)
    }
}

/// Runs `work` on as many tasks as there are connections until all numbers are taken, and tells what it took.
pub(super) async fn measure<F: Future<Output = Result<()>> + Send + 'static>(
    connections: usize,
    count: usize,
    work: impl Fn(usize, Numbers) -> F,
) -> Result<Round> {
    let numbers = Numbers { next: Arc::new(AtomicUsize::new(0)), count };
    let mut tasks = JoinSet::new();
    let (cpu, started) = (cpu_seconds(), Instant::now());
    for own in 0..connections {
        tasks.spawn(work(own, numbers.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(Error::internal)??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let spent = cpu.zip(cpu_seconds()).map(|(before, after)| after - before);
    let cpu_micros = spent.map(|spent| spent * 1e6 / count as f64);
    Ok(Round { per_second: count as f64 / seconds, cpu_micros })
}

/// Processor time of this process so far, all threads, in user and kernel.
fn cpu_seconds() -> Option<f64> {
    // Where the kernel does not tell, the table has a dash.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name before the bracket may hold blanks; from the state on, the times are the 12th and 13th.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    let (user, kernel) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + kernel) / TICKS_PER_SECOND)
}

/// Memory of this process that is in use now, in bytes.
pub(super) fn resident_bytes() -> Option<u64> {
    // Where the kernel does not tell, the table has a dash.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_in_the_middle_stands_for_all() {
        let mut rounds = Rounds::default();
        for per_second in [30.0, 10.0, 20.0] {
            rounds.push(Round { per_second, cpu_micros: Some(1e6 / per_second) });
        }
        assert_eq!((rounds.best(), rounds.median()), (30.0, 20.0));
        assert_eq!(rounds.cpu_micros(), Some(50_000.0));
    }
}
