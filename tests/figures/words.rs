//! The words of figures against the source that says them. A newcomer's usual mistake is a key made at run time: keys are
//! literals, or this test cannot see them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ejf::texts::Language;

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every key that the source of figures names.
fn named() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/figures");
    let mut keys = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = read(entry.unwrap().path());
        let is_of_key = |c: &char| c.is_ascii_lowercase() || *c == '-' || *c == '_';
        let found = text.split("\"figure-").skip(1).map(|rest| rest.chars().take_while(is_of_key).collect::<String>());
        keys.extend(found.map(|rest| format!("figure-{rest}")));
    }
    keys
}

#[test]
fn every_word_of_a_figure_is_there_in_three_languages_and_none_is_surplus() {
    let named = named();
    assert!(named.len() > 20, "the scan finds {named:?} only");
    for language in Language::ALL {
        let catalogue = read(format!("texts/{}.ftl", language.as_tag()));
        let keys = catalogue.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
        let said: BTreeSet<String> = keys.filter(|key| key.starts_with("figure-")).collect();
        assert_eq!(said, named, "{}", language.as_tag());
    }
}
