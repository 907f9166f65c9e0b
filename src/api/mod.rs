//! HTTP of the registry: the one list of its routes. A route that is not listed here does not exist, and one listed
//! here is in the document; a newcomer's usual mistake is actix's own `.route(…)`, which the document does not see.

pub mod access_entries;
pub mod accounts;
pub mod act_views;
pub mod acts;
pub mod age_limits;
pub mod appeals;
pub mod approvals;
pub mod assignments;
pub mod audit_entries;
pub mod booth;
pub mod challenges;
pub mod clients;
pub mod clocks;
pub mod conflicts;
pub mod contacts;
pub mod correction_requests;
pub mod courts;
pub mod credentials;
pub mod cycle_acts;
pub mod cycles;
pub mod dashboard;
pub mod decisions;
pub mod documents;
pub mod evaluation_plans;
pub mod evaluation_requests;
pub mod evaluations;
pub mod event_acknowledgements;
pub mod events;
pub mod exports;
pub mod extract;
pub mod extract_checks;
pub mod extracts;
pub mod file_figures;
pub mod file_paper;
pub mod file_summary;
pub mod files;
pub mod generations;
pub mod hearings;
pub mod import_reversals;
pub mod imports;
pub mod indicator_overviews;
pub mod indicators;
pub mod issuance;
pub mod jobs;
pub mod judge_indicators;
pub mod judges;
pub mod known_file;
pub mod leaves;
pub mod lists;
pub mod members;
pub mod methodologies;
pub mod notices;
pub mod observations;
pub mod own_records;
pub mod particulars;
pub mod person_views;
pub mod plan_entries;
pub mod positions;
pub mod printed;
pub mod proceeding_views;
pub mod proceedings;
pub mod public_documents;
pub mod published;
pub mod reading_acts;
pub mod reading_packs;
pub mod reading_views;
pub mod record_views;
pub mod records;
pub mod recounts;
pub mod recusal_requests;
pub mod reports;
pub mod results;
pub mod retention;
pub mod retention_holds;
pub mod retention_runs;
pub mod sessions;
pub mod staffing_overviews;
pub mod statistics;
pub mod tokens;
pub mod two_persons;
pub mod webhook_deliveries;
pub mod webhooks;
pub mod work_calendars;

use std::str::FromStr;

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::Actor;
use crate::error::{Error, Result, Rule};
use crate::texts::Language;
use crate::workflow::lists::List;

/// The list that a path and query name, for a file of the whole: what its GET would answer the caller.
///
/// # Errors
/// 422 at `/list` where it names none, or has a parameter that is not of the list's own; whatever the list refuses.
pub fn list_at(
    actor: &Actor,
    target: &str,
    purpose: FilePurpose,
    language: Language,
    now: DateTime<Utc>,
) -> Result<List> {
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.strip_prefix("/v1/").unwrap_or_default().split('/').collect();
    let asked = Some(purpose);
    let list = match parts.as_slice() {
        ["judges"] => judges::list(actor, &read(query)?, today)?,
        ["retention", "preview"] => retention::list_due(actor, &read(query)?, today)?,
        ["correction-requests"] => correction_requests::list_due(actor, &read(query)?, today)?,
        ["courts"] => courts::list(actor, &read(query)?)?,
        ["methodologies"] => methodologies::list(actor, &read(query)?),
        ["age-limits"] => age_limits::list(actor, &read(query)?, now)?,
        ["due-evaluations"] => clocks::list_due(actor, &read(query)?, now)?,
        ["events"] => events::list(&Caller::Person(actor.clone()), &read(query)?)?,
        ["notices"] => notices::list(actor, &read(query)?)?,
        ["cycles", id, "evaluations"] => evaluations::list(actor, id_of(id)?, &read(query)?)?,
        ["judges", id, "observations"] => observations::list(id_of(id)?, asked, &read(query)?)?,
        ["judges", id, "records"] => records::list(id_of(id)?, asked, &read(query)?, today)?,
        ["webhook-deliveries"] => webhook_deliveries::list(actor, &read(query)?)?,
        _ if !query.is_empty() => return Err(no_list()),
        ["accounts"] => accounts::list(actor)?,
        ["approvals"] => approvals::list(actor)?,
        ["audit-entries"] => audit_entries::list(actor)?,
        ["clients"] => clients::list(actor)?,
        ["conflicts"] => conflicts::list(actor)?,
        ["cycles"] => cycles::list(actor)?,
        ["indicators"] => indicators::list(actor)?,
        ["me", "assignments"] => assignments::list(actor, now)?,
        ["imports", id, "errors"] => imports::list_errors(&Caller::Person(actor.clone()), id_of(id)?, language)?,
        ["imports", id, "reconciliation"] => imports::list_totals(&Caller::Person(actor.clone()), id_of(id)?)?,
        ["me", "notices"] => notices::list_own(actor),
        ["evaluation-plans"] => evaluation_plans::list(actor)?,
        ["evaluation-plans", id, "entries"] => plan_entries::list(actor, id_of(id)?, now)?,
        ["unacknowledged-events"] => event_acknowledgements::list(actor)?,
        ["webhooks"] => webhooks::list(actor)?,
        ["statistics", year, "groups"] => statistics::list(actor, id_of(year)?)?,
        ["work-calendars"] => work_calendars::list(actor)?,
        ["judges", id, "evaluation-requests"] => evaluation_requests::list(actor, id_of(id)?)?,
        ["judges", id, "leaves"] => leaves::list(id_of(id)?, asked),
        ["evaluations", id, "audit-entries"] => audit_entries::list_of_evaluation(actor, id_of(id)?)?,
        ["cycles", id, "accepted-counts"] => recounts::list_counts(actor, id_of(id)?)?,
        ["cycles", id, "reading-packs"] => reading_packs::list(actor, id_of(id)?)?,
        ["cycles", id, "issuance"] => issuance::list(actor, id_of(id)?)?,
        ["cycles", id, "recounts"] => recounts::list(actor, id_of(id)?),
        ["evaluations", id, "challenges"] => challenges::list(actor, id_of(id)?),
        ["evaluations", id, "members"] => members::list(actor, id_of(id)?),
        ["evaluations", id, "pool-entries"] => evaluations::list_pool(actor, id_of(id)?),
        ["retention", "holds"] => retention_holds::list(actor)?,
        ["retention", "runs"] => retention_runs::list(actor)?,
        ["retention", "runs", id, "tombstones"] => retention_runs::list_left(actor, id_of(id)?)?,
        ["retention", "schedules"] => retention::list(actor)?,
        ["judges", id, "access-entries"] => access_entries::list(actor, id_of(id)?)?,
        ["judges", id, "acts"] => acts::list(id_of(id)?, asked),
        ["judges", id, "correction-requests"] => correction_requests::list(actor, id_of(id)?, asked, today),
        ["judges", id, "destroyed-records"] => retention_runs::list_destroyed(actor, id_of(id)?)?,
        ["judges", id, "extracts"] => extracts::list(actor, id_of(id)?, asked, today)?,
        ["judges", id, "positions"] => positions::list(id_of(id)?, asked),
        _ => return Err(no_list()),
    };
    list.for_purpose(purpose)
}

/// A list's own parameters; where a page begins and why it is read is said elsewhere.
fn read<Q: DeserializeOwned>(query: &str) -> Result<Q> {
    let of_page = |pair: &str| ["limit", "cursor", "purpose"].contains(&pair.split('=').next().unwrap_or_default());
    if query.split('&').any(of_page) {
        return Err(no_list());
    }
    web::Query::from_query(query).map(web::Query::into_inner).map_err(|_| no_list())
}

fn id_of<T: FromStr>(part: &str) -> Result<T> {
    part.parse().map_err(|_| no_list())
}

fn no_list() -> Error {
    Error::invalid("/list", Rule::Format { expected: "the path and filters of a list" })
}

/// Where routes are listed: in an app that serves them, or in the document. Collecting the document takes some thirty
/// megabytes for a moment, so the apps of the server's threads, one each, do without.
pub trait Routes {
    /// Takes in a route.
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self;
}

impl Routes for web::ServiceConfig {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        web::ServiceConfig::service(self, route)
    }
}

impl Routes for ServiceConfig<'_> {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        ServiceConfig::service(self, route)
    }
}

/// Routes that need no token: log-in, key set, health, problem pages.
pub fn public_routes(cfg: &mut impl Routes) {
    cfg.service(sessions::create_session).service(sessions::refresh_session);
    cfg.service(tokens::issue_token).service(tokens::get_authorization_server);
    cfg.service(booth::get_booth);
    cfg.service(published::get_live)
        .service(published::get_ready)
        .service(published::get_healthz)
        .service(published::get_key_set)
        .service(published::get_problem_page)
        .service(public_documents::get_manifest)
        .service(public_documents::get_manifest_note)
        .service(public_documents::get_ledger)
        .service(public_documents::get_checkpoint)
        .service(public_documents::get_leaves)
        .service(public_documents::get_packs)
        .service(public_documents::get_complaints)
        .service(public_documents::get_manifest_of_generation)
        .service(public_documents::get_ledger_of_generation)
        .service(extract_checks::get_extract_keys)
        .service(extract_checks::check_extract);
}

/// Routes under `/v1`, all of which need a token. A path is compared with one route after the other, so those that are
/// asked for most come first.
pub fn routes(cfg: &mut impl Routes) {
    cfg.service(files::get_judge_file);
    cfg.service(observations::create_observation).service(observations::list_observations);
    cfg.service(sessions::get_me).service(sessions::delete_session).service(sessions::change_password);
    cfg.service(accounts::create_account)
        .service(accounts::list_accounts)
        .service(accounts::get_account)
        .service(accounts::update_account);
    cfg.service(approvals::list_approvals).service(approvals::get_approval).service(approvals::confirm_approval);
    cfg.service(audit_entries::list_audit_entries).service(audit_entries::list_evaluation_entries);
    cfg.service(audit_entries::get_audit_checkpoint);
    cfg.service(methodologies::create_methodology)
        .service(methodologies::list_methodologies)
        .service(methodologies::get_methodology)
        .service(methodologies::update_methodology)
        .service(methodologies::publish_methodology);
    cfg.service(cycles::create_cycle)
        .service(cycles::list_cycles)
        .service(cycles::get_cycle)
        .service(cycles::move_cycle)
        .service(cycles::widen_pools);
    cfg.service(cycle_acts::open_cycle)
        .service(cycle_acts::draw_panels)
        .service(cycle_acts::seal_cycle)
        .service(cycle_acts::close_cycle)
        .service(cycle_acts::cancel_cycle)
        .service(cycle_acts::begin_supplementary_round)
        .service(cycle_acts::get_draw_record);
    cfg.service(evaluations::list_evaluations)
        .service(evaluations::get_evaluation)
        .service(evaluations::list_pool_entries)
        .service(evaluations::cancel_evaluation);
    cfg.service(proceedings::get_proceedings)
        .service(proceedings::suspend_evaluation)
        .service(proceedings::resume_evaluation)
        .service(proceedings::reopen_evaluation)
        .service(proceedings::revoke_decision);
    cfg.service(reports::create_report).service(reports::serve_report).service(reports::create_response);
    cfg.service(hearings::create_hearing).service(hearings::record_hearing);
    cfg.service(decisions::propose_decision)
        .service(decisions::vote_on_decision)
        .service(decisions::settle_decision)
        .service(decisions::serve_decision);
    cfg.service(appeals::create_appeal)
        .service(appeals::ask_for_recount)
        .service(appeals::propose_appeal_decision)
        .service(appeals::finalise_evaluation);
    cfg.service(recusal_requests::create_recusal_request)
        .service(recusal_requests::decide_recusal_request)
        .service(recusal_requests::step_back);
    cfg.service(generations::bump_subject).service(generations::extend_cycle);
    cfg.service(members::assign_member).service(members::list_members).service(members::remove_member);
    cfg.service(challenges::create_challenge)
        .service(challenges::list_challenges)
        .service(challenges::decide_challenge);
    cfg.service(clients::create_client)
        .service(clients::list_clients)
        .service(clients::get_client)
        .service(clients::update_client)
        .service(clients::rotate_client);
    cfg.service(courts::create_court).service(courts::list_courts).service(courts::get_court);
    cfg.service(imports::create_import)
        .service(imports::get_import_template)
        .service(imports::get_import)
        .service(imports::list_import_errors)
        .service(imports::list_import_reconciliation)
        .service(import_reversals::preview_import_reversal)
        .service(import_reversals::reverse_import);
    cfg.service(indicators::list_indicators);
    cfg.service(indicator_overviews::get_indicator_overview);
    cfg.service(staffing_overviews::get_staffing_overview);
    cfg.service(statistics::create_statistics)
        .service(statistics::get_statistics)
        .service(statistics::list_statistics_groups);
    cfg.service(judge_indicators::get_judge_indicators).service(judge_indicators::get_judge_indicator_figure);
    cfg.service(acts::create_act).service(acts::list_acts).service(acts::attribute_act);
    cfg.service(judges::create_judge)
        .service(judges::list_judges)
        .service(judges::lookup_judge)
        .service(judges::get_judge);
    cfg.service(particulars::create_particulars).service(age_limits::list_age_limits);
    cfg.service(positions::create_position).service(positions::list_positions);
    cfg.service(conflicts::create_conflict).service(conflicts::list_conflicts);
    cfg.service(correction_requests::create_correction_request)
        .service(correction_requests::list_correction_requests)
        .service(correction_requests::list_due_corrections)
        .service(correction_requests::decide_correction_request);
    cfg.service(records::create_record)
        .service(records::list_records)
        .service(records::get_record)
        .service(records::confirm_record)
        .service(records::withdraw_record);
    cfg.service(own_records::create_my_record).service(own_records::withdraw_my_record);
    cfg.service(documents::create_document).service(documents::get_document);
    cfg.service(access_entries::list_access_entries);
    cfg.service(file_paper::get_judge_file_pdf);
    cfg.service(extracts::create_extract)
        .service(extracts::list_extracts)
        .service(extracts::get_extract)
        .service(extracts::get_extract_pdf)
        .service(extracts::revoke_extract);
    cfg.service(issuance::make_keys)
        .service(issuance::freeze_manifest)
        .service(issuance::list_issuance)
        .service(issuance::publish_ledgers);
    cfg.service(jobs::get_job);
    cfg.service(exports::create_export).service(exports::get_export).service(exports::get_export_file);
    cfg.service(assignments::list_my_assignments).service(assignments::recuse_assignment);
    cfg.service(credentials::collect_credentials);
    cfg.service(clocks::get_evaluation_clocks).service(clocks::get_judge_clocks).service(clocks::list_due_evaluations);
    cfg.service(contacts::get_my_contact).service(contacts::set_my_contact);
    cfg.service(dashboard::get_dashboard);
    cfg.service(evaluation_plans::create_evaluation_plan)
        .service(evaluation_plans::list_evaluation_plans)
        .service(evaluation_plans::get_evaluation_plan)
        .service(evaluation_plans::approve_evaluation_plan)
        .service(evaluation_plans::create_cycle_of_plan);
    cfg.service(evaluation_requests::create_evaluation_request)
        .service(evaluation_requests::list_evaluation_requests)
        .service(evaluation_requests::withdraw_evaluation_request);
    cfg.service(events::list_events)
        .service(event_acknowledgements::acknowledge_event)
        .service(event_acknowledgements::list_unacknowledged_events);
    cfg.service(leaves::create_leave).service(leaves::list_leaves).service(leaves::withdraw_leave);
    cfg.service(notices::list_my_notices)
        .service(notices::list_notices)
        .service(notices::get_notice)
        .service(notices::get_notice_page)
        .service(notices::get_notice_pdf)
        .service(notices::record_delivery)
        .service(notices::resend_notice)
        .service(notices::remind_reviewers);
    cfg.service(plan_entries::list_plan_entries)
        .service(plan_entries::add_plan_entry)
        .service(plan_entries::remove_plan_entry);
    cfg.service(webhooks::create_webhook)
        .service(webhooks::list_webhooks)
        .service(webhooks::get_webhook)
        .service(webhooks::update_webhook)
        .service(webhooks::rotate_webhook);
    cfg.service(webhook_deliveries::list_webhook_deliveries)
        .service(webhook_deliveries::get_webhook_delivery)
        .service(webhook_deliveries::test_webhook)
        .service(webhook_deliveries::resend_delivery)
        .service(webhook_deliveries::resend_deliveries);
    cfg.service(work_calendars::create_work_calendar)
        .service(work_calendars::list_work_calendars)
        .service(work_calendars::get_work_calendar);
    cfg.service(reading_packs::add_reading_candidates)
        .service(reading_packs::clear_reading_candidates)
        .service(reading_packs::draw_reading_acts)
        .service(reading_packs::get_reading_pack)
        .service(reading_packs::get_reading_record)
        .service(reading_packs::freeze_reading_pack)
        .service(reading_packs::list_reading_packs);
    cfg.service(reading_acts::add_reading_text)
        .service(reading_acts::get_reading_text)
        .service(reading_acts::check_reading_text)
        .service(reading_acts::object_to_reading_act)
        .service(reading_acts::decide_reading_act)
        .service(reading_acts::get_my_reading_packs);
    cfg.service(results::compute_results).service(results::get_result).service(results::get_result_figure);
    cfg.service(recounts::get_bundle)
        .service(recounts::list_accepted_counts)
        .service(recounts::create_recount)
        .service(recounts::list_recounts);
    cfg.service(retention::create_retention_schedule)
        .service(retention::list_retention_schedules)
        .service(retention::adopt_retention_schedule)
        .service(retention::list_due_records);
    cfg.service(retention_holds::create_hold).service(retention_holds::list_holds).service(retention_holds::lift_hold);
    cfg.service(retention_runs::run_retention)
        .service(retention_runs::list_retention_runs)
        .service(retention_runs::get_retention_run)
        .service(retention_runs::list_tombstones)
        .service(retention_runs::list_destroyed_records);
}
