//! The table of files that were ordered; the same test compares it with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    exports (id) {
        id -> Text,
        list -> Text,
        format -> Text,
        language -> Text,
        purpose -> Text,
        state -> Text,
        row_count -> Nullable<BigInt>,
        byte_count -> Nullable<BigInt>,
        sha256 -> Nullable<Text>,
        error -> Nullable<Text>,
        requested_by -> Text,
        requested_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        expires_at -> Timestamp,
        version -> BigInt,
    }
}
