//! The supplementary round over HTTP and with the box itself: who is added, what waits, and that both rounds are counted
//! once and together.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use ejf::client::recount::{read_archive, recount, recount_rounds};
use ejf::credential::bundle::{ENVELOPES, Files, INDEX, MANIFESTS, RESULT, add_result};
use ejf::credential::encoding::{Ref, sha256};
use ejf::credential::envelope::Credential;
use ejf::credential::frozen::Frozen;
use ejf::credential::receipt::Receipt;
use ejf::credential::tally::{RoundResult, score_bundle};
use ejf::domain::draw::{self, DrawRecord};
use ejf::domain::policy::StaffRole;
use ejf::publication::Document;
use serde_json::{Value, json};

use crate::deletions::both_rounds_end;
use crate::harness::plans::{Plan, all_items};
use crate::harness::rounds::{Card, Round, SUBJECTS, assignments};
use crate::harness::{App, Client};

/// How many reviews the first two subjects get in the first round, in the manifest's order; the others get ten.
const SHORT: [usize; 2] = [7, 4];
const ENOUGH: usize = 10;

type Cards = BTreeMap<Ref, Vec<(Card, Credential)>>;

fn public_path(manifest: &Frozen, document: &str) -> String {
    let manifest = manifest.manifest();
    format!("/v1/public/cycles/{}/rounds/{}/{document}", manifest.cycle_ref, manifest.round)
}

/// From a drawn round to its first day of issuance, with the box.
async fn issuing(app: &App, plan: Plan) -> Round {
    let number = plan.cycle(app).await["round"].as_i64().unwrap();
    let freeze = async |what: &str| {
        let secretary = app.secretary().await.with_key(&format!("{what}-{number}"));
        secretary.post(&plan.path("/manifest"), json!({})).await.expect(200);
    };
    let job = plan.work(app, "/keys", &format!("keys-{number}")).await;
    assert_eq!(job["state"], "done", "{job}");
    freeze("freeze").await;
    let text = plan.round_folder(app).await.read(&Document::Manifest(0)).unwrap().unwrap();
    let manifest = Frozen::parse(&text).unwrap();
    app.go_to(&plan.day(app, "issue_open").await);
    app.anonymous_box().get(&public_path(&manifest, "manifest")).await.expect(200);
    freeze("note").await;
    plan.move_to(app, "issuance").await;
    Round { plan, manifest }
}

/// Those who are asked to review a subject.
async fn reviewers(app: &App, round: &Round, subject_ref: &Ref) -> Vec<Client> {
    let mut found = Vec::new();
    for judge in round.plan.judges() {
        let client = judge.client(app).await;
        let own = assignments(&client).await;
        found.extend(own.iter().any(|one| one["subject_ref"] == json!(subject_ref)).then_some(client));
    }
    found
}

async fn to_submission(app: &App, round: &Round) {
    round.ledger(app).await;
    app.go_to(&round.plan.day(app, "submit_open").await);
    round.plan.move_to(app, "submission").await;
}

async fn send(app: &App, round: &Round, cards: &Cards, subject_ref: &Ref, count: usize, mark: i64) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for (card, credential) in &cards[subject_ref][..count] {
        let answer = app.anonymous_box().submit(&round.review(card, credential, Some(mark))).await;
        receipts.push(answer.expect(202).receipt());
    }
    receipts
}

async fn seal_and_count(app: &App, round: &Round) {
    let plan = &round.plan;
    plan.pass(app, "submit_close").await;
    app.by_two(&plan.path("/seal"), json!({})).await;
    let path = public_path(&round.manifest, "checkpoint");
    let sealing = async { while app.anonymous_box().get(&path).await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(60), sealing).await.expect("the box seals");
    let job = plan.work(app, "/results", &format!("results-{}", round.manifest.manifest().round)).await;
    assert_eq!((&job["state"], &job["error"]), (&json!("done"), &Value::Null));
}

/// A cycle whose first round is sealed and counted, and whose days for complaints are over.
struct First {
    app: App,
    round: Round,
    cards: Cards,
    receipts: Vec<Receipt>,
    /// The evaluations of the subjects, in the manifest's order.
    evaluations: Vec<String>,
}

impl First {
    async fn counted() -> First {
        let app = App::start_with_keys(SUBJECTS + SHORT.len()).await;
        let plan = app.supplementable_cycle().await;
        plan.to_pool_review(&app).await;
        plan.draw(&app).await;
        let round = issuing(&app, plan).await;
        let cards = round.collect_all(&app).await;
        to_submission(&app, &round).await;
        let mut receipts = Vec::new();
        for (at, subject) in round.manifest.manifest().subjects.iter().enumerate() {
            let count = SHORT.get(at).copied().unwrap_or(ENOUGH);
            receipts.extend(send(&app, &round, &cards, &subject.subject_ref, count, 3).await);
        }
        seal_and_count(&app, &round).await;
        let items = all_items(&app.secretary().await, &round.plan.path("/evaluations")).await;
        let of = |subject_ref: &Ref| {
            let own = items.iter().find(|item| item["subject_ref"] == json!(subject_ref)).unwrap();
            own["id"].as_str().unwrap().to_owned()
        };
        let evaluations = round.manifest.manifest().subjects.iter().map(|one| of(&one.subject_ref)).collect();
        First { app, round, cards, receipts, evaluations }
    }

    fn short(&self) -> Vec<Ref> {
        self.round.manifest.manifest().subjects[..SHORT.len()].iter().map(|subject| subject.subject_ref).collect()
    }

    fn result_path(&self, subject: usize) -> String {
        format!("/v1/evaluations/{}/result", self.evaluations[subject])
    }

    /// The body that begins the round on the next day.
    fn tomorrow(&self) -> Value {
        json!({"issue_open": (self.app.clock.now() + chrono::Days::new(1)).date_naive()})
    }

    async fn begin(&self) {
        self.app.by_two(&self.round.plan.path("/supplementary-round"), self.tomorrow()).await;
    }

    async fn auditor(&self) -> Client {
        self.app.staff(StaffRole::Auditor).await
    }

    async fn record(&self, round: u32) -> DrawRecord {
        let path = self.round.plan.path(&format!("/draw-record?round={round}"));
        serde_json::from_value(self.auditor().await.get(&path).await.expect(200).body["content"].clone()).unwrap()
    }

    async fn bundle(&self, round: u32) -> Files {
        let path = self.round.plan.path(&format!("/bundle?round={round}"));
        read_archive(&self.auditor().await.get(&path).await.expect(200).bytes).unwrap()
    }

    async fn statuses(&self) -> Vec<Value> {
        let auditor = self.auditor().await;
        let mut statuses = Vec::new();
        for subject in 0..SUBJECTS {
            statuses.push(auditor.get(&self.result_path(subject)).await.expect(200).body["status"].clone());
        }
        statuses
    }

    /// Two auditors find the results equal, the days for complaints pass, and the cycle reports.
    async fn report(&self) {
        let plan = &self.round.plan;
        let folder = plan.round_folder(&self.app).await;
        let digest = hex(&sha256(&[&folder.bundle().unwrap().unwrap()[RESULT]]).0);
        for _ in 0..2 {
            let statement = json!({"result_digest": digest, "outcome": "equal"});
            self.auditor().await.post(&plan.path("/recounts"), statement).await.expect(201);
        }
        plan.pass(&self.app, "challenge_close").await;
        plan.move_to(&self.app, "reporting").await;
    }

    fn key_file(&self, round: u32) -> std::path::PathBuf {
        self.app.db.folder().join("keys").join(format!("{}-{round}.key", self.round.plan.cycle_id))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the independent verifier says of the second bundle after the first.
fn verify_in_python(first: &Files, second: &Files) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, files) in [("first", first), ("second", second)] {
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        for (name, bytes) in files {
            std::fs::write(place.join(name), bytes).unwrap();
        }
    }
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifier/supplement.py");
    let mut python = Command::new("python3");
    python.args(["-B", verifier]).args(["first", "second"].map(|name| folder.path().join(name)));
    let told = python.output().expect("Python 3");
    (told.status.code().unwrap(), String::from_utf8_lossy(&told.stdout).into_owned())
}

#[tokio::test]
async fn reviewers_who_are_new_are_added_and_both_rounds_are_counted_once_and_together() {
    let first = First::counted().await;
    let (app, plan) = (&first.app, &first.round.plan);
    let (ok, few, none) = (json!("ok"), json!("indicative"), json!("insufficient"));
    let mut expected = vec![ok.clone(); SUBJECTS];
    (expected[0], expected[1]) = (few, none);
    assert_eq!(first.statuses().await, expected);
    let committed = plan.cycle(app).await["draws"].clone();
    assert!(committed[1]["seed_commitment"].is_string() && committed[1]["record_digest"].is_null(), "{committed}");
    assert_ne!(committed[0]["seed_commitment"], committed[1]["seed_commitment"]);
    plan.pass(app, "challenge_close").await;
    let folder_of_first = plan.round_folder(app).await;
    let kept = folder_of_first.bundle().unwrap().unwrap();
    assert!(!first.key_file(1).exists() && !first.key_file(2).exists());

    first.begin().await;

    let cycle = plan.cycle(app).await;
    assert_eq!((&cycle["round"], &cycle["phase"], &cycle["generation"]), (&json!(2), &json!("drawn"), &json!(0)));
    assert_eq!((&cycle["manifest_digest"], &cycle["sealed_on"]), (&Value::Null, &Value::Null));
    let (one, two) = (first.record(1).await, first.record(2).await);
    draw::replay(&two).unwrap();
    assert_eq!(committed[1]["seed_commitment"], json!(hex(&two.commitment.0)));
    assert_eq!(cycle["draws"][1]["seed_commitment"], committed[1]["seed_commitment"], "as it was at the opening");
    assert_eq!(two.panels.len(), SHORT.len());
    for panel in &two.panels {
        let before = one.panels.iter().find(|before| before.subject == panel.subject).unwrap();
        let before: BTreeSet<&String> = before.panel.iter().collect();
        assert_eq!(panel.panel.len(), 6);
        assert!(panel.panel.iter().chain(&panel.reserve).all(|new| !before.contains(new)), "nobody reviews twice");
    }
    nothing_is_told(&first).await;
    second_round(&first, &kept).await;
    let First { app, round, .. } = first;
    both_rounds_end(app, &round).await;
}

/// While the round is under way: no result for anybody, no count of its subjects but for auditors, no way back.
async fn nothing_is_told(first: &First) {
    let (app, plan) = (&first.app, &first.round.plan);
    let member = app.member(StaffRole::Member).await;
    app.assign(&first.evaluations[5], member.account_id, false).await.expect(201);
    let callers = [first.auditor().await, app.secretary().await, member.client(app).await];
    for subject in [0, 1, 5] {
        for caller in &callers {
            caller.get(&first.result_path(subject)).await.expect_problem(404, "not_found");
        }
        let evaluation = app.secretary().await.get(&format!("/v1/evaluations/{}", first.evaluations[subject])).await;
        let judge_id = evaluation.expect(200).body["judge_id"].clone();
        let judge = plan.judges().find(|judge| json!(judge.id) == judge_id).unwrap().client(app).await;
        judge.get(&first.result_path(subject)).await.expect_problem(404, "not_found");
    }
    let counted = async |client: &Client| {
        let items = all_items(client, &plan.path("/accepted-counts")).await;
        items.iter().map(|item| item["evaluation_id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let all: BTreeSet<String> = first.evaluations.iter().cloned().collect();
    let others: BTreeSet<String> = first.evaluations[SHORT.len()..].iter().cloned().collect();
    assert_eq!(counted(&callers[0]).await, all);
    assert_eq!(counted(&callers[2]).await, others);
    callers[0].get(&plan.path("/bundle")).await.expect_problem(409, "wrong_phase");
    assert!(first.bundle(1).await.contains_key(RESULT));
    let secretary = app.staff(StaffRole::Secretary).await;
    let cancelled =
        secretary.with_key("cancel").post(&plan.path("/cancel"), json!({"reason": "Too long by now."})).await;
    let told = cancelled.expect_problem(409, "guard_not_met").body["detail"].to_string();
    assert!(told.contains("The first round is sealed"), "{told}");
    let again = secretary.with_key("again").post(&plan.path("/supplementary-round"), first.tomorrow()).await;
    again.expect_problem(409, "wrong_phase");
}

/// The round itself, from its keys to the report.
async fn second_round(first: &First, kept: &Files) {
    let app = &first.app;
    let round = issuing(app, first.round.plan.clone()).await;
    let short = first.short();
    let subjects: Vec<Ref> = round.manifest.manifest().subjects.iter().map(|subject| subject.subject_ref).collect();
    assert_eq!(subjects, short, "the box knows them by the names that they had");
    assert_ne!(round.manifest.manifest().receipt_key, first.round.manifest.manifest().receipt_key);
    let reviewer = reviewers(app, &round, &short[0]).await.remove(0);
    let (_, mut stale) = round.blind(&reviewer).await;
    stale["manifest_digest"] = json!(first.round.manifest.digest());
    reviewer.post("/v1/me/credentials", stale).await.expect_problem(412, "manifest_mismatch");
    let cards = round.collect_all(app).await;
    let lost = format!("/v1/evaluations/{}/key-bumps", first.evaluations[5]);
    let secretary = app.staff(StaffRole::Secretary).await.with_key("bump");
    let settled = secretary.post(&lost, json!({"reason": "lost_card"})).await.expect_problem(409, "guard_not_met");
    assert!(settled.body["detail"].as_str().unwrap().contains("in round 2"), "{}", settled.body);
    assert_eq!(cards.values().map(Vec::len).collect::<Vec<_>>(), [6, 6]);
    to_submission(app, &round).await;

    // What the first round gave out is worth nothing here.
    let (card, credential) = &first.cards[&short[0]][0];
    app.anonymous_box()
        .submit(&round.review(card, credential, Some(5)))
        .await
        .expect_problem(403, "credential_invalid");
    let of_first = first.round.review(card, credential, Some(5));
    app.anonymous_box().submit(&of_first).await.expect_problem(410, "window_closed");
    let (card, credential) = &cards[&short[0]][0];
    let mut body = round.review(card, credential, Some(5)).body;
    body.manifest_digest = first.round.manifest.digest();
    let mixed = card.sign(body, credential);
    app.anonymous_box().submit(&mixed).await.expect_problem(412, "manifest_mismatch");

    for subject_ref in &short {
        send(app, &round, &cards, subject_ref, 6, 4).await;
    }
    assert!(first.key_file(2).exists() && !first.key_file(1).exists());
    seal_and_count(app, &round).await;
    assert!(!first.key_file(2).exists());
    let moved = Receipt { round: 2, ..first.receipts[0].clone() };
    app.anonymous_box().complain(&moved).await.expect_problem(422, "invalid_receipt");

    let auditor = first.auditor().await;
    assert_eq!(first.statuses().await, vec![json!("ok"); SUBJECTS]);
    let counts = [SHORT[0] + 6, SHORT[1] + 6, ENOUGH];
    for (subject, n) in counts.into_iter().enumerate() {
        let result = auditor.get(&first.result_path(subject)).await.expect(200).body;
        assert_eq!(result["overall"]["n"], json!(n), "{result}");
    }
    let (one, two) = (first.bundle(1).await, first.bundle(2).await);
    assert_eq!(one, *kept, "the first bundle stays as it was");
    counted_as_one(&one, &two, app, first).await;
    // Aside, since a caller who is silent for long is cut off.
    tokio::task::spawn_blocking(move || found_by_both(&one, &two)).await.unwrap();

    first.report().await;
    let evaluation = app.secretary().await.get(&format!("/v1/evaluations/{}", first.evaluations[0])).await.expect(200);
    let judge = first.round.plan.judges().find(|judge| json!(judge.id) == evaluation.body["judge_id"]).unwrap();
    let shown = judge.client(app).await.get(&first.result_path(0)).await.expect(200).body;
    assert_eq!(shown["overall"]["n"], json!(SHORT[0] + 6));
    assert_eq!(all_items(&first.auditor().await, &first.round.plan.path("/accepted-counts")).await.len(), SUBJECTS);
}

/// The stored results are those of all reviews scored at once, and the recount of both bundles finds nothing.
async fn counted_as_one(one: &Files, two: &Files, app: &App, first: &First) {
    let methodology = serde_json::from_slice(&one["methodology.json"]).unwrap();
    let mut all = one.clone();
    all.insert(ENVELOPES.to_owned(), [&one[ENVELOPES][..], &two[ENVELOPES]].concat());
    let at_once = score_bundle(&all, &methodology).unwrap().result;
    let stored: RoundResult = serde_json::from_slice(&two[RESULT]).unwrap();
    assert_eq!((&stored.subjects, &stored.instruments), (&at_once.subjects, &at_once.instruments));
    assert_eq!(stored.earlier, Some(sha256(&[&one[INDEX]])));

    let auditor = first.auditor().await;
    let mut published = Vec::new();
    for (at, subject) in first.round.manifest.manifest().subjects.iter().enumerate() {
        let answer = auditor.get(&first.result_path(at)).await.expect(200).body;
        published.push((subject.subject_ref, serde_json::from_value(answer).unwrap()));
    }
    assert_eq!(recount_rounds(Some(one), two, &published, &|| {}).findings, []);
    let alone = recount(two, &[], &|| {}).findings;
    assert!(alone.iter().any(|finding| finding.detail.contains("the bundle of the first")), "{alone:?}");
    assert_eq!(recount(one, &[], &|| {}).findings, []);
    let (code, told) = verify_in_python(one, two);
    assert_eq!(code, 0, "{told}");
    let count = app.db_acts().await.iter().filter(|act| *act == "store_results").count();
    assert_eq!(count, 2);
}

/// A change of one bundle that its own index covers, as whoever holds both could make it.
fn resealed(files: &Files, change: impl FnOnce(&mut Files)) -> Files {
    let mut changed = files.clone();
    change(&mut changed);
    let result = changed[RESULT].clone();
    let mut index: Value = serde_json::from_slice(&changed[INDEX]).unwrap();
    for (name, bytes) in changed.iter().filter(|(name, _)| *name != INDEX) {
        index["files"][name] = json!(sha256(&[bytes]));
    }
    changed.insert(INDEX.to_owned(), serde_json::to_vec(&index).unwrap());
    add_result(&mut changed, &result).unwrap();
    changed
}

/// Both verifiers find what was dropped, altered or carried from one bundle into the other.
fn found_by_both(one: &Files, two: &Files) {
    let lines = |files: &Files| -> Vec<Vec<u8>> {
        files[ENVELOPES].split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    let moved = resealed(two, |files| {
        let mut all = lines(files);
        all.push(lines(one).remove(0));
        files.insert(ENVELOPES.to_owned(), all.concat());
    });
    let swapped = resealed(two, |files| {
        files.insert(ENVELOPES.to_owned(), one[ENVELOPES].clone());
    });
    let dropped = resealed(one, |files| {
        files.insert(ENVELOPES.to_owned(), lines(files)[1..].concat());
    });
    let altered = resealed(two, |files| {
        let text = String::from_utf8(files[RESULT].clone()).unwrap();
        files.insert(RESULT.to_owned(), text.replacen("\"n\":13", "\"n\":14", 1).into_bytes());
    });
    let unchained = resealed(two, |files| {
        let mut result: Value = serde_json::from_slice(&files[RESULT]).unwrap();
        result.as_object_mut().unwrap().remove("earlier");
        files.insert(RESULT.to_owned(), serde_json::to_vec(&result).unwrap());
    });
    let renumbered = resealed(one, |files| {
        files.insert(MANIFESTS.to_owned(), two[MANIFESTS].clone());
    });
    for (name, first, second) in [
        ("a review moved", one, &moved),
        ("all reviews swapped", one, &swapped),
        ("a review dropped from the first", &dropped, two),
        ("a figure altered", one, &altered),
        ("the first round forgotten", one, &unchained),
        ("another manifest in the first", &renumbered, two),
        ("the second twice", two, two),
        ("the first twice", one, one),
    ] {
        assert!(!recount_rounds(Some(first), second, &[], &|| {}).is_equal(), "{name}");
        let (code, told) = verify_in_python(first, second);
        assert_eq!(code, 1, "{name}: {told}");
    }
}

#[tokio::test]
async fn with_too_few_credentials_the_first_reviews_alone_decide_and_an_empty_round_seals() {
    let first = First::counted().await;
    let (app, plan) = (&first.app, &first.round.plan);
    let path = plan.path("/supplementary-round");
    let secretary = app.staff(StaffRole::Secretary).await;
    let early = secretary.with_key("early").post(&path, first.tomorrow()).await.expect_problem(409, "guard_not_met");
    assert!(early.body["detail"].as_str().unwrap().contains("is over"), "{}", early.body);
    let before = first.statuses().await;
    plan.pass(app, "challenge_close").await;
    let secretary = app.staff(StaffRole::Secretary).await;
    for (at, day) in ["2027-01-01", "2037-01-01"].iter().enumerate() {
        let refused = secretary.with_key(&format!("day-{at}")).post(&path, json!({"issue_open": day})).await;
        assert_eq!(refused.expect(422).faults()[0].0, "/issue_open");
    }
    // One person begins nothing, and nobody begins what has changed since it was asked for.
    let asked = secretary.with_key("alone").post(&path, first.tomorrow()).await.expect(202).body;
    let confirm = format!("/v1/approvals/{}/confirm", asked["id"].as_str().unwrap());
    secretary.post(&confirm, json!({"digest": asked["digest"]})).await.expect_problem(409, "second_person_required");
    assert_eq!(plan.cycle(app).await["round"], 1);
    first.begin().await;
    let other = app.staff(StaffRole::Secretary).await;
    other.post(&confirm, json!({"digest": asked["digest"]})).await.expect_problem(409, "approval_stale");

    let round = issuing(app, plan.clone()).await;
    let short = first.short();
    let mut collected = Vec::new();
    for client in reviewers(app, &round, &short[0]).await.iter().take(5) {
        collected.extend(round.collect(client).await.into_iter().filter(|(card, _)| card.subject_ref == short[0]));
    }
    to_submission(app, &round).await;
    let (card, credential) = &collected[0];
    app.anonymous_box().submit(&round.review(card, credential, Some(1))).await.expect_problem(403, "gate_closed");
    seal_and_count(app, &round).await;

    assert_eq!(first.statuses().await, before);
    let result: Vec<Value> = [first.bundle(1).await, first.bundle(2).await]
        .iter()
        .map(|files| serde_json::from_slice::<Value>(&files[RESULT]).unwrap()["subjects"].clone())
        .collect();
    assert_eq!(result[0], result[1]);
    let third = app.staff(StaffRole::Secretary).await.with_key("third").post(&path, first.tomorrow()).await;
    assert!(third.expect_problem(409, "guard_not_met").body["detail"].as_str().unwrap().contains("has had it"));
    first.report().await;
}

#[tokio::test]
async fn a_methodology_without_a_supplementary_round_has_none() {
    let sealed = crate::results::Sealed::computed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    assert_eq!(plan.cycle(app).await["draws"].as_array().unwrap().len(), 1);
    plan.pass(app, "challenge_close").await;
    let body = json!({"issue_open": (app.clock.now() + chrono::Days::new(1)).date_naive()});
    let secretary = app.staff(StaffRole::Secretary).await.with_key("ask");
    let refused = secretary.post(&plan.path("/supplementary-round"), body).await;
    let told = refused.expect_problem(409, "guard_not_met").body["detail"].to_string();
    assert!(told.contains("provides no supplementary round"), "{told}");
}
