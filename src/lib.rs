//! The Electronic Judge File: the judge's file, blind peer evaluation, results that can be recounted.
//!
//! The map. `domain` holds the rules of the field, pure; `credential` the blind-review protocol, pure; `store` the
//! registry's SQL; `workflow` the acts that span tables; `auth` who is asking; `api` the registry's HTTP; `app` the
//! wiring; `cli` the commands; `client` the reviewer's side, which trusts no server; `publication` the folder through
//! which registry and ballot box pass signed documents, `exchange` the registry's side of it; `jobs` its long work;
//! `imports` files of records, `exports` lists as files; `audit_log` the tree over the audit entries and its checkpoints;
//! `figures` what was published, as drawings; `paper` printed documents; `notices` what people are told, in words;
//! `booth` the reviewer's pages, which both listeners serve; `durable` files that are whole or absent;
//! `demo` the whole main job over HTTP, `bench` what it costs. `problem`, `texts`, `clock`, `config`, `cipher`, `db` serve them. Arrows of import
//! go one way, and a test holds them to it.
//!
//! A registry write: `auth::authenticate` → a handler in `api` → `domain::policy` → one `Registry` write, in which
//! `workflow` and `store` load, judge and write the rows, the audit entry and the kept answer → commit → answer.

#[cfg(all(feature = "leaks", not(debug_assertions)))]
compile_error!("the feature `leaks` makes the ballot box leak on purpose: it is for tests, never for a release");

pub mod api;
pub mod app;
pub mod audit_log;
pub mod auth;
pub mod ballot;
pub mod bench;
pub mod booth;
pub mod cipher;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod credential;
pub mod db;
pub mod demo;
pub mod domain;
pub mod durable;
pub mod error;
pub mod exchange;
pub mod exports;
pub mod figures;
pub mod imports;
pub mod jobs;
pub mod notices;
pub mod paper;
pub mod problem;
pub mod publication;
pub mod store;
pub mod texts;
pub mod workflow;
