//! Later generations of the manifest: new keys for one subject, later days for all, and what becomes of the keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ejf::client::card::{CardSubject, Held};
use ejf::client::draft::Draft;
use ejf::client::failure::{Alarm, Failure, Idle};
use ejf::client::generation::renew;
use ejf::client::peer::{Collected, Login, collect};
use ejf::client::pinned::Places;
use ejf::client::recount::read_archive;
use ejf::client::{review, sealed};
use ejf::credential::audit;
use ejf::credential::encoding::{Ref, sha256};
use ejf::credential::envelope::{Body, Credential, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::credential::ledger::Ledger;
use ejf::domain::ids::CycleId;
use ejf::domain::policy::StaffRole;
use ejf::publication::Document;
use ejf::store;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::harness::people::Judge;
use crate::harness::plans::{Plan, all_items};
use crate::harness::rounds::{Round, SUBJECTS, assignments};
use crate::harness::{Answer, App, PASSWORD};
use crate::recounts::second_opinion;

/// Freezes the generation that is due; `key` tells this request from earlier ones.
pub async fn freeze(app: &App, plan: &Plan, key: &str) -> Value {
    app.secretary().await.with_key(key).post(&plan.path("/manifest"), json!({})).await.expect(200).body
}

/// A generation of the manifest as published.
pub async fn manifest(app: &App, plan: &Plan, generation: u32) -> Frozen {
    let folder = plan.round_folder(app).await;
    Frozen::parse(&folder.read(&Document::Manifest(generation)).unwrap().unwrap()).unwrap()
}

pub async fn bump(app: &App, evaluation_id: &str, body: Value) {
    app.by_two(&format!("/v1/evaluations/{evaluation_id}/key-bumps"), body).await;
}

/// The cycle's days, those that an extension names moved by so many days.
pub async fn later(app: &App, plan: &Plan, names: &[&str], days: u64) -> Value {
    let dates = plan.cycle(app).await["dates"].clone();
    let all = ["issue_close", "submit_open", "submit_close", "seal_by", "challenge_close"];
    let moved = all.iter().map(|name| {
        let day: chrono::NaiveDate = dates[*name].as_str().unwrap().parse().unwrap();
        let by = if names.contains(name) { days } else { 0 };
        ((*name).to_owned(), json!(day + chrono::Days::new(by)))
    });
    Value::Object(moved.collect())
}

/// A cycle under way with the box itself, and the cards of its reviewers.
struct Run {
    app: App,
    plan: Plan,
    places: Places,
    words: String,
    cards: BTreeMap<String, Held>,
}

impl Run {
    async fn issuing() -> Run {
        let app = App::start_with_keys(SUBJECTS + 1).await;
        let plan = app.drawn_cycle().await;
        plan.work(&app, "/keys", "keys").await;
        let frozen = plan.freeze(&app).await;
        app.go_to(&plan.day(&app, "issue_open").await);
        let places = Places { registry: app.base.clone(), ballot_box: app.box_base.clone() };
        let words = frozen["digest_words"].as_str().unwrap().to_owned();
        let run = Run { app, plan, places, words, cards: BTreeMap::new() };
        run.take_in("note").await;
        run.plan.move_to(&run.app, "issuance").await;
        run
    }

    /// The box takes the newest manifest in, and then the registry the box's note.
    async fn take_in(&self, key: &str) {
        let cycle = self.plan.cycle(&self.app).await;
        let path = format!("/v1/public/cycles/{}/rounds/1/manifest", cycle["cycle_ref"].as_str().unwrap());
        assert_eq!(self.app.anonymous_box().get(&path).await.status, 200);
        freeze(&self.app, &self.plan, key).await;
    }

    /// Freezes the generation that is due, and has its words printed.
    async fn freeze(&mut self, key: &str) {
        let frozen = freeze(&self.app, &self.plan, key).await;
        self.words = frozen["digest_words"].as_str().unwrap().to_owned();
        self.take_in(&format!("{key}-note")).await;
    }

    async fn collect(&mut self, judge: &str) -> Result<Collected, Failure> {
        let password = Zeroizing::new(PASSWORD.to_owned());
        let login = Login::Password { login: judge, password: &password };
        let held = self.cards.entry(judge.to_owned()).or_insert_with(Held::in_memory);
        collect(&self.places, &login, &self.words, held, self.app.clock.now()).await
    }

    /// Everybody collects what is open; how many credentials were made.
    async fn collect_all(&mut self) -> usize {
        let logins: Vec<String> = self.plan.judges().map(|judge| judge.login().to_owned()).collect();
        let mut fresh = 0;
        for login in logins {
            match self.collect(&login).await {
                Ok(collected) => fresh += collected.fresh_count,
                Err(Failure::Idle(Idle::NoAssignments)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        self.cards.retain(|_, held| held.card().is_some());
        fresh
    }

    /// Those whose card has a credential for a subject.
    fn reviewers_of(&self, subject_ref: &Ref) -> Vec<String> {
        let has = |held: &Held| held.card().is_some_and(|card| card.subject(subject_ref).is_some());
        self.cards.iter().filter(|(_, held)| has(held)).map(|(login, _)| login.clone()).collect()
    }

    async fn keep_and_send(&mut self, login: &str, subject_ref: &Ref, mark: i64) {
        let held = self.cards.get_mut(login).unwrap();
        let card = held.card().unwrap();
        let items = &card.subject(subject_ref).unwrap().instrument.items;
        let marks = items.iter().map(|item| (item.code.clone(), Some(mark))).collect();
        let draft = Draft::new(card, *subject_ref, marks, Vec::new()).unwrap();
        review::keep(held, draft).unwrap();
        review::send(&self.places.ballot_box, held, subject_ref, self.app.clock.now()).await.unwrap();
    }

    async fn ledgers(&self, key: &str, generation: u32) -> Ledger {
        let path = self.plan.path("/ledgers");
        self.app.secretary().await.with_key(key).post(&path, json!({})).await.expect(200);
        let ledger = Document::Ledger { issuer_id: "council".to_owned(), generation };
        Ledger::parse(&self.plan.round_folder(&self.app).await.read(&ledger).unwrap().unwrap()).unwrap()
    }

    /// The wrapped private keys of all generations.
    async fn wrapped_keys(&self) -> Vec<Vec<u8>> {
        let id: CycleId = self.plan.cycle_id.parse().unwrap();
        let read = move |conn: &mut ejf::db::Conn| {
            let mut rows = store::issuance::issuer_keys(conn, id, 1, 0)?;
            rows.extend(store::issuance::issuer_keys(conn, id, 1, 1)?);
            Ok(rows.into_iter().filter_map(|row| row.wrapped_private_key).collect())
        };
        self.app.registry().0.read(read).await.unwrap()
    }

    /// How many of these bytes lie in the registry's SQLite files; `None` where it lies in PostgreSQL.
    fn count_in_files(&self, needles: &[Vec<u8>]) -> Option<usize> {
        let folder = self.app.db.folder();
        let mut bytes = std::fs::read(folder.join("registry.db")).ok()?;
        bytes.extend(std::fs::read(folder.join("registry.db-wal")).unwrap_or_default());
        // An overflow page may begin anywhere in a long value, so a part from its beginning is looked for.
        let holds = |needle: &&Vec<u8>| bytes.windows(64).any(|window| window == &needle[..64]);
        Some(needles.iter().filter(holds).count())
    }
}

/// A review made with what a card held before.
fn old_review(manifest: &Frozen, subject: &CardSubject) -> Envelope {
    let marks = subject.instrument.items.iter().map(|item| (item.code.clone(), Some(1))).collect();
    let body = Body::new(manifest, subject.subject_ref, &[], marks, &[]).unwrap();
    let credentials = subject.credentials.iter().map(|one| Credential {
        issuer_id: one.issuer_id.clone(),
        key_id: one.key_id,
        prefix: one.prefix,
        sig: one.sig,
    });
    Envelope::sign(body, credentials.collect(), &subject.signing_key().unwrap()).unwrap()
}

#[tokio::test]
async fn a_round_with_a_lost_card_and_an_extension_is_counted_and_its_keys_are_destroyed() {
    let mut run = Run::issuing().await;
    run.collect_all().await;
    let first = manifest(&run.app, &run.plan, 0).await;
    let lost = run.plan.judges().next().unwrap().login().to_owned();
    let lost = if run.cards.contains_key(&lost) { lost } else { run.cards.keys().next().unwrap().clone() };
    let void = run.cards[&lost].card().unwrap().credentials[0].clone();
    let judge = run.plan.judges().find(|judge| judge.login() == lost).unwrap();
    let own = assignments(&judge.client(&run.app).await).await;
    let evaluation_id = own.iter().find(|one| one["subject_ref"] == json!(void.subject_ref)).unwrap()["evaluation_id"]
        .as_str()
        .unwrap()
        .to_owned();

    bump(&run.app, &evaluation_id, json!({"reason": "lost_card"})).await;

    // Collecting rests until the next manifest is frozen, and that waits for the one new key.
    let cycle = run.plan.cycle(&run.app).await;
    assert_eq!((&cycle["generation"], &cycle["manifest_digest"]), (&json!(1), &Value::Null));
    let secretary = run.app.secretary().await;
    let unkeyed = secretary.with_key("early").post(&run.plan.path("/manifest"), json!({})).await;
    unkeyed.expect_problem(409, "guard_not_met");
    let job = run.plan.work(&run.app, "/keys", "new-keys").await;
    assert_eq!((&job["state"], &job["done_count"], &job["total_count"]), (&json!("done"), &json!(1), &json!(1)));
    let old_words = run.words.clone();
    run.freeze("second").await;
    let second = manifest(&run.app, &run.plan, 1).await;
    second.succeeds(&first).unwrap();
    assert_eq!(second.changed_subjects(&first), [void.subject_ref]);
    // Whoever lost the card begins a new one; to all others the old words are an alarm and the new ones are not.
    run.cards.insert(lost.clone(), Held::in_memory());
    let words = std::mem::replace(&mut run.words, old_words);
    let other = run.reviewers_of(&void.subject_ref).remove(0);
    let refused = run.collect(&other).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::DigestDiffers))), "{:?}", refused.err());
    run.words = words;
    assert_eq!(run.collect_all().await, 14, "the whole panel, and nobody else");
    run.plan.pass(&run.app, "issue_close").await;
    let ledger = run.ledgers("ledgers", 1).await;
    ledger.verify(&second).unwrap();
    let key_id = second.key_id(&void.subject_ref, "council").unwrap();
    assert_eq!(ledger.count(&void.subject_ref, &key_id), Some(14));
    assert!(ledger.subjects.iter().all(|subject| subject.entries.len() == 14));

    run.app.go_to(&run.plan.day(&run.app, "submit_open").await);
    run.plan.move_to(&run.app, "submission").await;
    let refused = run.app.anonymous_box().submit(&old_review(&first, &void)).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (412, Some("manifest_mismatch")));
    let panel = run.reviewers_of(&void.subject_ref);
    assert_eq!(panel.len(), 14);
    for login in &panel[1..] {
        run.keep_and_send(login, &void.subject_ref, 4).await;
    }

    // More time to send: what is pinned is renewed, and nothing has to be collected again.
    let days = later(&run.app, &run.plan, &["submit_close", "seal_by", "challenge_close"], 7).await;
    run.app.by_two(&run.plan.path("/extend"), days).await;
    run.plan.pass(&run.app, "submit_open").await;
    run.freeze("third").await;
    let held = run.cards.get_mut(&panel[0]).unwrap();
    let change = renew(&run.places, &run.words, &[], held, run.app.clock.now()).await.unwrap().unwrap();
    assert_eq!((change.generation, change.subjects.len()), (2, 0));
    run.keep_and_send(&panel[0], &void.subject_ref, 5).await;
    run.plan.pass(&run.app, "submit_close").await;
    let seal = run.app.staff(StaffRole::Secretary).await.with_key("seal");
    seal.post(&run.plan.path("/seal"), json!({})).await.expect_problem(409, "guard_not_met");
    run.ledgers("third-ledgers", 2).await.verify(&manifest(&run.app, &run.plan, 2).await).unwrap();
    run.app.by_two(&run.plan.path("/seal"), json!({})).await;
    let held = run.cards.get_mut(&panel[0]).unwrap();
    let sealing = async {
        loop {
            match sealed::check(&run.places, held).await {
                Err(Failure::Idle(Idle::NotSealed)) => {}
                other => return other.unwrap(),
            }
        }
    };
    let checked = tokio::time::timeout(Duration::from_secs(60), sealing).await.expect("the box seals");
    assert_eq!((checked.leaf_count, checked.found_count), (14, 1));

    let wrapped = run.wrapped_keys().await;
    assert_eq!(wrapped.len(), SUBJECTS + 1);
    assert_ne!(run.count_in_files(&wrapped), Some(0), "the scan finds them while they are there");
    let key_file = run.app.db.folder().join("keys").join(format!("{}-1.key", run.plan.cycle_id));
    assert!(key_file.exists());
    let job = run.plan.work(&run.app, "/results", "results").await;
    assert_eq!(job["state"], "done", "{job}");
    assert!(!key_file.exists() && run.wrapped_keys().await.is_empty());
    if let Some(found) = run.count_in_files(&wrapped) {
        assert_eq!(found, 0, "wrapped keys that lie in the registry's files");
    }
    let key_ids: BTreeSet<[u8; 32]> = [&first, &second]
        .iter()
        .flat_map(|manifest| &manifest.manifest().subjects)
        .map(|subject| subject.keys[0].key_id.0)
        .collect();
    let key_ids: Vec<&[u8]> = key_ids.iter().map(<[u8; 32]>::as_slice).collect();
    let entries = run.app.registry().0.read(|conn| store::audit::list(conn, None, None, 10_000)).await.unwrap();
    let destroyed: Vec<_> = entries.iter().filter(|entry| entry.act == "destroy_issuer_keys").collect();
    assert_eq!(destroyed.len(), 1);
    assert_eq!((key_ids.len(), destroyed[0].digest.clone()), (SUBJECTS + 1, Some(sha256(&key_ids).to_string())));

    let auditor = run.app.staff(StaffRole::Auditor).await;
    let files = read_archive(&auditor.get(&run.plan.path("/bundle")).await.expect(200).bytes).unwrap();
    assert_eq!(audit::check(&files), []);
    let manifests: Vec<Value> = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifests.len(), 3);
    let told = second_opinion(&files);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

/// A frozen cycle in which the judge who is on several panels has collected.
pub async fn one_collected(app: &App) -> (Round, String, String) {
    let round = app.frozen_cycle().await;
    let reviewer = round.reviewer(app).await;
    let judge = reviewer.client(app).await;
    round.collect(&judge).await;
    let own = assignments(&judge).await.remove(0);
    let text = |name: &str| own[name].as_str().unwrap().to_owned();
    let (evaluation_id, assignment_id) = (text("evaluation_id"), text("id"));
    (round, evaluation_id, assignment_id)
}

/// The assignments of a panel with their reviewers, as these see them.
async fn panel(app: &App, plan: &Plan, evaluation_id: &str) -> Vec<(String, Value)> {
    let mut panel = Vec::new();
    for judge in plan.judges() {
        let own = assignments(&judge.client(app).await).await;
        let of_it = own.into_iter().filter(|one| one["evaluation_id"] == evaluation_id);
        panel.extend(of_it.map(|one| (judge.login().to_owned(), one)));
    }
    panel
}

#[tokio::test]
async fn whoever_leaves_after_collecting_is_followed_by_the_reserve_and_the_panel_collects_anew() {
    let app = App::start_with_keys(SUBJECTS + 1).await;
    let (round, evaluation_id, assignment_id) = one_collected(&app).await;
    let before = panel(&app, &round.plan, &evaluation_id).await;
    let (leaver, _) = before.iter().find(|(_, one)| one["id"] == assignment_id).unwrap().clone();
    let stays: &Judge = round
        .plan
        .judges()
        .find(|judge| judge.login() != leaver && before.iter().any(|(login, _)| login == judge.login()))
        .unwrap();
    round.collect(&stays.client(&app).await).await;

    bump(
        &app,
        &evaluation_id,
        json!({"reason": "recusal", "assignment_id": assignment_id, "recusal_reason": "no_contact"}),
    )
    .await;

    let after = panel(&app, &round.plan, &evaluation_id).await;
    let of_state = |state: &str| after.iter().filter(|(_, one)| one["state"] == state).count();
    assert_eq!((of_state("recused"), of_state("drawn"), of_state("issued")), (1, 14, 0));
    let id = assignment_id.parse().unwrap();
    let left = app.registry().0.read(move |conn| store::assignments::find(conn, id)).await.unwrap().unwrap();
    assert_eq!(left.recusal_reason.as_deref(), Some("no_contact"));
    let come: Vec<&String> =
        after.iter().map(|(login, _)| login).filter(|login| before.iter().all(|(known, _)| known != *login)).collect();
    assert_eq!(come.len(), 1, "the next of the reserve");
    let counts = all_items(&app.secretary().await, &round.plan.path("/issuance")).await;
    let of_it = counts.iter().find(|count| count["evaluation_id"] == evaluation_id.as_str()).unwrap();
    assert_eq!((&of_it["issued_count"], &of_it["panel_size"]), (&json!(0), &json!(14)));
    // What the one who stays holds for other subjects is good.
    let own = assignments(&stays.client(&app).await).await;
    assert!(own.iter().all(|one| (one["state"] == "issued") == (one["evaluation_id"] != evaluation_id.as_str())));
    round.plan.work(&app, "/keys", "new-keys").await;
    freeze(&app, &round.plan, "second").await;
    let Round { plan, manifest: first } = round;
    let next = Round { manifest: manifest(&app, &plan, 1).await, plan };
    let stays = next.plan.judges().find(|judge| judge.login() == stays_login(&next.plan, &after, &leaver)).unwrap();
    assert!(!next.collect(&stays.client(&app).await).await.is_empty());
    assert_eq!(next.manifest.changed_subjects(&first).len(), 1);
}

/// Somebody of a panel who did not leave it.
fn stays_login<'a>(plan: &'a Plan, panel: &[(String, Value)], leaver: &str) -> &'a str {
    let is_there = |judge: &&Judge| {
        judge.login() != leaver && panel.iter().any(|(login, one)| login == judge.login() && one["state"] == "drawn")
    };
    plan.judges().find(is_there).unwrap().login()
}

#[tokio::test]
async fn a_bump_that_cannot_help_is_refused_with_what_would() {
    let app = App::start_with_keys(SUBJECTS).await;
    let (round, evaluation_id, assignment_id) = one_collected(&app).await;
    let path = format!("/v1/evaluations/{evaluation_id}/key-bumps");
    let mut number = 0;
    let mut ask = async |path: &str, body: Value| {
        number += 1;
        app.secretary().await.with_key(&format!("ask-{number}")).post(path, body).await
    };
    let lost = json!({"reason": "lost_card"});
    let named = json!({"reason": "lost_card", "assignment_id": assignment_id});
    let why = json!({"reason": "lost_card", "recusal_reason": "conflict"});
    let (both, first, second) = (["/assignment_id", "/recusal_reason"], ["/assignment_id"], ["/recusal_reason"]);
    let cases: [(Value, &[&str]); 3] = [(json!({"reason": "recusal"}), &both), (named, &first), (why, &second)];
    for (body, pointers) in cases {
        let refused = ask(&path, body).await.expect_problem(422, "invalid");
        assert_eq!(refused.faults().into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>(), pointers);
    }
    let counts = all_items(&app.secretary().await, &round.plan.path("/issuance")).await;
    let untouched = counts.iter().find(|count| count["issued_count"] == 0).unwrap()["evaluation_id"].as_str().unwrap();
    let nobodys = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11";
    let foreign = json!({"reason": "recusal", "assignment_id": nobodys, "recusal_reason": "conflict"});
    ask(&path, foreign).await.expect_problem(422, "invalid");
    let detail = |refused: Answer| refused.body["detail"].as_str().unwrap().to_owned();
    let nobody = ask(&format!("/v1/evaluations/{untouched}/key-bumps"), lost.clone()).await;
    assert!(detail(nobody.expect_problem(409, "guard_not_met")).contains("nothing needs to be made void"));
    // One secretary alone does nothing.
    let asked = ask(&path, lost.clone()).await.expect(202).body;
    let confirm = format!("/v1/approvals/{}/confirm", asked["id"].as_str().unwrap());
    ask(&confirm, json!({"digest": asked["digest"]})).await.expect_problem(409, "second_person_required");
    assert_eq!(round.plan.cycle(&app).await["generation"], 0);

    app.go_to(&round.plan.day(&app, "issue_close").await);
    let late = ask(&path, lost.clone()).await;
    assert!(detail(late.expect_problem(409, "guard_not_met")).contains("extend the cycle first"));
    app.go_to(&round.plan.day(&app, "submit_open").await);
    let settled = ask(&path, lost).await;
    assert!(detail(settled.expect_problem(409, "guard_not_met")).contains("abstains"));
}

#[tokio::test]
async fn an_extension_opens_issuance_again_with_the_same_keys() {
    let app = App::start_with_keys(SUBJECTS).await;
    let (round, ..) = one_collected(&app).await;
    let other = round.plan.judges().last().unwrap();
    round.ledger(&app).await;
    let (_, late) = round.blind(&other.client(&app).await).await;
    other.client(&app).await.post("/v1/me/credentials", late).await.expect_problem(410, "window_closed");
    let all = ["issue_close", "submit_open", "submit_close", "seal_by", "challenge_close"];
    let extend = round.plan.path("/extend");
    let secretary = app.secretary().await;
    let nothing = later(&app, &round.plan, &[], 0).await;
    secretary.with_key("nothing").post(&extend, nothing.clone()).await.expect_problem(409, "guard_not_met");
    let mut earlier = nothing;
    earlier["seal_by"] = earlier["submit_close"].clone();
    secretary.with_key("earlier").post(&extend, earlier).await.expect_problem(409, "guard_not_met");
    let no_gap = later(&app, &round.plan, &["issue_close"], 1).await;
    secretary.with_key("no-gap").post(&extend, no_gap).await.expect_problem(422, "invalid");

    app.by_two(&extend, later(&app, &round.plan, &all, 7).await).await;
    freeze(&app, &round.plan, "second").await;

    let next = manifest(&app, &round.plan, 1).await;
    assert_eq!(next.changed_subjects(&round.manifest), Vec::<Ref>::new());
    assert_eq!(json!(next.manifest().dates.issue_close), round.plan.cycle(&app).await["dates"]["issue_close"]);
    let round = Round { plan: round.plan, manifest: next };
    let other = round.plan.judges().last().unwrap();
    let fresh = round.collect(&other.client(&app).await).await.len();
    round.plan.pass(&app, "issue_close").await;
    app.secretary().await.with_key("ledgers-again").post(&round.plan.path("/ledgers"), json!({})).await.expect(200);
    let ledger = Document::Ledger { issuer_id: "council".to_owned(), generation: 1 };
    let ledger = Ledger::parse(&round.plan.round_folder(&app).await.read(&ledger).unwrap().unwrap()).unwrap();
    ledger.verify(&round.manifest).unwrap();
    let count = ledger.subjects.iter().map(|subject| subject.entries.len()).sum::<usize>();
    assert!(fresh > 0 && count > fresh, "{fresh} of {count}: what was collected before counts as well");
    app.go_to(&round.plan.day(&app, "submit_open").await);
    let reopened = later(&app, &round.plan, &all, 7).await;
    let settled = app.secretary().await.with_key("settled").post(&extend, reopened).await;
    settled.expect_problem(409, "guard_not_met");
}

#[tokio::test]
async fn an_extension_that_is_frozen_too_late_opens_nothing_again() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let plan = &round.plan;
    let days = plan.cycle(&app).await["dates"].clone();
    app.go_to(days["submit_close"].as_str().unwrap());
    let asked = later(&app, plan, &["submit_close", "seal_by", "challenge_close"], 7).await;
    app.by_two(&plan.path("/extend"), asked.clone()).await;
    assert_eq!(plan.day(&app, "submit_close").await, asked["submit_close"].as_str().unwrap());

    app.go_to(days["seal_by"].as_str().unwrap());
    freeze(&app, plan, "late").await;

    let next = manifest(&app, plan, 1).await;
    assert_eq!(next.manifest().dates, round.manifest.manifest().dates);
    for name in ["submit_close", "seal_by", "challenge_close"] {
        assert_eq!(plan.day(&app, name).await, days[name].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_cycle_cancelled_while_a_generation_is_made_still_orders_the_box_to_destroy() {
    let app = App::start_with_keys(SUBJECTS).await;
    let (round, evaluation_id, _) = one_collected(&app).await;
    bump(&app, &evaluation_id, json!({"reason": "lost_card"})).await;
    app.by_two(&round.plan.path("/cancel"), json!({"reason": "The methodology is no longer in force."})).await;
    let order = round.plan.round_folder(&app).await.read(&Document::SealOrder).unwrap();
    assert!(order.is_some());
}
