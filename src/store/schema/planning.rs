//! The tables of calendars, leaves, plans and notices; the same test compares them with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    contacts (account_id) {
        account_id -> Text,
        language -> Text,
        sealed_email -> Nullable<Binary>,
        version -> BigInt,
    }
}

diesel::table! {
    evaluation_plan_changes (id) {
        id -> Text,
        entry_id -> Text,
        change -> Text,
        is_after_approval -> Bool,
        reason -> Text,
        account_id -> Text,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    evaluation_plan_entries (id) {
        id -> Text,
        plan_id -> Text,
        judge_id -> Text,
        kind -> Text,
        origin -> Text,
        request_id -> Nullable<Text>,
        due_on -> Nullable<Date>,
        is_removed -> Bool,
        evaluation_id -> Nullable<Text>,
    }
}

diesel::table! {
    evaluation_plans (id) {
        id -> Text,
        year -> Integer,
        evaluating_body -> Text,
        methodology_id -> Text,
        state -> Text,
        created_by -> Text,
        created_at -> Timestamp,
        approved_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    evaluation_requests (id) {
        id -> Text,
        judge_id -> Text,
        kind -> Text,
        filed_on -> Date,
        reference -> Nullable<Text>,
        source_system -> Text,
        received_at -> Timestamp,
        recorded_by -> Nullable<Text>,
        recorded_by_client -> Nullable<Text>,
        is_open -> Bool,
        ended_at -> Nullable<Timestamp>,
        end_reason -> Nullable<Text>,
        due_on -> Nullable<Date>,
    }
}

diesel::table! {
    leaves (id) {
        id -> Text,
        judge_id -> Text,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        act_ref -> Nullable<Text>,
        source_system -> Text,
        source_record_id -> Nullable<Text>,
        as_of -> Date,
        received_at -> Timestamp,
        recorded_by -> Nullable<Text>,
        recorded_by_client -> Nullable<Text>,
        status -> Text,
        supersedes_id -> Nullable<Text>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    notice_deliveries (notice_id, channel) {
        notice_id -> Text,
        channel -> Text,
        state -> Text,
        attempt_count -> Integer,
        next_attempt_at -> Nullable<Timestamp>,
        error -> Nullable<Text>,
        delivered_at -> Nullable<Timestamp>,
        delivered_by -> Nullable<Text>,
    }
}

diesel::table! {
    notices (id) {
        id -> Text,
        kind -> Text,
        account_id -> Text,
        language -> Text,
        cycle_id -> Nullable<Text>,
        title -> Text,
        body -> Text,
        is_shown -> Bool,
        created_at -> Timestamp,
    }
}

diesel::table! {
    work_calendar_days (calendar_id, day) {
        calendar_id -> Text,
        day -> Date,
        kind -> Text,
        name_kk -> Text,
        name_ru -> Text,
        name_en -> Nullable<Text>,
    }
}

diesel::table! {
    work_calendars (id) {
        id -> Text,
        year -> Integer,
        version -> Integer,
        moves_weekend_holidays -> Bool,
        source -> Text,
        entered_by -> Text,
        entered_at -> Timestamp,
    }
}
