//! The reviewer's side of a blind review: over HTTP against a registry and a ballot box that may both be hostile.
//!
//! What a newcomer would get wrong: nothing that a server says is believed because a server says it. The manifest is
//! what the printed digest names, a credential is what verifies under that manifest, a review counts when a receipt
//! verifies; everything else raises an [`failure::Alarm`] and nothing more is sent.
//!
//! [`peer`] collects credentials and is logged in; [`review`] submits and never is. Only the [`card`] passes between
//! them, as a file or in memory. [`pinned`] holds the checks of the public documents, [`line`] the HTTP.

pub mod card;
pub mod failure;
mod line;
pub mod peer;
pub mod pinned;
pub mod review;
pub mod sealed_file;
