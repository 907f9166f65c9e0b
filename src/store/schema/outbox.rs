//! The tables of events and of where they are sent; the same test compares them with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    events (sequence) {
        sequence -> BigInt,
        id -> Text,
        kind -> Text,
        version -> Integer,
        occurred_on -> Date,
        judge_id -> Text,
        evaluation_id -> Nullable<Text>,
        extract_id -> Nullable<Text>,
        recipient_client_id -> Nullable<Text>,
        outcome_code -> Nullable<Text>,
        valid_until -> Nullable<Date>,
        document_digest -> Nullable<Text>,
    }
}

diesel::table! {
    event_acknowledgements (event_sequence, client_id) {
        event_sequence -> BigInt,
        client_id -> Text,
        acknowledged_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Text,
        client_id -> Text,
        url -> Text,
        kinds -> Text,
        state -> Text,
        wrapped_secret -> Binary,
        previous_wrapped_secret -> Nullable<Binary>,
        previous_until -> Nullable<Timestamp>,
        spread_to -> BigInt,
        created_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Text,
        webhook_id -> Text,
        event_sequence -> Nullable<BigInt>,
        judge_id -> Nullable<Text>,
        state -> Text,
        attempt_count -> Integer,
        attempted_at -> Nullable<Timestamp>,
        next_attempt_at -> Nullable<Timestamp>,
        error -> Nullable<Text>,
        status_code -> Nullable<Integer>,
        delivered_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}
