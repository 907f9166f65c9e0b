//! The scoring of a national cycle by itself: the time of one core, of all cores, and of NumPy on the same marks. A
//! newcomer would compare with a figure from another machine; all sides run here, on one file of marks.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

use super::cores;
use super::report::Single;
use crate::credential::encoding::fill_random;
use crate::domain::scoring::interval::Spread;
use crate::domain::scoring::rules::{Criterion, Panel, PublishStep, RuleValues, Rules, Scale};
use crate::domain::scoring::{PanelScore, pool, score_each};
use crate::error::{Error, Result};

/// Reviews of each subject.
const REVIEWS: usize = 15;
/// Criteria, of one item each.
const CRITERIA: usize = 8;
/// How often each side runs; the best run is told.
const RUNS: usize = 5;

/// Level and profile in NumPy, for a file of marks; prints the CPU seconds of its best run and the sum of all scores.
const NUMPY: &str = "
import sys, time
import numpy as np
n, c, runs = (int(word) for word in sys.argv[1:4])
y = np.frombuffer(sys.stdin.buffer.read(), dtype=np.uint8).reshape(-1, n, c).astype(np.int8)
g = n // 4
def middle(values):
    values.sort(axis=1)
    return values[:, g:n - g].sum(axis=1) / (n - 2 * g)
best = float('inf')
for _ in range(runs):
    start = time.process_time()
    z = y.sum(axis=2, dtype=np.int16)
    level = middle(z.copy()) / c
    profile = middle(c * y.astype(np.int16) - z[:, :, None]) / c
    scores = np.clip(level[:, None] + profile, 1, 5)
    best = min(best, time.process_time() - start)
print(best, level.sum() + scores.sum())
";

/// What one pass over the results makes: everything that is sealed of them.
#[derive(Default)]
struct Made {
    text: String,
    fractions: i64,
    scores: f64,
    widths: f64,
}

/// Measures the scoring of so many subjects.
pub(super) fn scoring(subjects: usize) -> Result<Vec<Single>> {
    let rules = rules()?;
    let marks = marks(subjects)?;
    let panels = marks.chunks_exact(REVIEWS * CRITERIA).map(|rows| Panel::new(&rules, rows.to_vec()));
    let panels = panels.collect::<Result<Vec<_>>>()?;
    let (half, _) = panels.split_at(panels.len() / 2);
    let (whole, made) = best(|| one_core(&rules, &panels))?;
    let (of_half, _) = best(|| one_core(&rules, half))?;
    let (over_cores, _) = best(|| all_cores(&rules, &panels))?;
    let mut singles = vec![
        Single {
            key: "scoring_cpu_seconds",
            name: "scoring, one core",
            value: whole,
            unit: "s",
            note: "CPU; all subjects × 15 reviews × 8 criteria: fractions in lowest terms, texts, both intervals",
        },
        Single {
            key: "scoring_cost_against_half",
            name: "scoring, twice the marks",
            value: whole / of_half,
            unit: "×",
            note: "CPU of all subjects against half of them; 2 is linear",
        },
        Single {
            key: "scoring_all_cores_seconds",
            name: "scoring, all cores",
            value: over_cores,
            unit: "s",
            note: "wall clock; the same, by a thread for each core",
        },
    ];
    match numpy(&marks)? {
        Some((seconds, sum)) => {
            if (sum - made.scores).abs() > 1e-6 * made.scores {
                return Err(Error::internal(format!("NumPy's scores add up to {sum}, ours to {}", made.scores)));
            }
            singles.push(Single {
                key: "scoring_against_numpy",
                name: "scoring against NumPy",
                value: whole / seconds,
                unit: "×",
                note: "CPU of one core against NumPy's level and profile of the same marks, which makes scores alone",
            });
        }
        None => singles.push(Single {
            key: "scoring_against_numpy",
            name: "scoring against NumPy",
            value: f64::NAN,
            unit: "",
            note: "not measured: there is no python3 with NumPy on this machine",
        }),
    }
    Ok(singles)
}

/// The best of the runs, and what the last one made.
fn best(run: impl Fn() -> Result<(f64, Made)>) -> Result<(f64, Made)> {
    let (mut seconds, mut made) = run()?;
    for _ in 1..RUNS {
        let again = run()?;
        seconds = seconds.min(again.0);
        made = again.1;
    }
    Ok((seconds, made))
}

/// The CPU seconds of one thread.
fn one_core(rules: &Rules, panels: &[Panel]) -> Result<(f64, Made)> {
    let started = cpu_seconds();
    let spread = pool(rules, panels, 1)?;
    let made = make(rules, panels, &spread)?;
    Ok((cpu_seconds() - started, made))
}

/// The seconds on the clock with a thread for each core.
fn all_cores(rules: &Rules, panels: &[Panel]) -> Result<(f64, Made)> {
    let threads = cores();
    let started = Instant::now();
    let spread = pool(rules, panels, threads)?;
    let share = panels.len().div_ceil(threads).max(1);
    let made = std::thread::scope(|scope| {
        let workers: Vec<_> = panels.chunks(share).map(|share| scope.spawn(|| make(rules, share, &spread))).collect();
        let died = |_| Err(Error::internal("a thread that scores died"));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(died)).collect::<Result<Vec<_>>>()
    })?;
    let seconds = started.elapsed().as_secs_f64();
    Ok((seconds, made.into_iter().next().unwrap_or_default()))
}

fn make(rules: &Rules, panels: &[Panel], spread: &Spread) -> Result<Made> {
    let mut made = Made::default();
    score_each(rules, panels, spread, |score| {
        made.add(score);
        Ok(())
    })?;
    // What nobody reads a compiler may leave out.
    std::hint::black_box((&made.text, made.fractions, made.widths));
    Ok(made)
}

impl Made {
    fn add(&mut self, score: &PanelScore) {
        self.text.clear();
        let overall = score.overall.iter().map(|overall| (overall.level.score, &overall.certainty));
        let criteria = score.criteria.iter().filter_map(|criterion| criterion.figures.as_ref());
        for (fraction, certainty) in overall.chain(criteria.map(|(profile, certainty)| (profile.score, certainty))) {
            fraction.write_text(&mut self.text);
            self.fractions += fraction.num() + fraction.den();
            self.scores += fraction.value();
            self.widths += certainty.aware.hi - certainty.aware.lo + certainty.ordinary.hi - certainty.ordinary.lo;
        }
        std::hint::black_box(&self.text);
    }
}

/// NumPy's CPU seconds and the sum of its scores; `None` where it is not to be had.
fn numpy(marks: &[u8]) -> Result<Option<(f64, f64)>> {
    let mut command = Command::new("python3");
    command.arg("-c").arg(NUMPY).args([REVIEWS, CRITERIA, RUNS].map(|number| number.to_string()));
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut process) = started else { return Ok(None) };
    if let Some(mut input) = process.stdin.take() {
        // Without NumPy it ends before it reads; then there is nothing to compare with.
        let _ = input.write_all(marks);
    }
    let output = process.wait_with_output().map_err(Error::internal)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut figures = text.split_whitespace().map(str::parse::<f64>);
    match (output.status.success(), figures.next(), figures.next()) {
        (true, Some(Ok(seconds)), Some(Ok(sum))) => Ok(Some((seconds, sum))),
        _ => Ok(None),
    }
}

/// Marks from 1 to 5, 3 and 4 the most frequent.
fn marks(subjects: usize) -> Result<Vec<u8>> {
    let mut marks = vec![0; subjects * REVIEWS * CRITERIA];
    fill_random(&mut marks)?;
    let places = [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5, 3, 4, 4];
    for mark in &mut marks {
        *mark = places.get(usize::from(*mark % 16)).copied().unwrap_or(3);
    }
    Ok(marks)
}

fn rules() -> Result<Rules> {
    Rules::new(RuleValues {
        scale: Scale { min: 1, max: 5, step: 1 },
        criteria: (0..CRITERIA).map(|place| Criterion { code: format!("c{place}"), weight: 1, items: 1 }).collect(),
        display_min: 5,
        decision_min: 10,
        kept_min: 6,
        publish_step: PublishStep::Quarter,
        expected_hundredths: 300,
    })
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
