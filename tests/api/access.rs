//! The one access table: every operation with every kind of caller, asked for real. What a newcomer would get wrong: a
//! new operation is not "covered later"; without its row here this test fails, and says which row to add.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{Answer, App};
use crate::requests::{Operation, World, document, operations};

/// The callers of a row's columns, in order.
pub const CALLERS: [(char, &str); 11] = [
    ('A', "administrator"),
    ('S', "secretary"),
    ('M', "member"),
    ('P', "appeal_member"),
    ('U', "auditor"),
    ('J', "judge"),
    ('O', "other_judge"),
    ('F', "file:write"),
    ('R', "results:read"),
    ('E', "events:read"),
    ('X', "scim"),
];

/// One line for each operation: `public`, or who gets through by letter (administrator, secretary, member, aPpeal
/// member, aUditor, the judge of the path or of the thing, an Other judge; then machine clients, each with one
/// scope: File:write, Results:read, Events:read, scim as X). `.` is refused (403), `0` is told that
/// there is nothing (404). Who gets through may still fail for another reason; where all ids of the path exist, 404
/// is no such reason. Without a token, or with a forged one, all but `public` are 401. The cycle of the paths is in
/// `pool_review`, and its evaluation is assigned to the member and not to the appeal member; nothing is drawn or
/// counted yet, which is why `get_draw_record`, `get_result` and its figure are 0 for those who would see them; `cycles.rs`,
/// `results.rs` and `result_figures.rs` show that they do.
const TABLE: &str = "
    acknowledge_event           . . . . . . . . . E .
    add_plan_entry              . S . . . . . . . . .
    add_reading_candidates      . S . . . . . . . . .
    add_reading_text            . S . . . . . . . . .
    adopt_retention_schedule    . S . . . . . . . . .
    approve_evaluation_plan     . S . . . . . . . . .
    ask_for_recount             . . . P . . . . . . .
    assign_member               . S . . . . . . . . .
    attribute_act               . . M . . . . . . . .
    begin_supplementary_round   . S . . . . . . . . .
    bump_subject                . S . . . . . . . . .
    cancel_cycle                . S . . . . . . . . .
    cancel_evaluation           . S . . . . . . . . .
    change_password             A S M P U J O . . . .
    check_extract               public
    check_reading_text          . S . . . . . . . . .
    clear_reading_candidates    . S . . . . . . . . .
    close_cycle                 . S . . . . . . . . .
    collect_credentials         . . . . . J O . . . .
    compute_results             . S . . . . . . . . .
    confirm_approval            . S . . . . . . . . .
    confirm_record              . S . . . . . . . . .
    create_account              A . . . . . . . . . .
    create_act                  . S . . . . . F . . .
    create_appeal               0 0 0 0 0 J 0 . . . .
    create_challenge            0 0 0 0 0 J 0 . . . .
    create_client               A . . . . . . . . . .
    create_conflict             . S . . . J O . . . .
    create_correction_request   . . . . . J 0 . . . .
    create_court                . S . . . . . F . . .
    create_cycle                . S . . . . . . . . .
    create_cycle_of_plan        . S . . . . . . . . .
    create_document             . S . . . J 0 . . . .
    create_evaluation_plan      . S . . . . . . . . .
    create_evaluation_request   . S . . . J 0 F . . .
    create_export               . S M P U J O . . . .
    create_extract              . S . . . . . . . . .
    create_hearing              . S . . . . . . . . .
    create_hold                 . S . . . . . . . . .
    create_import               . S . . . . . F . . .
    create_judge                . S . . . . . F . . .
    create_leave                . S . . . . . F . . .
    create_methodology          . S . . . . . . . . .
    create_my_record            . . . . . J O . . . .
    create_observation          . S . . . . . F . . .
    create_particulars          . S . . . . . F . . .
    create_position             . S . . . . . F . . .
    create_record               . S . . . . . F . . .
    create_recount              . . . . U . . . . . .
    create_recusal_request      0 0 0 0 0 J 0 . . . .
    create_report               . . M . . . . . . . .
    create_response             0 0 0 0 0 J 0 . . . .
    create_retention_schedule   . S . . . . . . . . .
    create_session              public
    create_statistics           . S . . . . . . . . .
    create_webhook              A . . . . . . . . . .
    create_work_calendar        . S . . . . . . . . .
    decide_challenge            . . M . . . . . . . .
    decide_correction_request   . S . . . . . . . . .
    decide_reading_act          . S . . . . . . . . .
    decide_recusal_request      . . M 0 . . . . . . .
    delete_session              A S M P U J O . . . .
    draw_panels                 . S . . . . . . . . .
    draw_reading_acts           . S . . . . . . . . .
    extend_cycle                . S . . . . . . . . .
    finalise_evaluation         . S . . . . . . . . .
    freeze_manifest             . S . . . . . . . . .
    freeze_reading_pack         . S . . . . . . . . .
    get_account                 A . . . U . . . . . .
    get_approval                . S . . U . . . . . .
    get_audit_checkpoint        . . . . U . . . . . .
    get_authorization_server    public
    get_booth                   public
    get_bundle                  . . . . U . . . . . .
    get_checkpoint              public
    get_client                  A . . . U . . . . . .
    get_complaints              public
    get_court                   . S M P U J O . . . .
    get_cycle                   0 S M P U J 0 . . . .
    get_dashboard               . S . . U . . . . . .
    get_document                . S M 0 . J 0 . . . .
    get_draw_record             . . . . 0 . . . . . .
    get_evaluation              0 S M P U J 0 . . . .
    get_evaluation_clocks      . S . . U J 0 . . . .
    get_evaluation_plan         . S . . U . . . . . .
    get_export                  A S M P U J O . . . .
    get_export_file             A S M P U J O . . . .
    get_extract                 0 S 0 0 0 J 0 . R . .
    get_extract_keys            public
    get_extract_pdf             0 S 0 0 0 J 0 . R . .
    get_healthz                 public
    get_import                  . S . . U . . 0 . . .
    get_import_template         . S . . . . . F . . .
    get_indicator_overview      . S . . . . . . . . .
    get_job                     . S . . U . . . . . .
    get_judge                   . S . . U J 0 . . . .
    get_judge_clocks           . S . . U J 0 . . . .
    get_judge_file              . S M 0 . J 0 . . . .
    get_judge_file_pdf          . S M 0 . J 0 . . . .
    get_judge_indicator_figure  . S M 0 . J 0 . . . .
    get_judge_indicators        . S M 0 . J 0 . . . .
    get_key_set                 public
    get_leaves                  public
    get_ledger                  public
    get_ledger_of_generation    public
    get_live                    public
    get_manifest                public
    get_manifest_note           public
    get_manifest_of_generation  public
    get_me                      A S M P U J O . . . .
    get_methodology             A S M P U J O . . . .
    get_my_contact              A S M P U J O . . . .
    get_my_reading_packs        . . . . . 0 0 . . . .
    get_notice                  0 S 0 0 U J 0 . . . .
    get_notice_page             0 S 0 0 U J 0 . . . .
    get_notice_pdf              0 S 0 0 U J 0 . . . .
    get_packs                   public
    get_problem_page            public
    get_proceedings             0 S M 0 U J 0 . . . .
    get_reading_pack            0 S 0 0 U J 0 . . . .
    get_reading_record          . . . . U . . . . . .
    get_reading_text            0 S 0 0 0 J 0 . . . .
    get_ready                   public
    get_record                  . S M 0 . J 0 . . . .
    get_result                  0 0 0 0 0 0 0 . . . .
    get_result_figure           0 0 0 0 0 0 0 . . . .
    get_retention_run           . S . . U . . . . . .
    get_staffing_overview       . S . . . . . . . . .
    get_statistics              . S . . U . . . . . .
    get_webhook                 A S . . U . . . . . .
    get_webhook_delivery        A S . . U . . . . . .
    get_work_calendar           . S M P U J O . . . .
    issue_token                 public
    lift_hold                   . S . . . . . . . . .
    list_accepted_counts        . . M . U . . . . . .
    list_access_entries         . . . . . J 0 . . . .
    list_accounts               A . . . U . . . . . .
    list_acts                   . S M 0 . J 0 . . . .
    list_age_limits             . S . . . . . . . . .
    list_approvals              . S . . U . . . . . .
    list_audit_entries          . . . . U . . . . . .
    list_challenges             0 S M P U J 0 . . . .
    list_clients                A . . . U . . . . . .
    list_conflicts              . S . . U . . . . . .
    list_correction_requests    . S M 0 . J 0 . . . .
    list_courts                 . S M P U J O . . . .
    list_cycles                 . S M P U . . . . . .
    list_destroyed_records      . . . . . J 0 . . . .
    list_due_corrections        . S . . . . . . . . .
    list_due_evaluations        . S . . U . . . . . .
    list_due_records            . S . . U . . . . . .
    list_evaluation_entries     . . . . U . . . . . .
    list_evaluation_plans       . S . . U . . . . . .
    list_evaluation_requests    . S . . U J 0 . . . .
    list_evaluations            . S M P U . . . . . .
    list_events                 . . . . U . . . . E .
    list_extracts               . S . . . J 0 . . . .
    list_holds                  . S . . U . . . . . .
    list_import_errors          . S . . U . . 0 . . .
    list_import_reconciliation   . S . . U . . 0 . . .
    list_indicators             . S M P U J O . . . .
    list_issuance               . S . . U . . . . . .
    list_judges                 . S . . U . . . . . .
    list_leaves                 . S M 0 . J 0 . . . .
    list_members                0 S 0 0 U J 0 . . . .
    list_methodologies          A S M P U J O . . . .
    list_my_assignments         . . . . . J O . . . .
    list_my_notices             A S M P U J O . . . .
    list_notices                . S . . U . . . . . .
    list_observations           . S M 0 . J 0 . . . .
    list_plan_entries           . S . . U . . . . . .
    list_pool_entries           0 S M P U J 0 . . . .
    list_positions              . S M 0 . J 0 . . . .
    list_reading_packs          . S . . U . . . . . .
    list_records                . S M 0 . J 0 . . . .
    list_recounts               . S M P U 0 0 . . . .
    list_retention_runs         . S . . U . . . . . .
    list_retention_schedules    . S M P U J O . . . .
    list_statistics_groups      . S . . U . . . . . .
    list_tombstones             . S . . U . . . . . .
    list_unacknowledged_events  . S . . U . . . . . .
    list_webhook_deliveries     A S . . U . . . . . .
    list_webhooks               A S . . U . . . . . .
    list_work_calendars         . S M P U J O . . . .
    lookup_judge                . S . . . . . . . . .
    make_keys                   . S . . . . . . . . .
    move_cycle                  . S . . . . . . . . .
    object_to_reading_act       0 0 0 0 0 J 0 . . . .
    open_cycle                  . S . . . . . . . . .
    preview_import_reversal     . S . . . . . . . . .
    propose_appeal_decision     . . . P . . . . . . .
    propose_decision            . . M . . . . . . . .
    publish_ledgers             . S . . . . . . . . .
    publish_methodology         . S . . . . . . . . .
    record_delivery             . S . . . . . . . . .
    record_hearing              . S . . . . . . . . .
    recuse_assignment           . . . . . J O . . . .
    refresh_session             public
    remind_reviewers            . S . . . . . . . . .
    remove_member               . S . . . . . . . . .
    remove_plan_entry           . S . . . . . . . . .
    reopen_evaluation           . S . . . . . . . . .
    resend_deliveries           A S . . . . . . . . .
    resend_delivery             A S . . . . . . . . .
    resend_notice               . S . . . . . . . . .
    resume_evaluation           . S . . . . . . . . .
    reverse_import              . S . . . . . . . . .
    revoke_decision             . S . . . . . . . . .
    revoke_extract              . S . . . . . . . . .
    rotate_client               A . . . . . . . . . .
    rotate_webhook              A . . . . . . . . . .
    run_retention               . S . . . . . . . . .
    seal_cycle                  . S . . . . . . . . .
    serve_decision              . S . . . . . . . . .
    serve_report                . S . . . . . . . . .
    set_my_contact              A S M P U J O . . . .
    settle_decision             . S . . . . . . . . .
    step_back                   . . M 0 . . . . . . .
    suspend_evaluation          . S . . . . . . . . .
    test_webhook                A . . . . . . . . . .
    update_account              A . . . . . . . . . .
    update_client               A . . . . . . . . . .
    update_methodology          . S . . . . . . . . .
    update_webhook              A . . . . . . . . . .
    vote_on_decision            . . M 0 . . . . . . .
    widen_pools                 . S . . . . . . . . .
    withdraw_evaluation_request . S . . . J 0 0 . . .
    withdraw_leave              . S . . . . . 0 . . .
    withdraw_my_record          . . . . . J 0 . . . .
    withdraw_record             . S . . . . . 0 . . .
";

/// How a caller fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Through,
    Hidden,
    Refused,
    Unauthenticated,
}

impl Outcome {
    fn of(answer: &Answer, is_real: bool) -> Outcome {
        match (answer.status, answer.code()) {
            (401, "unauthenticated") => Outcome::Unauthenticated,
            (403, "forbidden") => Outcome::Refused,
            (404, _) if is_real => Outcome::Hidden,
            _ => Outcome::Through,
        }
    }

    fn letter(self, caller: char) -> char {
        match self {
            Outcome::Through => caller,
            Outcome::Hidden => '0',
            Outcome::Refused => '.',
            Outcome::Unauthenticated => '!',
        }
    }
}

/// The table, by operation.
pub fn rows() -> BTreeMap<&'static str, &'static str> {
    let lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| line.split_once(' ').map(|(id, row)| (id, row.trim())).expect("an operation and its row"))
        .collect()
}

/// How every caller with a log-in fares with an operation, as a row.
async fn observed(app: &App, world: &World, document: &Value, operation: &Operation, row: Option<&str>) -> String {
    let mut letters = Vec::new();
    for (at, (letter, role)) in CALLERS.into_iter().enumerate() {
        let client = match world.people.iter().find(|(known, _)| *known == role) {
            // A log-in for each request: some operations end it.
            Some((_, login)) => app.log_in(login).await,
            None => world.machines[role].clone(),
        };
        let request = world.request(document, operation);
        let answer = request.send(&client).await;
        let hides = row.and_then(|row| row.split(' ').nth(at)) == Some("0");
        letters.push(Outcome::of(&answer, request.is_real || hides).letter(letter).to_string());
    }
    letters.join(" ")
}

#[tokio::test]
async fn every_operation_lets_through_exactly_whom_the_table_names() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let mut rows = rows();
    let mut faults = Vec::new();
    // Whoever steps back is a stranger to the evaluation from then on, so that comes last.
    let mut all = operations(&document);
    all.sort_by_key(|operation| operation.id == "step_back");
    for operation in all {
        let row = rows.remove(operation.id.as_str());
        if operation.is_public {
            if row != Some("public") {
                faults.push(format!(
                    "{0} is public and has no such row in TABLE; add:\n    {0:<27} public",
                    operation.id
                ));
            }
            continue;
        }
        let found = observed(&app, &world, &document, &operation, row).await;
        match row {
            Some(row) if row == found => {}
            Some(row) => faults.push(format!("{0}: the table says\n    {0:<27} {row}\nbut it is\n    {0:<27} {found}", operation.id)),
            None => faults.push(format!(
                "{0} has no row in TABLE of tests/api/access.rs; if this is the law (domain.md 5), add:\n    {0:<27} {found}",
                operation.id
            )),
        }
    }
    faults.extend(rows.keys().map(|id| format!("{id}: there is no such operation; remove its row")));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_or_with_a_forged_one_but_where_it_says_so() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let mut faults = Vec::new();
    for operation in operations(&document) {
        let request = world.request(&document, &operation);
        for (who, client) in [("anonymous", app.anonymous()), ("forged", app.forged())] {
            let outcome = Outcome::of(&request.send(&client).await, false);
            if (outcome == Outcome::Unauthenticated) == operation.is_public {
                faults.push(format!("{} as {who}: {outcome:?}", operation.id));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[tokio::test]
async fn what_is_no_operation_is_closed_to_strangers_and_absent_for_everybody_else() {
    let app = App::start().await;
    let member = app.staff(ejf::domain::policy::StaffRole::Member).await;

    app.anonymous().get("/v1/nothing-here").await.expect_problem(401, "unauthenticated");
    app.anonymous().get("/nothing-here").await.expect_problem(404, "not_found");
    member.get("/v1/nothing-here").await.expect_problem(404, "not_found");
    member.put("/v1/nothing-here", serde_json::json!({})).await.expect_problem(404, "not_found");
}

#[test]
fn the_table_is_in_order_and_has_one_letter_or_dot_for_each_caller() {
    let lines: Vec<&str> = TABLE.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(lines.is_sorted(), "the rows are not in alphabetical order");
    assert_eq!(rows().len(), lines.len(), "an operation has two rows");
    for (id, row) in rows() {
        if row == "public" {
            continue;
        }
        let letters: Vec<&str> = row.split(' ').collect();
        assert_eq!(letters.len(), CALLERS.len(), "{id}");
        for (found, (letter, role)) in letters.iter().zip(CALLERS) {
            let is_known = [".".to_owned(), "0".to_owned(), letter.to_string()].contains(&(*found).to_owned());
            assert!(is_known, "{id}: {found} is no outcome of {role}");
        }
    }
}
