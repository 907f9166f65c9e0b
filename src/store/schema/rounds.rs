//! The tables of a round from its keys to its recounts; the rest are in the module above, and the same test compares them.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    accepted_counts (evaluation_id, round) {
        evaluation_id -> Text,
        round -> Integer,
        accepted_count -> Integer,
    }
}

diesel::table! {
    draws (cycle_id, round) {
        cycle_id -> Text,
        round -> Integer,
        seed_commitment -> Text,
        sealed_seed -> Binary,
        record -> Nullable<Text>,
        record_digest -> Nullable<Text>,
    }
}

diesel::table! {
    earlier_rounds (cycle_id, round) {
        cycle_id -> Text,
        round -> Integer,
        generation -> Integer,
        manifest_digest -> Text,
        receipt_key -> Binary,
        sealed_on -> Nullable<Date>,
        bundle_digest -> Text,
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
    issuer_keys (evaluation_id, issuer_id, round, generation) {
        evaluation_id -> Text,
        issuer_id -> Text,
        round -> Integer,
        generation -> Integer,
        key_id -> Binary,
        public_key -> Binary,
        wrapped_private_key -> Nullable<Binary>,
    }
}

diesel::table! {
    key_bumps (evaluation_id, round, generation) {
        evaluation_id -> Text,
        round -> Integer,
        generation -> Integer,
    }
}

diesel::table! {
    recount_statements (cycle_id, round, account_id, result_digest) {
        cycle_id -> Text,
        round -> Integer,
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
    sealed_rounds (cycle_id, round) {
        cycle_id -> Text,
        round -> Integer,
        result_digest -> Nullable<Text>,
        complaint_count -> Integer,
    }
}
