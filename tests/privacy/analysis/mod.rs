//! The analyses, each a pure function of evidence and truth with tests of its own on cases whose answer is known.
//!
//! What a newcomer would get wrong: none of them knows which leak is on. Each looks for what it looks for, in all that
//! there is.

pub mod algebra;
pub mod attributes;
pub mod canaries;
pub mod counters;
pub mod crosslink;
pub mod finder;
pub mod joins;
pub mod linker;
pub mod order;
pub mod sizes;
pub mod times;
