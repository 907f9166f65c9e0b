//! The Electronic Judge File.

pub mod credential;
pub mod domain;
pub mod error;
