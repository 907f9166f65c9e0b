//! The numbers of `docs/scoring.md`, read from the page and computed again. A newcomer would mend the page after a
//! change of the rule; the rule is frozen with the algorithm version, so first ask what changed.

use crate::common::{near, panel, plain, rules, score, values};
use ejf::domain::scoring::constants::{dishonesty_allowance, student_t};
use ejf::domain::scoring::document::document;
use ejf::domain::scoring::publication::{Published, publish};
use ejf::domain::scoring::rules::Rules;
use ejf::domain::scoring::trim::set_aside;

fn page() -> String {
    std::fs::read_to_string(format!("{}/docs/scoring.md", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The cells of the rows of numbers that follow a table's head.
fn table(page: &str, head: &str) -> Vec<Vec<f64>> {
    let rows = page.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().parse().unwrap()).collect();
    rows.map(cells).collect()
}

fn says(page: &str, words: &str) {
    let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(words), "the page does not say: {words}");
}

fn example(page: &str) -> Vec<Vec<u8>> {
    let rows = table(page, "| review | A | B | C | D | key | A − key |");
    assert_eq!(rows.len(), 10);
    rows.iter().map(|row| row[1..5].iter().map(|mark| *mark as u8).collect()).collect()
}

/// The mean of so many in the middle of a sample, with `g` a side set aside.
fn middle(mut values: Vec<f64>, g: usize) -> (Vec<f64>, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let kept = values[g..values.len() - g].to_vec();
    let mean = kept.iter().sum::<f64>() / kept.len() as f64;
    (values, mean)
}

#[test]
fn the_example_is_right_in_every_cell() {
    let page = page();
    let rows = table(&page, "| review | A | B | C | D | key | A − key |");
    for row in &rows {
        assert_eq!(row[5], row[1..5].iter().sum::<f64>() / 4.0, "key of review {}", row[0]);
        assert_eq!(row[6], row[1] - row[5], "difference of review {}", row[0]);
    }
    let (keys, level) = middle(rows.iter().map(|row| row[5]).collect(), 2);
    let (differences, profile) = middle(rows.iter().map(|row| row[6]).collect(), 2);
    let line = |values: &[f64]| {
        let words: Vec<String> = values.iter().map(|value| format!("{value:.2}")).collect();
        [&words[..2], &["|".to_owned()], &words[2..8], &["|".to_owned()], &words[8..]].concat().join(" ")
    };
    says(&page, &line(&keys));
    says(&page, &line(&differences));
    assert_eq!((level, profile), (23.75 / 6.0, -0.75 / 6.0));
    says(&page, "the mean 23.75 / 6 = 95/24 = 3.958…, rounded **3.96**");
    says(&page, "mean −0.75 / 6 = −1/8");
}

#[test]
fn the_results_of_the_example_are_those_of_the_engine() {
    let page = page();
    let rules = plain((1, 5), 4);
    let scored = score(&rules, &[example(&page)]).panels.remove(0);
    let level = scored.overall.unwrap().level;

    says(&page, &format!("= {} = 3.958…, rounded **{}**", level.score, level.score.text()));
    assert_eq!((level.set_aside, level.kept), (2, 6));
    let scores: Vec<_> = scored.criteria.iter().map(|criterion| criterion.figures.unwrap().0.score).collect();
    says(&page, &format!("A's score is 95/24 − 1/8 = {}, rounded {}", scores[0], scores[0].text()));
    for (name, score) in ["B", "C", "D"].iter().zip(&scores[1..]) {
        says(&page, &format!("{name} is {score}, rounded {}", score.text()));
    }
    let mean = scores.iter().map(|score| score.value()).sum::<f64>() / 4.0;
    near(mean, 379.0 / 96.0, 1e-12, "mean of the criteria");
    says(&page, "Their mean is 379/96, the level 380/96");
    assert_eq!(level.variance.lowest_terms(), (181, 800));
    near(level.variance.value() * 5.0, 1.13125, 1e-12, "squares");
    says(&page, "squares about the mean: 1.13125");
    says(&page, "the variance 181/800 = 0.22625");
    let (lo, hi) = (level.resilience_lo.text(), level.resilience_hi.text());
    says(&page, &format!("Here these are {lo} and {hi}"));
}

#[test]
fn the_interval_of_the_example_follows_from_the_formulas_on_the_page() {
    let page = page();
    let (score, variance) = (95.0 / 24.0, (4.0 * 0.3 + 5.0 * 0.22625) / 9.0_f64);
    let root = variance.sqrt();
    says(&page, &format!("(4 × 0.3 + 5 × 0.22625) / 9 = {variance:.4}, its root {root:.4}"));

    let quantile = student_t(9).unwrap();
    let ordinary = quantile * root / 6.0_f64.sqrt();
    let aware = (dishonesty_allowance(10).unwrap() + quantile / 8.0_f64.sqrt()) * root;

    says(&page, &format!("{:.2} to {:.2} |", score - ordinary, score + ordinary));
    says(&page, &format!("**{:.2} to {:.2}** |", score - aware, score + aware));
    let quarter = |hundredths: f64| hundredths * 4.0;
    let (lo, hi) = (quarter(score - aware).floor() / 4.0, quarter(score + aware).ceil() / 4.0);
    says(&page, &format!("the interval **{lo:.2} to {hi:.2}**"));
}

#[test]
fn what_the_page_says_is_published_is_published() {
    let page = page();
    let rules = Rules::new(values((1, 5), &[(1, 1); 4])).unwrap();
    let scores = score(&rules, &[example(&page)]);
    let sealed = document(&rules, &["s".to_owned()], &scores).unwrap();

    let image = publish(&rules, &sealed.subjects[0]).unwrap();
    let Published::Ok { overall, .. } = image.published() else { panic!("no figures") };

    says(&page, &format!("the score **{:.2}**", overall.point as f64 / 100.0));
}

#[test]
fn every_constant_on_the_page_is_the_one_in_use() {
    let rows = table(&page(), "| n | g | h | t / √h | k | K |");
    assert_eq!(rows.len(), 13);
    for row in rows {
        let n = row[0] as usize;
        let (g, kept) = (set_aside(n), n - 2 * set_aside(n));
        assert_eq!((row[1], row[2]), (g as f64, kept as f64), "n = {n}");
        let (quantile, allowance) = (student_t(kept + 3).unwrap(), dishonesty_allowance(n).unwrap());
        let wide = allowance + quantile / ((n - g) as f64).sqrt();
        near(row[3], quantile / (kept as f64).sqrt(), 5.1e-5, "t / sqrt h");
        near(row[4], allowance, 5.1e-5, "k");
        near(row[5], wide, 5.1e-5, "K");
    }
}

#[test]
fn criteria_are_held_back_from_as_many_reviews_on_as_the_page_says() {
    let rows = table(&page(), "| questions | of 10 reviews | of 12 | of 14 |");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let questions = row[0] as usize;
        for (n, from) in [10, 12, 14].into_iter().zip(&row[1..]) {
            let rules = rules((1, 5), &[(1, questions), (1, 1)]);
            let held_back = |agreeing: usize| {
                let review = |place: usize| {
                    let other = if place.is_multiple_of(2) { [3, 4, 5] } else { [4, 5, 3] };
                    let marks = if place < agreeing { [5; 3] } else { other };
                    [&marks[..questions], &[2 + place as u8 % 3]].concat()
                };
                let reviews: Vec<Vec<u8>> = (0..n).map(review).collect();
                document(&rules, &["s".to_owned()], &score(&rules, &[reviews])).unwrap().subjects[0].held_back
            };
            let counts: Vec<usize> = (0..=n).filter(|agreeing| held_back(*agreeing).is_some()).collect();
            assert_eq!(counts, (*from as usize..=n).collect::<Vec<_>>(), "{questions} questions, {n} reviews");
        }
    }
}

#[test]
fn the_appeal_sentence_counts_as_the_rule_does() {
    says(&page(), "ten colleagues completed the form; as for everyone, for each full four forms");
    assert_eq!((set_aside(10), 10 - 2 * set_aside(10)), (2, 6));
    says(&page(), "here two and two; the other six averages give the overall score");
    // One in four is never below a fifth, rounded; one in five is.
    assert!((5..=128).all(|n: usize| set_aside(n) * 10 + 5 > 2 * n || set_aside(n) >= (2 * n + 5) / 10));
    assert_eq!(9 / 5, 1);
}

#[test]
fn the_panel_of_the_page_is_valid_for_the_engine() {
    let page = page();
    let _panel = panel(&plain((1, 5), 4), &example(&page));
}
