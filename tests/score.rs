//! `ejf score` as its users run it: marks in, scores out. A newcomer would test the engine again here; it has its own
//! tests, and these are about what a file of marks becomes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

#[path = "score/common.rs"]
mod common;
#[path = "score/filter.rs"]
mod filter;
#[path = "score/reference.rs"]
mod reference;
#[path = "score/refusals.rs"]
mod refusals;
#[path = "score/reliability.rs"]
mod reliability;
#[path = "score/simulate.rs"]
mod simulate;
