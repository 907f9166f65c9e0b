//! The table of what is known of a judge's person; the same test compares it with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    judge_particulars (id) {
        id -> Text,
        judge_id -> Text,
        birth_date -> Nullable<Date>,
        sex -> Nullable<Text>,
        legal_service_hundredths -> Nullable<BigInt>,
        source_system -> Text,
        as_of -> Date,
        received_at -> Timestamp,
        recorded_by -> Nullable<Text>,
        recorded_by_client -> Nullable<Text>,
        status -> Text,
        supersedes_id -> Nullable<Text>,
        batch_id -> Nullable<Text>,
    }
}
