//! How far the marks of a cycle can be trusted as a whole: agreement of reviewers, agreement of criteria, and how many
//! reviews a firm score would take. A newcomer would read a high Cronbach's alpha as quality; it says that reviewers
//! give one impression in many boxes.

pub mod agreement;
pub mod generalizability;
pub mod intraclass;
