//! Acts that span several tables, each within the caller's one transaction: approvals of two persons, publication of a
//! methodology, the moves of a cycle. Handlers and jobs call it; it calls `store` and the pure rules, and no HTTP.

pub mod approvals;
pub mod calendars;
pub mod checks;
pub mod clocks;
pub mod corrections;
pub mod credentials;
pub mod cycles;
pub mod dashboard;
pub mod deletions;
pub mod draws;
pub mod evaluations;
pub mod extracts;
pub mod generations;
pub mod indicators;
pub mod issuance;
pub mod jobs;
pub mod lists;
pub mod manifests;
pub mod members;
pub mod methodologies;
pub mod new_cycles;
pub mod notices;
pub mod overviews;
pub mod particulars;
pub mod planning;
pub mod pools;
pub mod records;
pub mod recounts;
pub mod recusals;
pub mod restatements;
pub mod results;
pub mod retention;
pub mod retention_runs;
pub mod statistics;
pub mod supplements;
