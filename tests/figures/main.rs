//! Figures as others read them: each is parsed as XML, measured, and held against what was published. A newcomer would
//! commit a golden file; it says that nothing changed, and never that anything is right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod example;
mod indicators;
mod leaks;
mod reading;
mod results;
mod words;
