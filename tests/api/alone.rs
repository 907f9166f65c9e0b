//! Acts of two persons, tried by one person alone: each is asked for as it may be, the person who asked confirms it, and
//! the thing stays as it was. What a newcomer would get wrong: whoever adds an act gives it a place here first, or nothing
//! compiles, and tries it there, or the test of that place fails.

use ed25519_dalek::SigningKey;
use ejf::credential::encoding::Bytes;
use ejf::credential::receipt::Receipt;
use ejf::domain::cycle::{MOVES, Phase};
use ejf::domain::policy::StaffRole;
use ejf::publication::Document;
use ejf::workflow::approvals::Act;
use serde_json::{Value, json};

use crate::evaluation_plans::enter_calendar;
use crate::generations::later;
use crate::harness::plans::{Plan, methodology};
use crate::harness::reading::{CLEAN, passed};
use crate::harness::rounds::{Round, SUBJECTS, assignments};
use crate::harness::seeded::{decision, figures};
use crate::harness::{App, Client};
use crate::proceedings::Scene;
use crate::results::Sealed;
use crate::retention::{PREVIEW, SCHEDULES, course, kept_for_a_year};

/// Reasons, where an act wants some.
const REASON: &str = "Іс материалдарымен расталды.";

/// Where what was destroyed is listed.
const RUNS: &str = "/v1/retention/runs";

/// The test in which an act is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The phases of a cycle to its seal, and what is done to its manifest.
    UntilTheSeal,
    /// A cycle that is sealed.
    AfterTheSeal,
    /// One evaluation on its own course, and the end of its cycle.
    OwnCourse,
    /// What everybody goes by, and what is kept.
    Rules,
}

/// Where each act is tried.
fn place_of(act: Act) -> Place {
    match act {
        Act::OpenCycle | Act::DrawPanels | Act::SealCycle | Act::CancelCycle | Act::BumpSubject | Act::ExtendCycle => {
            Place::UntilTheSeal
        }
        Act::BeginSupplementaryRound => Place::AfterTheSeal,
        Act::CloseCycle
        | Act::CancelEvaluation
        | Act::SuspendEvaluation
        | Act::ResumeEvaluation
        | Act::ReopenEvaluation
        | Act::RevokeDecision => Place::OwnCourse,
        Act::ApproveEvaluationPlan | Act::PublishMethodology | Act::AdoptRetentionSchedule | Act::RunRetention => {
            Place::Rules
        }
    }
}

/// What waits for a second person.
struct Waiting {
    path: String,
    digest: Value,
}

impl Waiting {
    /// Another person confirms: it was nothing but the person that was wrong.
    async fn confirmed(&self, app: &App) {
        let other = app.staff(StaffRole::Secretary).await;
        other.post(&format!("{}/confirm", self.path), self.digest.clone()).await.expect(200);
    }
}

/// The tries of one place.
struct Tries<'a> {
    app: &'a App,
    place: Place,
    tried: Vec<Act>,
}

impl<'a> Tries<'a> {
    fn of(app: &'a App, place: Place) -> Tries<'a> {
        Tries { app, place, tried: Vec::new() }
    }

    /// One secretary asks for an act and confirms it, from where it was asked for and after another log-in. What is seen at
    /// these places is as before.
    async fn alone(&mut self, act: Act, path: &str, body: Value, seen_at: &[&str]) -> Waiting {
        let app = self.app;
        let login = format!("alone-{}", ejf::domain::ids::random().simple());
        app.db_add_account(&login, Some(StaffRole::Secretary), None).await;
        let person = app.log_in(&login).await;
        let before = seen(&person, seen_at).await;

        let asked = person.with_key(path).post(path, body).await.expect(202).body;
        let waiting = Waiting {
            path: format!("/v1/approvals/{}", asked["id"].as_str().unwrap()),
            digest: json!({"digest": asked["digest"]}),
        };
        let confirm = format!("{}/confirm", waiting.path);
        for client in [&person, &app.log_in(&login).await] {
            let refused = client.post(&confirm, waiting.digest.clone()).await;
            refused.expect_problem(409, "second_person_required");
        }

        assert_eq!(asked["act"], act.as_str());
        assert_eq!(seen(&person, seen_at).await, before, "{act} alone changes nothing");
        assert_eq!(person.get(&waiting.path).await.expect(200).body, asked, "{act} still waits");
        self.tried.push(act);
        waiting
    }

    /// Every act of this place was tried.
    fn end(self) {
        for act in Act::ALL.iter().filter(|act| place_of(**act) == self.place) {
            assert!(self.tried.contains(act), "{act} was tried alone");
        }
    }
}

/// What a caller is answered at some paths.
async fn seen(client: &Client, paths: &[&str]) -> Vec<Value> {
    let mut bodies = Vec::new();
    for path in paths {
        bodies.push(client.get(path).await.expect(200).body);
    }
    bodies
}

/// The moves that two persons make, asked for as those are that one makes; the phases that were tried from there.
async fn directly(app: &App, plan: &Plan) -> Vec<(Phase, Phase)> {
    let before = plan.cycle(app).await;
    let mut tried = Vec::new();
    for step in MOVES.iter().filter(|step| step.needs_two_persons() && before["phase"] == step.from.as_str()) {
        let refused = app.secretary().await.post(&plan.path("/advance"), json!({"to": step.to.as_str()})).await;
        refused.expect_problem(409, "approval_required");
        tried.push((step.from, step.to));
    }
    assert_eq!(plan.cycle(app).await, before);
    tried
}

/// The moves out of these phases that two persons make.
fn of_two_persons(is_from: impl Fn(Phase) -> bool) -> Vec<(Phase, Phase)> {
    let of_two = MOVES.iter().filter(|step| step.needs_two_persons() && is_from(step.from));
    let mut all: Vec<_> = of_two.map(|step| (step.from, step.to)).collect();
    all.sort();
    all
}

#[tokio::test]
async fn nobody_opens_draws_changes_seals_or_cancels_a_cycle_alone_nor_by_the_direct_way() {
    let app = App::start_with_keys(SUBJECTS).await;
    let mut tries = Tries::of(&app, Place::UntilTheSeal);
    let plan = app.planned_cycle().await;
    let (cycle, evaluations, issuance) = (plan.path(""), plan.path("/evaluations?limit=100"), plan.path("/issuance"));
    let both = [cycle.as_str(), evaluations.as_str()];

    let mut direct = directly(&app, &plan).await;
    tries.alone(Act::OpenCycle, &plan.path("/open"), json!({}), &both).await.confirmed(&app).await;
    tries.alone(Act::CancelCycle, &plan.path("/cancel"), json!({"reason": REASON}), &both).await;
    direct.extend(directly(&app, &plan).await);
    app.go_to(&plan.day(&app, "file_review_open").await);
    plan.move_to(&app, "file_review").await;
    direct.extend(directly(&app, &plan).await);
    plan.pass(&app, "file_review_close").await;
    plan.move_to(&app, "pool_review").await;
    plan.pass(&app, "pool_challenge_close").await;
    direct.extend(directly(&app, &plan).await);
    let draw = tries.alone(Act::DrawPanels, &plan.path("/draw"), json!({}), &both).await;
    for judge in plan.judges() {
        assert_eq!(assignments(&judge.client(&app).await).await, [""; 0], "nobody is drawn");
    }
    draw.confirmed(&app).await;
    direct.extend(directly(&app, &plan).await);

    let round = app.frozen_after_draw(plan).await;
    let plan = &round.plan;
    let evaluation = collected_by_one(&app, &round).await;
    direct.extend(directly(&app, plan).await);
    let all = [cycle.as_str(), evaluations.as_str(), issuance.as_str()];
    let bump = format!("/v1/evaluations/{evaluation}/key-bumps");
    tries.alone(Act::BumpSubject, &bump, json!({"reason": "lost_card"}), &all).await;
    let days = later(&app, plan, &["submit_close", "seal_by", "challenge_close"], 7).await;
    tries.alone(Act::ExtendCycle, &plan.path("/extend"), days, &all).await;

    round.ledger(&app).await;
    app.go_to(&plan.day(&app, "submit_open").await);
    plan.move_to(&app, "submission").await;
    plan.pass(&app, "submit_close").await;
    direct.extend(directly(&app, plan).await);
    let seal = tries.alone(Act::SealCycle, &plan.path("/seal"), json!({}), &both).await;
    let order = plan.round_folder(&app).await.read(&Document::SealOrder).unwrap();
    assert!(order.is_none(), "the box is ordered nothing");
    seal.confirmed(&app).await;
    tries.end();
    direct.sort();
    assert_eq!(direct, of_two_persons(|from| from < Phase::Sealed));
}

/// The cycle issues, and one judge has collected; the evaluation of one of the subjects.
async fn collected_by_one(app: &App, round: &Round) -> String {
    round.publish_note(app).await;
    round.plan.move_to(app, "issuance").await;
    let reviewer = round.reviewer(app).await.client(app).await;
    round.collect(&reviewer).await;
    assignments(&reviewer).await[0]["evaluation_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nobody_adds_reviewers_to_a_sealed_cycle_or_cancels_it_over_a_broken_promise_alone() {
    let mut document = methodology();
    document["supplementary"] = json!({"panel_size": 6, "reserve_size": 6, "issued_min": 6});
    let sealed = Sealed::computed_under(document).await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    plan.pass(app, "challenge_close").await;
    let mut tries = Tries::of(app, Place::AfterTheSeal);
    let (cycle, evaluations) = (plan.path(""), plan.path("/evaluations?limit=100"));
    let both = [cycle.as_str(), evaluations.as_str()];

    let tomorrow = json!({"issue_open": app.today().succ_opt().unwrap()});
    let begin = plan.path("/supplementary-round");
    tries.alone(Act::BeginSupplementaryRound, &begin, tomorrow, &both).await;
    break_a_promise(&sealed).await;
    tries.alone(Act::CancelCycle, &plan.path("/cancel"), json!({"reason": REASON}), &both).await;

    tries.end();
    assert_eq!(directly(app, plan).await, of_two_persons(|from| from == Phase::Sealed));
}

/// The box publishes a receipt of its own for a review that it did not seal, and the registry takes the proof in.
async fn break_a_promise(sealed: &Sealed) {
    let cycle_ref = &sealed.round.manifest.manifest().cycle_ref;
    let receipt = Receipt::sign(&SigningKey::from_bytes(&[13; 32]), cycle_ref, 1, &Bytes([7; 32]));
    let proof = format!("{}\n", serde_json::to_string(&receipt).unwrap());
    sealed.folder.write(&Document::Complaints, proof.as_bytes()).unwrap();
    let secretary = sealed.app.secretary().await;
    let stopped = secretary.post(&sealed.round.plan.path("/advance"), json!({"to": "reporting"})).await;
    assert!(stopped.expect_problem(409, "guard_not_met").text.contains("Proven complaints: 1;"));
}

#[tokio::test]
async fn nobody_stops_reopens_ends_or_revokes_an_evaluation_or_closes_its_cycle_alone() {
    let scene = Scene::with(&figures("above")).await;
    let (app, panel, plan) = (&scene.app, &scene.panel, &scene.plan);
    let mut tries = Tries::of(app, Place::OwnCourse);
    let (own, cycle, reason) = (panel.path("/proceedings"), plan.path(""), json!({"reason": REASON}));
    let both = [own.as_str(), cycle.as_str()];

    tries.alone(Act::CancelEvaluation, &panel.path("/cancel"), reason.clone(), &both).await;
    let suspend = tries.alone(Act::SuspendEvaluation, &panel.path("/suspend"), reason.clone(), &both).await;
    suspend.confirmed(app).await;
    let resume = tries.alone(Act::ResumeEvaluation, &panel.path("/resume"), reason.clone(), &both).await;
    resume.confirmed(app).await;
    panel.conclude(app, &scene.judge.client(app).await, decision("fit"), false).await;
    tries.alone(Act::ReopenEvaluation, &panel.path("/reopen"), reason.clone(), &both).await;
    panel.serve_decision(app).await;
    app.go_to("2027-01-26");
    app.secretary().await.post(&panel.path("/finalise"), json!({})).await.expect(200);
    tries.alone(Act::RevokeDecision, &panel.path("/revoke"), reason.clone(), &both).await;
    for judge in &plan.subjects[1..] {
        let cancel = format!("/v1/evaluations/{}/cancel", plan.evaluation_of(app, judge).await);
        app.by_two(&cancel, reason.clone()).await;
    }
    assert_eq!(directly(app, plan).await, of_two_persons(|from| from == Phase::Reporting));
    let close = tries.alone(Act::CloseCycle, &plan.path("/close"), reason, &both).await;

    close.confirmed(app).await;
    tries.end();
}

#[tokio::test]
async fn nobody_sets_the_rules_approves_a_plan_or_destroys_records_alone() {
    let app = App::start().await;
    let mut tries = Tries::of(&app, Place::Rules);
    let secretary = app.secretary().await;
    let methodology_id = secretary.post("/v1/methodologies", methodology()).await.expect(201).id();
    let own = format!("/v1/methodologies/{methodology_id}");
    let accepting = json!({"accepts_draft_texts": true});
    let publish = tries.alone(Act::PublishMethodology, &format!("{own}/publish"), accepting, &[&own]).await;
    publish.confirmed(&app).await;

    let judge = app.judge_at(&app.court("Аудандық сот").await).await;
    enter_calendar(&app).await;
    let new = json!({"year": 2027, "evaluating_body": "quality_commission", "methodology_id": methodology_id});
    let own = format!("/v1/evaluation-plans/{}", secretary.post("/v1/evaluation-plans", new).await.expect(201).id());
    let entries = format!("{own}/entries");
    tries.alone(Act::ApproveEvaluationPlan, &format!("{own}/approve"), json!({}), &[&own, &entries]).await;

    let edition = secretary.post(SCHEDULES, kept_for_a_year()).await.expect(201).id();
    let adopt = format!("{SCHEDULES}/{edition}/adopt");
    tries.alone(Act::AdoptRetentionSchedule, &adopt, json!({}), &[SCHEDULES]).await.confirmed(&app).await;
    course(&app, &judge, json!({})).await;
    app.go_to("2028-02-01");
    let due = app.secretary().await.get(PREVIEW).await.expect(200).body;
    assert_eq!(due["items"].as_array().unwrap().len(), 1, "there is something to destroy");
    let run = format!("{SCHEDULES}/{edition}/run");
    tries.alone(Act::RunRetention, &run, json!({}), &[PREVIEW, RUNS]).await;
    tries.end();
}

/// A text that reviewers read has its two persons by another way: whoever put it in does not check it.
#[tokio::test]
async fn nobody_passes_a_text_alone_whatever_the_log_in() {
    let app = App::start().await;
    let plan = app.reading_cycle().await;
    plan.open(&app).await;
    let evaluation = plan.evaluation_of(&app, &plan.subjects[0]).await;
    let drawn = app.draw_acts(&evaluation, &[("civil", 5)]).await;
    app.db_add_account("alone", Some(StaffRole::Secretary), None).await;
    let (first, again) = (app.log_in("alone").await, app.log_in("alone").await);
    let text_id = first.post_text(drawn["acts"][0]["id"].as_str().unwrap(), CLEAN).await.expect(201).id();
    let before = app.pack(&evaluation).await;

    for client in [first, again] {
        let refused = client.post(&format!("/v1/reading-texts/{text_id}/check"), passed()).await;
        refused.expect_problem(409, "second_person_required");
    }

    assert_eq!(app.pack(&evaluation).await, before);
}
