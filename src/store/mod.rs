//! The registry's SQL and nothing else: functions from a connection to rows. No pool, no HTTP, no policy. A row has no
//! `Serialize`, so that it cannot be answered by mistake; instants are UTC without zone, as both engines keep them.

pub mod accounts;
pub mod acts;
pub mod approvals;
pub mod assignments;
pub mod audit;
pub mod audit_records;
pub mod clients;
pub mod comparisons;
pub mod conflicts;
pub mod corrections;
pub mod courts;
pub mod cycles;
pub mod documents;
pub mod draws;
pub mod evaluations;
pub mod external_ids;
pub mod extracts;
pub mod file_records;
pub mod idempotency;
pub mod indicators;
pub mod issuance;
pub mod jobs;
pub mod judges;
pub mod keys;
pub mod members;
pub mod methodologies;
pub mod observations;
pub mod pools;
pub mod positions;
pub mod recounts;
pub mod reportable;
pub mod results;
pub mod schema;
pub mod sessions;
pub mod versions;
