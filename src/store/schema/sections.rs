//! The tables of the file's sections, its documents and the requests to correct it; the same test compares them with the
//! migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    correction_requests (id) {
        id -> Text,
        judge_id -> Text,
        record_type -> Text,
        record_id -> Text,
        claim -> Text,
        evidence -> Nullable<Text>,
        document_ids -> Text,
        status -> Text,
        reason -> Nullable<Text>,
        due_on -> Date,
        filed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    document_contents (judge_id, sha256) {
        judge_id -> Text,
        sha256 -> Text,
        content -> Binary,
    }
}

diesel::table! {
    file_records (id) {
        id -> Text,
        judge_id -> Text,
        section -> Text,
        content -> Text,
        effective_from -> Nullable<Date>,
        effective_to -> Nullable<Date>,
        shown -> Text,
        about_id -> Nullable<Text>,
        sha256 -> Nullable<Text>,
        source_system -> Text,
        source_record_id -> Nullable<Text>,
        as_of -> Date,
        received_at -> Timestamp,
        recorded_by -> Nullable<Text>,
        recorded_by_client -> Nullable<Text>,
        status -> Text,
        first_id -> Text,
        supersedes_id -> Nullable<Text>,
        legal_basis -> Nullable<Text>,
        confirmation -> Text,
        confirmed_by -> Nullable<Text>,
        confirmed_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        end_reason -> Nullable<Text>,
        batch_id -> Nullable<Text>,
    }
}
