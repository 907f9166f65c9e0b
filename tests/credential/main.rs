//! The blind-review protocol against numbers that others computed, against forgers, and against hostile issuers.
//!
//! What a newcomer would get wrong: the known answers come from Python, not from this crate. When one fails, the crate
//! is wrong, for the browser and the independent verifier are held to the same numbers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop where it is"
)]

mod curve;
mod damage;
mod envelopes;
mod hostile_issuer;
mod known_answers;
mod languages;
mod manifests;
mod round;
mod sealed;
mod signed_json;
mod strangers;
mod tree;
mod wiping;
