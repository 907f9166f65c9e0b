//! Two verifiers over the same bundles: `ejf recount`, and the Python program of `tests/verifier`, which shares no code
//! with it.
//!
//! What a newcomer would get wrong: a broken bundle that both pass is not bad luck but the finding. Each mutation here is
//! one that an insider could try, with and without making index, counts, results and tree anew over it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod commands;
mod documents;
mod edits;
#[path = "../api/harness/key_pool.rs"]
mod key_pool;
mod mutations;
mod python;
mod results;
mod reviews;
mod signed;
mod world;
