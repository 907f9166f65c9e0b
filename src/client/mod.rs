//! The reviewer's side of a blind review: over HTTP against a registry and a ballot box that may both be hostile.
//!
//! What a newcomer would get wrong: nothing that a server says is believed because a server says it. The manifest is
//! what the printed digest names, a credential is what verifies under that manifest, a review counts when a receipt
//! verifies; everything else raises an [`failure::Alarm`] and nothing more is sent.
//!
//! [`peer`] collects credentials and is logged in; [`review`] submits and [`sealed`] looks for the reviews in the sealed
//! list, and neither ever is. Only the [`card`] passes between them, as a file or in memory. [`pinned`] holds the checks
//! of the public documents, [`packs`] what is given to read, [`generation`] what a later manifest may change, [`draft`] what a review may say, [`spread`]
//! when it is sent, [`line`] the HTTP. [`recount`] is the auditor's side: over files alone.

pub mod card;
pub mod draft;
pub mod failure;
pub mod generation;
mod line;
pub mod packs;
pub mod peer;
pub mod pinned;
pub mod recount;
pub mod review;
pub mod sealed;
pub mod sealed_file;
pub mod spread;
