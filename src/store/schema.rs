//! The registry's tables as diesel knows them, for both engines. Never written from belief: a test compares every column
//! and its nullability with the migrated databases.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

mod batches;
mod handed_out;
mod higher_courts;
mod ordered;
mod outbox;
mod particulars;
mod planning;
mod proceedings;
mod reading;
mod retention;
mod rounds;
mod sections;
mod statistics;

pub use batches::*;
pub use handed_out::*;
pub use higher_courts::*;
pub use ordered::*;
pub use outbox::*;
pub use particulars::*;
pub use planning::*;
pub use proceedings::*;
pub use reading::*;
pub use retention::*;
pub use rounds::*;
pub use sections::*;
pub use statistics::*;

diesel::table! {
    accounts (id) {
        id -> Text,
        login -> Text,
        password_hash -> Text,
        staff_role -> Nullable<Text>,
        judge_id -> Nullable<Text>,
        is_closed -> Bool,
        version -> BigInt,
        created_at -> Timestamp,
        full_name -> Nullable<Text>,
    }
}

diesel::table! {
    approvals (id) {
        id -> Text,
        act -> Text,
        object_id -> Text,
        digest -> Text,
        parameters -> Text,
        reason -> Nullable<Text>,
        requested_by -> Text,
        requested_at -> Timestamp,
        expires_at -> Timestamp,
        confirmed_by -> Nullable<Text>,
        confirmed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    assignments (id) {
        id -> Text,
        evaluation_id -> Text,
        judge_id -> Text,
        drawn_order -> Integer,
        state -> Text,
        recusal_reason -> Nullable<Text>,
        round -> Integer,
    }
}

diesel::table! {
    audit_entries (sequence) {
        sequence -> BigInt,
        id -> Text,
        occurred_at -> Timestamp,
        account_id -> Nullable<Text>,
        client_id -> Nullable<Text>,
        act -> Text,
        object_type -> Text,
        object_id -> Text,
        judge_id -> Nullable<Text>,
        purpose -> Nullable<Text>,
        digest -> Nullable<Text>,
        reading_number -> Nullable<BigInt>,
    }
}

diesel::table! {
    challenges (id) {
        id -> Text,
        evaluation_id -> Text,
        pool_entry_id -> Text,
        ground -> Text,
        status -> Text,
        reason -> Nullable<Text>,
        filed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        name -> Text,
        source_system -> Text,
        may_write_files -> Bool,
        may_read_results -> Bool,
        may_read_events -> Bool,
        may_use_scim -> Bool,
        secret_hash -> Binary,
        previous_secret_hash -> Nullable<Binary>,
        previous_until -> Nullable<Timestamp>,
        is_closed -> Bool,
        version -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    conflicts (id) {
        id -> Text,
        judge_id -> Text,
        other_judge_id -> Text,
        kind -> Text,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        declared_by -> Text,
    }
}

diesel::table! {
    courts (id) {
        id -> Text,
        name_kk -> Text,
        name_ru -> Text,
        name_en -> Nullable<Text>,
        level -> Text,
        region -> Text,
        posts -> Integer,
        version -> BigInt,
        batch_id -> Nullable<Text>,
        specialisations -> Text,
    }
}

diesel::table! {
    cycle_dates (cycle_id) {
        cycle_id -> Text,
        starts_on -> Date,
        file_review_open -> Date,
        file_review_close -> Date,
        pool_review_open -> Date,
        pool_challenge_close -> Date,
        pool_review_close -> Date,
        draw_by -> Date,
        issue_open -> Date,
        issue_close -> Date,
        submit_open -> Date,
        submit_close -> Date,
        seal_by -> Date,
        challenge_close -> Date,
        recount_by -> Date,
    }
}

diesel::table! {
    cycle_documents (cycle_id, round, name) {
        cycle_id -> Text,
        round -> Integer,
        name -> Text,
        content -> Binary,
    }
}

diesel::table! {
    cycle_moves (id) {
        id -> Text,
        cycle_id -> Text,
        from_phase -> Text,
        to_phase -> Text,
        account_id -> Text,
        second_account_id -> Nullable<Text>,
        reason -> Nullable<Text>,
        moved_at -> Timestamp,
    }
}

diesel::table! {
    cycles (id) {
        id -> Text,
        methodology_id -> Text,
        evaluating_body -> Text,
        title_kk -> Text,
        title_ru -> Text,
        title_en -> Nullable<Text>,
        phase -> Text,
        cycle_ref -> Nullable<Binary>,
        round -> Integer,
        generation -> Integer,
        manifest_digest -> Nullable<Text>,
        receipt_key -> Nullable<Binary>,
        sealed_on -> Nullable<Date>,
        bundle_digest -> Nullable<Text>,
        cancel_reason -> Nullable<Text>,
        created_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    external_ids (object_type, source_system, value) {
        object_type -> Text,
        source_system -> Text,
        value -> Text,
        object_id -> Text,
    }
}

diesel::table! {
    idempotency_keys (caller_id, operation, key) {
        caller_id -> Text,
        operation -> Text,
        key -> Text,
        request_digest -> Binary,
        status -> Integer,
        location -> Nullable<Text>,
        version -> Nullable<BigInt>,
        body -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    indicators (code) {
        code -> Text,
        name_kk -> Text,
        name_ru -> Text,
        name_en -> Nullable<Text>,
        unit -> Text,
        scale -> Integer,
        min_value -> BigInt,
        max_value -> BigInt,
        direction -> Text,
        is_scorable -> Bool,
        source -> Text,
        kind -> Text,
        in_force_from -> Date,
        in_force_to -> Nullable<Date>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        object_id -> Text,
        state -> Text,
        done_count -> Integer,
        total_count -> Integer,
        error -> Nullable<Text>,
        requested_by -> Nullable<Text>,
        created_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        version -> BigInt,
        started_at -> Nullable<Timestamp>,
        started_count -> Integer,
        progressed_at -> Nullable<Timestamp>,
        requested_by_client -> Nullable<Text>,
    }
}

diesel::table! {
    judges (id) {
        id -> Text,
        iin_sealed -> Binary,
        iin_hash -> Binary,
        full_name_kk -> Text,
        full_name_ru -> Text,
        full_name_en -> Nullable<Text>,
        first_appointed_on -> Date,
        version -> BigInt,
        batch_id -> Nullable<Text>,
    }
}

diesel::table! {
    login_attempts (login_hash) {
        login_hash -> Binary,
        failures -> Integer,
        blocked_until -> Timestamp,
    }
}

diesel::table! {
    methodologies (id) {
        id -> Text,
        code -> Text,
        edition -> Integer,
        state -> Text,
        document -> Text,
        digest -> Text,
        has_draft_texts -> Bool,
        created_at -> Timestamp,
        published_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    observations (id) {
        id -> Text,
        judge_id -> Text,
        indicator_code -> Text,
        category -> Text,
        period_start -> Date,
        period_end -> Date,
        numerator -> BigInt,
        denominator -> Nullable<BigInt>,
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

diesel::table! {
    pool_entries (id) {
        id -> Text,
        evaluation_id -> Text,
        judge_id -> Text,
        court_group -> Text,
        is_excluded -> Bool,
        exclusion_reason -> Nullable<Text>,
    }
}

diesel::table! {
    position_specialisations (position_id, specialisation) {
        specialisation -> Text,
        position_id -> Text,
    }
}

diesel::table! {
    positions (id) {
        id -> Text,
        judge_id -> Text,
        court_id -> Text,
        kind -> Text,
        act_ref -> Nullable<Text>,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        ended_reason -> Nullable<Text>,
        source_system -> Text,
        as_of -> Date,
        received_at -> Timestamp,
        recorded_by -> Nullable<Text>,
        recorded_by_client -> Nullable<Text>,
        status -> Text,
        supersedes_id -> Nullable<Text>,
        source_record_id -> Nullable<Text>,
        legal_basis -> Nullable<Text>,
        batch_id -> Nullable<Text>,
        specialisations -> Text,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Binary,
        session_id -> Text,
        is_replaced -> Bool,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        account_id -> Text,
        created_at -> Timestamp,
        used_at -> Timestamp,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    token_keys (id) {
        id -> Text,
        public_key -> Binary,
        wrapped_private_key -> Binary,
        signs_from -> Timestamp,
        signs_until -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    accepted_counts,
    accounts,
    act_attributions,
    acts,
    appeals,
    approvals,
    assignments,
    audit_entries,
    barred_members,
    challenges,
    clients,
    conflicts,
    contacts,
    correction_requests,
    courts,
    cycle_dates,
    cycle_documents,
    cycle_moves,
    cycles,
    decisions,
    document_contents,
    draws,
    earlier_rounds,
    evaluation_members,
    evaluation_moves,
    evaluation_plan_changes,
    evaluation_plan_entries,
    evaluation_plans,
    evaluation_requests,
    evaluations,
    event_acknowledgements,
    events,
    exports,
    external_ids,
    extracts,
    file_records,
    hearing_members,
    hearings,
    idempotency_keys,
    import_files,
    import_findings,
    import_totals,
    imports,
    indicators,
    issuances,
    issuer_document_keys,
    issuer_keys,
    jobs,
    judge_particulars,
    judges,
    key_bumps,
    leaves,
    login_attempts,
    methodologies,
    notice_deliveries,
    notices,
    observations,
    pool_entries,
    position_specialisations,
    positions,
    reading_acts,
    reading_candidates,
    reading_packs,
    reading_texts,
    recount_statements,
    recusal_requests,
    refresh_tokens,
    reports,
    responses,
    results,
    retention_holds,
    retention_runs,
    retention_schedules,
    sealed_rounds,
    sessions,
    token_keys,
    tombstones,
    votes,
    webhook_deliveries,
    webhooks,
    work_calendar_days,
    work_calendars,
    yearly_statistics,
);
