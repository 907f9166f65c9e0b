//! The adversary harness: whole cycles with the released client against the real services, an insider's evidence, and
//! analyses that must find every deliberate leak and nothing in a clean run. Built with the feature `leaks`.
//!
//! What a newcomer would get wrong: a clean run proves nothing by itself. It counts only beside the controls, which the
//! same analyses must catch.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod analysis;
mod attempts;
#[path = "../api/harness/ballot_round.rs"]
#[allow(dead_code, reason = "shared with the tests of the box, which need more of it")]
mod ballot_round;
mod caller;
mod controls;
mod crashes;
mod dice;
mod evidence;
mod interleavings;
#[path = "../api/harness/key_pool.rs"]
mod key_pool;
mod latencies;
mod lean;
mod measured;
mod oracles;
mod orders;
mod population;
mod proxied;
mod proxy;
mod report;
mod runs;
mod server;
mod stage;
mod timing;
