//! `docs/privacy-report.md` from the measurements of a whole run. What a newcomer would get wrong: nothing in it is
//! written by hand. A figure that nobody measured is not there.

use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::attempts::Attempts;
use crate::crashes::Crashes;
use crate::interleavings::Interleavings;
use crate::latencies::Latencies;
use crate::measured::{Measured, furthest_area, pooled};
use crate::orders::Orders;
use crate::population::Manner;
use crate::proxy::Proxied;
use crate::runs::variable;
use crate::timing::Timing;

const ENGINES: [&str; 2] = ["SQLite", "PostgreSQL"];
const MISSING: &str = "not measured";

/// How long a part of `scripts/privacy` took.
#[derive(Debug, Clone, Deserialize)]
struct Wall {
    part: String,
    seconds: u64,
}

/// All measurements of a whole run.
#[derive(Debug, Clone, Default)]
struct Measurements {
    runs: Vec<Measured>,
    attempts: Vec<Attempts>,
    interleavings: Vec<Interleavings>,
    crashes: Vec<Crashes>,
    orders: Vec<Orders>,
    latencies: Vec<Latencies>,
    timing: Vec<Timing>,
    walls: Vec<Wall>,
}

/// Writes the report where `scripts/privacy` asks for one.
#[test]
fn the_report_follows_from_the_measurements() {
    let (Some(folder), Some(report)) = (variable("EJF_PRIVACY_FOLDER"), variable("EJF_PRIVACY_REPORT")) else { return };
    let folder = Path::new(&folder);
    let measurements = Measurements {
        runs: read(folder, "run"),
        attempts: read(folder, "attempts"),
        interleavings: read(folder, "interleavings"),
        crashes: read(folder, "crashes"),
        orders: read(folder, "orders"),
        latencies: read(folder, "latencies"),
        timing: read(folder, "timing"),
        walls: read(folder, "wall"),
    };
    let text = render(&measurements, &variable("EJF_PRIVACY_STATE").unwrap_or_else(|| "unknown".to_owned()));
    std::fs::write(report, &text).unwrap();
    let missing: Vec<&str> = text.lines().filter(|line| line.contains(MISSING)).collect();
    assert!(missing.is_empty(), "a whole run measures everything:\n{}", missing.join("\n"));
}

fn read<T: DeserializeOwned>(folder: &Path, kind: &str) -> Vec<T> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let is_of =
        |path: &&std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{kind}-"));
    paths.iter().filter(is_of).map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

/// The report; `state` is the commit that was measured, or `changed` for a tree that was none.
fn render(all: &Measurements, state: &str) -> String {
    let mut text = format!(
        "# What an insider finds\n\n\
         Made by `scripts/privacy` from its measurements; not written by hand. Measured at commit {state}. An insider has dumps of both databases, the\n\
         raw files with journals and logs, the process's output at the most verbose level, every answer that the public and\n\
         staff get, what passed the registry's listener, and all that nginx with `deploy/nginx-box.conf` leaves. *As designed*: nobody logs in while reviews are taken.\n\
         *Careless*: every judge logs in minutes before sending. A linker passes where it names no more than chance and three\n\
         standard deviations would, and no more than all but 1 of 1,000 searches of the same kind over truths that were\n\
         shuffled within each panel (p > 0.001).\n\n\
         | figure | target | SQLite | PostgreSQL | measured by |\n|---|---|---|---|---|\n",
    );
    for manner in [Manner::Designed, Manner::Careless] {
        let runs = |engine: &str| clean(all, engine, Some(manner));
        let name = manner.name();
        row(&mut text, &format!("L-5 linker, {name}: authors named"), "≤ chance + 3 σ", |engine| {
            linked(&runs(engine))
        });
        row(&mut text, &format!("L-6 cross-link, {name}: area furthest from one half"), "0.47–0.53", |engine| {
            furthest(&runs(engine))
        });
    }
    let sum = |engine: &str, count: fn(&Measured) -> usize| {
        let runs = clean(all, engine, None);
        (!runs.is_empty()).then(|| runs.iter().map(|run| count(run)).sum::<usize>().to_string())
    };
    row(&mut text, "L-1 algebra: consistent pairs", "all", |engine| {
        let runs = clean(all, engine, None);
        let total = runs.iter().fold((0, 0), |sum, run| (sum.0 + run.pairs.0, sum.1 + run.pairs.1));
        (total.1 > 0).then(|| format!("{} of {}", total.0, total.1))
    });
    row(&mut text, "L-2 bytes shared with a record of a person", "0", |engine| sum(engine, |run| run.joins.len()));
    row(&mut text, "L-3 attributes in the order of arrival", "0", |engine| {
        let looked_at = clean(all, engine, None).iter().map(|run| run.attributes).max()?;
        Some(format!("{} (of up to {looked_at} a run)", sum(engine, |run| run.ordered.len())?))
    });
    row(&mut text, "L-3 over many seeds: attributes in the order of arrival", "0 in 20 seeds, p > 0.001", |engine| {
        let one = all.orders.iter().find(|one| one.engine == engine)?;
        let Orders { seeds, reviews, attributes, least, .. } = one;
        let found = one.ordered.len();
        Some(format!(
            "{found} ({seeds} seeds of {reviews} reviews, {attributes} attributes, p {least:.3} for all together)"
        ))
    });
    row(&mut text, "L-4 timed attributes", "0", |engine| sum(engine, |run| run.timed.len()));
    row(&mut text, "L-7 canaries, marks and statements out of their place", "0", |engine| {
        sum(engine, |run| run.canaries.len())
    });
    row(&mut text, "counters, and lines for each review", "0", |engine| sum(engine, |run| run.counters.len()));
    row(&mut text, "E5 the shipped proxy: faults of a run behind it", "0", |engine| {
        let (run, proxied) = behind_the_proxy(all, engine)?;
        let (faults, reviews, places, bytes) = (run.faults().len(), run.reviews, proxied.places, proxied.bytes);
        Some(format!("{faults} ({reviews} reviews by TLS; {places} files and folders of nginx, {bytes} bytes)"))
    });
    row(&mut text, "E12 distinct sizes of submissions, and of answers of a kind", "1, 1", |engine| {
        let (_, proxied) = behind_the_proxy(all, engine)?;
        let requests: Vec<String> = proxied.sizes.requests.keys().map(ToString::to_string).collect();
        let answers = proxied.sizes.answers.values().map(std::collections::BTreeMap::len).max().unwrap_or(0);
        let of_each = proxied.sizes.answers.iter().map(|(status, sizes)| {
            let sizes: Vec<String> = sizes.keys().map(ToString::to_string).collect();
            format!("{status}: {}", sizes.join(" and "))
        });
        let of_each = of_each.collect::<Vec<_>>().join(", ");
        Some(format!("{}, {answers} ({} bytes; answers {of_each})", requests.len(), requests.join(" and ")))
    });
    row(&mut text, "L-8 controls caught", "all", |engine| {
        let controls = controls(all, engine);
        let caught = controls.iter().filter(|run| !run.faults().is_empty()).count();
        (!controls.is_empty()).then(|| format!("{caught} of {}", controls.len()))
    });
    row(&mut text, "O-1 double accepts in concurrent attempts", "0 of 100,000", |engine| {
        let one = all.attempts.iter().find(|one| one.engine == engine)?;
        Some(format!("{} of {} ({} more answered busy)", one.double_accepts, one.judged, one.busy))
    });
    row(&mut text, "O-2 histories that go as the model says", "all of ≥ 10,000", |engine| {
        let one = all.interleavings.iter().find(|one| one.engine == engine)?;
        Some(format!("{} ({} steps, {} reviews)", one.histories, one.steps, one.accepted))
    });
    row(&mut text, "R-1 receipts honoured after kills", "all", |engine| {
        let one = all.crashes.iter().find(|one| one.engine == engine)?;
        Some(format!("{} of {} ({} kills, {} at named places)", one.honoured, one.receipts, one.kills, one.places))
    });
    row(&mut text, "W-1 blind signing: Welch's t against random inputs", "below 4.5 either way", |_| {
        let one = all.timing.first()?;
        let classes: Vec<String> = one.t.iter().map(|(class, t)| format!("{class} {t:.2}")).collect();
        Some(format!("{} ({} samples, {:.2} ms; no engine is asked)", classes.join(", "), one.samples, one.median))
    });
    text.push_str("\nC-1 (mutations of bundle and audit log) and K (hostile issuers) are tests of the ordinary suite, `scripts/test`.\n");
    text.push_str("\n## Controls\n\nEach is one deliberate leak in the careless population; the judgement is the one that the clean runs pass.\n\n");
    text.push_str("| engine | leak | caught by | authors named |\n|---|---|---|---|\n");
    for engine in ENGINES {
        for run in controls(all, engine) {
            let faults = run.faults().join(", ").replace('|', "/");
            let caught = if faults.is_empty() { "**nothing**" } else { &faults };
            let name = run.run.trim_start_matches("control ");
            writeln!(text, "| {engine} | {name} | {caught} | {:.3} |", run.right as f64 / run.reviews as f64).unwrap();
        }
    }
    latencies(&mut text, all);
    text.push_str("\n## Wall times\n\n| part | seconds |\n|---|---|\n");
    for wall in &all.walls {
        writeln!(text, "| {} | {} |", wall.part, wall.seconds).unwrap();
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    writeln!(text, "\nDebug build, {cores} cores.").unwrap();
    text
}

/// A control as well stands behind a proxy, one that keeps a log.
fn behind_the_proxy<'a>(all: &'a Measurements, engine: &str) -> Option<(&'a Measured, &'a Proxied)> {
    let run = clean(all, engine, None).into_iter().find(|run| run.proxied.is_some())?;
    Some((run, run.proxied.as_ref()?))
}

/// The table of what no mark is set for.
fn latencies(text: &mut String, all: &Measurements) {
    let of = |engine: &str| all.latencies.iter().find(|one| one.engine == engine);
    let samples = all.latencies.first().map_or_else(|| MISSING.to_owned(), |one| one.samples.to_string());
    writeln!(
        text,
        "\n## Latencies\n\nMilliseconds from the connection to the end of the answer, by what came of a submission: the middle, and between\n\
         what nine of ten lie; samples of each class: {samples}. No mark is set for them. The cheapest check comes first, so each\n\
         refusal takes its own time, and whoever sees an answer knows its class by the status. What a live tap could learn\n\
         besides: whether a review that is taken came for the first time.\n\n\
         | answer | SQLite | PostgreSQL |\n|---|---|---|"
    )
    .unwrap();
    let mut classes: Vec<&String> = all.latencies.iter().flat_map(|one| one.classes.keys()).collect();
    classes.sort_unstable();
    classes.dedup();
    for class in classes {
        let [sqlite, postgres] = ENGINES.map(|engine| {
            let times = of(engine).and_then(|one| one.classes.get(class));
            times.map_or_else(|| MISSING.to_owned(), |[middle, low, high]| format!("{middle:.1} ({low:.1}–{high:.1})"))
        });
        writeln!(text, "| {} | {sqlite} | {postgres} |", class.replace('_', " ")).unwrap();
    }
}

fn row(text: &mut String, figure: &str, target: &str, value: impl Fn(&str) -> Option<String>) {
    let [sqlite, postgres] = ENGINES.map(|engine| value(engine).unwrap_or_else(|| MISSING.to_owned()));
    writeln!(text, "| {figure} | {target} | {sqlite} | {postgres} | `scripts/privacy` |").unwrap();
}

fn clean<'a>(all: &'a Measurements, engine: &str, manner: Option<Manner>) -> Vec<&'a Measured> {
    let is_of = |run: &&Measured| {
        let is_named = manner.is_none_or(|manner| run.run.starts_with(manner.name()));
        run.engine == engine && !run.is_control && is_named
    };
    all.runs.iter().filter(is_of).collect()
}

fn controls<'a>(all: &'a Measurements, engine: &str) -> Vec<&'a Measured> {
    let number = |run: &&Measured| -> u32 { run.run.split(' ').nth(1).unwrap().parse().unwrap() };
    let mut controls: Vec<&Measured> = all.runs.iter().filter(|run| run.engine == engine && run.is_control).collect();
    controls.sort_by_key(number);
    controls
}

fn linked(runs: &[&Measured]) -> Option<String> {
    let linked = pooled(runs);
    let share = |count: f64| count / linked.total as f64;
    let (right, chance, limit) = (share(linked.right as f64), share(linked.chance), share(linked.limit()));
    let (total, p) = (linked.total, linked.p());
    (total > 0).then(|| format!("{right:.4} of {total} (chance {chance:.4}, limit {limit:.4}, p {p:.3})"))
}

fn furthest(runs: &[&Measured]) -> Option<String> {
    furthest_area(runs).map(|(auc, feature)| format!("{auc:.3} ({feature})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_that_nothing_caught_is_shown_as_such_and_what_is_missing_too() {
        let run = |name: &str, is_control| Measured {
            engine: "SQLite".to_owned(),
            run: name.to_owned(),
            is_control,
            reviews: 100,
            pairs: (5, 5),
            joins: Vec::new(),
            attributes: 9,
            ordered: Vec::new(),
            timed: Vec::new(),
            right: 7,
            chance: 7.1,
            ways: [String::new(), String::new()],
            shuffled: vec![6, 8, 9],
            areas: [("x".to_owned(), (0.51, 0.02)), ("y".to_owned(), (0.46, 0.02))].into(),
            canaries: Vec::new(),
            counters: Vec::new(),
            proxied: None,
            seconds: 1.0,
        };
        let runs = vec![run("as designed 1", false), run("as designed 2", false), run("control 3 serial id", true)];
        let text = render(&Measurements { runs, ..Measurements::default() }, "0a1b");
        assert!(text.contains("Measured at commit 0a1b."), "{text}");
        assert!(text.contains("| 0.0700 of 200 (chance 0.0710, limit 0.1255, p 0.750) | not measured |"), "{text}");
        assert!(text.contains("| 0.460 (y) | not measured |"), "{text}");
        assert!(text.contains("| L-8 controls caught | all | 0 of 1 | not measured |"), "{text}");
        assert!(text.contains("| SQLite | 3 serial id | **nothing** | 0.070 |"), "{text}");
        let rows = ["L-3 over many seeds", "E5 the shipped proxy", "E12 distinct sizes", "W-1 blind signing"];
        for row in rows {
            let line = text.lines().find(|line| line.starts_with(&format!("| {row}"))).unwrap();
            assert_eq!(line.matches(MISSING).count(), 2, "{line}");
        }
        assert!(text.contains("samples of each class: not measured"), "{text}");
    }
}
