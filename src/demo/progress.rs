//! Steps of the demonstration: what is going on, and how long it took. A newcomer would print progress into a pipe; the
//! bars are drawn on a terminal alone.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::table::Timing;

/// How often a bar that does not move is drawn anew, so that its clock goes on.
const TICK: Duration = Duration::from_millis(200);

/// The steps so far.
#[derive(Default)]
pub(super) struct Steps {
    timings: Vec<Timing>,
}

/// A step under way.
pub(super) struct Step {
    name: &'static str,
    bar: ProgressBar,
    began: Instant,
}

impl Steps {
    /// Begins a step of `count` parts.
    pub fn begin(&self, name: &'static str, count: usize) -> Step {
        // Standard error is a terminal or nothing is drawn: indicatif sees to it.
        let bar = ProgressBar::new(count as u64);
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {prefix:28} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        bar.enable_steady_tick(TICK);
        Step { name, bar, began: Instant::now() }
    }

    /// Ends a step and notes its time.
    pub fn end(&mut self, step: Step) {
        step.bar.finish();
        self.timings.push(Timing { step: step.name, seconds: step.began.elapsed().as_secs_f64() });
    }

    /// The times of all steps, in order, then what they add up to, without the step `apart` and with it.
    pub fn into_timings(mut self, apart: &str) -> Vec<Timing> {
        let seconds = self.timings.iter().map(|timing| timing.seconds).sum();
        let seconds_apart: f64 =
            self.timings.iter().filter(|timing| timing.step == apart).map(|timing| timing.seconds).sum();
        self.timings.push(Timing { step: "all but the keys", seconds: seconds - seconds_apart });
        self.timings.push(Timing { step: "altogether", seconds });
        self.timings
    }
}

impl Step {
    /// One part more is done.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// So many parts are done.
    pub fn reach(&self, count: u64) {
        self.bar.set_position(count);
    }
}
