//! The reviewer's client against servers on real sockets that keep the protocol, cheat, or break off.
//!
//! What a newcomer would get wrong: the servers here are no stand-ins for our own code. They are written from the
//! contract alone, sign with the same protocol library as everybody, and record what reached them: after an alarm that
//! must be nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop where it is"
)]

mod booth;
#[path = "../browser/mod.rs"]
mod browser;
mod cards;
mod collecting;
mod commands;
mod ending;
mod generations;
mod hostile;
mod packs;
mod program;
mod round;
mod servers;
mod submitting;
