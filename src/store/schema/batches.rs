//! The tables of imports; the rest are in the module above, and the same test compares them.
#![allow(missing_docs, reason = "a table's meaning stands beside it in migrations/registry")]

diesel::table! {
    import_files (import_id) {
        import_id -> Text,
        content -> Binary,
    }
}

diesel::table! {
    import_findings (import_id, number) {
        import_id -> Text,
        number -> BigInt,
        row_number -> BigInt,
        pointer -> Text,
        code -> Text,
        argument -> Nullable<Text>,
        is_warning -> Bool,
    }
}

diesel::table! {
    import_totals (import_id, number) {
        import_id -> Text,
        number -> BigInt,
        source_system -> Text,
        period_start -> Nullable<Date>,
        indicator_code -> Nullable<Text>,
        file_count -> BigInt,
        file_total -> Nullable<BigInt>,
        recorded_count -> BigInt,
        recorded_total -> Nullable<BigInt>,
    }
}

diesel::table! {
    imports (id) {
        id -> Text,
        job_id -> Text,
        record_type -> Text,
        mode -> Text,
        dry_run -> Text,
        file_format -> Text,
        charset -> Nullable<Text>,
        file_digest -> Text,
        file_bytes -> BigInt,
        requested_by -> Nullable<Text>,
        requested_by_client -> Nullable<Text>,
        created_at -> Timestamp,
        is_applied -> Bool,
        read_count -> BigInt,
        new_count -> BigInt,
        unchanged_count -> BigInt,
        restated_count -> BigInt,
        refused_count -> BigInt,
        warning_count -> BigInt,
        finding_count -> BigInt,
        reversed_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}
