//! The ways by which what is guarded in one place leaves by another: jobs, audit entries, problem texts, headers, file
//! names, examples. A newcomer's usual mistake is to add an operation and think of its own answer alone; every operation
//! stands in one of the lists below, so that nobody can add one without a decision.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ejf::credential::envelope::Envelope;
use ejf::domain::policy::StaffRole;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Open, dump};
use crate::harness::plans::all_items;
use crate::requests::{World, all_operations, document};

/// Takes a review and gives a receipt, or takes a receipt back: the box's own, without any caller.
const ANONYMOUS: [&str; 2] = ["submit_complaint", "submit_review"];
/// Shows what comes from reviews, each behind its own law: figures, counts after the seal, and to auditors the bundle.
const SHOWS_RESULTS: [&str; 7] = [
    "get_bundle",
    "get_judge_file_pdf",
    "get_result",
    "get_result_figure",
    "get_statistics",
    "list_accepted_counts",
    "list_statistics_groups",
];
/// Published for everybody: no mark, no name, no time.
const PUBLIC_DOCUMENTS: [&str; 9] = [
    "get_checkpoint",
    "get_complaints",
    "get_leaves",
    "get_ledger",
    "get_ledger_of_generation",
    "get_manifest",
    "get_manifest_note",
    "get_manifest_of_generation",
    "get_packs",
];
/// Shows who reviews whom: to that judge, or to auditors.
const SHOWS_PANELS: [&str; 5] =
    ["collect_credentials", "get_draw_record", "get_my_reading_packs", "list_my_assignments", "recuse_assignment"];
/// Tells about acts on guarded things, and so could tell the things: ids, codes and digests alone.
const TELLS_ABOUT_ACTS: [&str; 15] = [
    "get_approval",
    "get_audit_checkpoint",
    "get_import",
    "get_job",
    "get_webhook_delivery",
    "list_approvals",
    "list_audit_entries",
    "list_evaluation_entries",
    "list_events",
    "list_import_errors",
    "list_import_reconciliation",
    "list_issuance",
    "list_recounts",
    "list_unacknowledged_events",
    "list_webhook_deliveries",
];
/// Asks for an act; the answer is the thing as its own reading shows it.
const ACTS: [&str; 107] = [
    "acknowledge_event",
    "add_plan_entry",
    "add_reading_candidates",
    "add_reading_text",
    "adopt_retention_schedule",
    "approve_evaluation_plan",
    "ask_for_recount",
    "assign_member",
    "attribute_act",
    "begin_supplementary_round",
    "bump_subject",
    "cancel_cycle",
    "cancel_evaluation",
    "change_password",
    "check_reading_text",
    "clear_reading_candidates",
    "close_cycle",
    "compute_results",
    "confirm_approval",
    "confirm_record",
    "create_account",
    "create_act",
    "create_appeal",
    "create_challenge",
    "create_client",
    "create_conflict",
    "create_correction_request",
    "create_court",
    "create_cycle",
    "create_cycle_of_plan",
    "create_document",
    "create_evaluation_plan",
    "create_evaluation_request",
    "create_export",
    "create_extract",
    "create_hearing",
    "create_hold",
    "create_import",
    "create_judge",
    "create_leave",
    "create_methodology",
    "create_my_record",
    "create_observation",
    "create_particulars",
    "create_position",
    "create_record",
    "create_recount",
    "create_recusal_request",
    "create_report",
    "create_response",
    "create_retention_schedule",
    "create_session",
    "create_statistics",
    "create_webhook",
    "create_work_calendar",
    "decide_challenge",
    "decide_correction_request",
    "decide_reading_act",
    "decide_recusal_request",
    "delete_session",
    "draw_panels",
    "draw_reading_acts",
    "extend_cycle",
    "finalise_evaluation",
    "freeze_manifest",
    "freeze_reading_pack",
    "issue_token",
    "lift_hold",
    "make_keys",
    "move_cycle",
    "object_to_reading_act",
    "open_cycle",
    "propose_appeal_decision",
    "propose_decision",
    "publish_ledgers",
    "publish_methodology",
    "record_delivery",
    "record_hearing",
    "refresh_session",
    "remind_reviewers",
    "remove_member",
    "remove_plan_entry",
    "reopen_evaluation",
    "resend_deliveries",
    "resend_delivery",
    "resend_notice",
    "resume_evaluation",
    "reverse_import",
    "revoke_decision",
    "revoke_extract",
    "rotate_client",
    "rotate_webhook",
    "run_retention",
    "seal_cycle",
    "serve_decision",
    "serve_report",
    "set_my_contact",
    "settle_decision",
    "step_back",
    "suspend_evaluation",
    "test_webhook",
    "vote_on_decision",
    "widen_pools",
    "withdraw_evaluation_request",
    "withdraw_leave",
    "withdraw_my_record",
    "withdraw_record",
];
/// Changes something under the version last seen.
const CHANGES: [&str; 4] = ["update_account", "update_client", "update_methodology", "update_webhook"];
/// Shows what holds nothing of reviews: the file, people, plans, rules, the service itself.
const SHOWS_THE_REST: [&str; 83] = [
    "check_extract",
    "get_account",
    "get_authorization_server",
    "get_booth",
    "get_client",
    "get_court",
    "get_cycle",
    "get_dashboard",
    "get_document",
    "get_evaluation",
    "get_evaluation_clocks",
    "get_evaluation_plan",
    "get_export",
    "get_export_file",
    "get_extract",
    "get_extract_keys",
    "get_extract_pdf",
    "get_healthz",
    "get_import_template",
    "get_indicator_overview",
    "get_judge",
    "get_judge_clocks",
    "get_judge_file",
    "get_judge_indicator_figure",
    "get_judge_indicators",
    "get_key_set",
    "get_live",
    "get_me",
    "get_methodology",
    "get_my_contact",
    "get_notice",
    "get_notice_page",
    "get_notice_pdf",
    "get_problem_page",
    "get_proceedings",
    "get_reading_pack",
    "get_reading_record",
    "get_reading_text",
    "get_ready",
    "get_record",
    "get_retention_run",
    "get_staffing_overview",
    "get_webhook",
    "get_work_calendar",
    "list_access_entries",
    "list_accounts",
    "list_acts",
    "list_age_limits",
    "list_challenges",
    "list_clients",
    "list_conflicts",
    "list_correction_requests",
    "list_courts",
    "list_cycles",
    "list_destroyed_records",
    "list_due_corrections",
    "list_due_evaluations",
    "list_due_records",
    "list_evaluation_plans",
    "list_evaluation_requests",
    "list_evaluations",
    "list_extracts",
    "list_holds",
    "list_indicators",
    "list_judges",
    "list_leaves",
    "list_members",
    "list_methodologies",
    "list_my_notices",
    "list_notices",
    "list_observations",
    "list_plan_entries",
    "list_pool_entries",
    "list_positions",
    "list_reading_packs",
    "list_records",
    "list_retention_runs",
    "list_retention_schedules",
    "list_tombstones",
    "list_webhooks",
    "list_work_calendars",
    "lookup_judge",
    "preview_import_reversal",
];

#[test]
fn every_operation_stands_in_one_list_of_what_may_leave_by_it() {
    let lists: [&[&str]; 8] = [
        &ANONYMOUS,
        &SHOWS_RESULTS,
        &PUBLIC_DOCUMENTS,
        &SHOWS_PANELS,
        &TELLS_ABOUT_ACTS,
        &ACTS,
        &CHANGES,
        &SHOWS_THE_REST,
    ];
    let mut listed = BTreeSet::new();
    for name in lists.into_iter().flatten() {
        assert!(listed.insert((*name).to_owned()), "{name} stands in two lists");
    }
    let served: BTreeSet<String> = all_operations(&document()).into_iter().map(|operation| operation.id).collect();
    let undecided: Vec<_> = served.difference(&listed).collect();
    assert!(undecided.is_empty(), "decide in tests/api/traps/second_paths.rs what may leave by {undecided:?}");
    let gone: Vec<_> = listed.difference(&served).collect();
    assert!(gone.is_empty(), "no such operation: {gone:?}");
}

/// The bytes of a review that nothing may show, in every spelling that a text could have them in.
fn secrets_of(envelope: &Envelope) -> Vec<String> {
    let credential = &envelope.credentials[0];
    let parts: [&[u8]; 6] = [
        &envelope.epk.0,
        &envelope.sig.0,
        &envelope.body.nonce.0,
        &credential.prefix.0,
        &credential.sig.0[..48],
        &envelope.leaf().unwrap().0,
    ];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    parts
        .iter()
        // The last characters of base64 hang on what follows.
        .flat_map(|part| {
            [URL_SAFE_NO_PAD.encode(part)[..40].to_owned(), STANDARD.encode(part)[..40].to_owned(), hex(part)]
        })
        .collect()
}

fn holds_any<'a>(text: &str, secrets: &'a [String]) -> Option<&'a String> {
    let small = text.to_lowercase();
    secrets.iter().find(|secret| text.contains(secret.as_str()) || small.contains(secret.as_str()))
}

#[tokio::test]
async fn nothing_of_a_review_leaves_by_another_way_than_the_sealed_list() {
    let open = Open::begin().await;
    let (app, plan) = (&open.app, &open.round.plan);
    let sent = open.send(0, 12, 4).await;
    let secrets: Vec<String> = sent.iter().flat_map(secrets_of).collect();
    let folder = app.publication_path();
    let before: Vec<String> = files_with(&folder, &secrets);
    assert_eq!(before, [""; 0], "before the seal nothing of a review is in the folder");
    open.seal_and_count().await;

    let mut in_files = files_with(&folder, &secrets);
    in_files.retain(|path| !path.contains("/bundle/"));
    // The leaves are published as bytes, and the list alone.
    assert_eq!(in_files, [""; 0]);
    for (table, rows) in dump::registry(app).await {
        assert!(holds_any(&rows.join("\n"), &secrets).is_none(), "{table} of the registry holds something of a review");
    }
    let document = document();
    let evaluation = plan.evaluation_of(app, &plan.subjects[0]).await;
    let job = plan.work(app, "/results", "once-more").await;
    let approvals = all_items(&app.secretary().await, "/v1/approvals").await;
    let ids = BTreeMap::from([
        ("approval_id", approvals[0]["id"].as_str().unwrap().to_owned()),
        ("cycle_id", plan.cycle_id.clone()),
        ("evaluation_id", evaluation),
        ("job_id", job["id"].as_str().unwrap().to_owned()),
        ("judge_id", plan.subjects[0].id.to_string()),
    ]);
    let world = World { people: Vec::new(), machines: BTreeMap::new(), ids };
    let mut callers = vec![("nobody", app.anonymous())];
    for role in StaffRole::ALL {
        callers.push((role.as_str(), app.staff(*role).await));
    }
    callers.push(("subject", plan.subjects[0].client(app).await));
    callers.push(("peer", plan.others[0].client(app).await));
    let mut answered = 0;
    for operation in crate::requests::operations(&document).iter().filter(|one| one.id != "get_leaves") {
        if operation.method != Method::GET {
            continue;
        }
        for (who, client) in &callers {
            let answer = world.request(&document, operation).send(client).await;
            answered += usize::from(answer.status == 200);
            // What an auditor recounts are the reviews themselves.
            if operation.id == "get_bundle" && *who == "auditor" {
                assert!(holds_any(&answer.text, &secrets).is_some());
                continue;
            }
            let all = format!("{:?}\n{}", answer.headers, answer.text);
            assert!(holds_any(&all, &secrets).is_none(), "{} tells the {who} of a review: {all}", operation.id);
        }
    }
    assert!(answered > 80, "only {answered} answers were looked at");
    // What finds nothing must be able to find something.
    assert_eq!(holds_any(&serde_json::to_string(&sent[0]).unwrap(), &secrets), Some(&secrets[0]));
}

/// The files below a folder that hold any of the texts, in their name or in themselves.
fn files_with(folder: &std::path::Path, secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files_with(&path, secrets));
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            found.extend((holds_any(&text, secrets).is_some() || holds_any(&name, secrets).is_some()).then_some(name));
        }
    }
    found
}

/// Nothing leads a reviewer to log in near the sending of a review: two events a few minutes apart are a name.
#[tokio::test]
async fn a_reviewer_finds_nothing_behind_a_log_in_once_submission_is_open() {
    let open = Open::begin().await;
    for judge in open.round.plan.others.iter().take(5) {
        let own = judge.client(&open.app).await;
        let listed = own.get("/v1/me/assignments").await.expect(200);
        assert_eq!(listed.body, json!({"items": [], "next_cursor": null}));
        let pack = own.get(&format!("/v1/judges/{}/file", open.round.plan.subjects[0].id)).await;
        pack.expect_problem(404, "not_found");
    }
}

/// Audit entries, jobs and approvals speak in ids, codes and digests: none has a member for anything else.
#[test]
fn what_tells_about_acts_has_no_member_for_what_they_were_about() {
    let document = document();
    let banned =
        ["mark", "marks", "statement", "statements", "score", "figure", "overall", "point_hundredths", "full_name_kk"];
    for operation in all_operations(&document).iter().filter(|one| TELLS_ABOUT_ACTS.contains(&one.id.as_str())) {
        let names = super::hidden::answered_names(&document, operation);
        assert!(!names.iter().any(|name| banned.contains(&name.as_str())), "{}: {names:?}", operation.id);
    }
}

/// An error of the box says its code and nothing of what was sent; one of the registry never repeats a value.
#[tokio::test]
async fn a_refusal_never_repeats_what_was_sent() {
    let open = Open::begin().await;
    let app = &open.app;
    let canary = "canary-51c9e0";
    let mut body: Value = serde_json::from_slice(&open.envelope(0, 0, 3).to_submission().unwrap()).unwrap();
    body["body"]["purpose"] = json!(canary);
    let mut bytes = body.to_string().into_bytes();
    bytes.resize(8192, b' ');
    let refused = app.anonymous_box().post(bytes).await;
    assert!(refused.status >= 400 && !String::from_utf8_lossy(&refused.bytes).contains(canary), "{}", refused.body);

    let judge = open.round.plan.subjects[0].client(app).await;
    let secretary = app.secretary().await;
    for (client, path) in
        [(&judge, "/v1/me/credentials"), (&secretary, "/v1/judges/lookup"), (&secretary, "/v1/courts")]
    {
        for body in [
            json!({"iin": canary, "purpose": "personnel"}),
            json!({"manifest_digest": canary, "requests": []}),
            json!(canary),
        ] {
            let refused = client.post(path, body).await;
            assert!(refused.status >= 400 && !refused.text.contains(canary), "{path}: {}", refused.text);
        }
    }
}

/// The invented people of the examples are nobody: no example holds a number that could be a person's.
#[test]
fn examples_hold_no_mark_beside_a_person() {
    let document = document();
    let mut faults = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let example = schema.get("example").map(ToString::to_string).unwrap_or_default();
        let names_person = example.contains("full_name_") || example.contains("\"judge_id\"");
        let tells_marks =
            example.contains("\"marks\"") || example.contains("point_hundredths") || example.contains("\"epk\"");
        faults.extend((names_person && tells_marks).then(|| name.clone()));
    }
    assert!(faults.is_empty(), "{faults:?}");
}
