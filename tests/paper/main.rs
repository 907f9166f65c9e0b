//! Printed documents: what is searched, read aloud and kept for decades. A newcomer would compare bytes with a file of last
//! year; that says that nothing changed, and never that anything is right.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed test may panic")]

mod poppler;
mod words;

use ejf::figures::drawing::{Column as Place, Drawing, FULL, MARGIN, Marker, Picture, Size, Words};
use ejf::paper::{Block, Column, Depth, Paper, Row, Table};
use ejf::texts::Language;
use poppler::Printed;

fn picture(language: Language) -> Picture {
    let mut drawing = Drawing::new(language);
    let top = drawing.paragraph(FULL, MARGIN, Size::Title, &Words::new("Ұқыптылық", language));
    let below = drawing.paragraph(Place { x: 40, width: 300 }, top, Size::Body, &Words::new("97,5 %", language));
    drawing.marker(Marker::Diamond, (200, below));
    drawing.finish("one", "Ұқыптылық", "Осы судья: 97,5 %.", below + 40)
}

fn table(rows: usize) -> Table {
    let row = |number: usize| Row {
        cells: vec![format!("Жол{number}"), format!("Күй {number}"), (number * 1000).to_string()],
        is_marked: number % 7 == 3,
    };
    let columns = vec![
        Column::text("Атауы".to_owned(), 40),
        Column::text("Күйі".to_owned(), 40),
        Column::number("Саны".to_owned(), 20),
    ];
    Table { columns, rows: (0..rows).map(row).collect() }
}

fn paper(language: Language, blocks: Vec<Block>) -> Paper {
    Paper {
        language,
        title: "Судьяның электрондық ісі".to_owned(),
        subject: "Әлия Қайратқызы Ұзақбаева".to_owned(),
        foot: "Судьяның электрондық ісі · 11.01.2027".to_owned(),
        made_at: "2027-01-11T04:00:00Z".parse().unwrap(),
        blocks,
    }
}

fn everything(language: Language) -> Paper {
    let blocks = vec![
        Block::Facts(vec![("Аты-жөні".to_owned(), "Әлия Ғалымқызы Өтегенова".to_owned())]),
        Block::Heading(Depth::Section, "Лауазымдары".to_owned()),
        Block::Paragraph("Бірінші жол\nекінші жол: һәм, ңұсқа, іс".to_owned()),
        Block::Note("Ескерту: «—» нөл емес.".to_owned()),
        Block::Heading(Depth::Part, "Азаматтық істер".to_owned()),
        Block::Table(table(4)),
        Block::Picture(picture(language)),
    ];
    paper(language, blocks)
}

#[test]
fn kazakh_letters_are_found_by_search_in_the_order_in_which_they_are_read() {
    for language in Language::ALL {
        let printed = Printed::new(&everything(language).print().unwrap());
        printed.check();
        let text = printed.text();
        let order = [
            "Судьяның электрондық ісі",
            "Әлия Қайратқызы Ұзақбаева",
            "Әлия Ғалымқызы Өтегенова",
            "Лауазымдары",
            "екінші жол: һәм, ңұсқа, іс",
            "Азаматтық істер",
            "Жол3",
            "Ұқыптылық",
        ];
        let mut from = 0;
        for part in order {
            let at = text[from..].find(part).unwrap_or_else(|| panic!("{part} after {from} in {text}"));
            from += at + part.len();
        }
    }
}

#[test]
fn a_document_says_that_it_is_archival_tagged_and_in_its_language() {
    for language in Language::ALL {
        let bytes = everything(language).print().unwrap();
        let printed = Printed::new(&bytes);
        let properties = printed.properties();
        for said in ["Tagged:          yes", "Судьяның электрондық ісі: Әлия Қайратқызы Ұзақбаева"]
        {
            assert!(properties.contains(said), "{said} in {properties}");
        }
        let structure = printed.structure();
        let parts = ["H1", "H2", "H3", "P (block)", "Table", "THead", "TBody", "TR", "TH", "TD", "Figure"];
        for part in parts {
            assert!(structure.contains(part), "{part} in {structure}");
        }
        let metadata = printed.metadata();
        let rules = [
            "<pdfaid:part>2</pdfaid:part>",
            "<pdfaid:conformance>A</pdfaid:conformance>",
            "<pdfuaid:part>1</pdfuaid:part>",
        ];
        for rule in rules {
            assert!(metadata.contains(rule), "{rule} in {metadata}");
        }
        assert!(metadata.contains(&format!("<rdf:li>{}</rdf:li>", language.as_tag())), "its language: {metadata}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes_and_another_date_gives_others() {
    let first = everything(Language::Kk).print().unwrap();
    assert_eq!(first, everything(Language::Kk).print().unwrap());
    let later = Paper { made_at: "2027-01-12T04:00:00Z".parse().unwrap(), ..everything(Language::Kk) };
    assert_ne!(first, later.print().unwrap());
}

#[test]
fn the_head_of_a_table_is_on_each_of_its_pages_and_once_in_its_structure() {
    let blocks = vec![Block::Heading(Depth::Section, "Кесте".to_owned()), Block::Table(table(200))];
    let printed = Printed::new(&paper(Language::Kk, blocks).print().unwrap());
    let pages = printed.page_count();
    assert!(pages >= 4, "{pages}");
    for number in 1..=pages {
        let page = printed.page(number);
        assert!(page.contains("Атауы"), "page {number}: {page}");
        assert!(page.replace(' ', "").contains(&format!("{number}/{pages}")), "page {number}: {page}");
    }
    let structure = printed.structure();
    assert_eq!(structure.matches("Атауы").count(), 1, "read aloud once");
    let text = printed.text();
    let words: Vec<&str> = text.split(' ').collect();
    for number in 0..200 {
        let wanted = format!("Жол{number}");
        assert_eq!(words.iter().filter(|word| **word == wanted).count(), 1, "row {number}");
    }
}

#[test]
fn nothing_leaves_the_page_however_long_its_words_are() {
    let long = "Ұзақтығы".repeat(60);
    let row = Row { cells: vec![long.clone(), "сөз ".repeat(4000), long.clone()], is_marked: true };
    let table = Table { rows: vec![row], ..table(0) };
    let blocks = vec![
        Block::Heading(Depth::Section, long.clone()),
        Block::Facts(vec![(long.clone(), long.clone())]),
        Block::Paragraph(long.clone()),
        Block::Table(table),
        Block::Heading(Depth::Section, "Соңы".to_owned()),
    ];
    let document = Paper { foot: long.clone(), title: long.clone(), subject: long, ..paper(Language::Kk, blocks) };
    let printed = Printed::new(&document.print().unwrap());
    printed.check();
    let words = printed.words();
    assert!(words.len() > 4000, "every word of the long cell is there: {}", words.len());
    for [left, top, right, bottom] in words {
        assert!(left >= 40.0 && right <= 556.0 && top >= 40.0 && bottom <= 830.0, "{left} {top} {right} {bottom}");
    }
}

#[test]
fn what_no_font_has_is_shown_as_lost_and_costs_no_document() {
    let blocks = vec![
        Block::Heading(Depth::Section, "Мәлімдеме 🙂".to_owned()),
        Block::Paragraph("Тыңда\u{7}\u{0}: 漢字, \u{202e}кері, ﷺ; соңы".to_owned()),
    ];
    let printed = Printed::new(&paper(Language::Kk, blocks).print().unwrap());
    printed.check();
    let text = printed.text();
    assert!(text.contains("Мәлімдеме \u{fffd}") && text.contains("соңы"), "{text}");
}

#[test]
fn a_heading_stands_with_what_follows_it() {
    for rows in 0..60 {
        let blocks = vec![
            Block::Heading(Depth::Section, "Бірінші".to_owned()),
            Block::Table(table(rows)),
            Block::Heading(Depth::Section, "Екінші".to_owned()),
            Block::Paragraph("Мәтін осында".to_owned()),
        ];
        if rows % 5 != 0 && !(38..50).contains(&rows) {
            continue;
        }
        let printed = Printed::new(&paper(Language::Kk, blocks).print().unwrap());
        let pages: Vec<String> = (1..=printed.page_count()).map(|number| printed.page(number)).collect();
        let heading = pages.iter().position(|page| page.contains("Екінші"));
        assert_eq!(heading, pages.iter().position(|page| page.contains("Мәтін осында")), "{rows} rows");
    }
}
