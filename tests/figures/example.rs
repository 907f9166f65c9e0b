//! The picture beside the worked example of `docs/scoring.md`, drawn again from the marks on the page. A newcomer would touch
//! up the picture; it is made here, and the test says where it lies when the two differ.

use std::fs;
use std::path::Path;

use ejf::domain::methodology::{Criterion, Methodology, Text};
use ejf::domain::scoring::document::document;
use ejf::domain::scoring::gate::release;
use ejf::domain::scoring::publication::publish;
use ejf::domain::scoring::rules::{Criterion as Asked, Panel, PublishStep, RuleValues, Rules, Scale};
use ejf::domain::scoring::{pool, score_under};
use ejf::figures::result_figure::{Shown, draw};
use ejf::figures::svg;
use ejf::texts::Language;

use crate::reading::Figure;

const COMMITTED: &str = "docs/scoring-example.svg";
const CODES: [&str; 4] = ["a", "b", "c", "d"];

fn top(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The marks of the table on the page.
fn marks(page: &str) -> Vec<u8> {
    let rows = page.lines().skip_while(|line| *line != "| review | A | B | C | D | key | A − key |").skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let marks = rows.flat_map(|row| row.split('|').skip(2).take(4).map(|cell| cell.trim().parse().unwrap()));
    marks.collect()
}

fn rules() -> Rules {
    let criterion = |code: &str| Asked { code: code.to_owned(), weight: 1, items: 1 };
    Rules::new(RuleValues {
        scale: Scale { min: 1, max: 5, step: 1 },
        criteria: CODES.map(criterion).to_vec(),
        display_min: 5,
        decision_min: 10,
        kept_min: 6,
        publish_step: PublishStep::Quarter,
        expected_hundredths: 300,
    })
    .unwrap()
}

/// The default methodology, asking about A to D.
fn methodology() -> Methodology {
    let mut methodology = Methodology::standard().unwrap();
    let criterion = |code: &str| {
        let name = format!("Criterion {}", code.to_uppercase());
        let name = Text { kk: name.clone(), ru: name.clone(), en: Some(name) };
        Criterion { code: code.to_owned(), name, weight: Some(1), legal_refs: Vec::new() }
    };
    methodology.criteria = CODES.map(criterion).to_vec();
    methodology
}

#[test]
fn the_picture_of_the_worked_example_is_what_the_page_computes() {
    let page = fs::read_to_string(top("docs/scoring.md")).unwrap();
    let rules = rules();
    let panels = [Panel::new(&rules, marks(&page)).unwrap()];
    let mut spread = pool(&rules, &panels, 1).unwrap();
    // The page supposes so of the cycle.
    assert!(page.contains("Suppose σ₀² = 0.3."));
    spread.keys = 0.3;
    let sealed = document(&rules, &["s".to_owned()], &score_under(&rules, &panels, spread).unwrap()).unwrap();
    let released = release(publish(&rules, &sealed.subjects[0]).unwrap(), "digest", &[]).unwrap();

    let svg = svg::write(&draw(&methodology(), Shown::Release(&released), Language::En).unwrap());

    Figure::read(&svg).inspect(Language::En);
    assert!(svg.contains("4.00 (3.25–4.75)"), "{svg}");
    assert!(page.contains("here the score **4.00** and the interval **3.25 to 4.75**"));
    assert!(page.contains("](scoring-example.svg)"), "the page shows it");
    if fs::read_to_string(top(COMMITTED)).ok().as_ref() != Some(&svg) {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scoring-example.svg");
        fs::write(&made, &svg).unwrap();
        panic!("{COMMITTED} is not what is drawn; if the drawing is right, run\n    cp {} {COMMITTED}", made.display());
    }
}
