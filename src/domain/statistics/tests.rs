//! The figures of a year beside what another program makes of the same results, and what is held back.

use super::*;

/// `tests/data/statistics/make_year.py` wrote it.
const YEAR: &str = include_str!("../../../tests/data/statistics/year.json");

#[derive(Deserialize)]
struct Told {
    point: i64,
    band: Band,
    groups: [String; 4],
}

#[derive(Deserialize)]
struct Compared {
    dimension: GroupDimension,
    code: String,
    #[serde(flatten)]
    comparison: Comparison,
}

#[derive(Deserialize)]
struct Year {
    subjects: Vec<Told>,
    mean_hundredths: i64,
    bands: Vec<(String, usize)>,
    comparisons: Vec<Compared>,
}

fn subject(point: i64, groups: [Option<&str>; 4]) -> Subject {
    Subject { point, band: Band::Above, groups: groups.map(|group| group.map(str::to_owned)) }
}

fn of(subjects: Vec<Subject>) -> Statistics {
    figures(Material { subjects, scales: vec![(1, 5)], ..Material::default() })
}

/// So many judges of these groups, all with the same point.
fn some(count: usize, groups: [Option<&str>; 4]) -> Vec<Subject> {
    vec![subject(400, groups); count]
}

#[test]
fn a_year_is_what_another_program_makes_of_it() {
    let year: Year = serde_json::from_str(YEAR).unwrap();
    let subjects = year.subjects.into_iter().map(|told| Subject {
        point: told.point,
        band: told.band,
        groups: told.groups.map(Some),
    });

    let found = of(subjects.collect());

    let overall = found.overall.unwrap();
    assert_eq!((overall.subject_count, overall.mean_hundredths), (260, year.mean_hundredths));
    let bands: Vec<_> = overall.bands.into_iter().map(|band| (band.code, band.count.unwrap())).collect();
    assert_eq!(bands, year.bands);
    assert!(!overall.is_ceiling_alarm);
    let groups: Vec<_> =
        found.groups.into_iter().map(|group| (group.dimension, group.code, group.comparison)).collect();
    let expected = year.comparisons.into_iter().map(|one| (one.dimension, one.code, Some(one.comparison)));
    assert_eq!(groups, expected.collect::<Vec<_>>());
    assert!(groups.iter().any(|(.., comparison)| comparison.as_ref().unwrap().is_distinguishable));
}

#[test]
fn twenty_nine_show_nothing_and_thirty_the_whole() {
    let world = |count| of(some(count, [Some("f"), Some("abai"), Some("district"), Some("under_5")]));
    let (few, enough) = (world(29), world(30));
    assert_eq!((few.withheld, &few.overall, few.groups.len()), (Some(FiguresWithheld::TooFewSubjects), &None, 0));
    assert_eq!(enough.overall.map(|overall| overall.subject_count), Some(30));
    assert!(enough.groups.iter().all(|group| group.comparison.is_none()), "there is nobody to compare with");
}

#[test]
fn no_group_of_twenty_nine_is_shown_nor_what_the_whole_less_the_shown_groups_would_tell() {
    let row = |sex, region| [Some(sex), Some(region), Some("district"), Some("under_5")];
    let mut subjects = some(29, row("f", "abai"));
    subjects.extend(some(40, row("m", "astana")));
    subjects.extend(some(45, row("m", "kostanay")));
    let found = of(subjects);
    let whole = found.overall.unwrap().subject_count;
    for dimension in GroupDimension::ALL {
        let shown: Vec<usize> = found
            .groups
            .iter()
            .filter(|group| group.dimension == *dimension)
            .filter_map(|group| group.comparison.as_ref().map(|shown| shown.subject_count))
            .collect();
        let rest = whole - shown.iter().sum::<usize>();
        assert!(rest == 0 || rest >= SUBJECTS_MIN, "{dimension}: {rest} are left");
        assert!(shown.iter().all(|count| *count >= SUBJECTS_MIN));
    }
    let of_code = |code: &str| found.groups.iter().find(|group| group.code == code).unwrap();
    assert!(["f", "m", "abai", "astana"].iter().all(|code| of_code(code).comparison.is_none()));
    assert_eq!(of_code("kostanay").comparison.as_ref().unwrap().other_count, 69);
}

#[test]
fn of_whom_alone_something_is_not_known_is_in_no_figure_and_many_are_a_group() {
    let row = |sex| [sex, Some("abai"), Some("district"), Some("under_5")];
    let world = |unknown| {
        let mut subjects = some(40, row(Some("f")));
        subjects.extend(some(50, row(Some("m"))));
        subjects.extend(some(unknown, row(None)));
        of(subjects)
    };
    let (few, many) = (world(3), world(30));
    assert_eq!(few.overall.unwrap().subject_count, 90, "the three would be what the whole has more than both");
    assert_eq!(many.overall.unwrap().subject_count, 120);
    assert!(many.groups.iter().any(|group| group.code == NOT_KNOWN && group.comparison.is_some()));
}

#[test]
fn counts_below_five_are_held_back_with_so_many_others_that_nobody_computes_them() {
    let told = |counts: &[(&'static str, usize)]| {
        let codes: Vec<&str> = counts.iter().flat_map(|(code, count)| vec![*code; *count]).collect();
        counts_of(&codes)
    };
    fn counts_of(codes: &[&str]) -> Vec<(String, Option<usize>)> {
        counts(codes).into_iter().map(|count| (count.code, count.count)).collect()
    }
    let pair = |code: &str, count| (code.to_owned(), count);
    assert_eq!(told(&[("a", 5), ("b", 6)]), [pair("a", Some(5)), pair("b", Some(6))]);
    assert_eq!(told(&[("a", 4), ("b", 6), ("c", 9)]), [pair("a", None), pair("b", None), pair("c", Some(9))]);
    assert_eq!(told(&[("a", 2), ("b", 3), ("c", 9)]), [pair("a", None), pair("b", None), pair("c", Some(9))]);
    assert_eq!(told(&[("a", 3)]), [pair("a", None)]);
}

#[test]
fn the_ceiling_alarm_rings_above_sixty_per_cent_at_four_and_a_half_and_not_at_sixty() {
    let row = [Some("f"), Some("abai"), Some("district"), Some("under_5")];
    let rings = |high: usize, scale: (i64, i64), point: i64| {
        let mut subjects = vec![subject(point, row); high];
        subjects.resize(100, subject(100, row));
        let found = figures(Material { subjects, scales: vec![scale], ..Material::default() });
        found.overall.unwrap().is_ceiling_alarm
    };
    assert!(rings(61, (1, 5), 450) && !rings(60, (1, 5), 450) && !rings(61, (1, 5), 449));
    assert!(rings(61, (0, 100), 8_750) && !rings(61, (0, 100), 8_749));
}

#[test]
fn points_of_different_scales_are_not_added_up() {
    let subjects = some(40, [Some("f"), Some("abai"), Some("district"), Some("under_5")]);
    let found = figures(Material { subjects, scales: vec![(1, 5), (0, 100)], ..Material::default() });
    assert_eq!((found.withheld, found.overall), (Some(FiguresWithheld::ScalesDiffer), None));
}

#[test]
fn the_groups_of_seniority_have_no_gap_between_them() {
    let found = [0, 499, 500, 999, 1_000, 1_999, 2_000, 6_000].map(seniority);
    assert_eq!(found, ["under_5", "under_5", "5_to_9", "5_to_9", "10_to_19", "10_to_19", "20_and_more", "20_and_more"]);
}

/// Twenty regions, four levels and all judges of a country in one year: something is shown, and nothing takes for ever.
#[test]
fn a_national_year_shows_groups_of_each_kind() {
    let mut state = 20_270_111_u64;
    let mut pick = |of: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % of
    };
    let subjects = (0..2_400).map(|_| {
        let region = format!("region_{}", pick(20));
        let level = ["district", "district", "district", "district", "regional", "cassation"][pick(6)].to_owned();
        let seniority = ["under_5", "5_to_9", "10_to_19", "20_and_more"][pick(4)].to_owned();
        let sex = ["f", "m"][pick(2)].to_owned();
        Subject {
            point: 300 + 25 * pick(6) as i64,
            band: Band::Above,
            groups: [Some(sex), Some(region), Some(level), Some(seniority)],
        }
    });
    let found = of(subjects.collect());
    for dimension in GroupDimension::ALL {
        let shown = found.groups.iter().filter(|group| group.dimension == *dimension && group.comparison.is_some());
        assert!(shown.count() > 1, "{dimension}");
    }
}
