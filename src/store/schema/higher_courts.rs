//! The tables of the review of acts by higher courts; the rest are in the module above, and the same test compares them.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    act_attributions (act_id, number) {
        act_id -> Text,
        number -> Integer,
        attributable -> Text,
        reason -> Text,
        decided_by -> Text,
        decided_at -> Timestamp,
    }
}

diesel::table! {
    acts (id) {
        id -> Text,
        judge_id -> Text,
        case_no -> Text,
        category -> Text,
        act_date -> Date,
        appealed_on -> Date,
        instance -> Text,
        outcome -> Text,
        reason_code -> Nullable<Text>,
        jury_decision_ref -> Nullable<Text>,
        source_system -> Text,
        source_record_id -> Nullable<Text>,
        as_of -> Date,
        received_at -> Timestamp,
        recorded_by -> Nullable<Text>,
        recorded_by_client -> Nullable<Text>,
        status -> Text,
        supersedes_id -> Nullable<Text>,
        legal_basis -> Nullable<Text>,
        batch_id -> Nullable<Text>,
    }
}
