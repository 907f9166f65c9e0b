//! The tables of a round from its keys to its recounts; the rest are in the module above, and the same test compares them.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    accepted_counts (evaluation_id) {
        evaluation_id -> Text,
        accepted_count -> Integer,
    }
}

diesel::table! {
    issuances (assignment_id, issuer_id, key_id) {
        assignment_id -> Text,
        issuer_id -> Text,
        key_id -> Binary,
        blinded_hash -> Binary,
    }
}

diesel::table! {
    issuer_document_keys (cycle_id, issuer_id) {
        cycle_id -> Text,
        issuer_id -> Text,
        public_key -> Binary,
        wrapped_private_key -> Binary,
    }
}

diesel::table! {
    issuer_keys (evaluation_id, issuer_id, generation) {
        evaluation_id -> Text,
        issuer_id -> Text,
        generation -> Integer,
        key_id -> Binary,
        public_key -> Binary,
        wrapped_private_key -> Nullable<Binary>,
    }
}

diesel::table! {
    key_bumps (evaluation_id, generation) {
        evaluation_id -> Text,
        generation -> Integer,
    }
}

diesel::table! {
    recount_statements (cycle_id, account_id) {
        cycle_id -> Text,
        account_id -> Text,
        result_digest -> Text,
        outcome -> Text,
        stated_at -> Timestamp,
    }
}

diesel::table! {
    results (evaluation_id) {
        evaluation_id -> Text,
        status -> Text,
        document -> Text,
        algorithm_version -> Text,
        input_digest -> Text,
    }
}

diesel::table! {
    sealed_rounds (cycle_id) {
        cycle_id -> Text,
        result_digest -> Nullable<Text>,
        complaint_count -> Integer,
    }
}
