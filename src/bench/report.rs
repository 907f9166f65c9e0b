//! How the measurement is shown: one table, or the same as JSON. A newcomer's usual mistake is to quote a single column;
//! the ratio is what can be compared between machines, the rest tells where it comes from.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::load::Rounds;

/// One operation beside its limits.
pub(super) struct Comparison {
    /// The operation.
    pub operation: &'static str,
    /// Requests of one round.
    pub requests: usize,
    /// The service's rounds.
    pub service: Rounds,
    /// Rows written in one commit on the average, where the engine tells.
    pub per_commit: Option<f64>,
    /// What it is held against; the first is the limit that the target speaks of.
    pub limits: Vec<Limit>,
}

/// A raw limit.
pub(super) struct Limit {
    /// What is done.
    pub what: &'static str,
    /// Its rounds.
    pub rounds: Rounds,
    /// Rows written in one commit on the average, where the engine tells.
    pub per_commit: Option<f64>,
}

/// A figure that has no limit beside it.
pub(super) struct Single {
    /// Its name for a program, with the unit.
    pub key: &'static str,
    /// Its name for a reader.
    pub name: &'static str,
    /// The figure; not a number where it was not measured, for which JSON has null.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What is in it.
    pub note: &'static str,
}

/// What the measurement ran on.
pub(super) struct Setting {
    /// `sqlite` or `postgresql`.
    pub engine: &'static str,
    /// Cores that the process may use.
    pub cores: usize,
    /// Connections that asked at once.
    pub connections: usize,
    /// Rounds of each side.
    pub rounds: usize,
    /// Files that reads were spread over.
    pub files: usize,
    /// Values in each file.
    pub values_per_file: usize,
    /// Values, acts and records of the other sections in each file that was read as a whole.
    pub records_per_whole_file: usize,
    /// Whether the program was built with optimisation.
    pub is_optimised: bool,
}

/// All that was measured.
pub struct Report {
    pub(super) setting: Setting,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) singles: Vec<Single>,
}

impl Report {
    /// For a program.
    pub fn json(&self) -> Value {
        let Setting { engine, cores, connections, rounds, files, .. } = self.setting;
        let Setting { values_per_file, records_per_whole_file, is_optimised, .. } = self.setting;
        let comparisons: Vec<Value> = self.comparisons.iter().map(Comparison::json).collect();
        let singles: serde_json::Map<String, Value> =
            self.singles.iter().map(|single| (single.key.to_owned(), json!(rounded(single.value)))).collect();
        json!({
            "setting": {
                "engine": engine, "cores": cores, "connections": connections, "rounds": rounds,
                "files": files, "values_per_file": values_per_file,
                "records_per_whole_file": records_per_whole_file, "is_optimised": is_optimised,
            },
            "comparisons": comparisons, "singles": singles,
        })
    }

    /// For a reader.
    pub fn table(&self) -> String {
        let Setting { engine, cores, connections, rounds, files, .. } = self.setting;
        let Setting { values_per_file, records_per_whole_file, is_optimised, .. } = self.setting;
        let build = if is_optimised { "optimised build" } else { "build without optimisation: figures mean nothing" };
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "{cores} cores, {engine}, {connections} connections, {rounds} rounds of each side in turn, {build}\n"
        );
        let _ = writeln!(
            out,
            "{:20} {:>8} {:>9} {:>9} {:>8} {:>9} {:>9} {:>8} {:>6}  the limit",
            "operation", "requests", "median/s", "best/s", "CPU µs", "limit/s", "best/s", "CPU µs", "ratio"
        );
        for comparison in &self.comparisons {
            comparison.write(&mut out);
        }
        let _ = writeln!(
            out,
            "\nratio: medians. CPU: of the whole process for one request, the client's share included on both sides.\n\
             {files} files hold {values_per_file} values each; those read as a whole, {records_per_whole_file} records.\n"
        );
        for single in &self.singles {
            let value = if single.value.is_nan() { "-".to_owned() } else { figure(single.value) };
            let _ = writeln!(out, "{:24} {value:>9} {:3} {}", single.name, single.unit, single.note);
        }
        out
    }
}

impl Comparison {
    fn json(&self) -> Value {
        let limits: Vec<Value> = self
            .limits
            .iter()
            .map(|limit| {
                let mut value = side(&limit.rounds, limit.per_commit);
                if let Some(members) = value.as_object_mut() {
                    members.insert("what".to_owned(), json!(limit.what));
                    members.insert("ratio".to_owned(), json!(rounded(self.ratio(limit))));
                }
                value
            })
            .collect();
        let service = side(&self.service, self.per_commit);
        json!({"operation": self.operation, "requests": self.requests, "service": service, "limits": limits})
    }

    fn write(&self, out: &mut String) {
        for (limit, place) in self.limits.iter().zip(0..) {
            let own = match place {
                0 => format!("{:20} {:>8} {}", self.operation, self.requests, columns(&self.service)),
                _ => format!("{:20} {:>8} {:>9} {:>9} {:>8}", "", "", "", "", ""),
            };
            let limit_columns = columns(&limit.rounds);
            let ratio = self.ratio(limit);
            // Writing into a String cannot fail.
            let _ = write!(out, "{own} {limit_columns} {ratio:>6.2}  {}", limit.what);
            if let (Some(own), Some(raw)) = (self.per_commit, limit.per_commit) {
                let _ = write!(out, "; {own:.1} a commit, here {raw:.1}");
            }
            out.push('\n');
        }
    }

    fn ratio(&self, limit: &Limit) -> f64 {
        self.service.median() / limit.rounds.median()
    }
}

fn side(rounds: &Rounds, per_commit: Option<f64>) -> Value {
    json!({
        "median_per_second": rounded(rounds.median()), "best_per_second": rounded(rounds.best()),
        "cpu_micros_per_request": rounds.cpu_micros().map(rounded), "rows_per_commit": per_commit.map(rounded),
    })
}

fn columns(rounds: &Rounds) -> String {
    let cpu = rounds.cpu_micros().map_or("-".to_owned(), figure);
    format!("{:>9} {:>9} {cpu:>8}", figure(rounds.median()), figure(rounds.best()))
}

/// Three digits that count, without a power of ten.
fn figure(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
