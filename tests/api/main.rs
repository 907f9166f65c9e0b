//! Behaviour through HTTP, on a real socket and a real database of each engine: one binary, `mod`s only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod access;
mod access_entries;
mod accounts;
mod acts;
mod alone;
mod appeals;
mod approvals;
mod audit_commands;
mod audit_log;
mod audit_tampering;
mod audit_trails;
mod ballot;
mod ballot_deletion;
mod ballot_end;
mod ballot_pages;
mod ballot_storage;
mod ballot_strangers;
mod ballot_upkeep;
mod booth;
mod box_process;
#[path = "../browser/mod.rs"]
mod browser;
mod cancellations;
mod clients;
mod clocks;
mod complaints;
mod conflicts;
mod contract;
mod corrections;
mod course_model;
mod courts;
mod cycles;
#[allow(dead_code, reason = "the rest of it is for tests that the library itself runs")]
#[path = "../credential/damage.rs"]
mod damage;
mod deadlines;
mod decisions;
mod deletions;
mod developmental;
mod documents;
mod evaluation_plans;
mod events;
mod exports;
mod extracts;
mod file_access;
mod file_papers;
mod files;
mod generations;
mod harness;
mod hints;
mod import_disputes;
mod import_forms;
mod import_records;
mod import_reversals;
mod imports;
mod indicator_figures;
mod indicator_overviews;
mod issuance;
mod journeys;
mod judge_indicators;
mod judges;
mod key_ends;
mod known_on;
mod lists;
mod members;
mod migrations;
mod mutations;
mod notices;
mod observations;
mod own_records;
mod particulars;
mod peer;
mod pools;
#[allow(dead_code, reason = "the rest of it measures pages, which tests/paper does")]
#[path = "../paper/poppler.rs"]
mod poppler;
mod proceedings;
mod races;
mod ranking;
mod reading_acts;
mod reading_packs;
mod records;
mod recounts;
mod remedies;
mod requests;
mod result_figures;
mod results;
mod retention;
mod retention_runs;
mod sessions;
mod statements;
mod statistics;
mod supplements;
mod tokens;
mod traps;
mod webhooks;
mod wire;
mod work_calendars;
mod writer;
