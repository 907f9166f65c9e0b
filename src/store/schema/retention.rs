//! The tables of how long records are kept and what is left of those that were destroyed; the same test compares them with
//! the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    retention_holds (id) {
        id -> Text,
        judge_id -> Text,
        record_id -> Nullable<Text>,
        evaluation_id -> Nullable<Text>,
        reason -> Text,
        legal_basis -> Text,
        set_by -> Text,
        set_at -> Timestamp,
        lifted_by -> Nullable<Text>,
        lifted_at -> Nullable<Timestamp>,
        lift_reason -> Nullable<Text>,
    }
}

diesel::table! {
    retention_runs (id) {
        id -> Text,
        schedule_id -> Text,
        counted_on -> Date,
        requested_by -> Text,
        confirmed_by -> Text,
        started_at -> Timestamp,
        category -> Nullable<Text>,
        after_id -> Nullable<Text>,
        destroyed_count -> BigInt,
        kept_count -> BigInt,
        proof_digest -> Nullable<Text>,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    retention_schedules (id) {
        id -> Text,
        edition -> Integer,
        document -> Text,
        digest -> Text,
        created_at -> Timestamp,
        adopted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    tombstones (id) {
        id -> Text,
        judge_id -> Text,
        category -> Text,
        digest -> Text,
        run_id -> Text,
        destroyed_at -> Timestamp,
    }
}
