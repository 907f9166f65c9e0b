//! The figure of a result: all that was published, nothing else, and readable by everybody. A newcomer would look at one
//! picture in one language; what breaks is the longest name in another.

use ejf::domain::methodology::{Criterion, Methodology, Scale, Text};
use ejf::domain::scoring::Status;
use ejf::domain::scoring::gate::Release;
use ejf::figures::result_figure::{Shown, draw};
use ejf::figures::svg;
use ejf::texts::Language;
use serde_json::{Value, json};

use crate::reading::{Figure, Shape};

/// A figure's numbers as they are published.
pub fn figure(n: i64, point: i64, lo: i64, hi: i64, band: &str) -> Value {
    json!({"n": n, "point": point, "lo": lo, "hi": hi, "band": band})
}

/// What the gate let out.
pub fn release(published: &Value) -> Release {
    Release::read(&published.to_string(), "digest").unwrap()
}

/// A release with figures of the five criteria of the default instrument.
pub fn with_figures() -> Value {
    let criterion = |code: &str, figure: Value| json!({"code": code, "figure": figure});
    json!({"status": "ok", "overall": figure(13, 375, 325, 425, "above"), "criteria": [
        criterion("reasoning", figure(13, 400, 350, 450, "above")),
        criterion("organisation", figure(12, 225, 175, 275, "below")),
        criterion("communication", figure(11, 300, 250, 350, "not_distinguishable")),
        criterion("integrity", figure(10, 500, 475, 500, "above")),
        criterion("collegiality", figure(13, 100, 100, 150, "below")),
    ]})
}

pub fn drawn(methodology: &Methodology, published: &Value, language: Language) -> Figure {
    let read = Figure::read(&svg::write(&draw(methodology, Shown::Release(&release(published)), language).unwrap()));
    read.inspect(language);
    read
}

fn name_of(text: &Text, language: Language) -> String {
    match language {
        Language::Kk => text.kk.clone(),
        Language::Ru => text.ru.clone(),
        Language::En => text.en_or_ru().to_owned(),
    }
}

/// A number of hundredths, as each language writes it.
pub fn written(hundredths: i64, language: Language) -> String {
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    if language == Language::En { text } else { text.replace('.', ",") }
}

#[test]
fn every_published_number_is_seen_and_read_aloud_in_the_readers_way() {
    let methodology = Methodology::standard().unwrap();
    let published = with_figures();
    for language in Language::ALL {
        let read = drawn(&methodology, &published, language);
        let (searched, aloud) = (read.searched(), &read.description);
        let all = std::iter::once(&published["overall"])
            .chain(published["criteria"].as_array().unwrap().iter().map(|criterion| &criterion["figure"]));
        for figure in all {
            let [n, point, lo, hi] = ["n", "point", "lo", "hi"].map(|name| figure[name].as_i64().unwrap());
            let [point, lo, hi] = [point, lo, hi].map(|value| written(value, language));
            assert!(searched.contains(&format!("{point} ({lo}–{hi});")), "{searched}");
            assert!(searched.contains(&format!(": {n}")), "{searched}");
            for value in [&point, &lo, &hi, &n.to_string()] {
                assert!(aloud.contains(value.as_str()), "{value} in {aloud}");
            }
        }
        for criterion in &methodology.criteria[..5] {
            let name = name_of(&criterion.name, language);
            assert!(searched.contains(&name) && aloud.contains(&format!("{name}: ")), "{name} in {searched}");
        }
        assert!(!read.said().contains(&name_of(&methodology.criteria[5].name, language)), "not asked about");
    }
}

#[test]
fn a_figure_holds_no_number_but_those_published_and_the_scale() {
    let methodology = Methodology::standard().unwrap();
    for language in Language::ALL {
        let read = drawn(&methodology, &with_figures(), language);
        let points = [375, 325, 425, 400, 350, 450, 225, 175, 275, 300, 250, 500, 475, 100, 150];
        let mut allowed: Vec<String> = points.iter().map(|value| written(*value, language)).collect();
        allowed.extend((1..=5).chain(10..=13).map(|whole| whole.to_string()));
        for number in read.numbers() {
            assert!(allowed.contains(&number), "{number} in {}", read.said());
        }
    }
}

#[test]
fn one_word_stands_on_no_axis_and_beside_no_number() {
    let methodology = Methodology::standard().unwrap();
    for language in Language::ALL {
        let mut forms = Vec::new();
        for (band, words) in ["above", "below", "not_distinguishable"].iter().zip(bands(language)) {
            let read = drawn(&methodology, &json!({"status": "indicative", "band": band}), language);
            assert_eq!(read.numbers(), [""; 0], "{}", read.said());
            assert!(read.searched().contains(&words) && read.description.contains(&words), "{}", read.said());
            let elements: Vec<&str> = read.shapes.iter().map(|shape| shape.element.as_str()).collect();
            assert_eq!(elements.len(), 2, "a sign and a box: {elements:?}");
            let middle = |shape: &Shape| (shape.place[0] + shape.place[2]) / 2.0;
            forms.push((middle(&read.shapes[0]), read.height));
        }
        assert!(forms.windows(2).all(|pair| pair[0].0 == pair[1].0), "the place of the sign tells: {forms:?}");
    }
}

/// The words for a result above, below and not distinguishable from the standard.
fn bands(language: Language) -> [String; 3] {
    ["above", "below", "not_distinguishable"]
        .map(|band| ejf::texts::plain(language, &format!("figure-band-{band}")).unwrap().to_owned())
}

#[test]
fn insufficient_data_is_said_and_nothing_with_it() {
    let methodology = Methodology::standard().unwrap();
    for language in Language::ALL {
        let read = drawn(&methodology, &json!({"status": "insufficient"}), language);
        let words = ejf::texts::plain(language, "figure-insufficient").unwrap();
        assert!(read.seen().contains(words) && read.description.starts_with(words), "{}", read.said());
        assert_eq!((read.numbers().len(), read.shapes.len()), (0, 1));
    }
}

#[test]
fn who_sees_the_status_alone_sees_one_picture_for_all_results_of_a_status() {
    let methodology = Methodology::standard().unwrap();
    let mut pictures = Vec::new();
    for language in Language::ALL {
        for status in [Status::Ok, Status::Indicative, Status::Insufficient, Status::Developmental] {
            let svg = svg::write(&draw(&methodology, Shown::Status(status), language).unwrap());
            let read = Figure::read(&svg);
            read.inspect(language);
            assert_eq!((read.numbers().len(), read.shapes.len()), (0, 1), "{}", read.said());
            pictures.push(svg);
        }
    }
    pictures.sort_unstable();
    pictures.dedup();
    assert_eq!(pictures.len(), 12, "of four statuses in three languages");
}

/// A shape's form and where it lies in relation to its own middle.
fn forms(read: &Figure, element: &str) -> Vec<String> {
    let shapes = read.shapes.iter().filter(|shape| shape.element == element);
    let relative = |shape: &Shape| {
        let (x, y) = ((shape.place[0] + shape.place[2]) / 2.0, (shape.place[1] + shape.place[3]) / 2.0);
        let points = &shape.form.iter().find(|(name, _)| name == "points").unwrap().1;
        let moved = points.split(' ').map(|point| {
            let (px, py) = point.split_once(',').unwrap();
            format!("{},{}", px.parse::<f64>().unwrap() - x, py.parse::<f64>().unwrap() - y)
        });
        moved.collect::<Vec<_>>().join(" ")
    };
    shapes.map(relative).collect()
}

#[test]
fn without_colour_the_signs_of_the_three_words_still_differ() {
    let read = drawn(&Methodology::standard().unwrap(), &with_figures(), Language::Kk);

    let polygons = forms(&read, "polygon");

    let circles = read.shapes.iter().filter(|shape| shape.element == "circle").count();
    assert_eq!((polygons.len(), circles), (5, 1), "three above and two below, one neither");
    let (above, below) = (&polygons[0], &polygons[2]);
    assert!(above != below && polygons == [above, above, below, above, below].map(String::clone), "{polygons:?}");
    let dashed: Vec<&Shape> =
        read.shapes.iter().filter(|shape| shape.form.iter().any(|(name, _)| name == "stroke-dasharray")).collect();
    assert_eq!(dashed.len(), 6, "the standard is dashed in every row, the intervals are not");
}

#[test]
fn the_interval_and_the_sign_lie_where_the_numbers_say() {
    let read = drawn(&Methodology::standard().unwrap(), &with_figures(), Language::Ru);
    // The first thick line is the overall interval; the scale is as wide as the first axis.
    let lines: Vec<&Shape> = read.shapes.iter().filter(|shape| shape.element == "line").collect();
    let value = |shape: &Shape, name: &str| {
        shape.form.iter().find(|(known, _)| known == name).unwrap().1.parse::<f64>().unwrap()
    };
    let (from, to) = (value(lines[0], "x1"), value(lines[0], "x2"));
    let points = |x: f64| 1.0 + (x - from) / (to - from) * 4.0;
    let near = |x: f64, wanted: f64| assert!((points(x) - wanted).abs() < 0.011, "{} is not {wanted}", points(x));

    near(value(lines[1], "x1"), 3.0);
    near(value(lines[2], "x1"), 3.25);
    near(value(lines[2], "x2"), 4.25);
    let sign = read.shapes.iter().find(|shape| shape.element == "polygon").unwrap();
    near((sign.place[0] + sign.place[2]) / 2.0, 3.75);
}

fn renamed(name: &Text) -> Methodology {
    let mut methodology = Methodology::standard().unwrap();
    for criterion in &mut methodology.criteria {
        criterion.name = name.clone();
    }
    methodology
}

#[test]
fn the_longest_names_stay_within_the_figure_and_its_size() {
    let one_word = "Ш".repeat(300);
    let many_words = "Щедрый & <честный> ".repeat(30);
    let ampersands = "&".repeat(300);
    for name in [one_word, many_words, ampersands] {
        let methodology = renamed(&Text { kk: name.clone(), ru: name.clone(), en: Some(name) });
        for language in Language::ALL {
            let read = drawn(&methodology, &with_figures(), language);
            assert!(read.description.contains('…'), "what is cut says so");
        }
    }
}

#[test]
fn a_name_that_looks_like_markup_is_text() {
    let name = "</text> <script>alert(\"1\") </script> & 'қ' ]]>";
    let methodology = renamed(&Text { kk: name.to_owned(), ru: name.to_owned(), en: Some(name.to_owned()) });

    let read = drawn(&methodology, &with_figures(), Language::Kk);

    assert!(read.searched().contains(name), "{}", read.searched());
    assert!(read.description.contains(name), "{}", read.description);
    let control = renamed(&Text { kk: "a\u{1}b".to_owned(), ru: "a\u{1}b".to_owned(), en: None });
    assert!(drawn(&control, &with_figures(), Language::Kk).seen().contains("a\u{fffd}b"));
}

#[test]
fn a_name_in_another_language_says_so() {
    let methodology = renamed(&Text { kk: "Білім".to_owned(), ru: "Знания".to_owned(), en: None });

    let read = drawn(&methodology, &with_figures(), Language::En);

    let named: Vec<_> = read.lines.iter().filter(|line| line.text == "Знания").collect();
    assert!(named.len() == 5 && named.iter().all(|line| line.lang.as_deref() == Some("ru")), "{named:?}");
    assert!(read.lines.iter().filter(|line| line.text != "Знания").all(|line| line.lang.is_none()));
}

#[test]
fn every_scale_that_a_methodology_may_have_is_drawn() {
    for (min, max, step, expected) in [(0, 10, 1, 5), (0, 2, 1, 1), (0, 100, 10, 90), (1, 5, 1, 2), (90, 100, 5, 95)] {
        let mut methodology = Methodology::standard().unwrap();
        methodology.scale = Some(Scale { min, max, step, expected });
        let point = (i64::from(min) * 100 + i64::from(max) * 100) / 2;
        let published = json!({"status": "ok", "overall": figure(128, point, i64::from(min) * 100, i64::from(max) * 100, "above"), "criteria": []});
        for language in Language::ALL {
            let read = drawn(&methodology, &published, language);
            let marks = methodology.scale.unwrap().marks();
            let labels = read.lines.iter().filter(|line| marks.iter().any(|mark| line.text == mark.to_string()));
            assert_eq!(labels.count(), marks.len());
        }
    }
}

#[test]
fn a_result_of_another_methodology_is_not_drawn() {
    let mut methodology = Methodology::standard().unwrap();
    let known = |criterion: &Criterion| criterion.code != "integrity";
    methodology.criteria.retain(known);

    assert!(draw(&methodology, Shown::Release(&release(&with_figures())), Language::Kk).is_err());
}
