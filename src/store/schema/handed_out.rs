//! The tables of extracts and of the keys that sign them; the same test compares them with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    extract_keys (id) {
        id -> Text,
        public_key -> Binary,
        wrapped_private_key -> Binary,
        signs_from -> Timestamp,
    }
}

diesel::table! {
    extracts (id) {
        id -> Text,
        judge_id -> Text,
        purpose -> Text,
        recipient -> Text,
        recipient_client_id -> Nullable<Text>,
        facts -> Text,
        digest -> Text,
        key_id -> Text,
        signature -> Text,
        issued_by -> Text,
        issued_at -> Timestamp,
        expires_on -> Date,
        revoked_at -> Nullable<Timestamp>,
        revoked_by -> Nullable<Text>,
        revocation -> Nullable<Text>,
        explanation -> Nullable<Text>,
    }
}
