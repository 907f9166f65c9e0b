//! The rules of the field, pure: no SQL, no HTTP, no clock, no I/O.

pub mod acts;
pub mod analysis;
pub mod calendar;
pub mod caller;
pub mod coded;
pub mod cycle;
pub mod derived;
pub mod draw;
pub mod exports;
pub mod extracts;
pub mod hex;
pub mod ids;
pub mod iin;
pub mod imports;
pub mod indicators;
pub mod judge_file;
pub mod known;
pub mod methodology;
pub mod notices;
pub mod pauses;
pub mod planning;
pub mod policy;
pub mod pool;
pub mod retention;
pub mod scoring;
pub mod sections;
