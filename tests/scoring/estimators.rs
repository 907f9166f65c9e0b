//! The estimators for analysis against SciPy, R and numbers worked by hand. A newcomer would compare Huber's estimate
//! with MASS, which means another constant by the same name.

use crate::common::{near, read};
use ejf::domain::analysis::estimators::{Estimate, Estimator};
use ejf::domain::analysis::quantiles::{binomial_at_least, binomial_at_most, normal, student_t};
use ejf::domain::analysis::scale;
use ejf::domain::scoring::constants;
use std::collections::BTreeMap;

const TOLERANCE: f64 = 1e-9;

/// The constant that R's `mad` rounds to.
const R_MAD: f64 = 1.4826;

fn estimator(name: &str) -> Estimator {
    name.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn estimate(name: &str, values: &[f64]) -> Estimate {
    estimator(name).estimate(values, 1.0, 0.95).unwrap()
}

fn interval(name: &str, values: &[f64]) -> Option<(f64, f64)> {
    let Estimate { lo, hi, .. } = estimate(name, values);
    lo.zip(hi)
}

type Panels = BTreeMap<String, Vec<f64>>;

fn leadership() -> Panels {
    let mut panels = Panels::new();
    for row in read("lq2002_lead.csv") {
        for (column, mark) in row.iter().filter(|(column, _)| column.starts_with("LEAD")) {
            panels.entry(format!("{}:{column}", row["target"])).or_default().push(mark.parse().unwrap());
        }
    }
    panels
}

fn long(file: &str, panel: &str, mark: &str) -> Panels {
    let mut panels = Panels::new();
    for row in read(file) {
        panels.entry(row[panel].clone()).or_default().push(row[mark].parse().unwrap());
    }
    panels
}

fn judges() -> Panels {
    let marks = |row: &BTreeMap<String, String>| row.values().filter_map(|mark| mark.parse().ok()).collect();
    read("usjudgeratings.csv").iter().map(|row| (row["judge"].clone(), marks(row))).collect()
}

/// Compares every column of a file of panels and gives the number of panels.
fn assert_panels_agree(panels: &Panels, reference: &str) -> usize {
    let references = read(reference);
    for theirs in &references {
        let values = &panels[&theirs["panel"]];
        let column = |name: &str| theirs[name].parse::<f64>().unwrap();
        let same = |ours: f64, name: &str| near(ours, column(name), TOLERANCE, &format!("{name} in {theirs:?}"));
        assert_eq!(values.len().to_string(), theirs["n"]);
        for (name, column) in [
            ("mean", "mean"),
            ("median", "median"),
            ("trimmed:0.1", "tmean10"),
            ("trimmed:0.2", "tmean20"),
            ("trimmed:0.25", "tmean25"),
            ("winsorized:0.2", "wmean20"),
            ("hodges-lehmann", "hl"),
            ("interquartile", "iqm"),
            ("trimmed-fractional:0.25", "iqm"),
        ] {
            same(estimate(name, values).score, column);
        }
        same(scale::mad(values).unwrap(), "mad");
        let (lo, hi) = interval("trimmed:0.2", values).unwrap();
        same(lo, "lo_yuen20");
        same(hi, "hi_yuen20");
        // Dixon and Tukey's error, from the winsorised variance of the reference.
        let (n, h) = (column("n"), column("h20"));
        let error = column("wvar20").sqrt() * (n - 1.0) / ((h - 1.0) * n.sqrt());
        let (lo, hi) = interval("winsorized:0.2", values).unwrap();
        let quantile = (column("hi_yuen20") - column("lo_yuen20")) / 2.0 / column("se_yuen20");
        if column("se_yuen20") > 0.0 {
            near((hi - lo) / 2.0, quantile * error, TOLERANCE, "half width");
        } else {
            assert_eq!(lo, hi);
        }
        if let Ok(flagged) = theirs["n_flag3"].parse::<usize>() {
            assert_eq!(scale::flags(values, column("median"), column("mad")), flagged, "{theirs:?}");
        }
    }
    references.len()
}

#[test]
fn every_panel_agrees_with_scipy_and_r() {
    let panels = [
        assert_panels_agree(&leadership(), "ref_panels_lq2002_lead.csv"),
        assert_panels_agree(&long("insteval_a.csv", "target", "y"), "ref_panels_insteval_a.csv"),
        assert_panels_agree(&judges(), "ref_panels_usjudgeratings.csv"),
        assert_panels_agree(&long("wine.csv", "bottle", "rating"), "ref_panels_wine.csv"),
    ];

    assert_eq!(panels, [539, 564, 43, 8]);
}

/// Compares the scales, and Huber's estimate where the definitions meet; gives how often they did.
fn assert_robust_agree(panels: &Panels, reference: &str) -> (usize, usize) {
    let (mut met, references) = (0, read(reference));
    for theirs in &references {
        let values = &panels[&theirs["panel"]];
        let column = |name: &str| theirs[name].trim().parse::<f64>().unwrap();
        let mad = scale::mad(values).unwrap();
        near(scale::sn(values).unwrap(), column("Sn"), TOLERANCE, "Sn");
        // Where robustbase finds the distance by its search, it gives the distance in single precision.
        let qn = scale::qn(values).unwrap();
        near(qn, column("Qn"), qn * f64::from(f32::EPSILON), "Qn");
        near(mad / 1.482602218505602 * R_MAD, column("mad_1.4826"), TOLERANCE, "mad");
        // huberM has the same k and start, no floor under its scale, R's MAD constant, and stops at 1e-6 scales.
        if mad > 0.0 {
            let ours = estimator("huber").estimate(values, 0.0, 0.95).unwrap().score;
            near(ours, column("huberM_k1.345"), 2e-5, &format!("huberM of {theirs:?}"));
            met += 1;
        }
    }
    (met, references.len())
}

#[test]
fn robust_scales_agree_with_robustbase_and_huber_where_it_is_the_same_estimator() {
    assert_eq!(assert_robust_agree(&leadership(), "ref_robust_lq2002_lead.csv"), (462, 539));
    assert_eq!(assert_robust_agree(&long("insteval_a.csv", "target", "y"), "ref_robust_insteval_a.csv").1, 564);
    assert_eq!(assert_robust_agree(&judges(), "ref_robust_usjudgeratings.csv").1, 43);
}

#[test]
fn huber_and_tukey_solve_their_equations() {
    for values in leadership().values() {
        let scale = scale::mad(values).unwrap().max(0.5);
        let (huber, tukey) = (estimate("huber", values).score, estimate("biweight", values).score);
        let clipped: f64 = values.iter().map(|value| ((value - huber) / scale).clamp(-1.345, 1.345)).sum();
        near(clipped, 0.0, 1e-8, "huber");
        let redescending = |u: f64| if u.abs() < 4.685 { u * (1.0 - (u / 4.685).powi(2)).powi(2) } else { 0.0 };
        let pulled: f64 = values.iter().map(|value| redescending((value - tukey) / scale)).sum();
        near(pulled, 0.0, 1e-8, "biweight");
    }
}

#[test]
fn the_interval_of_the_mean_is_students() {
    let values: Vec<f64> = (1..=10).map(f64::from).collect();

    let (lo, hi) = interval("mean", &values).unwrap();

    // R: t.test(1:10)
    near(lo, 3.334149, 5e-7, "lower end");
    near(hi, 7.665851, 5e-7, "upper end");
}

#[test]
fn the_interval_of_the_median_lies_between_the_values_of_the_sign_test() {
    let values = |n: u32| (1..=n).map(f64::from).collect::<Vec<_>>();
    for (n, lo, hi) in [(2, 1.0, 2.0), (5, 1.0, 5.0), (6, 1.0, 6.0), (9, 2.0, 8.0), (10, 2.0, 9.0), (20, 6.0, 15.0)] {
        assert_eq!(interval("median", &values(n)), Some((lo, hi)), "n = {n}");
    }
    let estimate = estimator("median").estimate(&values(20), 1.0, 0.99).unwrap();
    assert_eq!((estimate.lo, estimate.hi), (Some(4.0), Some(17.0)));
}

#[test]
fn the_interval_of_hodges_and_lehmann_inverts_the_signed_rank_test() {
    // The two-sided critical values at 5 % that every table of Wilcoxon's test prints.
    for (n, critical) in [(6, 0), (7, 2), (8, 3), (9, 5), (10, 8), (12, 13), (15, 25), (20, 52), (25, 89)] {
        let values: Vec<f64> = (0..n).map(|place| 1.37_f64.powi(place)).collect();
        let mut means: Vec<f64> = Vec::new();
        for (place, low) in values.iter().enumerate() {
            means.extend(values[place..].iter().map(|high| f64::midpoint(*low, *high)));
        }
        means.sort_unstable_by(f64::total_cmp);

        let ends = interval("hodges-lehmann", &values);

        assert_eq!(ends, Some((means[critical], means[means.len() - 1 - critical])), "n = {n}");
    }
}

#[test]
fn the_approximation_for_large_panels_meets_the_exact_interval() {
    let interval_of = |n: u32| interval("hodges-lehmann", &(1..=n).map(f64::from).collect::<Vec<_>>()).unwrap();
    let (exact, approximate) = (interval_of(100), interval_of(101));

    near(approximate.1 - approximate.0, exact.1 - exact.0, 1.0, "width");
}

#[test]
fn filters_and_windows_are_as_by_hand() {
    // Median 4, distances 1 1 1 1 0 0 0 0 5: MADN 1.48, and 9 lies beyond 3.7.
    assert_eq!(estimate("mad-filter", &[3.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0, 4.0, 9.0]).score, 3.5);
    // Of 5 one goes: 1 4 4 4 has squares 6.75, 4 4 4 5 has 0.75.
    assert_eq!(estimate("least-trimmed", &[1.0, 4.0, 4.0, 4.0, 5.0]).score, 4.25);
    // Both windows are equally close: neither end is preferred.
    assert_eq!(estimate("least-trimmed", &[1.0, 2.0, 3.0, 4.0, 5.0]).score, 3.0);
    // Two and a half a side of ten: the third and the eighth count half.
    let squares: Vec<f64> = (1..=10).map(|root| f64::from(root * root)).collect();
    assert_eq!(estimate("interquartile", &squares).score, (16.0 + 25.0 + 36.0 + 49.0 + (9.0 + 64.0) / 2.0) / 5.0);
}

#[test]
fn how_many_are_set_aside_is_counted_in_whole_numbers() {
    // In floats 0.29 x 100 is 28.999… and 0.35 x 180 is 62.999…
    for (share, n, aside) in [("0.29", 100, 29), ("0.35", 180, 63), ("0.07", 100, 7), ("0.2", 9, 1), ("0.25", 10, 2)] {
        let ends = |count: usize| {
            let middle = vec![0.0; n - 2 * count];
            [vec![-1e6; count], middle, vec![7e6; count]].concat()
        };
        let name = format!("trimmed:{share}");

        assert_eq!(estimate(&name, &ends(aside)).score, 0.0, "{share} of {n}");
        assert!(estimate(&name, &ends(aside + 1)).score > 0.0, "{share} of {n}");
    }
}

#[test]
fn every_name_reads_back() {
    for name in [
        "mean",
        "median",
        "trimmed:0.2",
        "trimmed:0",
        "trimmed:0.123456",
        "trimmed-fractional:0.25",
        "winsorized:0.1",
        "interquartile",
        "hodges-lehmann",
        "huber",
        "biweight",
        "mad-filter",
        "least-trimmed",
    ] {
        assert_eq!(estimator(name).to_string(), name);
    }
    assert_eq!(estimator("trimmed:.20"), estimator("trimmed:0.2"));
}

#[test]
fn a_name_that_is_none_says_what_to_write() {
    let refusal = |text: &str| text.parse::<Estimator>().unwrap_err().to_string();

    assert!(refusal("average").contains("choose mean, median, trimmed:0.2"), "{}", refusal("average"));
    assert_eq!(refusal("trimmed"), "`trimmed` needs the share to set aside on each side, as in trimmed:0.2");
    assert_eq!(refusal("huber:1.5"), "`huber` takes no share; write huber alone");
    for share in ["0.5", "1", "-0.1", "20%", "", ".", "0.1234567", "0,2", "1e-1", "+0.1", "00.2"] {
        assert!(refusal(&format!("trimmed:{share}")).contains("is no share of each side"), "{share}");
    }
}

#[test]
fn nothing_is_made_of_nothing() {
    for name in [
        "mean",
        "median",
        "trimmed:0.2",
        "trimmed-fractional:0.2",
        "winsorized:0.2",
        "interquartile",
        "hodges-lehmann",
        "huber",
        "biweight",
        "mad-filter",
        "least-trimmed",
    ] {
        assert_eq!(estimator(name).estimate(&[], 1.0, 0.95), None, "{name}");
        assert_eq!(estimator(name).estimate(&[3.0, f64::NAN], 1.0, 0.95), None, "{name}");
        assert_eq!(estimate(name, &[4.0]), Estimate { score: 4.0, lo: None, hi: None }, "{name}");
        for confidence in [0.0, 1.0, -1.0, f64::NAN] {
            let estimate = estimator(name).estimate(&[3.0, 4.0, 4.0, 4.0, 5.0], 1.0, confidence).unwrap();
            assert_eq!((estimate.lo, estimate.hi), (None, None), "{name} at {confidence}");
        }
    }
    assert_eq!((scale::mad(&[]), scale::sn(&[1.0]), scale::qn(&[1.0])), (None, None, None));
}

#[test]
fn quantiles_agree_with_the_frozen_constants_and_the_tables() {
    for df in 6..=68 {
        let frozen = constants::student_t(df).unwrap();
        // The confidence of the constants is answered with them; its neighbour is computed.
        assert_eq!(student_t(df, 0.95), Some(frozen));
        near(student_t(df, 0.95 + 1e-13).unwrap(), frozen, 5e-12, "t");
    }
    near(student_t(1, 0.95).unwrap(), 12.706204736432095, 1e-8, "t(1)");
    near(student_t(2, 0.95).unwrap(), 4.302652729696142, 1e-9, "t(2)");
    near(student_t(10, 0.99).unwrap(), 3.169272672616951, 1e-9, "t(10)");
    near(normal(0.95).unwrap(), 1.959963984540054, 1e-12, "z");
    let (before, after) = (student_t(2000, 0.95).unwrap(), student_t(2001, 0.95).unwrap());
    assert!(before > after && before - after < 1e-6, "{before} {after}");
    near(student_t(10_000_000, 0.95).unwrap(), 1.9599642217, 1e-9, "t(ten million)");
    assert_eq!((student_t(0, 0.95), student_t(5, 1.0), normal(0.0)), (None, None, None));
}

#[test]
fn binomial_tails_are_as_by_hand() {
    near(binomial_at_most(1, 10, 0.5).unwrap(), 11.0 / 1024.0, 1e-12, "at most 1 of 10");
    near(binomial_at_least(9, 10, 0.5).unwrap(), 11.0 / 1024.0, 1e-12, "at least 9 of 10");
    near(binomial_at_least(2, 3, 0.1).unwrap(), 0.028, 1e-12, "at least 2 of 3");
    assert_eq!(binomial_at_least(0, 5, 0.3), Some(1.0));
    assert_eq!((binomial_at_most(1, 5, 1.5), binomial_at_least(1, 5, -0.1)), (None, None));
}
