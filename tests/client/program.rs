//! A reviewer's round with the program alone: the form over a pipe, sending now and spread, withdrawing, the final check,
//! the complaint and the end of the card; and what the servers saw of all that.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chrono::TimeDelta;
use ejf::client::card::{Card, CardSubject, Held};
use ejf::credential::envelope::Envelope;
use serde_json::json;
use tempfile::TempDir;

use crate::commands::{PASSPHRASE, begun, collected, ejf, now, told};
use crate::round::{ALMA, BOLAT};
use crate::servers::{Servers, Side, keep_empty};

const REVIEWS: &str = "/v1/anon/reviews";

/// A reviewer with a card in a folder of her own, the gate open.
struct Reviewer {
    folder: TempDir,
    servers: Servers,
    card: String,
    secret: String,
}

/// A program that is ended with its value, however the test ends.
struct Running(Child);

impl Running {
    /// The next line of its output, byte by byte, so that none of the line after is taken.
    fn next_line(&mut self) -> String {
        let mut line = Vec::new();
        let output = self.0.stdout.as_mut().unwrap();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            if output.read(&mut byte).unwrap() == 0 {
                break;
            }
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a command came to: exit code, standard output, standard error.
type Ended = (i32, String, String);

impl Reviewer {
    async fn new() -> Reviewer {
        let folder = tempfile::tempdir().unwrap();
        let (servers, card, secret) = collected(folder.path()).await;
        Reviewer { folder, servers, card, secret }
    }

    async fn run(&self, arguments: &[&str], input: &'static str) -> Ended {
        let card = ["--card", &self.card, "--passphrase-file", &self.secret];
        let output = ejf(&[&["peer"], arguments, &card].concat(), input).await;
        (output.status.code().unwrap(), String::from_utf8(output.stdout.clone()).unwrap(), told(&output))
    }

    async fn send(&self, arguments: &[&str]) -> Ended {
        self.run(&[arguments, &["--box", &self.servers.places.ballot_box]].concat(), "").await
    }

    async fn check(&self) -> Ended {
        let places = &self.servers.places;
        self.run(&["check", "--registry", &places.registry, "--box", &places.ballot_box], "").await
    }

    /// The program sending spread over the window, which may take weeks.
    fn spread(&self) -> Running {
        self.start(&["submit", "--spread", "--box", &self.servers.places.ballot_box])
    }

    /// The form of a judge, waiting for its first answer.
    fn form(&self) -> Running {
        self.start(&["form", "--subject", &ALMA.to_string()])
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let card = ["--card", &self.card, "--passphrase-file", &self.secret];
        let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
        command.args([&["peer"], arguments, &card].concat()).env("LC_ALL", "C");
        Running(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn held(&self) -> Held {
        Held::open(Path::new(&self.card), PASSPHRASE).unwrap()
    }

    fn card(&self) -> Card {
        self.held().card().unwrap().clone()
    }

    fn alma(&self) -> CardSubject {
        self.card().subject(&ALMA).unwrap().clone()
    }

    /// Keeps an empty review of each subject, as the form would.
    fn fill_in(&self) {
        let mut held = self.held();
        for subject_ref in [ALMA, BOLAT] {
            keep_empty(&mut held, &subject_ref);
        }
    }
}

#[actix_web::test]
async fn the_form_asks_each_item_until_it_has_a_mark_and_submit_sends_what_it_kept() {
    let reviewer = Reviewer::new().await;
    // A judge by number; 7 and nothing are no marks; statements 1 and 2 exclude each other.
    let answers = "9\n1\n7\n\n4\n-\n1 2\n1 3\nyes\n";
    let (code, said, told) = reviewer.run(&["form"], answers).await;
    assert_eq!(code, 0, "{told}");
    assert!(said.contains("[2/2] Professional knowledge and reasoning: "), "{said}");
    assert!(said.contains("-  no basis to judge") && said.contains(": 4 (more consistently than"), "{said}");
    assert!(reviewer.servers.state().seen.is_empty());
    let (code, _, told) = reviewer.send(&["submit"]).await;
    assert_eq!(code, 0, "{told}");
    let body = Envelope::parse_submission(&reviewer.servers.bodies(REVIEWS)[0]).unwrap().body;
    assert_eq!(json!(body.marks), json!({"k1": 4, "k2": null}));
    assert_eq!((body.subject_ref, body.statements.clone()), (ALMA, vec!["s01".to_owned(), "s03".to_owned()]));
    assert!(reviewer.alma().draft.is_none());
}

#[actix_web::test]
async fn invented_cases_are_marked_beside_the_methodology_and_nothing_is_kept_or_sent() {
    let reviewer = Reviewer::new().await;
    let before = fs::read(&reviewer.card).unwrap();
    // The cases of the default methodology have four and six marks; 6 is none of the scale and is asked again.
    let answers = "6\n4\n5\n1\n3\n-\n4\n2\n4\n5\n-\n";
    for (language, of_case, of_reason, told) in [
        (
            "en",
            "[1/2] An invented case. On appeal",
            "There is no basis to judge".to_lowercase(),
            "The same as the methodology: 6; above it: 1; below it: 1;",
        ),
        (
            "ru",
            "[2/2] Вымышленный случай. Коллега",
            "оснований для оценки нет".to_owned(),
            "Так же, как методика: 6; выше: 1; ниже: 1;",
        ),
        (
            "kk",
            "[2/2] Ойдан шығарылған жағдай. Әріптесіңіз",
            "бағалауға негіз жоқ".to_owned(),
            "Әдістемедегідей: 6; жоғары: 1; төмен: 1;",
        ),
    ] {
        let (code, said, remarks) = reviewer.run(&["calibrate", "--lang", language], answers).await;
        assert_eq!(code, 0, "{remarks}");
        assert!(said.contains(of_case) && said.to_lowercase().contains(&of_reason) && said.contains(told), "{said}");
    }
    let (code, said, _) = reviewer.run(&["calibrate"], "4\n2\n").await;
    assert_eq!(code, 2, "answers that end are told");
    assert!(!said.contains("the methodology: 4"), "no mark of a case is shown before all of it are asked");
    assert_eq!(fs::read(&reviewer.card).unwrap(), before, "the card is only read");
    assert!(reviewer.servers.state().seen.is_empty(), "nobody is asked anything");
}

#[actix_web::test]
async fn the_form_speaks_three_languages_and_keeps_nothing_without_a_yes() {
    let reviewer = Reviewer::new().await;
    let alma = ALMA.to_string();
    for (language, question, anchor) in [
        ("kk", "бағалауға негіз жоқ", "сақталсын ба"),
        ("ru", "нет оснований для оценки", "Сохранить"),
        ("en", "no basis", "Keep it"),
    ] {
        let form = ["form", "--subject", &alma, "--lang", language];
        let (code, said, _) = reviewer.run(&form, "4\n-\n-\nnever\n").await;
        assert!(code == 0 && said.contains(question) && said.contains(anchor), "{said}");
        let (code, _, told) = reviewer.run(&form, "4\n").await;
        assert!(code == 2 && told.trim().contains(' '), "{told}");
    }
    assert!(reviewer.alma().draft.is_none());
    let (code, _, told) = reviewer.send(&["submit"]).await;
    assert!(code == 1 && told.contains("nothing to send"), "{told}");
}

#[actix_web::test]
async fn the_same_bytes_are_sent_again_within_one_run_until_a_receipt_comes() {
    let reviewer = Reviewer::new().await;
    reviewer.fill_in();
    reviewer.servers.state().cuts = 1;
    let (code, said, told) = reviewer.send(&["submit"]).await;
    assert_eq!(code, 0, "{told}");
    assert_eq!(said.lines().count(), 2);
    let bodies = reviewer.servers.bodies(REVIEWS);
    assert!(bodies.len() == 3 && bodies[0] == bodies[1] && bodies[1] != bodies[2]);
}

#[actix_web::test]
async fn a_withdrawal_says_nothing_and_replaces_what_was_sent() {
    let reviewer = Reviewer::new().await;
    let alma = ALMA.to_string();
    let (code, _, told) = reviewer.send(&["withdraw", "--yes", "--subject", &alma]).await;
    assert!(code == 1 && told.contains("nothing to withdraw"), "{told}");
    reviewer.run(&["form", "--subject", &alma], "4\n3\n1\nyes\n").await;
    reviewer.send(&["submit"]).await;
    let withdraw = ["withdraw", "--subject", &alma, "--box", &reviewer.servers.places.ballot_box];
    reviewer.run(&withdraw, "no\n").await;
    assert_eq!(reviewer.servers.bodies(REVIEWS).len(), 1);
    let (code, _, told) = reviewer.run(&withdraw, "yes\n").await;
    assert_eq!(code, 0, "{told}");
    let last = Envelope::parse_submission(&reviewer.servers.bodies(REVIEWS)[1]).unwrap().body;
    assert!(last.is_withdrawn() && last.seq == 2);
}

#[actix_web::test]
async fn a_spread_that_is_cut_keeps_its_moments_and_sends_when_they_have_come() {
    let reviewer = Reviewer::new().await;
    reviewer.fill_in();
    let first = reviewer.spread().next_line();
    let mut held = reviewer.held();
    let moments: Vec<_> = held.card().unwrap().credentials.iter().map(|held| held.send_at.unwrap()).collect();
    let earliest = moments.iter().min().unwrap().format("%Y-%m-%d %H:%M UTC").to_string();
    assert!(first.contains(&earliest) && first.contains("Review 1 of 2"), "{first}");
    assert!(moments.iter().all(|moment| *moment > now()) && reviewer.servers.state().seen.is_empty());

    // Both moments have come while the program was off: one review goes out, the other waits.
    let past = now() - TimeDelta::minutes(1);
    for subject_ref in [ALMA, BOLAT] {
        held.card_mut().unwrap().subject_mut(&subject_ref).unwrap().send_at = Some(past);
    }
    held.save().unwrap();
    drop(held);
    let mut second = reviewer.spread();
    let line = second.next_line();
    assert!(line.contains(&past.format("%Y-%m-%d %H:%M UTC").to_string()), "{line}");
    let (receipt, next) =
        actix_web::rt::task::spawn_blocking(move || (second.next_line(), second.next_line())).await.unwrap();
    assert!(receipt.contains("receipt is verified") && next.contains("Review 2 of 2"), "{receipt} {next}");
    assert_eq!(reviewer.servers.bodies(REVIEWS).len(), 1);
    let waiting: Vec<_> = reviewer.card().credentials.iter().filter_map(|held| held.send_at).collect();
    let gap = waiting[0] - now();
    assert!(waiting.len() == 1 && (1..=30).contains(&gap.num_minutes()), "{gap}");
}

#[actix_web::test]
async fn two_programs_with_one_card_lose_no_receipt() {
    let reviewer = Reviewer::new().await;
    reviewer.fill_in();
    // One program waits for answers and would write the card that it read at its start.
    let mut form = reviewer.form();
    form.next_line();

    let (code, _, told) = reviewer.send(&["submit"]).await;
    assert!(code == 2 && told.contains("Another `ejf peer` is working with this card"), "{told}");
    assert!(reviewer.servers.bodies(REVIEWS).is_empty());
    let (code, _, told) = reviewer.run(&["destroy", "--force"], "").await;
    assert!(code == 2 && told.contains("Another `ejf peer`") && Path::new(&reviewer.card).exists(), "{told}");

    drop(form);
    let (code, _, told) = reviewer.send(&["submit"]).await;
    assert!(code == 0 && told.contains("2 reviews go out one after another"), "{told}");
    assert!(reviewer.card().credentials.iter().all(|held| held.versions[0].receipt.is_some()));
}

#[actix_web::test]
async fn a_program_that_waits_for_its_moment_leaves_the_card_to_others_and_sends_what_they_changed() {
    let reviewer = Reviewer::new().await;
    let alma = ALMA.to_string();
    reviewer.run(&["form", "--subject", &alma], "4\n3\n1\nyes\n").await;
    let mut spread = reviewer.spread();
    spread.next_line();
    let (code, _, told) = reviewer.run(&["form", "--subject", &alma], "2\n2\n1\nyes\n").await;
    assert_eq!(code, 0, "{told}");
    let (code, _, told) = reviewer.send(&["submit"]).await;
    assert_eq!(code, 0, "{told}");
    let body = Envelope::parse_submission(&reviewer.servers.bodies(REVIEWS)[0]).unwrap().body;
    assert_eq!(json!(body.marks), json!({"k1": 2, "k2": 2}));
}

#[actix_web::test]
async fn what_a_kill_left_of_a_card_goes_with_the_next_opening_and_with_the_card() {
    let reviewer = Reviewer::new().await;
    let (left, lock) =
        (reviewer.folder.path().join(".card.json.unfinished"), reviewer.folder.path().join(".card.json.lock"));
    fs::copy(&reviewer.card, &left).unwrap();
    reviewer.run(&["status"], "").await;
    assert!(!left.exists() && lock.exists());
    fs::copy(&reviewer.card, &left).unwrap();
    let (code, ..) = reviewer.run(&["destroy", "--force"], "").await;
    assert!(code == 0 && !left.exists() && !lock.exists() && !Path::new(&reviewer.card).exists());
}

#[actix_web::test]
async fn sending_on_the_day_of_a_login_is_warned_of() {
    let reviewer = Reviewer::new().await;
    reviewer.fill_in();
    let mut held = reviewer.held();
    let today = begun(8).date_at(now());
    held.card_mut().unwrap().collected_on = Some(today);
    held.save().unwrap();
    drop(held);
    let (code, _, told) = reviewer.send(&["submit"]).await;
    assert!(code == 0 && told.contains("WARNING: you logged in") && told.contains("court's network"), "{told}");
}

#[actix_web::test]
async fn the_card_lives_until_the_sealed_list_holds_its_receipts_and_no_token_is_shown_after_collecting() {
    let reviewer = Reviewer::new().await;
    reviewer.fill_in();
    let (code, said, _) = reviewer.run(&["status"], "").await;
    assert!(code == 0 && said.contains("Today: fill in reviews") && said.contains("filled in, not sent"), "{said}");
    assert!(reviewer.servers.state().seen.is_empty(), "looking at the card asks nobody");
    reviewer.send(&["submit"]).await;
    let (code, _, told) = reviewer.check().await;
    assert!(code == 1 && told.contains("not published"), "{told}");
    let (code, _, told) = reviewer.run(&["destroy"], "").await;
    assert!(code == 1 && told.contains("ejf peer check") && Path::new(&reviewer.card).exists(), "{told}");
    reviewer.servers.seal_without(&[]);
    let (code, said, told) = reviewer.check().await;
    assert!(
        code == 0
            && said.contains("Root of the sealed list: ")
            && said.contains("receipts found in it: 2")
            && said.contains("ejf peer destroy"),
        "{said} {told}"
    );
    let (code, said, _) = reviewer.run(&["destroy"], "").await;
    assert!(code == 0 && said.contains("SSD") && !Path::new(&reviewer.card).exists(), "{said}");

    let seen = reviewer.servers.state().seen.clone();
    assert!(seen.iter().any(|request| request.side == Side::Registry));
    for request in seen {
        assert!(!request.headers.contains_key("authorization"), "{}", request.path);
        assert!(request.side == Side::Box || request.path.starts_with("/v1/public/"), "{}", request.path);
    }
}

#[actix_web::test]
async fn a_missing_review_is_told_saved_as_a_proof_and_complained_of() {
    let reviewer = Reviewer::new().await;
    reviewer.fill_in();
    reviewer.send(&["submit"]).await;
    let lost = reviewer.alma().versions[0].receipt.clone().unwrap();
    reviewer.servers.seal_without(&[lost.leaf]);
    let (code, _, told) = reviewer.check().await;
    assert!(code == 1 && told.contains("ALARM") && told.contains("broke its promise"), "{told}");
    let proof = reviewer.folder.path().join(format!("receipt-{}.json", lost.leaf));
    assert!(told.contains(&proof.display().to_string()), "{told}");
    let saved: ejf::credential::receipt::Receipt = serde_json::from_slice(&fs::read(&proof).unwrap()).unwrap();
    assert_eq!(saved, lost);
    let proof = proof.display().to_string();
    let complain = ["peer", "complain", &proof, "--box", &reviewer.servers.places.ballot_box, "--lang", "ru"];
    let output = ejf(&complain, "").await;
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("зарегистрировала доказательство"));
    // Whoever gives up all the same is told what that means, and needs no passphrase.
    let output = ejf(&["peer", "destroy", "--force", "--card", &reviewer.card], "").await;
    assert!(output.status.code() == Some(0) && crate::commands::told(&output).contains("WARNING"));
    assert!(!Path::new(&reviewer.card).exists());
}

#[actix_web::test]
async fn status_logs_in_only_where_it_is_told_to_and_shows_what_the_card_lacks() {
    let reviewer = Reviewer::new().await;
    let mut held = reviewer.held();
    held.card_mut().unwrap().credentials.retain(|held| held.subject_ref == ALMA);
    held.save().unwrap();
    drop(held);
    reviewer.servers.state().assignments[1]["state"] = json!("drawn");
    let password = reviewer.folder.path().join("password.txt");
    fs::write(&password, "a password of a judge").unwrap();
    let password = password.display().to_string();
    let login = ["--registry", &reviewer.servers.places.registry, "--login", "a.seitova", "--password-file", &password];
    let (code, said, told) = reviewer.run(&[["status"].as_slice(), &login].concat(), "").await;
    assert_eq!(code, 0, "{told}");
    assert!(said.contains("Болат Ахметов: assigned, no credential collected"), "{said}");
    assert!(reviewer.servers.state().seen.iter().all(|request| request.side == Side::Registry));
    assert_eq!(reviewer.card().collected_on, Some(begun(8).date_at(now())));
}
