//! Scoring against numbers that others computed, and the properties that no data may break. A newcomer would copy a
//! failing figure from the program into the expectation; the references under `tests/data/scoring` are the law.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

#[path = "scoring/analysis_properties.rs"]
mod analysis_properties;
#[path = "scoring/common.rs"]
mod common;
#[path = "scoring/disclosure.rs"]
mod disclosure;
#[path = "scoring/document.rs"]
mod document;
#[path = "scoring/estimators.rs"]
mod estimators;
#[path = "scoring/explanation.rs"]
mod explanation;
#[path = "scoring/gate.rs"]
mod gate;
#[path = "scoring/properties.rs"]
mod properties;
#[path = "scoring/quality.rs"]
mod quality;
#[path = "scoring/reference.rs"]
mod reference;
#[path = "scoring/reliability.rs"]
mod reliability;
#[path = "scoring/resilience.rs"]
mod resilience;
#[path = "scoring/statements.rs"]
mod statements;
