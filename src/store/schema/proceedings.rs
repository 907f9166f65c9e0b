//! The tables of evaluations and of what follows their count; the same test compares them with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    appeals (id) {
        id -> Text,
        evaluation_id -> Text,
        decision_number -> Integer,
        grounds -> Text,
        filed_at -> Timestamp,
        recount_asked_at -> Nullable<Timestamp>,
        recount_asked_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    barred_members (evaluation_id, account_id) {
        evaluation_id -> Text,
        account_id -> Text,
        cause -> Text,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    decisions (id) {
        id -> Text,
        evaluation_id -> Text,
        number -> Integer,
        report_id -> Nullable<Text>,
        appeal_id -> Nullable<Text>,
        appeal_outcome -> Nullable<Text>,
        outcome -> Nullable<Text>,
        content -> Text,
        status -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        settled_at -> Nullable<Timestamp>,
        digest -> Nullable<Text>,
        served_on -> Nullable<Date>,
        in_force_on -> Nullable<Date>,
        valid_until -> Nullable<Date>,
    }
}

diesel::table! {
    evaluation_moves (id) {
        id -> Text,
        evaluation_id -> Text,
        version -> BigInt,
        act -> Text,
        from_state -> Text,
        to_state -> Text,
        account_id -> Nullable<Text>,
        second_account_id -> Nullable<Text>,
        reason -> Nullable<Text>,
        moved_at -> Timestamp,
    }
}

diesel::table! {
    evaluation_members (evaluation_id, account_id) {
        evaluation_id -> Text,
        account_id -> Text,
        is_rapporteur -> Bool,
    }
}

diesel::table! {
    evaluations (id) {
        id -> Text,
        cycle_id -> Text,
        judge_id -> Text,
        kind -> Text,
        instrument_id -> Text,
        subject_ref -> Nullable<Binary>,
        version -> BigInt,
        last_round -> Integer,
        state -> Text,
        final_on -> Nullable<Date>,
    }
}

diesel::table! {
    hearing_members (hearing_id, account_id) {
        hearing_id -> Text,
        account_id -> Text,
    }
}

diesel::table! {
    hearings (id) {
        id -> Text,
        evaluation_id -> Text,
        number -> Integer,
        report_id -> Text,
        held_on -> Date,
        is_remote -> Bool,
        scheduled_by -> Text,
        scheduled_at -> Timestamp,
        is_judge_present -> Nullable<Bool>,
        minutes -> Nullable<Text>,
        recorded_by -> Nullable<Text>,
        recorded_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    recusal_requests (id) {
        id -> Text,
        evaluation_id -> Text,
        account_id -> Text,
        ground -> Text,
        status -> Text,
        reason -> Nullable<Text>,
        filed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    reports (id) {
        id -> Text,
        evaluation_id -> Text,
        number -> Integer,
        account_id -> Text,
        content -> Text,
        drafted_at -> Timestamp,
        served_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    responses (report_id) {
        report_id -> Text,
        evaluation_id -> Text,
        answer -> Nullable<Text>,
        wants_hearing -> Bool,
        filed_at -> Timestamp,
    }
}

diesel::table! {
    votes (decision_id, account_id) {
        decision_id -> Text,
        account_id -> Text,
        vote -> Text,
        is_judge -> Bool,
        dissent -> Nullable<Text>,
        voted_at -> Timestamp,
    }
}
