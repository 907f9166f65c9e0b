//! The words of printed documents against the source that says them and the lists of codes behind them. A newcomer's usual
//! mistake is a code without its word: it would be printed as it is, in the middle of a Kazakh sentence.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ejf::domain::acts::{ActInstance, ActOutcome, ActReason, Attributable};
use ejf::domain::derived::NoFigure;
use ejf::domain::derived::comparison::NoComparison;
use ejf::domain::derived::figures::DerivedCode;
use ejf::domain::derived::reviews::ReviewRateCode;
use ejf::domain::extracts::{ExtractPurpose, Revocation};
use ejf::domain::judge_file::{CorrectionStatus, EndedReason, FilePurpose, PositionKind, RecordStatus};
use ejf::domain::particulars::Sex;
use ejf::domain::policy::StaffRole;
use ejf::domain::sections::career::TrainingResult;
use ejf::domain::sections::conduct::{ComplaintOutcome, DisciplineAppeal, EthicsOutcome, Penalty};
use ejf::domain::sections::{RecordType, Section};
use ejf::texts::{Language, plain};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every key that is written out in a folder's source.
fn written(folder: &Path, keys: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            written(&path, keys);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let is_of_key = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
        let found = text.split("\"file-").skip(1).filter(|rest| !rest.starts_with('{'));
        keys.extend(found.map(|rest| format!("file-{}", rest.chars().take_while(is_of_key).collect::<String>())));
    }
}

fn said(language: Language) -> BTreeSet<String> {
    let catalogue = fs::read_to_string(top().join(format!("texts/{}.ftl", language.as_tag()))).unwrap();
    let keys = catalogue.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
    keys.filter(|key| key.starts_with("file-")).collect()
}

#[test]
fn every_word_that_the_source_names_is_there_in_three_languages() {
    let mut keys = BTreeSet::new();
    for folder in ["src/api", "src/figures"] {
        written(&top().join(folder), &mut keys);
    }
    // The family of the words of a revocation, which a hint completes with its code.
    keys.remove("file-revocation");
    assert!(keys.len() > 100, "the scan finds {} only", keys.len());
    for language in Language::ALL {
        let said = said(language);
        let missing: Vec<_> = keys.difference(&said).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", language.as_tag());
        // What is neither written out nor of a list of codes, nobody says.
        let lists: BTreeSet<&str> = LISTS
            .iter()
            .map(|(list, _)| *list)
            .chain(["kind", "act", "category", "confirmation", "language", "unit"])
            .collect();
        let is_of_list = |key: &&String| {
            let list = key.trim_start_matches("file-").split('-').next().unwrap();
            lists.contains(list)
        };
        let surplus: Vec<_> = said.difference(&keys).filter(|key| !is_of_list(key)).collect();
        assert!(surplus.is_empty(), "{}: {surplus:?}", language.as_tag());
    }
}

/// A list of codes, with the name of its words.
type List = (&'static str, fn() -> Vec<&'static str>);

macro_rules! codes {
    ($($list:literal: $codes:ty,)*) => {
        &[$(($list, || <$codes>::ALL.iter().map(|code| code.as_str()).collect()),)*]
    };
}

const LISTS: &[List] = codes! {
    "act_outcome": ActOutcome,
    "act_reason": ActReason,
    "attributable": Attributable,
    "complaint_outcome": ComplaintOutcome,
    "correction_status": CorrectionStatus,
    "derived": DerivedCode,
    "discipline_appeal": DisciplineAppeal,
    "ended_reason": EndedReason,
    "ethics_outcome": EthicsOutcome,
    "instance": ActInstance,
    "no_comparison": NoComparison,
    "no_figure": NoFigure,
    "penalty": Penalty,
    "position_kind": PositionKind,
    "purpose": ExtractPurpose,
    "purpose": FilePurpose,
    "record_type": RecordType,
    "review_rate": ReviewRateCode,
    "revocation": Revocation,
    "role": StaffRole,
    "section": Section,
    "sex": Sex,
    "status": RecordStatus,
    "training_result": TrainingResult,
};

#[test]
fn every_code_of_a_list_has_its_word_in_three_languages() {
    for language in Language::ALL {
        for (list, codes) in LISTS {
            for code in codes() {
                let key = format!("file-{list}-{code}");
                assert!(plain(language, &key).is_some(), "{} in {}", key, language.as_tag());
            }
        }
        let catalogue = fs::read_to_string(top().join("indicators/default.json")).unwrap();
        let catalogue: serde_json::Value = serde_json::from_str(&catalogue).unwrap();
        for category in catalogue["specialisations"].as_array().unwrap() {
            let key = format!("file-category-{}", category.as_str().unwrap());
            assert!(plain(language, &key).is_some(), "{} in {}", key, language.as_tag());
        }
    }
}
