//! The figure of an indicator: the judge's own value beside quartiles, and never a place among others. A newcomer would add
//! "above 80 % of judges"; that is a rank.

use ejf::domain::methodology::Text;
use ejf::figures::indicator_figure::{IndicatorFigure, Own, Quartiles, draw};
use ejf::figures::svg;
use ejf::texts::{Arg, Language, text};

use crate::reading::{Figure, Shape};

fn name() -> Text {
    Text {
        kk: "Істерді қарау коэффициенті".to_owned(),
        ru: "Коэффициент рассмотрения дел".to_owned(),
        en: Some("Clearance rate".to_owned()),
    }
}

/// A clearance rate of 97.5 % among 34 judges.
fn clearance(name: &Text) -> IndicatorFigure<'_> {
    IndicatorFigure {
        code: "clearance_rate",
        name,
        period: "2026-Q1 – 2026-Q4",
        unit: "%",
        decimals: 1,
        own: Own::Value(975),
        comparable: Ok(Quartiles { n: 34, lower: 880, median: 952, upper: 1013 }),
    }
}

fn drawn(figure: &IndicatorFigure<'_>, language: Language) -> Figure {
    let read = Figure::read(&svg::write(&draw(figure, language).unwrap()));
    read.inspect(language);
    read
}

fn count(read: &Figure, element: &str) -> usize {
    read.shapes.iter().filter(|shape| shape.element == element).count()
}

#[test]
fn the_own_value_and_the_quartiles_are_seen_and_read_aloud() {
    let name = name();
    for (language, values) in [
        (Language::Kk, ["97,5\u{a0}%", "95,2\u{a0}%", "88,0\u{a0}%", "101,3\u{a0}%"]),
        (Language::Ru, ["97,5\u{a0}%", "95,2\u{a0}%", "88,0\u{a0}%", "101,3\u{a0}%"]),
        (Language::En, ["97.5\u{a0}%", "95.2\u{a0}%", "88.0\u{a0}%", "101.3\u{a0}%"]),
    ] {
        let read = drawn(&clearance(&name), language);
        for value in values {
            assert!(read.searched().contains(value) && read.description.contains(value), "{value}: {}", read.said());
        }
        assert!(read.description.contains(": 34."), "{}", read.description);
        assert!(read.title.ends_with(", 2026-Q1 – 2026-Q4"), "{}", read.title);
        let sign_and_key = (count(&read, "polygon"), count(&read, "rect"));
        assert_eq!(sign_and_key, (2, 2), "the judge's sign and the box, each explained");
    }
}

#[test]
fn among_fewer_than_ten_there_is_no_comparison_whatever_their_values() {
    let name = name();
    let few = |n, lower, median, upper| IndicatorFigure {
        comparable: Ok(Quartiles { n, lower, median, upper }),
        ..clearance(&name)
    };
    for language in Language::ALL {
        let reason = text(language, "figure-indicator-few", &[("min", Arg::Text("10"))]);
        let none = draw(&IndicatorFigure { comparable: Err(&reason), ..clearance(&name) }, language).unwrap();
        for figure in [few(9, 880, 952, 1013), few(1, 0, 1, 2), few(0, 5, 5, 5)] {
            assert_eq!(draw(&figure, language).unwrap(), none);
        }
        let read = drawn(&few(9, 880, 952, 1013), language);
        let mut numbers = read.numbers();
        numbers.retain(|number| !["2026", "1", "4", "10"].contains(&number.as_str()));
        numbers.dedup();
        assert_eq!(numbers.len(), 1, "the own value alone: {numbers:?}");
        assert_eq!((count(&read, "polygon"), count(&read, "rect"), count(&read, "line")), (0, 1, 0));
        assert_ne!(draw(&few(10, 880, 952, 1013), language).unwrap(), none);
    }
}

#[test]
fn a_value_that_is_none_is_said_with_its_reason_and_never_drawn_as_zero() {
    let name = name();
    for language in Language::ALL {
        let figure = IndicatorFigure { own: Own::Absent("no <incoming> cases"), ..clearance(&name) };
        let read = drawn(&figure, language);
        assert!(read.description.contains("(no <incoming> cases)"), "{}", read.description);
        assert!(read.searched().contains("(no <incoming> cases)"), "{}", read.searched());
        assert_eq!(count(&read, "polygon"), 0, "no sign for what is not there");
        assert!(!read.numbers().contains(&"0".to_owned()));
        let alone = drawn(&IndicatorFigure { comparable: Err("no post"), ..figure }, language);
        assert!(alone.seen().contains("(no <incoming> cases)"));
    }
}

#[test]
fn signs_lie_where_the_axis_says() {
    let name = name();
    let read = drawn(&clearance(&name), Language::En);
    let labels: Vec<(f64, f64)> = read
        .lines
        .iter()
        .filter_map(|line| Some(((line.place[0] + line.place[2]) / 2.0, line.text.parse::<f64>().ok()?)))
        .collect();
    let ((x0, v0), (x1, v1)) = (labels[0], *labels.last().unwrap());
    assert!(labels.len() >= 3 && v0 <= 88.0 && v1 >= 101.3, "{labels:?}");
    let value = |x: f64| v0 + (x - x0) / (x1 - x0) * (v1 - v0);
    let near = |x: f64, wanted: f64| assert!((value(x) - wanted).abs() < 0.1, "{} is not {wanted}", value(x));
    let first = |element: &str| -> &Shape { read.shapes.iter().find(|shape| shape.element == element).unwrap() };

    near((first("polygon").place[0] + first("polygon").place[2]) / 2.0, 97.5);
    let quartiles = first("rect").place;
    near(quartiles[0] + 1.0, 88.0);
    near(quartiles[2] - 1.0, 101.3);
    for pair in labels.windows(2) {
        assert!((value(pair[1].0) - pair[1].1).abs() < 0.1 && pair[0].1 < pair[1].1, "{labels:?}");
    }
}

#[test]
fn every_size_of_value_and_name_stays_within_the_figure() {
    let long = "Ұзақтығы Щ&<".repeat(40);
    let long = Text { kk: long.clone(), ru: long.clone(), en: None };
    let quartiles = |lower, median, upper| Ok(Quartiles { n: u32::MAX, lower, median, upper });
    let most = 1_000_000_000_000;
    for comparable in [
        quartiles(0, 0, 0),
        quartiles(-most, 0, most),
        quartiles(most, most, most),
        quartiles(1, 2, 3),
        quartiles(999, 1_000, 1_001),
        quartiles(-1, -1, 1),
        quartiles(123_456_789, 123_456_790, 987_654_321),
    ] {
        for own in [Own::Value(0), Own::Value(-most), Own::Value(most), Own::Value(7), Own::Absent(&"Щ ".repeat(200))]
        {
            for decimals in 0..=3 {
                let unit = "орындалған стандартты істер";
                let figure =
                    IndicatorFigure { code: "a b<", name: &long, period: "2026", unit, decimals, own, comparable };
                for language in Language::ALL {
                    drawn(&figure, language);
                }
            }
        }
    }
}

#[test]
fn two_figures_of_one_page_have_names_of_their_own() {
    let name = name();
    let id = |code| {
        let svg = svg::write(&draw(&IndicatorFigure { code, ..clearance(&name) }, Language::Kk).unwrap());
        svg.split("aria-labelledby=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    assert_ne!(id("clearance_rate"), id("disposition_time"));
    assert_eq!(id("a\"b"), "ejf-a-b-title ejf-a-b-desc");
}

#[test]
fn what_cannot_be_is_not_drawn() {
    let name = name();
    let quartiles = |lower, median, upper| Ok(Quartiles { n: 10, lower, median, upper });
    for comparable in [quartiles(3, 2, 4), quartiles(1, 5, 4), quartiles(0, 0, i64::MAX), quartiles(i64::MIN, 0, 0)] {
        assert!(draw(&IndicatorFigure { comparable, ..clearance(&name) }, Language::Kk).is_err());
    }
    assert!(draw(&IndicatorFigure { own: Own::Value(i64::MAX), ..clearance(&name) }, Language::Kk).is_err());
}
