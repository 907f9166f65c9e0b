//! The table of the figures of years; the same test compares it with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    yearly_statistics (year) {
        year -> Integer,
        document -> Text,
        made_by -> Text,
        made_at -> Timestamp,
    }
}
