//! The tables of reading packs; the same test compares them with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    reading_acts (id) {
        id -> Text,
        evaluation_id -> Text,
        category -> Text,
        place -> Integer,
        case_no -> Text,
        act_date -> Date,
        state -> Text,
        replacement_ground -> Nullable<Text>,
        decision_reason -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        objection -> Nullable<Text>,
        objected_at -> Nullable<Timestamp>,
        objection_decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    reading_candidates (evaluation_id, case_no, act_date) {
        evaluation_id -> Text,
        case_no -> Text,
        act_date -> Date,
        category -> Text,
    }
}

diesel::table! {
    reading_packs (evaluation_id) {
        evaluation_id -> Text,
        seed_commitment -> Text,
        sealed_seed -> Binary,
        record -> Nullable<Text>,
        record_digest -> Nullable<Text>,
        content -> Nullable<Binary>,
        size -> Nullable<BigInt>,
        digest -> Nullable<Text>,
        short_reason -> Nullable<Text>,
        frozen_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    reading_texts (id) {
        id -> Text,
        reading_act_id -> Text,
        language -> Text,
        media_type -> Text,
        size -> Integer,
        sha256 -> Text,
        content -> Nullable<Binary>,
        uploaded_by -> Text,
        uploaded_at -> Timestamp,
        verdict -> Nullable<Text>,
        reason -> Nullable<Text>,
        checked_by -> Nullable<Text>,
        checked_at -> Nullable<Timestamp>,
    }
}
