//! Reliability against the printed textbooks, R and Python. A newcomer would compare ICC(1) of unequal panels with a
//! program that puts the mean size for k0; both are here.

use crate::common::{leadership_reviews, near, read};
use ejf::domain::analysis::Unknown;
use ejf::domain::analysis::crossed::recover;
use ejf::domain::analysis::reliability::agreement::{Metric, cronbach, krippendorff, r_wg, r_wg_j};
use ejf::domain::analysis::reliability::generalizability::{Components, Design};
use ejf::domain::analysis::reliability::intraclass::{OneWay, TwoWay};
use std::collections::BTreeMap;

/// The values of a statistic by data set and name, of the files that other programs wrote.
fn reference(file: &str) -> BTreeMap<(String, String), f64> {
    let key = |row: &BTreeMap<String, String>| (row["dataset"].clone(), row["statistic"].clone());
    read(file).iter().map(|row| (key(row), row["value"].trim().parse().unwrap())).collect()
}

fn of(references: &BTreeMap<(String, String), f64>, data: &str, statistic: &str) -> f64 {
    references[&(data.to_owned(), statistic.to_owned())]
}

/// The numeric columns of a file with such a prefix, a row each.
fn matrix(file: &str, prefix: &str) -> Vec<Vec<f64>> {
    let marks = |row: &BTreeMap<String, String>| {
        row.iter().filter(|(column, _)| column.starts_with(prefix)).map(|(_, mark)| mark.parse().unwrap()).collect()
    };
    read(file).iter().map(marks).collect()
}

fn floats(rows: &[Vec<u8>]) -> Vec<Vec<f64>> {
    rows.iter().map(|row| row.iter().map(|mark| f64::from(*mark)).collect()).collect()
}

fn leadership() -> Vec<Vec<Vec<f64>>> {
    leadership_reviews("lq2002_lead.csv").values().map(|rows| floats(rows)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn keys(panels: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
    panels.iter().map(|panel| panel.iter().map(|review| mean(review)).collect()).collect()
}

#[test]
fn intraclass_correlations_agree_with_the_textbook_and_r() {
    let group = reference("ref_group_R.csv");
    let fetched = reference("ref_fetched_R.csv");
    for (file, prefix, references) in
        [("shrout_fleiss_1979", "J", &group), ("irr_anxiety", "rater", &fetched), ("irr_video", "rater", &fetched)]
    {
        let matrix = matrix(&format!("{file}.csv"), prefix);
        let (one, two) = (OneWay::of(&matrix).unwrap(), TwoWay::of(&matrix).unwrap());
        for (ours, statistic) in
            [(one.single(), "ICC1"), (one.mean(), "ICC1k"), (two.single(), "ICC2"), (two.mean(), "ICC2k")]
        {
            near(ours.unwrap(), of(references, file, statistic), 1e-9, &format!("{file} {statistic}"));
            if let Some(printed) = references.get(&(file.to_owned(), format!("{statistic} (published)"))) {
                assert_eq!(format!("{:.2}", ours.unwrap()), format!("{printed:.2}"), "{statistic}");
            }
        }
    }
}

#[test]
fn intraclass_correlations_of_unequal_panels_agree_with_r_for_its_size() {
    let references = reference("ref_group_R.csv");
    let table = OneWay::of(&keys(&leadership())).unwrap();
    assert_eq!((table.groups, table.values), (49, 2_042));

    let mean_size = table.values as f64 / table.groups as f64;
    let single = table.single_for_size(mean_size).unwrap();

    near(single, of(&references, "lq2002_lead", "ICC1 (sheet mean)"), 1e-9, "ICC(1) with the mean size");
    near(table.mean().unwrap(), of(&references, "lq2002_lead", "ICC2 (sheet mean)"), 1e-9, "ICC(1,k)");
    assert!(table.size < mean_size, "k0 of unequal panels is below their mean size");
    assert!(table.single().unwrap() > single);
}

#[test]
fn krippendorffs_alpha_agrees_with_its_author_to_all_printed_digits() {
    let references = reference("ref_group_python.csv");
    let mut units: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in read("krippendorff_c.csv") {
        for (unit, mark) in row.iter().filter(|(unit, mark)| unit.starts_with('X') && *mark != "NA") {
            units.entry(unit.clone()).or_default().push(mark.parse().unwrap());
        }
    }
    let units: Vec<Vec<f64>> = units.into_values().collect();
    for (metric, name) in [
        (Metric::Nominal, "nominal"),
        (Metric::Ordinal, "ordinal"),
        (Metric::Interval, "interval"),
        (Metric::Ratio, "ratio"),
    ] {
        let ours = krippendorff(&units, metric).unwrap();
        near(ours, of(&references, "krippendorff_c", &format!("alpha {name}")), 1e-12, name);
        let printed = of(&references, "krippendorff_c", &format!("alpha {name} (published, 3 digits)"));
        assert_eq!(format!("{ours:.3}"), format!("{printed:.3}"), "{name}");
    }
}

#[test]
fn krippendorffs_alpha_of_real_panels_agrees_with_python() {
    let mut bottles: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in read("wine.csv") {
        bottles.entry(row["bottle"].clone()).or_default().push(row["rating"].parse().unwrap());
    }
    let wine: Vec<Vec<f64>> = bottles.into_values().collect();
    let references = reference("ref_group_python.csv");
    for (metric, name) in [(Metric::Ordinal, "ordinal"), (Metric::Interval, "interval")] {
        let ours = krippendorff(&wine, metric).unwrap();
        near(ours, of(&references, "wine", &format!("alpha {name}")), 1e-12, name);
        for file in ["irr_anxiety", "irr_video"] {
            let ours = krippendorff(&matrix(&format!("{file}.csv"), "rater"), metric).unwrap();
            let theirs = of(&reference("ref_fetched_python.csv"), file, &format!("krippendorff alpha {name}"));
            near(ours, theirs, 1e-12, file);
        }
    }
}

#[test]
fn agreement_within_each_subject_agrees_with_r() {
    let references = reference("ref_group_R.csv");
    let reviews = leadership_reviews("lq2002_lead.csv");
    let theirs = read("ref_rwgj_lq2002.csv");
    assert_eq!(theirs.len(), 49);
    let mut ours = Vec::new();
    for row in &theirs {
        let panel = floats(&reviews[&row["target"].parse().unwrap()]);
        assert_eq!(panel.len().to_string(), row["n"]);
        let agreement = r_wg_j(&panel, 5).unwrap();
        near(agreement, row["rwg_j"].parse().unwrap(), 1e-9, &row["target"]);
        ours.push(agreement);
    }
    near(mean(&ours), of(&references, "lq2002_lead", "mean rwg.j uniform null"), 1e-9, "mean");
    let least = ours.into_iter().fold(f64::INFINITY, f64::min);
    near(least, of(&references, "lq2002_lead", "min rwg.j"), 1e-9, "least");
    let of_keys: Vec<f64> = keys(&leadership()).iter().map(|keys| r_wg(keys, 5).unwrap()).collect();
    near(mean(&of_keys), of(&references, "lq2002_lead", "mean rwg (sheet mean)"), 1e-9, "r_wg of keys");
}

#[test]
fn agreement_worse_than_chance_is_zero() {
    assert_eq!(r_wg(&[1.0, 5.0, 1.0, 5.0], 5), Ok(0.0));
    assert_eq!(r_wg_j(&[vec![1.0, 5.0], vec![5.0, 1.0]], 5), Ok(0.0));
    assert_eq!(r_wg(&[4.0, 4.0], 5), Ok(1.0));
}

#[test]
fn cronbachs_alpha_agrees_with_r() {
    let references = reference("ref_group_R.csv");
    let ours = cronbach(&leadership().concat()).unwrap();
    near(ours, of(&references, "lq2002_lead", "cronbach alpha raw"), 1e-9, "leadership");

    let judges: Vec<Vec<f64>> = read("usjudgeratings.csv")
        .iter()
        .map(|row| row.iter().filter(|(column, _)| *column != "judge").map(|(_, mark)| mark.parse().unwrap()).collect())
        .collect();
    let ours = cronbach(&judges).unwrap();
    near(ours, of(&references, "usjudgeratings", "cronbach alpha raw, 12 criteria"), 1e-9, "judges");
}

#[test]
fn variance_components_of_unequal_panels_agree_with_lme4() {
    let references = reference("ref_group_R.csv");
    let ours = Components::of(&leadership()).unwrap();
    for (ours, theirs) in [
        (ours.subject, "target"),
        (ours.reviewer, "rr"),
        (ours.criterion, "item"),
        (ours.profile, "target:item"),
        (ours.residual, "Residual"),
    ] {
        let theirs_value = of(&references, "lq2002_lead", &format!("G-study variance {theirs}"));
        near(ours / theirs_value, 1.0, 1e-4, theirs);
    }
}

#[test]
fn variance_components_of_equal_panels_are_those_of_the_table_of_variance() {
    let panels: Vec<Vec<Vec<f64>>> = leadership().into_iter().map(|panel| panel[..10].to_vec()).collect();
    let (subjects, n, criteria) = (49.0, 10.0, 11.0);
    let ours = Components::of(&panels).unwrap();

    let grand = mean(&keys(&panels).concat());
    let column = |rows: &[Vec<f64>], place: usize| mean(&rows.iter().map(|row| row[place]).collect::<Vec<_>>());
    let whole = panels.concat();
    let [mut of_subjects, mut of_reviews, mut of_profiles, mut rest] = [0.0; 4];
    let of_criteria: f64 = (0..11).map(|place| subjects * n * (column(&whole, place) - grand).powi(2)).sum();
    for panel in &panels {
        let level = mean(&keys(std::slice::from_ref(panel))[0]);
        of_subjects += n * criteria * (level - grand).powi(2);
        for place in 0..11 {
            let beside = column(panel, place) - level - column(&whole, place) + grand;
            of_profiles += n * beside.powi(2);
        }
        for review in panel {
            of_reviews += criteria * (mean(review) - level).powi(2);
            for (place, mark) in review.iter().enumerate() {
                rest += (mark - mean(review) - column(panel, place) + level).powi(2);
            }
        }
    }
    let residual = rest / (subjects * (n - 1.0) * (criteria - 1.0));
    let profile_square = of_profiles / ((subjects - 1.0) * (criteria - 1.0));
    let review_square = of_reviews / (subjects * (n - 1.0));
    let subject_square = of_subjects / (subjects - 1.0);
    let subject = (subject_square - review_square - profile_square + residual) / (n * criteria);
    let criterion = (of_criteria / (criteria - 1.0) - profile_square) / (subjects * n);
    near(ours.residual, residual, 1e-7, "residual");
    near(ours.reviewer, (review_square - residual) / criteria, 1e-7, "reviewer");
    near(ours.profile, (profile_square - residual) / n, 1e-7, "profile");
    near(ours.subject, subject, 1e-7, "subject");
    near(ours.criterion, criterion, 1e-7, "criterion");
}

#[test]
fn the_outlook_by_panel_size_has_its_known_numbers() {
    // InstEval, all 73,421 ratings (lme4): one question, so that the criteria have no variance of their own.
    let students =
        Components { subject: 0.2737, reviewer: 0.1062, criterion: 0.0, profile: 0.0, residual: 1.3872 }.design(1);
    let leaders = Components::of(&leadership()).unwrap().design(11);
    let printed = |design: &Design, n: usize| format!("{:.2}", design.dependability(n as f64).unwrap());

    let sizes = [5, 7, 10, 15, 20, 30];
    assert_eq!(sizes.map(|n| printed(&students, n)), ["0.48", "0.56", "0.65", "0.73", "0.79", "0.85"]);
    assert_eq!(sizes.map(|n| printed(&leaders, n)), ["0.37", "0.45", "0.53", "0.63", "0.69", "0.77"]);
    assert_eq!((students.reviews_needed(0.7), students.reviews_needed(0.8)), (Some(13), Some(22)));
    assert_eq!((leaders.reviews_needed(0.7), leaders.reviews_needed(0.8)), (Some(21), Some(38)));
    assert_eq!(
        (format!("{:.2}", students.error(10.0)), format!("{:.2}", leaders.error(10.0))),
        ("0.39".into(), "0.25".into())
    );
}

#[test]
fn scores_and_severity_agree_with_the_authors_of_p_913() {
    let path = format!("{}/tests/data/scoring/p913_sample_data.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let row =
        |line: &str| line.split(',').map(|mark| mark.parse().ok().filter(|mark: &f64| mark.is_finite())).collect();
    let matrix: Vec<Vec<Option<f64>>> = text.lines().map(row).collect();
    assert_eq!((matrix.len(), matrix[0].len()), (79, 26));

    let ours = recover(&matrix).unwrap();

    let mut compared = 0;
    for theirs in read("p913_expected.csv") {
        let figures = match theirs["what"].as_str() {
            "mos_j" => &ours.scores,
            "sos_j" => &ours.errors,
            "bias_i" => &ours.biases,
            "inconsistency_i" => &ours.inconsistencies,
            what => panic!("{what}"),
        };
        let place: usize = theirs["index"].parse().unwrap();
        near(figures[place], theirs["value"].parse().unwrap(), 1e-12, &theirs["what"]);
        compared += 1;
    }
    assert_eq!(compared, 210);
}

#[test]
fn where_more_reviews_cannot_help_no_number_is_given() {
    let design = Components { subject: 0.1, reviewer: 0.5, criterion: 0.0, profile: 0.4, residual: 0.5 }.design(4);

    // 0.1 / (0.1 + 0.4 / 4) = 0.5 is the most that any panel reaches.
    assert_eq!(design.reviews_needed(0.5), None);
    assert!(design.reviews_needed(0.45).is_some());
}

#[test]
fn subjects_that_do_not_differ_have_no_variance_which_is_a_figure() {
    let panel = vec![vec![1.0, 2.0], vec![5.0, 4.0], vec![3.0, 3.5]];

    let components = Components::of(&[panel.clone(), panel]).unwrap();

    assert_eq!((components.subject, components.profile), (0.0, 0.0));
    assert_eq!(components.design(2).dependability(10.0), Ok(0.0));
}

#[test]
fn what_cannot_be_known_is_refused_and_says_why() {
    let too_few = |what, needed, found| Unknown::TooFew { what, needed, found };
    assert_eq!(OneWay::of(&[vec![1.0, 2.0]]), Err(too_few("subjects", 2, 1)));
    assert_eq!(OneWay::of(&[vec![1.0], vec![2.0]]), Err(too_few("reviews", 3, 2)));
    assert_eq!(OneWay::of(&[vec![3.0, 3.0], vec![3.0, 3.0]]).unwrap().single(), Err(Unknown::NoVariation));
    assert_eq!(TwoWay::of(&[vec![1.0, 2.0], vec![1.0]]), Err(too_few("reviewers of each subject", 2, 1)));
    assert_eq!(TwoWay::of(&[vec![1.0], vec![2.0]]), Err(too_few("reviewers", 2, 1)));
    assert_eq!(krippendorff(&[vec![1.0], vec![2.0]], Metric::Ordinal), Err(too_few("subjects with two values", 1, 0)));
    assert_eq!(krippendorff(&[vec![4.0, 4.0]], Metric::Interval), Err(Unknown::NoVariation));
    assert_eq!(krippendorff(&[vec![4.0, 4.0]], Metric::Nominal), Err(Unknown::NoVariation));
    assert_eq!(r_wg(&[4.0], 5), Err(too_few("reviews of a subject", 2, 1)));
    assert_eq!(r_wg(&[4.0, 3.0], 1), Err(too_few("points of the scale", 2, 1)));
    assert_eq!(r_wg_j(&[], 5), Err(too_few("criteria", 1, 0)));
    assert_eq!(cronbach(&[vec![1.0], vec![2.0]]), Err(too_few("criteria", 2, 1)));
    assert_eq!(cronbach(&[vec![1.0, 2.0]]), Err(too_few("complete reviews", 2, 1)));
    assert_eq!(cronbach(&[vec![1.0, 2.0], vec![1.0, 2.0]]), Err(Unknown::NoVariation));
    assert_eq!(Components::of(&[]), Err(too_few("criteria", 2, 0)));
    assert_eq!(Components::of(&[vec![vec![1.0, 2.0]], vec![vec![2.0, 1.0]]]), Err(too_few("reviews", 3, 2)));
    let same = vec![vec![4.0, 4.0]; 3];
    assert_eq!(Components::of(&[same.clone(), same]), Err(Unknown::NoVariation));
    // Equal means and opposite profiles: the profiles alone would make the means differ more.
    let mirrored = |panel: &[Vec<f64>]| panel.iter().map(|row| row.iter().rev().copied().collect()).collect();
    let panel = vec![vec![5.0, 1.0], vec![4.0, 2.5], vec![5.0, 1.5]];
    assert_eq!(Components::of(&[panel.clone(), mirrored(&panel)]), Err(Unknown::BelowZero));
    let with_empty_row = [vec![Some(1.0), Some(2.0)], vec![None, None]];
    assert_eq!(recover(&with_empty_row), Err(too_few("marks in each row and column", 1, 0)));
    assert_eq!(recover(&[vec![Some(1.0), Some(2.0)]]), Err(too_few("subjects", 2, 1)));
    let no_difference = OneWay::of(&[vec![1.0, 5.0], vec![5.0, 1.0]]).unwrap();
    assert!(matches!(Design::of_keys(&no_difference), Err(Unknown::BelowZero)));
    assert_eq!(too_few("criteria", 2, 1).to_string(), "needs at least 2 criteria, found 1");
}
