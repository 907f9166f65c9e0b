//! The rules of the field, pure: no SQL, no HTTP, no clock, no I/O.

pub mod ids;
